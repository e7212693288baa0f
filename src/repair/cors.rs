//! CORS rules: matched as S3 matches them, and the rule that Darwin needs added when none serves.
//!
//! Must never change, move or drop a rule that is there.

use crate::model::evidence::{CorsLimit, Evidence, Lack, NearMiss};
use crate::model::finding::Finding;
use crate::model::outcome::CorsState;
use crate::model::s3::CorsRule;

/// S3 takes up to 100 rules.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketCors.html>
pub const MAX_RULES: usize = 100;
/// S3 takes a CORS document of up to 64 KB (it is XML on the wire).
pub const MAX_BYTES: usize = 64 * 1024;

/// What the rules mean for a browser on Darwin's origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorsAssessment {
    pub state: CorsState,
    /// `CorsMissing`, if no rule serves.
    pub drift: Option<Finding>,
    /// `CorsLimit`, if the rule that is missing does not fit.
    pub findings: Vec<Finding>,
    /// Every rule to write: those there, and ours. Only with drift.
    pub proposed: Option<Vec<CorsRule>>,
}

/// Judges the rules (`None`: nothing configured) for a presigned GET from `origin`, and proposes what is missing.
///
/// A presigned GET is a simple request: no preflight, so `AllowedHeaders` does not matter, and both of V7's forms
/// serve it.
pub fn assess_cors(current: Option<&[CorsRule]>, origin: &str) -> CorsAssessment {
    let rules = current.unwrap_or_default();
    if serving_rule(rules, origin, "GET").is_some() {
        return CorsAssessment { state: CorsState::Ok, drift: None, findings: Vec::new(), proposed: None };
    }
    let mut proposed = rules.to_vec();
    proposed.push(darwin_rule(origin));
    let drift = missing(rules, origin, &proposed);
    let limit = over_limit(&proposed, origin);
    CorsAssessment {
        state: CorsState::Missing,
        drift: Some(drift),
        proposed: limit.is_none().then_some(proposed),
        findings: limit.into_iter().collect(),
    }
}

/// V7's rule in its JSON form.
pub fn darwin_rule(origin: &str) -> CorsRule {
    CorsRule {
        allowed_headers: vec!["*".to_owned()],
        allowed_methods: vec!["GET".to_owned()],
        allowed_origins: vec![origin.to_owned()],
        ..CorsRule::default()
    }
}

/// The index of the rule that S3 answers a request without preflight by: the first that has the method and an origin
/// that matches.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html>
pub fn serving_rule(rules: &[CorsRule], origin: &str, method: &str) -> Option<usize> {
    rules.iter().position(|rule| {
        rule.allowed_methods.iter().any(|allowed| allowed == method)
            && rule.allowed_origins.iter().any(|allowed| origin_matches(allowed, origin))
    })
}

/// Whether an `AllowedOrigin` matches: scheme, host and port as written, case included, with at most one `*` for any
/// characters. S3 takes no second `*`, so such a value matches nothing.
fn origin_matches(allowed: &str, origin: &str) -> bool {
    match allowed.split_once('*') {
        None => allowed == origin,
        Some((_, end)) if end.contains('*') => false,
        Some((start, end)) => {
            origin.len() >= start.len() + end.len() && origin.starts_with(start) && origin.ends_with(end)
        }
    }
}

fn missing(rules: &[CorsRule], origin: &str, proposed: &[CorsRule]) -> Finding {
    Finding::of(Evidence::CorsMissing {
        origin: origin.to_owned(),
        rules: rules.len(),
        near: near_misses(rules, origin),
        proposed: serde_json::to_string_pretty(proposed).unwrap_or_default(),
    })
}

/// Rules that look as if they served, and what they lack.
fn near_misses(rules: &[CorsRule], origin: &str) -> Vec<NearMiss> {
    let bare = origin.split_once("://").map_or(origin, |(_, host)| host).to_ascii_lowercase();
    let lack = |rule: &CorsRule| {
        if rule.allowed_origins.iter().any(|allowed| origin_matches(allowed, origin)) {
            return Some(Lack::Get { methods: rule.allowed_methods.clone() });
        }
        let near = rule.allowed_origins.iter().find(|allowed| allowed.to_ascii_lowercase().contains(&bare))?;
        Some(Lack::Origin { written: near.clone() })
    };
    let miss = |(index, rule): (usize, &CorsRule)| Some(NearMiss { index, id: rule.id.clone(), lacks: lack(rule)? });
    rules.iter().enumerate().filter_map(miss).collect()
}

fn over_limit(proposed: &[CorsRule], origin: &str) -> Option<Finding> {
    let bytes = xml_size(proposed);
    let limit = if proposed.len() > MAX_RULES {
        CorsLimit::Rules { most: MAX_RULES }
    } else if bytes > MAX_BYTES {
        CorsLimit::Bytes { bytes, most: MAX_BYTES }
    } else {
        return None;
    };
    Some(Finding::of(Evidence::CorsLimit { origin: origin.to_owned(), limit }))
}

/// The size of the rules as the XML document that S3 counts.
fn xml_size(rules: &[CorsRule]) -> usize {
    const DOCUMENT: &str = r#"<CORSConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></CORSConfiguration>"#;
    let element = |name: &str, value: &str| {
        let escapes: usize = value
            .bytes()
            .map(|byte| match byte {
                b'&' => 4,
                b'<' | b'>' => 3,
                b'"' => 5,
                _ => 0,
            })
            .sum();
        "<></>".len() + 2 * name.len() + value.len() + escapes
    };
    let each = |name: &str, values: &[String]| values.iter().map(|value| element(name, value)).sum::<usize>();
    let of_rule = |rule: &CorsRule| {
        let CorsRule { id, allowed_headers, allowed_methods, allowed_origins, expose_headers, max_age_seconds } = rule;
        element("CORSRule", "")
            + id.as_ref().map_or(0, |id| element("ID", id))
            + each("AllowedHeader", allowed_headers)
            + each("AllowedMethod", allowed_methods)
            + each("AllowedOrigin", allowed_origins)
            + each("ExposeHeader", expose_headers)
            + max_age_seconds.map_or(0, |age| element("MaxAgeSeconds", &age.to_string()))
    };
    DOCUMENT.len() + rules.iter().map(of_rule).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::arn::AccountId;
    use crate::model::contract::Home;
    use crate::model::finding::Kind;
    use crate::report::finding::{FindingAnswer, words};

    const ORIGIN: &str = "https://darwin.v7labs.com";

    fn rule(methods: &[&str], origins: &[&str]) -> CorsRule {
        let own = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect();
        CorsRule { allowed_methods: own(methods), allowed_origins: own(origins), ..CorsRule::default() }
    }

    fn told(found: &Finding) -> FindingAnswer {
        let home = Home {
            account: AccountId::parse("111122223333").unwrap(),
            region: "eu-central-1".to_owned(),
            partition: "aws".to_owned(),
            function: None,
        };
        words(found, "acme-lidar", &home)
    }

    #[track_caller]
    fn check(allowed: &str, serves: bool) {
        let state = assess_cors(Some(&[rule(&["GET"], &[allowed])]), ORIGIN).state;
        assert_eq!(state == CorsState::Ok, serves, "{allowed}");
    }

    #[test]
    fn an_origin_is_matched_as_s3_matches_it() {
        for allowed in [
            "*",
            ORIGIN,
            "https://*",
            "https://*.v7labs.com",
            "http*",
            "*darwin.v7labs.com",
            "https://darwin.v7labs.com*",
        ] {
            check(allowed, true);
        }
        for allowed in [
            "",
            "http://darwin.v7labs.com",
            "https://Darwin.v7labs.com",
            "https://darwin.v7labs.com/",
            "https://darwin.v7labs.com:443",
            "darwin.v7labs.com",
            "https://*.darwin.v7labs.com",
            "https://*.*.com",
            "https://darwin.v7labs.com*m",
            "https://darwin.v7labs?com",
        ] {
            check(allowed, false);
        }
    }

    #[test]
    fn both_of_v7s_forms_are_fulfilled() {
        let xml = rule(&["GET"], &[ORIGIN]);
        for form in [xml, darwin_rule(ORIGIN)] {
            let assessed = assess_cors(Some(&[form]), ORIGIN);
            assert_eq!((assessed.state, assessed.drift, assessed.proposed), (CorsState::Ok, None, None));
        }
    }

    #[test]
    fn the_first_rule_with_method_and_origin_answers() {
        let rules = [
            rule(&["PUT"], &["*"]),
            rule(&["HEAD", "GET"], &["https://a.example", "https://*.v7labs.com"]),
            rule(&["GET"], &["*"]),
        ];
        assert_eq!(serving_rule(&rules, ORIGIN, "GET"), Some(1));
        assert_eq!(serving_rule(&rules, "https://b.example", "GET"), Some(2));
        assert_eq!(serving_rule(&rules, ORIGIN, "PUT"), Some(0));
        assert_eq!(serving_rule(&rules, ORIGIN, "DELETE"), None);
        assert_eq!(serving_rule(&[rule(&["get"], &["*"])], ORIGIN, "GET"), None);
    }

    #[test]
    fn our_rule_is_added_after_all_others_which_stay_as_they_are() {
        let theirs = CorsRule {
            id: Some("uploads".to_owned()),
            max_age_seconds: Some(3000),
            expose_headers: vec!["ETag".to_owned()],
            ..rule(&["PUT", "POST"], &["https://app.example", ORIGIN])
        };
        let assessed = assess_cors(Some(std::slice::from_ref(&theirs)), ORIGIN);
        assert_eq!(assessed.proposed, Some(vec![theirs, darwin_rule(ORIGIN)]));
        let drift = assessed.drift.unwrap();
        assert_eq!(drift.kind(), Kind::CorsMissing);
        insta::assert_snapshot!(told(&drift).because.join("\n"), @r"
        the bucket's one CORS rule does not let a browser on `https://darwin.v7labs.com` GET
        rule `uploads` (index 0) has the origin, but only the methods PUT, POST
        ");
        let again = assess_cors(assessed.proposed.as_deref(), ORIGIN);
        assert_eq!((again.state, again.proposed), (CorsState::Ok, None));
    }

    #[test]
    fn no_configuration_gets_v7s_rule_alone() {
        for nothing in [None, Some([].as_slice())] {
            let assessed = assess_cors(nothing, ORIGIN);
            assert_eq!(assessed.proposed, Some(vec![darwin_rule(ORIGIN)]));
            insta::allow_duplicates! { insta::assert_snapshot!(told(&assessed.drift.unwrap()).remedy, @r#"
            Add Darwin's CORS rule.

            aws s3api get-bucket-cors --region eu-central-1 --bucket acme-lidar --expected-bucket-owner 111122223333 2>&1 | grep -q NoSuchCORSConfiguration &&
            aws s3api put-bucket-cors --region eu-central-1 --bucket acme-lidar --expected-bucket-owner 111122223333 --cors-configuration '{"CORSRules":[{"AllowedHeaders":["*"],"AllowedMethods":["GET"],"AllowedOrigins":["https://darwin.v7labs.com"]}]}'

            If the bucket has CORS rules by now, it stops. If images stay blank in a browser that loaded them before, empty its cache. Needs s3:GetBucketCORS, s3:PutBucketCORS.
            "#) };
        }
    }

    #[test]
    fn a_near_miss_is_pointed_out() {
        let rules = [rule(&["GET"], &["http://darwin.v7labs.com"]), rule(&["GET"], &["https://darwin.v7labs.com/"])];
        let because = told(&assess_cors(Some(&rules), ORIGIN).drift.unwrap()).because;
        insta::assert_snapshot!(because.join("\n"), @r"
        none of the bucket's 2 CORS rules lets a browser on `https://darwin.v7labs.com` GET
        rule 0 has the origin `http://darwin.v7labs.com`, and S3 compares it as written with `https://darwin.v7labs.com`
        rule 1 has the origin `https://darwin.v7labs.com/`, and S3 compares it as written with `https://darwin.v7labs.com`
        ");
    }

    #[test]
    fn a_full_configuration_is_a_finding_and_no_write() {
        let full = vec![rule(&["PUT"], &["*"]); MAX_RULES];
        let assessed = assess_cors(Some(&full), ORIGIN);
        assert_eq!(assessed.proposed, None);
        assert!(assessed.drift.is_some());
        insta::assert_snapshot!(told(&assessed.findings[0]).because[0], @"the bucket has 100 CORS rules, the most that S3 takes, and none of them lets `https://darwin.v7labs.com` in");
        assert!(assess_cors(Some(&full[1..]), ORIGIN).proposed.is_some());

        let wide = vec![rule(&["PUT"], &["https://x.example"; 20]); 99];
        let assessed = assess_cors(Some(&wide), ORIGIN);
        assert_eq!((assessed.proposed, assessed.findings[0].kind()), (None, Kind::CorsLimit));
        insta::assert_snapshot!(told(&assessed.findings[0]).because[0], @"with Darwin's rule the CORS configuration would have 100715 bytes; S3 takes 65536");
    }
}
