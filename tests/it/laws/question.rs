//! A question to both evaluators, in a form that prints and that the laws can change.

use crate::reference;
use darwin_s3_guard::model::verdict::Verdict;
use darwin_s3_guard::policy::document::PolicyDocument;
use darwin_s3_guard::policy::evaluate::evaluate;
use darwin_s3_guard::policy::grant::{GrantListEntry, evaluate_key};
use darwin_s3_guard::policy::request::{ObjectOwner, Request, RequestContext, Settings};
use serde_json::Value;

/// What is asked beside policy and request.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Beside {
    Bucket(Settings),
    Key { grants: Option<Vec<Value>>, state: Option<String> },
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Question {
    pub(super) policy: Option<Value>,
    pub(super) request: Request,
    pub(super) beside: Beside,
}

impl Question {
    /// What the guard's evaluator says.
    pub(super) fn verdict(&self) -> Verdict {
        let document = self.policy.as_ref().map(|policy| PolicyDocument::parse(policy.to_string()));
        self.verdict_on(document.as_ref())
    }

    /// What the guard's evaluator says of another document.
    pub(super) fn verdict_on(&self, document: Option<&PolicyDocument>) -> Verdict {
        match &self.beside {
            Beside::Bucket(settings) => evaluate(document, &self.request, settings),
            Beside::Key { grants, state } => {
                let grants: Option<Vec<_>> =
                    grants.as_ref().map(|grants| grants.iter().map(GrantListEntry::from_value).collect());
                evaluate_key(document, grants.as_deref(), state.as_deref(), &self.request)
            }
        }
    }

    /// What the reference says.
    pub(super) fn reference(&self) -> reference::Answer {
        match &self.beside {
            Beside::Bucket(settings) => reference::bucket(self.policy.as_ref(), &self.request, settings),
            Beside::Key { grants, state } => {
                reference::key(self.policy.as_ref(), grants.as_deref(), state.as_deref(), &self.request)
            }
        }
    }

    /// From a case of `tests/cases/policy.json`.
    pub(super) fn of_case(case: &Value) -> Self {
        let request = &case["request"];
        let text = |name: &str| request[name].as_str().unwrap().to_owned();
        let mut context = RequestContext::default();
        for (key, value) in request["context"].as_object().unwrap() {
            let values = match value {
                Value::Array(values) => values.iter().map(|value| value.as_str().unwrap().to_owned()).collect(),
                value => vec![value.as_str().unwrap().to_owned()],
            };
            context = context.known_values(key, values);
        }
        for key in request["absent"].as_array().unwrap() {
            context = context.absent(key.as_str().unwrap());
        }
        for key in request["present"].as_array().unwrap() {
            context = context.present(key.as_str().unwrap());
        }
        for (key, values) in request.get("one_of").and_then(Value::as_object).into_iter().flatten() {
            let values = values.as_array().unwrap().iter().map(|value| value.as_str().unwrap().to_owned());
            context = context.one_of(key, values.collect());
        }
        let settings = &request["settings"];
        let beside = if case["kind"] == "s3" {
            Beside::Bucket(Settings {
                restrict_public_buckets: settings["restrict_public_buckets"].as_bool(),
                policy_is_public: settings["policy_is_public"].as_bool(),
                object_owner: match settings["object_owner"].as_str() {
                    Some("bucket-owner") => ObjectOwner::BucketOwner,
                    Some("other") => ObjectOwner::Other,
                    _ => ObjectOwner::Unknown,
                },
            })
        } else {
            Beside::Key {
                grants: case["grants"].as_array().cloned(),
                state: case["key_state"].as_str().map(str::to_owned),
            }
        };
        let (action, resource, principal) = (text("action"), text("resource"), text("principal"));
        let request = Request { action, resource, resource_account: text("resource_account"), principal, context };
        Self { policy: Some(case["policy"].clone()), request, beside }
    }
}
