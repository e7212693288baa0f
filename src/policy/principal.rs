//! Who a statement names, and whether that is the role that asks.
//!
//! Must never take a principal that it does not know for nobody.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>

use crate::model::arn::{Arn, is_account_id};
use crate::model::unknown::Unknown;
use crate::policy::pattern::{Mode, Pattern};
use crate::policy::request::RequestContext;
use crate::policy::truth::Truth;

/// `Principal` or `NotPrincipal`.
#[derive(Debug, Clone)]
pub enum Principals {
    /// Neither element is there.
    Missing,
    /// Any of these.
    Any(Vec<Principal>),
    /// Anybody but these.
    Except(Vec<Principal>),
}

/// One principal of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// `"*"` or `{"AWS": "*"}`.
    Anyone,
    /// An account, by its id or its root ARN (which says the partition).
    Account {
        partition: Option<String>,
        account: String,
    },
    /// A role, user, or other principal, by its ARN.
    Arn(Arn),
    /// `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`.
    Session {
        partition: String,
        account: String,
        role: String,
        session: String,
    },
    /// `AROA...`: what is left of a principal that was deleted (or is not resolved yet).
    UniqueId(String),
    /// `arn:aws:iam::cloudfront:user/...`: a CloudFront origin access identity, as S3 gives it back.
    OriginAccessIdentity(String),
    Service(String),
    Federated(String),
    CanonicalUser(String),
    /// An ARN with wildcards, which AWS does not accept here.
    Wildcard(String),
    /// Not understood: what a verdict then depends on.
    Unknown(Unknown),
}

/// The role that asks, taken apart.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    pub(crate) arn: Option<Arn>,
    role: Option<String>,
    session: Option<String>,
}

impl Asker {
    /// From a role ARN, or from the ARN of one of its sessions.
    pub(crate) fn new(principal: &str) -> Self {
        let arn = Arn::parse(principal);
        let (mut role, mut session) = (None, None);
        if let Some(arn) = &arn {
            if let Some(rest) = arn.resource.strip_prefix("role/") {
                role = rest.rsplit('/').next().map(str::to_owned);
            } else if let Some((name, by)) =
                arn.resource.strip_prefix("assumed-role/").and_then(|rest| rest.split_once('/'))
            {
                role = Some(name.to_owned());
                session = Some(by.to_owned());
            }
        }
        Self { arn, role, session }
    }

    pub(crate) fn account(&self) -> &str {
        self.arn.as_ref().map_or("", |arn| arn.account.as_str())
    }

    fn is_of(&self, partition: Option<&str>, account: &str) -> bool {
        self.arn
            .as_ref()
            .is_some_and(|arn| arn.account == account && partition.is_none_or(|partition| arn.partition == partition))
    }
}

impl Principal {
    /// One text under `AWS`.
    pub(crate) fn aws(text: &str) -> Self {
        if text == "*" {
            return Self::Anyone;
        }
        if is_account_id(text) {
            return Self::Account { partition: None, account: text.to_owned() };
        }
        if text.contains(['*', '?']) {
            return Self::Wildcard(text.to_owned());
        }
        if is_unique_id(text) {
            return Self::UniqueId(text.to_owned());
        }
        let unknown = || Self::Unknown(Unknown::Value(text.to_owned()));
        let Some(arn) = Arn::parse(text) else { return unknown() };
        if arn.service == "iam" && arn.account == "cloudfront" && arn.resource.starts_with("user/") {
            return Self::OriginAccessIdentity(text.to_owned());
        }
        if !is_account_id(&arn.account) || !arn.region.is_empty() {
            return unknown();
        }
        match (arn.service.as_str(), arn.resource.split_once('/')) {
            ("iam", None) if arn.resource == "root" => {
                Self::Account { partition: Some(arn.partition), account: arn.account }
            }
            ("iam", Some(("role" | "user", _))) | ("sts", Some(("federated-user", _))) => Self::Arn(arn),
            ("sts", Some(("assumed-role", rest))) => match rest.split_once('/') {
                Some((role, session)) => Self::Session {
                    partition: arn.partition,
                    account: arn.account,
                    role: role.to_owned(),
                    session: session.to_owned(),
                },
                None => unknown(),
            },
            _ => unknown(),
        }
    }

    /// Whether it names the asker, on a statement that names who is meant (`Principal`). `denies`: on the Deny side what AWS would not accept
    /// is unknown, where an Allow with it grants nothing.
    pub(crate) fn names(&self, asker: &Asker, denies: bool) -> Truth {
        match self {
            Self::Anyone => Truth::True,
            Self::Account { partition, account } => asker.is_of(partition.as_deref(), account).into(),
            Self::Arn(arn) => is_role(arn, asker).into(),
            Self::Session { partition, account, role, session } => {
                if !asker.is_of(Some(partition), account) || asker.role.as_deref() != Some(role) {
                    return Truth::False;
                }
                match &asker.session {
                    Some(known) => (known == session).into(),
                    None => Truth::unknown(Unknown::RoleSessionName),
                }
            }
            Self::UniqueId(_) | Self::OriginAccessIdentity(_) | Self::Service(_) | Self::Federated(_) => Truth::False,
            Self::CanonicalUser(_) => Truth::unknown(Unknown::CanonicalUserId),
            Self::Wildcard(text) => {
                if denies && could_mean(text, asker) {
                    Truth::unknown(Unknown::Value(text.clone()))
                } else {
                    Truth::False
                }
            }
            Self::Unknown(name) => unknown(name, asker),
        }
    }

    /// Whether `NotPrincipal` lists the asker with it. A role's sessions are principals of their own, and AWS's pages
    /// disagree whether the role or the account spares them: any entry of the asker's account makes it a matter of the
    /// session's name.
    fn excepts(&self, asker: &Asker) -> Truth {
        let of_the_account = match self {
            Self::Account { partition, account } => asker.is_of(partition.as_deref(), account),
            Self::Arn(arn) => is_role(arn, asker),
            _ => return self.names(asker, true),
        };
        if of_the_account { Truth::unknown(Unknown::RoleSessionName) } else { Truth::False }
    }

    /// Whether it is a fixed principal, as AWS's page on the meaning of "public" has it.
    pub(crate) fn is_fixed(&self) -> bool {
        match self {
            Self::Account { .. }
            | Self::Arn(_)
            | Self::Session { .. }
            | Self::UniqueId(_)
            | Self::OriginAccessIdentity(_)
            | Self::CanonicalUser(_) => true,
            Self::Service(name) | Self::Federated(name) => !name.contains(['*', '?']),
            Self::Anyone | Self::Wildcard(_) | Self::Unknown(_) => false,
        }
    }
}

impl Principals {
    /// Whether the statement is about the asker. `allows` and `denies`: what the statement may do.
    pub(crate) fn apply(&self, asker: &Asker, allows: bool, denies: bool, odd: bool) -> Truth {
        match self {
            // A resource policy's Allow without a principal grants nothing, unless an element that is not understood
            // might be one.
            Self::Missing if allows && !denies && !odd => Truth::False,
            Self::Missing => Truth::unknown(Unknown::NoPrincipal),
            // AWS refuses an empty list: an Allow to nobody grants nothing, but what a Deny of nobody is nobody knows.
            Self::Any(principals) if principals.is_empty() && denies => Truth::unknown(Unknown::NoPrincipal),
            Self::Any(principals) => any(principals, |principal| principal.names(asker, denies)),
            Self::Except(_) if allows => Truth::unknown(Unknown::NotPrincipalAllow),
            Self::Except(principals) if principals.is_empty() => Truth::unknown(Unknown::NoPrincipal),
            Self::Except(principals) => {
                let excepted = any(principals, |principal| principal.excepts(asker));
                // A role with a permissions boundary is always hit, and nobody here can see whether it has one.
                (!excepted).or(Truth::unknown(Unknown::PermissionsBoundary))
            }
        }
    }

    /// The entries, whichever way they count.
    pub fn entries(&self) -> &[Principal] {
        match self {
            Self::Missing => &[],
            Self::Any(entries) | Self::Except(entries) => entries,
        }
    }
}

/// A unique id of IAM, as a principal reads back that was deleted (or is not resolved yet).
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids>
fn is_unique_id(text: &str) -> bool {
    let shaped = text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    shaped && text.starts_with('A')
}

/// The unique id of a role.
pub(crate) fn is_role_id(text: &str) -> bool {
    is_unique_id(text) && text.starts_with("AROA")
}

/// An ARN of another account cannot be the asker, whatever it names there.
fn unknown(what: &Unknown, asker: &Asker) -> Truth {
    let arn = if let Unknown::Value(text) = what { Arn::parse(text) } else { None };
    let elsewhere =
        arn.is_some_and(|arn| is_account_id(&arn.account) && !asker.is_of(Some(&arn.partition), &arn.account));
    if elsewhere { Truth::False } else { Truth::unknown(what.clone()) }
}

fn is_role(arn: &Arn, asker: &Asker) -> bool {
    let Some(own) = &asker.arn else { return false };
    if asker.session.is_none() {
        return own == arn;
    }
    let role = arn.resource.strip_prefix("role/").and_then(|rest| rest.rsplit('/').next());
    asker.is_of(Some(&arn.partition), &arn.account) && role.is_some() && role == asker.role.as_deref()
}

fn any(principals: &[Principal], holds: impl Fn(&Principal) -> Truth) -> Truth {
    let mut truth = Truth::False;
    for principal in principals {
        truth = truth.or(holds(principal));
        if truth.is_true() {
            break;
        }
    }
    truth
}

/// Whether an ARN with wildcards would mean the asker (role, session or account) if AWS took it.
fn could_mean(text: &str, asker: &Asker) -> bool {
    let Some(own) = &asker.arn else { return true };
    let pattern = Pattern::new(text, false);
    let context = RequestContext::default();
    let fits = |value: &str| pattern.matches(value, Mode::Like, &context).is_true();
    let Arn { partition, account, .. } = own;
    fits(&own.to_string())
        || fits(account)
        || fits(&format!("arn:{partition}:iam::{account}:root"))
        || asker.role.as_deref().is_some_and(|role| {
            // The session's name is open: whatever the pattern says of it may hold.
            let stem = format!("arn:{partition}:sts::{account}:assumed-role/{role}/");
            text.starts_with(&stem) || fits(&stem) || fits(&format!("{stem}session"))
        })
}
