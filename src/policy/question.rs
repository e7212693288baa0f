//! A question to a policy, prepared once for all its statements.

use crate::policy::principal::Asker;
use crate::policy::request::{Request, RequestContext};
use crate::policy::truth::Truth;

/// A request, taken apart once for all statements.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    pub(crate) request: &'a Request,
    pub(crate) asker: Asker,
    /// In lower case: actions compare without case.
    pub(crate) action: String,
}

impl<'a> Question<'a> {
    pub(crate) fn new(request: &'a Request) -> Self {
        Self { request, asker: Asker::new(&request.principal), action: request.action.to_ascii_lowercase() }
    }

    pub(crate) fn context(&self) -> &RequestContext {
        &self.request.context
    }

    pub(crate) fn crosses_accounts(&self) -> bool {
        self.asker.account() != self.request.resource_account
    }
}

/// What the statements of a document come to.
#[derive(Debug)]
pub(crate) struct Sides {
    pub(crate) allow: Truth,
    pub(crate) deny: Truth,
}
