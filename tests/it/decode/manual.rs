//! Manual actions, read strictly.

use super::{KEY, only};
use darwin_s3_guard::event::trigger::{KeySample, Manual, ManualAction, Trigger};
use serde_json::{Value, json};

#[track_caller]
fn check_manual(event: &Value, wanted: Result<Manual, &str>) {
    let item = only(event);
    match wanted {
        Ok(manual) => assert_eq!((item.triggers, item.problems), (vec![Trigger::Manual(manual)], vec![]), "{event}"),
        Err(saw) => {
            assert_eq!(item.triggers, [], "{event}");
            assert!(item.problems[0].saw.contains(saw), "{event}: {:?}", item.problems);
        }
    }
}

#[test]
fn a_manual_action_is_read_strictly_as_a_person_typed_it() {
    let audit = Manual {
        action: ManualAction::Audit,
        bucket: None,
        key: None,
        kms_keys: vec![],
        keys: vec![],
        incident: None,
        days: None,
        dry_run: false,
    };
    check_manual(&json!({"action": "audit"}), Ok(audit.clone()));
    check_manual(&json!({"action": "audit", "bucket": null, "kms_keys": []}), Ok(audit.clone()));
    check_manual(
        &json!({"action": "repair", "dry_run": true}),
        Ok(Manual { action: ManualAction::Repair, dry_run: true, ..audit.clone() }),
    );
    let judge =
        Manual { action: ManualAction::Judge, bucket: Some("b".into()), key: Some("a+b%20".into()), ..audit.clone() };
    check_manual(&json!({"action": "judge", "bucket": "b", "key": "a+b%20"}), Ok(judge));
    check_manual(
        &json!({"action": "judge", "kms_keys": [KEY]}),
        Ok(Manual { action: ManualAction::Judge, kms_keys: vec![KEY.into()], ..audit.clone() }),
    );
    let sample = KeySample { kms_key: KEY.into(), sample: "a b.png".into() };
    let known =
        Manual { action: ManualAction::KnownKeys, bucket: Some("b".into()), keys: vec![sample], ..audit.clone() };
    let keys = json!([{"kms_key": KEY, "sample": "a b.png"}]);
    check_manual(&json!({"action": "known-keys", "bucket": "b", "keys": keys}), Ok(known.clone()));
    check_manual(&json!({"action": "known-keys", "bucket": "b", "keys": []}), Ok(Manual { keys: vec![], ..known }));
    let accepted = Manual { action: ManualAction::Acknowledge, incident: Some("k/1".into()), days: Some(7), ..audit };
    check_manual(&json!({"action": "acknowledge", "incident": "k/1", "days": 7}), Ok(accepted));

    check_manual(&json!({"action": "repare"}), Err("`repare`"));
    check_manual(&json!({"action": ["audit"]}), Err("a list of 1"));
    check_manual(&json!({"action": "repair", "dryrun": true}), Err("the field `dryrun`"));
    check_manual(&json!({"action": "repair", "dry_run": "true"}), Err("`\"true\"`"));
    check_manual(&json!({"action": "audit", "bucket": ""}), Err("``"));
    check_manual(&json!({"action": "audit", "bucket": 7}), Err("the number `7`"));
    check_manual(&json!({"action": "repair", "key": "a.png"}), Err("`key` or `kms_keys` with `repair`"));
    check_manual(&json!({"action": "judge", "bucket": "b"}), Err("`judge` without an object or a key"));
    check_manual(&json!({"action": "judge", "key": "a.png"}), Err("`judge` of a `key` without a `bucket`"));
    check_manual(&json!({"action": "known-keys", "keys": keys}), Err("without a `bucket`"));
    check_manual(&json!({"action": "known-keys", "bucket": "b"}), Err("`keys`"));
    check_manual(&json!({"action": "audit", "keys": keys}), Err("`keys` with `audit`"));
    check_manual(
        &json!({"action": "known-keys", "bucket": "b", "keys": vec![keys[0].clone(); 601]}),
        Err("a list of 601"),
    );
    for entry in [
        json!({"kms_key": KEY}),
        json!({"kms_key": "alias/a", "sample": "a"}),
        json!("a"),
        json!({"kms_key": KEY,
        "sample": "a", "read": true}),
    ] {
        check_manual(&json!({"action": "known-keys", "bucket": "b", "keys": [entry]}), Err("`"));
    }
    check_manual(&json!({"action": "acknowledge", "incident": "k/1"}), Err("without an `incident` or `days`"));
    check_manual(&json!({"action": "audit", "days": 7}), Err("`incident` or `days` with `audit`"));
    for days in [json!(0), json!(366), json!("7"), json!(1.5)] {
        check_manual(&json!({"action": "acknowledge", "incident": "k/1", "days": days}), Err("`"));
    }
    for key in [
        "alias/raw",
        "1234abcd-12ab-34cd-56ef-1234567890ab",
        "arn:aws:kms:eu-central-1:111122223333:alias/raw",
        "arn:aws:kms:eu-central-1:111122223333:key/*",
    ] {
        check_manual(&json!({"action": "judge", "kms_keys": [KEY, key]}), Err(key));
    }
    check_manual(&json!({"action": "judge", "kms_keys": KEY}), Err("arn:aws:kms"));
    check_manual(&json!({"action": "judge", "kms_keys": [null]}), Err("null"));
}
