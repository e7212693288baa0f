//! The form of a policy case (`tests/cases/README.md`), for the tests and for `examples/judge.rs`.
//!
//! Unknown fields are refused: a misspelt one would silently change the question.

use darwin_s3_guard::{
    GrantListEntry, ObjectOwner, PolicyDocument, Request, RequestContext, Settings, Verdict, evaluate, evaluate_key,
};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};

/// One question and, where it is known, its answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The document as AWS returns it; as raw text, so that duplicate names reach the evaluator. A JSON string is taken
    /// for the text of a document; null: no policy, or for a key one that could not be read.
    #[serde(default)]
    pub(crate) policy: Option<Box<RawValue>>,
    /// Entries of ListGrants; absent or null: not read.
    #[serde(default)]
    pub(crate) grants: Option<Vec<Value>>,
    #[serde(default)]
    pub(crate) key_state: Option<String>,
    pub(crate) request: CaseRequest,
    #[serde(default)]
    pub(crate) settings: Option<CaseSettings>,
    #[serde(default)]
    pub(crate) expected: Option<String>,
    #[serde(default)]
    pub(crate) depends_on: Vec<String>,
    #[serde(default)]
    pub(crate) why: Option<String>,
    #[serde(default)]
    pub(crate) confidence: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    S3,
    Kms,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CaseRequest {
    pub(crate) action: String,
    pub(crate) resource: String,
    pub(crate) resource_account: String,
    pub(crate) principal: String,
    #[serde(default)]
    pub(crate) context: BTreeMap<String, Value>,
    #[serde(default)]
    pub(crate) absent: Vec<String>,
    #[serde(default)]
    pub(crate) present: Vec<String>,
    #[serde(default)]
    pub(crate) one_of: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub(crate) settings: Option<CaseSettings>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CaseSettings {
    #[serde(default)]
    pub(crate) restrict_public_buckets: Option<bool>,
    #[serde(default)]
    pub(crate) policy_is_public: Option<bool>,
    #[serde(default)]
    pub(crate) object_owner: Option<String>,
}

impl CaseSettings {
    fn settings(&self) -> Result<Settings, String> {
        let object_owner = match self.object_owner.as_deref() {
            None | Some("unknown") => ObjectOwner::Unknown,
            Some("bucket-owner") => ObjectOwner::BucketOwner,
            Some("other") => ObjectOwner::Other,
            Some(other) => return Err(format!("object_owner `{other}` is not known")),
        };
        Ok(Settings {
            restrict_public_buckets: self.restrict_public_buckets,
            policy_is_public: self.policy_is_public,
            object_owner,
        })
    }
}

impl CaseRequest {
    /// A key that is known beats one that is one of a few values, that one that is present, and that beats one that is absent.
    fn request(&self) -> Result<Request, String> {
        let mut context = RequestContext::default();
        for key in &self.absent {
            context = context.absent(key);
        }
        for key in &self.present {
            context = context.present(key);
        }
        for (key, values) in &self.one_of {
            context = context.one_of(key, values.clone());
        }
        for (key, value) in &self.context {
            let scalar = |value: &Value| match value {
                Value::String(text) => Ok(text.clone()),
                Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
                other => Err(format!("context key `{key}` has the value `{other}`")),
            };
            context = match value {
                // Known to nobody.
                Value::Null => context,
                Value::Array(values) => context.known_values(key, values.iter().map(scalar).collect::<Result<_, _>>()?),
                value => context.known(key, scalar(value)?),
            };
        }
        Ok(Request {
            action: self.action.clone(),
            resource: self.resource.clone(),
            resource_account: self.resource_account.clone(),
            principal: self.principal.clone(),
            context,
        })
    }
}

impl Case {
    fn document(&self) -> Option<PolicyDocument> {
        let raw = self.policy.as_ref()?.get();
        match serde_json::from_str::<String>(raw) {
            Ok(text) => Some(PolicyDocument::parse(&text)),
            Err(_) => Some(PolicyDocument::parse(raw)),
        }
    }

    /// The evaluator's answer, or what of the case cannot be read.
    pub(crate) fn judge(&self) -> Result<Verdict, String> {
        let document = self.document();
        let request = self.request.request()?;
        let account = |arn: &str| arn.split(':').nth(4).map(str::to_owned);
        if account(&request.principal).as_ref() == Some(&request.resource_account) {
            return Err(format!(
                "`principal` is `{}`, wanted one of another account: an IAM policy of the resource's own account may let it in, \
                 whatever this policy says",
                request.principal
            ));
        }
        match self.kind {
            Kind::S3 => {
                let settings = self.settings.as_ref().or(self.request.settings.as_ref()).cloned().unwrap_or_default();
                Ok(evaluate(document.as_ref(), &request, &settings.settings()?))
            }
            Kind::Kms => {
                let grants: Option<Vec<GrantListEntry>> =
                    self.grants.as_ref().map(|grants| grants.iter().map(GrantListEntry::from_value).collect());
                Ok(evaluate_key(document.as_ref(), grants.as_deref(), self.key_state.as_deref(), &request))
            }
        }
    }

    /// How an answer differs from the expected one, with the case's own reason; None if it does not, or none is known.
    pub(crate) fn differs(&self, verdict: &Verdict) -> Option<String> {
        let expected = self.expected.as_ref()?;
        let sorted = |names: &[String]| names.iter().cloned().collect::<BTreeSet<String>>();
        let same = verdict.decision.to_string() == *expected && sorted(&verdict.names()) == sorted(&self.depends_on);
        (!same).then(|| {
            format!(
                "{}: {} {:?}, expected {expected} {:?} ({}; {})",
                self.name,
                verdict.decision,
                verdict.names(),
                self.depends_on,
                self.confidence.as_deref().unwrap_or("no confidence given"),
                self.why.as_deref().unwrap_or("no reason given"),
            )
        })
    }
}
