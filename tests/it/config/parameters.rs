//! The template's parameters: what CloudFormation lets through, the function starts with.

use super::*;

/// The other half of `tests/e2e/test_template.py`: what CloudFormation lets through, the function starts with.
#[test]
fn the_function_starts_with_every_value_that_a_parameter_of_the_template_accepts() {
    let cases: Value = serde_json::from_str(include_str!("../../cases/parameters.json")).unwrap();
    let mut started = 0;
    for case in cases["cases"].as_array().unwrap().iter().filter(|case| case["refused"] != true) {
        let variable = match case["parameter"].as_str().unwrap() {
            "ReadOnlyBuckets" => "READ_ONLY_BUCKETS",
            "ReadWriteBuckets" => "READ_WRITE_BUCKETS",
            "Prefix" => "PREFIX",
            "ReadPrefixes" => "READ_PREFIXES",
            "NotReadPrefixes" => "NOT_READ_PREFIXES",
            "TeamName" => "TEAM_NAME",
            "ScopeWrites" => "SCOPE_WRITES",
            "ListBuckets" => "LIST_BUCKETS",
            "Mode" => "MODE",
            "Ceiling" => "CEILING",
            "EnableEventBridge" => "ENABLE_EVENTBRIDGE",
            other => panic!("no variable for {other}"),
        };
        let form = case["value"].as_str().unwrap();
        let each = (10..10 + case["times"].as_u64().unwrap_or(1)).map(|n| form.replace("{n}", &n.to_string()));
        let value = each.collect::<Vec<_>>().join(case["by"].as_str().unwrap_or(","));
        let mut given = vec![(variable, value.as_str())];
        if !variable.ends_with("_BUCKETS") || variable == "LIST_BUCKETS" {
            given.push(("READ_ONLY_BUCKETS", "acme-guarded"));
        }
        assert!(lists(&given).is_ok(), "{given:?}: {}", lists(&given).unwrap_err());
        started += 1;
    }
    assert!(started > 20, "{started}");
}
