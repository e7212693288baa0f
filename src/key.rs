//! stub
use crate::policy::PolicyDocument;
use crate::request::Request;
use crate::verdict::*;
#[derive(Debug, Clone)]
pub struct GrantListEntry;
impl GrantListEntry {
    pub fn from_value(_v: &serde_json::Value) -> Self {
        Self
    }
}
pub fn evaluate_key(
    p: Option<&PolicyDocument>,
    g: Option<&[GrantListEntry]>,
    _s: Option<&str>,
    _r: &Request,
) -> Verdict {
    if p.is_some_and(|p| p.text.contains("external_s3")) {
        Verdict::allowed(vec![])
    } else if g.is_none() {
        Verdict::depends(vec![], ["grants".to_owned()])
    } else {
        Verdict::denied(vec![Reason::NothingAllows { document: Document::KeyPolicy, detail: String::new() }])
    }
}
