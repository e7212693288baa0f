//! A KMS key's policy, grants and state -> may the role use it?
//!
//! Must never call an unread policy or unread grants a denial.
//! <https://docs.aws.amazon.com/kms/latest/developerguide/policy-evaluation.html>

use crate::model::unknown::Unknown;
use crate::model::verdict::{Basis, Document, Reason, Verdict};
use crate::model::why::{Gate, Grantee, OfGrant, Pair, cut};
use crate::policy::document::PolicyDocument;
use crate::policy::principal::Principal;
use crate::policy::question::{Question, Sides};
use crate::policy::request::{ContextValue, Request, RequestContext};
use crate::policy::truth::Truth;
use crate::policy::{evaluate, explain};
use serde_json::Value;

/// One entry of ListGrants, as far as it decides.
/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantListEntry.html>
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantListEntry {
    /// `GrantId`.
    pub id: String,
    /// `KeyId`: ARN or id of the key; None where the entry does not say.
    key: Option<String>,
    /// `GranteePrincipal`.
    pub grantee: Grantee,
    /// `Operations`; None if it could not be read.
    operations: Option<Vec<String>>,
    constraints: Vec<Constraint>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Constraint {
    Equals(Vec<(String, String)>),
    Subset(Vec<(String, String)>),
    /// A kind that is not known here, or not readable: its name.
    Unknown(String),
}

impl GrantListEntry {
    /// From the API's JSON form. What is not understood is kept as unknown.
    pub fn from_value(value: &Value) -> Self {
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let grantee = match (text("GranteePrincipal"), value.get("GranteeServicePrincipal")) {
            (Some(principal), _) => Grantee::Principal(principal),
            (None, Some(_)) => Grantee::Service,
            (None, None) => Grantee::Missing,
        };
        let operations = value
            .get("Operations")
            .and_then(Value::as_array)
            .and_then(|items| items.iter().map(|item| item.as_str().map(str::to_owned)).collect());
        let constraints = match value.get("Constraints") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Object(members)) => members
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| match (name.as_str(), pairs(value)) {
                    ("EncryptionContextEquals", Some(pairs)) => Constraint::Equals(pairs),
                    ("EncryptionContextSubset", Some(pairs)) => Constraint::Subset(pairs),
                    _ => Constraint::Unknown(name.clone()),
                })
                .collect(),
            Some(_) => vec![Constraint::Unknown("Constraints".to_owned())],
        };
        let id = text("GrantId").unwrap_or_default();
        Self { id, key: text("KeyId"), grantee, operations, constraints }
    }

    /// Whether the grant lets the asker do it.
    fn allows(&self, question: &Question<'_>) -> Truth {
        let request = question.request;
        let operation = request.action.split_once(':').map_or(request.action.as_str(), |(_, operation)| operation);
        let operations = self.operations.as_ref().map_or_else(
            || Truth::unknown(Unknown::Element("Operations".to_owned())),
            |operations| operations.iter().any(|granted| granted == operation).into(),
        );
        let mut truth = self.is_of(&request.resource).and(operations).and(self.is_for(question));
        for constraint in &self.constraints {
            if truth.is_false() {
                break;
            }
            truth = truth.and(constraint.holds(&request.context));
        }
        truth
    }

    /// Whether it is a grant of this key: ListGrants names the key by ARN, or by its bare id.
    fn is_of(&self, key: &str) -> Truth {
        let Some(own) = &self.key else { return Truth::True };
        let id = key.rsplit('/').next().unwrap_or(key);
        (own == key || own == id).into()
    }

    fn is_for(&self, question: &Question<'_>) -> Truth {
        let text = match &self.grantee {
            Grantee::Principal(text) => text,
            Grantee::Service => return Truth::False,
            Grantee::Missing => return Truth::unknown(Unknown::Element("GranteePrincipal".to_owned())),
        };
        match Principal::aws(text) {
            // A grant names one principal: no wildcard is one.
            Principal::Anyone | Principal::Wildcard(_) => Truth::False,
            account @ Principal::Account { .. } => {
                // AWS's pages do not say whether a grant to an account reaches its roles.
                if account.names(&question.asker, false).is_true() {
                    Truth::unknown(Unknown::GranteeAccount)
                } else {
                    Truth::False
                }
            }
            // Service principals have neither colons nor slashes.
            Principal::Unknown(_) if text.contains('.') && !text.contains([':', '/']) => Truth::False,
            principal => principal.names(&question.asker, true),
        }
    }
}

fn pairs(value: &Value) -> Option<Vec<(String, String)>> {
    let members = value.as_object()?;
    members.iter().map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

const CONTEXT: &str = "kms:EncryptionContext:";
const CONTEXT_KEYS: &str = "kms:EncryptionContextKeys";

impl Constraint {
    /// Names and values compare exactly, with case.
    /// <https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantConstraints.html>
    fn holds(&self, context: &RequestContext) -> Truth {
        match self {
            Self::Unknown(name) => Truth::unknown(Unknown::GrantConstraint(name.clone())),
            Self::Subset(pairs) => has_all(pairs, context),
            Self::Equals(pairs) => has_all(pairs, context).and(has_no_other(pairs, context)),
        }
    }
}

/// The names of the encryption context's pairs; None where they are not all known.
fn context_keys(context: &RequestContext) -> Option<&[String]> {
    match context.get(CONTEXT_KEYS) {
        ContextValue::Known(keys) => Some(keys),
        ContextValue::Absent => Some(&[]),
        ContextValue::OneOf(_) | ContextValue::Present | ContextValue::Unknown => None,
    }
}

fn has_all(pairs: &[(String, String)], context: &RequestContext) -> Truth {
    let keys = context_keys(context);
    let mut truth = Truth::True;
    for (name, want) in pairs {
        if keys.is_some_and(|keys| !keys.contains(name)) {
            return Truth::False;
        }
        let key = format!("{CONTEXT}{name}");
        let has = match context.get(&key) {
            // Keys of the request compare without case, pairs of a grant with it.
            ContextValue::Known(_) if keys.is_none() && context.spelling(&key) != Some(key.as_str()) => {
                Truth::unknown(Unknown::Key(CONTEXT_KEYS.to_owned()))
            }
            ContextValue::Known([have]) => (have == want).into(),
            ContextValue::Known(_) => Truth::unknown(Unknown::Multivalued(key)),
            ContextValue::Absent => Truth::False,
            ContextValue::OneOf(_) | ContextValue::Present | ContextValue::Unknown => Truth::unknown(Unknown::Key(key)),
        };
        truth = truth.and(has);
    }
    truth
}

fn has_no_other(pairs: &[(String, String)], context: &RequestContext) -> Truth {
    let named = |name: &str| pairs.iter().any(|(other, _)| other == name);
    if let Some(keys) = context_keys(context) {
        return keys.iter().all(|key| named(key)).into();
    }
    let other = context
        .spellings()
        .filter_map(|key| {
            key.get(..CONTEXT.len()).filter(|head| head.eq_ignore_ascii_case(CONTEXT)).and(key.get(CONTEXT.len()..))
        })
        .any(|name| !pairs.iter().any(|(pair, _)| pair.eq_ignore_ascii_case(name)));
    if other { Truth::False } else { Truth::unknown(Unknown::Key(CONTEXT_KEYS.to_owned())) }
}

/// Whether the key works in this state. None, or a state that is not known here, is unknown.
/// <https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html>
fn works(state: Option<&str>) -> Truth {
    match state {
        Some("Enabled" | "Updating") => Truth::True,
        Some(
            "Disabled" | "PendingDeletion" | "PendingReplicaDeletion" | "PendingImport" | "Unavailable" | "Creating",
        ) => Truth::False,
        _ => Truth::unknown(Unknown::KeyState),
    }
}

/// Whether the key's side lets the role use it: a statement of the key policy or a grant allows, no statement denies,
/// and the key works. `policy` None: it could not be read. `grants` None: they were not read.
pub fn evaluate_key(
    policy: Option<&PolicyDocument>,
    grants: Option<&[GrantListEntry]>,
    key_state: Option<&str>,
    request: &Request,
) -> Verdict {
    let question = Question::new(request);
    let policy = policy.map(|policy| policy.all().of(Document::KeyPolicy));
    let policy = policy.as_ref();
    let unread = || Truth::unknown(Unknown::KeyPolicy);
    let Sides { allow, deny } =
        policy.map_or_else(|| Sides { allow: unread(), deny: unread() }, |policy| evaluate::sides(policy, &question));
    let mut granted = grants.map_or_else(|| Truth::unknown(Unknown::Grants), |_| Truth::False);
    for grant in grants.unwrap_or_default() {
        granted = granted.or(grant.allows(&question));
    }
    let works = works(key_state);
    let any = allow.clone().or(granted.clone());
    let outcome = any.clone().and(!deny.clone()).and(works.clone());
    let mut because = Vec::new();
    match &outcome {
        Truth::True => {
            because.extend(explain::allows(policy, &question));
            because.extend(of_grants(grants, &question, true));
        }
        Truth::False => {
            if works.is_false() {
                because.push(state(key_state));
            }
            because.extend(explain::denies(policy, &question));
            if any.is_false() {
                because.push(explain::nothing_allows(policy, &question));
                because.extend(grants.unwrap_or_default().iter().map(|grant| not_granted(grant, &question)).take(3));
            }
        }
        Truth::Unknown(_) => {
            because.extend(explain::not_understood(policy));
            if !any.is_true() {
                because.extend(explain::may_allow(policy, &question));
                because.extend(of_grants(grants, &question, false));
                if grants.is_none() {
                    because.push(Gate::Unread(Unknown::Grants).into());
                }
            }
            because.extend(explain::may_deny(policy, &question));
            if policy.is_none() {
                because.push(Gate::Unread(Unknown::KeyPolicy).into());
            }
            if !works.is_true() {
                because.push(state(key_state));
            }
        }
    }
    evaluate::verdict(outcome, because)
}

fn state(state: Option<&str>) -> Reason {
    match state {
        Some(state) if works(Some(state)).is_false() => Gate::KeyState { state: state.to_owned() },
        state => Gate::KeyStateUnknown { state: state.map(str::to_owned) },
    }
    .into()
}

/// The grants that surely (`sure`) or perhaps allow.
fn of_grants(grants: Option<&[GrantListEntry]>, question: &Question<'_>, sure: bool) -> Vec<Reason> {
    let action = || question.request.action.clone();
    let why = |grant: &GrantListEntry| match grant.allows(question) {
        Truth::True if sure => Some(OfGrant::Allows { action: action() }),
        Truth::Unknown(open) if !sure => Some(OfGrant::MayAllow { action: action(), open }),
        _ => None,
    };
    let reason = |grant: &GrantListEntry| why(grant).map(|why| Basis::Grant { id: grant.id.clone(), why }.into());
    grants.unwrap_or_default().iter().filter_map(reason).collect()
}

fn not_granted(grant: &GrantListEntry, question: &Question<'_>) -> Reason {
    let request = question.request;
    let unmet = grant.constraints.iter().find(|constraint| constraint.holds(&request.context).is_false());
    let why = if grant.is_of(&request.resource).is_false() {
        OfGrant::OtherKey
    } else if grant.is_for(question).is_false() {
        OfGrant::OtherGrantee { grantee: grant.grantee.clone(), asked: request.principal.clone() }
    } else if let Some(Constraint::Equals(pairs) | Constraint::Subset(pairs)) = unmet {
        let wants = pairs.iter().take(3).map(|(name, value)| Pair { name: cut(name), value: cut(value) }).collect();
        let has = match request.context.get("kms:EncryptionContext:aws:s3:arn") {
            ContextValue::Known([value]) => Some(value.clone()),
            _ => None,
        };
        OfGrant::OtherContext { wants, has }
    } else {
        OfGrant::OtherOperations { has: grant.operations.clone().unwrap_or_default(), asked: request.action.clone() }
    };
    Basis::Grant { id: grant.id.clone(), why }.into()
}
