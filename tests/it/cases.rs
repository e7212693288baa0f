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
fn a_role_of_the_resources_own_account_is_no_question_to_this_judge() {
    let text = include_str!("../cases/policy.json").replace("arn:aws:iam::258327614892:", "arn:aws:iam::111122223333:");
    let own = serde_json::from_str::<Vec<Case>>(&text).unwrap();
    let refused =
        own.iter().filter(|case| case.judge().is_err_and(|why| why.contains("wanted one of another account")));
    assert!(refused.count() > 50);
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
