//! Resource control policies (RCPs) of AWS Organizations, as the tool is given them: further Denies on the account's
//! resources, whoever asks.
//!
//! Must never allow: RCPFullAWSAccess, which every account has, lets all requests through, and no RCP grants anything.
//! <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html>

use crate::model::verdict::{Document, Verdict};
use crate::policy::document::{PolicyDocument, Statements};
use crate::policy::evaluate::sides;
use crate::policy::explain;
use crate::policy::question::Question;
use crate::policy::request::Request;
use crate::policy::statement::Statement;
use crate::policy::truth::Truth;

/// An RCP, with the file that it came from.
#[derive(Debug, Clone)]
pub struct ResourceControlPolicy {
    file: String,
    pub(crate) policy: PolicyDocument,
}

impl PartialEq for ResourceControlPolicy {
    fn eq(&self, other: &Self) -> bool {
        (&self.file, self.policy.text()) == (&other.file, other.policy.text())
    }
}

impl Eq for ResourceControlPolicy {}

/// Why a document is no RCP: AWS Organizations takes none of these.
/// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_syntax.html>
#[cfg(feature = "forms")]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAnRcp {
    #[error("no RCP: {} is not understood", .0.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))]
    NotUnderstood(Vec<crate::model::unknown::Unknown>),
    #[error("no RCP: its Version is not `2012-10-17`")]
    Version,
    #[error("no RCP: the Principal of statement {0} is not `*`")]
    Principal(crate::model::why::StatementName),
    #[error("no RCP: statement {0} has no Action")]
    Action(crate::model::why::StatementName),
    #[error("no RCP: statement {0} has no Resource or NotResource")]
    Resource(crate::model::why::StatementName),
    #[error("no RCP: statement {0} allows, and RCPFullAWSAccess alone does that in an RCP")]
    Allows(crate::model::why::StatementName),
    #[error("no RCP: it has an Id, as a bucket policy may have")]
    Id,
}

impl ResourceControlPolicy {
    /// The RCP with this text.
    ///
    /// # Errors
    /// It is none.
    #[cfg(feature = "forms")]
    pub fn read(file: impl Into<String>, text: impl Into<String>) -> Result<Self, NotAnRcp> {
        use crate::policy::json::{Node, get};
        use crate::policy::pattern::Pattern;
        use crate::policy::principal::{Principal, Principals};
        use crate::policy::statement::Scope;
        let policy = PolicyDocument::parse(text);
        let of_statements = policy.statements().iter().flat_map(|statement| &statement.unknowns);
        let unknowns: Vec<_> = policy.unknowns().iter().chain(of_statements).cloned().collect();
        if !unknowns.is_empty() {
            return Err(NotAnRcp::NotUnderstood(unknowns));
        }
        let version = policy.root().and_then(|root| get(root.members(), "Version")).and_then(Node::as_text);
        if version != Some("2012-10-17") {
            return Err(NotAnRcp::Version);
        }
        if policy.root().is_some_and(|root| get(root.members(), "Id").is_some()) {
            return Err(NotAnRcp::Id);
        }
        for statement in policy.statements() {
            let everyone = |list: &Vec<Principal>| !list.is_empty() && list.iter().all(|one| *one == Principal::Anyone);
            if !matches!(&statement.principals, Principals::Any(list) if everyone(list)) {
                return Err(NotAnRcp::Principal(statement.name()));
            }
            if !matches!(&statement.actions, Scope::Any(actions) if !actions.is_empty()) {
                return Err(NotAnRcp::Action(statement.name()));
            }
            if statement.resources.texts().is_empty() {
                return Err(NotAnRcp::Resource(statement.name()));
            }
            let all = |scope: &Scope| matches!(scope, Scope::Any(all) if all.iter().all(Pattern::is_all));
            let lets_all_through =
                all(&statement.actions) && all(&statement.resources) && statement.conditions.is_empty();
            if statement.may_allow() && !lets_all_through {
                return Err(NotAnRcp::Allows(statement.name()));
            }
        }
        Ok(Self { file: file.into(), policy })
    }

    /// The document.
    #[cfg(feature = "forms")]
    pub fn text(&self) -> &str {
        self.policy.text()
    }

    /// Its Denies, with further statements.
    pub(crate) fn denies_and<'a>(&'a self, more: &'a [Statement]) -> Statements<'a> {
        let denies = self.policy.statements().iter().filter(|statement| statement.may_deny());
        self.policy.with(denies.chain(more)).of(Document::Rcp(self.file.clone()))
    }

    fn judge(&self, question: &Question<'_>) -> Verdict {
        let denies = self.denies_and(&[]);
        match sides(&denies, question).deny {
            Truth::False => Verdict::allowed(Vec::new()),
            Truth::True => Verdict::denied(explain::denies(Some(&denies), question)),
            Truth::Unknown(names) => Verdict::depends(explain::may_deny(Some(&denies), question), names),
        }
    }
}

/// Whether the RCPs let the request through. They apply to resources of their own account alone, which the caller sees to.
pub fn let_through(rcps: &[ResourceControlPolicy], request: &Request) -> Verdict {
    let question = Question::new(request);
    rcps.iter().fold(Verdict::allowed(Vec::new()), |verdict, rcp| verdict.and(rcp.judge(&question)))
}
