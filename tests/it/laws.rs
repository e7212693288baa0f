//! Laws of the policy evaluator, over random policies and against the reference.
//!
//! `LAWS_CASES` is the number of cases of each law (10,000), `LAWS_SEED` another seed than the fixed one (a number).

mod question;

use question::Question;
use serde_json::Value;

fn cases() -> Vec<Value> {
    serde_json::from_str(include_str!("../cases/policy.json")).unwrap()
}

#[test]
fn the_reference_answers_every_case_as_expected() {
    let wrong: Vec<String> = cases()
        .iter()
        .filter_map(|case| {
            let answer = Question::of_case(case).reference();
            let got = answer.decision.map_or("skipped".to_owned(), |decision| decision.to_string());
            (case["expected"] != got.as_str()).then(|| format!("{}: {got}, not {}", case["name"], case["expected"]))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
