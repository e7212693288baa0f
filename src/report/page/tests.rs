use super::*;
use crate::model::aws::Operation;
use crate::model::finding::{Kind, Severity};
use crate::model::outcome::{CorsState, Problem};
use crate::model::verdict::Decision;
use crate::report::finding::FindingAnswer;
use crate::report::links::{Link, State};

const HOSTILE: [&str; 5] = [
    "</script><script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "</pre></style><svg onload=alert(1)>",
    "a\u{202e}gpj.exe\u{1b}]0;x\u{7}",
    "javascript:alert(1)",
];

fn answer(hostile: &str, reader: Option<Reader>) -> Answer {
    let finding = FindingAnswer {
        kind: Kind::ExplicitDeny,
        severity: Severity::Critical,
        title: "a Deny statement shuts Darwin out".to_owned(),
        because: vec![format!("statement `{hostile}` (#1) denies Darwin")],
        depends_on: vec![hostile.to_owned()],
        remedy: format!("aws s3api get-bucket-policy {hostile}"),
        reader,
        refused: None,
    };
    let bucket = BucketAnswer {
        bucket: "acme-lidar".to_owned(),
        read: Decision::Denied,
        write: None,
        cors: Some(CorsState::Ok),
        drifts: Vec::new(),
        findings: vec![finding],
        actions: Vec::new(),
        plan: Some(hostile.to_owned()),
        verified: None,
        activation: Some(hostile.to_owned()),
    };
    let problem = Problem { at: hostile.to_owned(), saw: hostile.to_owned(), want: "x".to_owned(), retryable: false };
    Answer { buckets: vec![bucket], problems: vec![problem], ..Answer::default() }
}

fn made(answer: &Answer) -> String {
    page(answer, &About { of: HOSTILE[0].to_owned(), when: "2026-11-27T00:00:00Z".to_owned() })
}

#[test]
fn what_comes_from_outside_is_text_and_nothing_else() {
    let harmless = made(&answer("x", None));
    for hostile in HOSTILE {
        let page = made(&answer(hostile, None));
        for tag in ["<script", "</script", "<img", "<svg", "</pre", "</style", "href=\"javascript"] {
            assert_eq!(page.matches(tag).count(), harmless.matches(tag).count(), "{tag} by {hostile:?}");
        }
        assert!(!page.contains(['\u{202e}', '\u{1b}', '\u{7}']), "{hostile:?}");
    }
}

#[test]
fn the_policy_of_the_page_lets_run_what_is_written_here_and_nothing_else() {
    let page = made(&answer("x", None));
    assert!(page.contains(&format!("<script>{SCRIPT}</script>")) && page.contains(&format!("<style>{STYLE}</style>")));
    let policy = page.split("content=\"").nth(1).unwrap().split('"').next().unwrap().replace("&#39;", "'");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"), "{policy}");
    assert!(!page.contains(" style=") && !page.contains(" onclick="), "nothing inline that the policy would refuse");
}

#[test]
fn a_link_is_red_on_the_way_that_it_stops_and_on_no_other() {
    let states = |reader| {
        let mut answer = answer("x", reader);
        answer.buckets[0].findings[0].depends_on.clear();
        [Reader::Server, Reader::Browser].map(|way| Link::Policy.state_for(&answer.buckets[0], way))
    };
    assert_eq!(states(None), [State::Bad, State::Bad]);
    assert_eq!(states(Some(Reader::Browser)), [State::Good, State::Bad]);
    assert_eq!(states(Some(Reader::Server)), [State::Bad, State::Good]);
}

#[test]
fn a_link_that_the_guard_may_not_read_is_open_and_never_good() {
    let mut answer = answer("x", None);
    answer.buckets[0].read = Decision::Allowed;
    let finding = &mut answer.buckets[0].findings[0];
    (finding.kind, finding.depends_on) = (Kind::GuardDenied, Vec::new());
    for (operation, link) in [
        (Operation::GetKeyPolicy, Link::Key),
        (Operation::GetBucketOwnershipControls, Link::Ownership),
        (Operation::GetPublicAccessBlock, Link::PublicBlock),
    ] {
        answer.buckets[0].findings[0].refused = Some(operation);
        let open: Vec<Link> =
            Link::ALL.into_iter().filter(|link| link.state(&answer.buckets[0]) != State::Good).collect();
        assert_eq!(open, [link]);
        assert_eq!(link.state(&answer.buckets[0]), State::Open);
    }
    answer.buckets[0].findings[0].refused = Some(Operation::GetBucketTagging);
    assert!(Link::ALL.into_iter().all(|link| link.state(&answer.buckets[0]) == State::Good));
}
