//! The policy cases: verdict and names exact, every case with its reason.

#[path = "../cases/format.rs"]
mod format;

use format::Case;

fn cases() -> Vec<Case> {
    let read = |text| serde_json::from_str::<Vec<Case>>(text).unwrap();
    let mut cases = read(include_str!("../cases/policy.json"));
    cases.extend(read(include_str!("../cases/public/oai-judge-hand.json")));
    cases
}

#[test]
fn every_case_has_its_verdict_and_hangs_on_exactly_its_names() {
    let mut wrong = Vec::new();
    let cases = cases();
    for case in &cases {
        let verdict = case.judge().unwrap();
        wrong.extend(case.differs(&verdict));
        assert!(!verdict.because.is_empty(), "{}: a verdict without a reason", case.name);
    }
    assert!(cases.len() >= 98);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
