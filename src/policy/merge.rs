//! stub
use crate::contract::*;
use crate::finding::*;
use crate::request::*;
pub struct PolicyAssessment {
    pub drift: Option<Finding>,
    pub findings: Vec<Finding>,
    pub proposed: Option<String>,
    pub unsettled: bool,
}
pub fn assess_policy(
    current: Option<&str>,
    contract: &Contract,
    _d: &Darwin,
    _h: &Home,
    _c: Ceiling,
    _s: &Settings,
    _now: &str,
) -> PolicyAssessment {
    let f = |kind, because: &str| Finding {
        kind,
        severity: Severity::Critical,
        because: vec![because.to_owned()],
        depends_on: vec![],
        remedy: String::new(),
        cause: String::new(),
    };
    let ours = format!(
        r#"{{"Sid": "DarwinAccess", "Effect": "Allow", "Principal": {{"AWS": "arn:aws:iam::258327614892:role/external_s3"}}, "Action": ["s3:GetObject","s3:PutObject"], "Resource": "arn:aws:s3:::{}/*"}}"#,
        contract.bucket
    );
    let findings = if current.is_some_and(|c| c.contains("Lockdown")) {
        vec![f(Kind::ExplicitDeny, "statement `Lockdown`")]
    } else {
        vec![]
    };
    if current.is_some_and(|c| c.contains("external_s3")) {
        return PolicyAssessment { drift: None, findings, proposed: None, unsettled: false };
    }
    let proposed = match current {
        Some(c) => c.replace("]}", &format!(",{ours}]}}")),
        None => format!(r#"{{"Version":"2012-10-17","Statement":[{ours}]}}"#),
    };
    PolicyAssessment {
        drift: Some(f(Kind::PolicyMissing, "gone")),
        findings,
        proposed: Some(proposed),
        unsettled: false,
    }
}
