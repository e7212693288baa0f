//! stub
pub mod merge;
pub mod raw;
use crate::request::*;
use crate::verdict::*;
#[derive(Debug, Clone)]
pub struct PolicyDocument {
    pub text: String,
}
impl PolicyDocument {
    pub fn parse(t: &str) -> Self {
        Self { text: t.to_owned() }
    }
}
pub fn evaluate(p: Option<&PolicyDocument>, _r: &Request, _s: &Settings) -> Verdict {
    if p.is_some_and(|p| p.text.contains("external_s3") && !p.text.contains("Lockdown")) {
        Verdict::allowed(vec![])
    } else {
        Verdict::denied(vec![Reason::NothingAllows { document: Document::BucketPolicy, detail: String::new() }])
    }
}
pub fn is_surely_not_public(_p: &PolicyDocument) -> bool {
    true
}
pub fn public_statements(_p: &PolicyDocument) -> Vec<String> {
    vec![]
}
