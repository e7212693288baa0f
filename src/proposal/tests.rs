//! What a plan or a template says of buckets and keys, and what of it is not known.

use crate::model::s3::Ownership;
use crate::proposal::documents::{Documents, Proposal, ProposedKey, Said};
use crate::proposal::{cloudformation, terraform};
use serde_json::{Value, json};

const KEY: &str = "arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333-4444-555555555555";

/// A plan of these resources: kind, values, what of them is known after the apply only.
fn plan(resources: &[(&str, Value, Value)]) -> Proposal {
    let change = |(kind, after, unknown): &(&str, Value, Value)| {
        json!({"address": format!("{kind}.it"), "mode": "managed", "type": kind,
            "change": {"before": {"bucket": "acme", "key_id": KEY}, "after": after, "after_unknown": unknown}})
    };
    let changes: Vec<Value> = resources.iter().map(change).collect();
    terraform::read(&json!({"format_version": "1.2", "resource_changes": changes})).unwrap()
}

fn bucket(proposal: &Proposal) -> &Documents {
    assert_eq!(proposal.buckets.len(), 1, "{proposal:?}");
    &proposal.buckets[0]
}

fn key(proposal: &Proposal) -> &ProposedKey {
    assert_eq!(proposal.keys.len(), 1, "{proposal:?}");
    &proposal.keys[0]
}

#[test]
fn a_document_of_which_a_part_is_known_after_the_apply_only_is_not_known() {
    let rule = json!([{"allowed_methods": ["GET"], "allowed_origins": ["https://darwin.v7labs.com", null], "allowed_headers": ["*"]}]);
    let cors = |unknown: Value| {
        let plan = plan(&[("aws_s3_bucket_cors_configuration", json!({"bucket": "acme", "cors_rule": rule}), unknown)]);
        bucket(&plan).cors.clone()
    };
    assert_eq!(cors(json!({"cors_rule": [{"allowed_origins": [false, true]}]})), Said::Later);
    assert_eq!(cors(json!({"cors_rule": true})), Said::Later);
    // What does not decide may be open: the id of the resource, how long a browser remembers.
    assert!(matches!(
        cors(json!({"id": true, "cors_rule": [{"allowed_origins": [false], "max_age_seconds": true}]})),
        Said::Is(_)
    ));

    let default = json!([{"sse_algorithm": "aws:kms", "kms_master_key_id": KEY}]);
    let rule = json!([{"apply_server_side_encryption_by_default": default, "bucket_key_enabled": null}]);
    let encryption = |unknown: Value| {
        let kind = "aws_s3_bucket_server_side_encryption_configuration";
        let plan = plan(&[(kind, json!({"bucket": "acme", "rule": rule}), unknown)]);
        matches!(bucket(&plan).encryption, Said::Is(_))
    };
    for (unknown, known) in [
        (json!({"id": true, "rule": [{"blocked_encryption_types": true}]}), true),
        (json!({"rule": [{"bucket_key_enabled": true}]}), false),
        (json!({"rule": [{"apply_server_side_encryption_by_default": [{"sse_algorithm": true}]}]}), false),
        (json!({"rule": true}), false),
    ] {
        assert_eq!(encryption(unknown.clone()), known, "{unknown}");
    }

    let block =
        json!({"bucket": "acme", "block_public_acls": true, "block_public_policy": true, "ignore_public_acls": true});
    for (unknown, known) in [(json!({"id": true}), true), (json!({"restrict_public_buckets": true}), false)] {
        let plan = plan(&[("aws_s3_bucket_public_access_block", block.clone(), unknown)]);
        assert_eq!(matches!(bucket(&plan).public_access_block, Said::Is(_)), known);
    }
    let owner = json!({"bucket": "acme", "rule": [{}]});
    let plan = plan(&[("aws_s3_bucket_ownership_controls", owner, json!({"rule": [{"object_ownership": true}]}))]);
    assert_eq!(bucket(&plan).ownership, Said::<Ownership>::Later);
}

#[test]
fn a_plans_grants_are_read_with_the_key_that_they_are_of() {
    let of_key = ("aws_kms_key", json!({"arn": KEY, "policy": "{}", "is_enabled": true}), json!({}));
    let grant = json!({"key_id": "11111111-2222-3333-4444-555555555555", "grantee_principal": "arn:aws:iam::258327614892:role/external_s3",
        "operations": ["Decrypt"], "constraints": [{"encryption_context_equals": {}, "encryption_context_subset": {"aws:s3:arn": "x"}}]});
    // A grant may stand before its key.
    let read = plan(&[("aws_kms_grant", grant.clone(), json!({"grant_id": true})), of_key.clone()]);
    let wanted = json!([{"GrantId": "aws_kms_grant.it", "GranteePrincipal": "arn:aws:iam::258327614892:role/external_s3",
        "Operations": ["Decrypt"], "Constraints": {"EncryptionContextSubset": {"aws:s3:arn": "x"}}}]);
    assert_eq!(json!(key(&read).grants), wanted);
    // What may hold any grant is not read as one without.
    let open = plan(&[of_key.clone(), ("aws_kms_grant", grant.clone(), json!({"operations": true}))]);
    assert_eq!(key(&open).grants, None);
    // A key that is not in the plan is known by its grant.
    let mut by_arn = grant.clone();
    by_arn["key_id"] = json!(KEY);
    let alone = plan(&[("aws_kms_grant", by_arn, json!({}))]);
    assert_eq!((key(&alone).arn.as_deref(), &key(&alone).policy), (Some(KEY), &None));
    assert_eq!(json!(key(&alone).grants), wanted);
    // One that is destroyed is none.
    assert_eq!(json!(key(&plan(&[of_key, ("aws_kms_grant", Value::Null, json!({}))])).grants), json!([]));

    let new_key = ("aws_kms_key", json!({"policy": "{}", "is_enabled": true}), json!({"arn": true, "key_id": true}));
    let mut later = grant;
    later["key_id"] = Value::Null;
    let unlinked = plan(&[new_key, ("aws_kms_grant", later, json!({"key_id": true}))]);
    assert_eq!((&key(&unlinked).grants, key(&unlinked).policy.as_deref()), (&None, Some("{}")));
    assert!(unlinked.remarks.iter().any(|remark| remark.contains("`aws_kms_grant.it` is of a key")), "{unlinked:?}");
    // An existing key may be the one, too.
    let (existing, open) = (json!({"arn": KEY, "policy": "{}", "is_enabled": true}), json!({"key_id": true}));
    let of_any = plan(&[("aws_kms_key", existing, json!({})), ("aws_kms_grant", json!({"key_id": null}), open)]);
    assert_eq!((&key(&of_any).grants, key(&of_any).policy.as_deref()), (&None, Some("{}")));
}

#[test]
fn a_plans_key_policies_and_states_that_are_not_known_are_open() {
    let key_of = |after: Value, unknown: Value| ("aws_kms_key", after, unknown);
    let known = json!({"arn": KEY, "policy": "{}", "is_enabled": false});
    assert_eq!(key(&plan(&[key_of(known.clone(), json!({}))])).enabled, Some(false));
    assert_eq!(key(&plan(&[key_of(json!({"arn": KEY}), json!({"is_enabled": true, "policy": true}))])).enabled, None);
    let policy = |after: Value, unknown: Value| {
        let plan = plan(&[key_of(known.clone(), json!({})), ("aws_kms_key_policy", after, unknown)]);
        key(&plan).policy.clone()
    };
    assert_eq!(policy(json!({"key_id": KEY, "policy": "{\"a\":1}"}), json!({})).as_deref(), Some("{\"a\":1}"));
    assert_eq!(policy(json!({"key_id": KEY}), json!({"policy": true})), None);
    assert_eq!(
        policy(Value::Null, json!({})),
        None,
        "KMS puts its default policy in the place of one that is destroyed"
    );
    let new = ("aws_kms_key", json!({"policy": "{}"}), json!({"arn": true}));
    let unlinked = plan(&[new, ("aws_kms_key_policy", json!({"policy": "{}"}), json!({"key_id": true}))]);
    assert_eq!(key(&unlinked).policy, None);
    let of_any = ("aws_kms_key_policy", json!({"policy": "{}"}), json!({"key_id": true}));
    assert_eq!(key(&plan(&[key_of(known, json!({})), of_any])).policy, None, "it may be of the existing key");
}

fn template(resources: &Value) -> Proposal {
    cloudformation::read(&json!({ "Resources": resources })).unwrap()
}

#[test]
fn a_resource_that_is_made_under_a_condition_only_is_not_known() {
    let policy = json!({"Version": "2012-10-17", "Statement": []});
    let it = |kind: &str, condition: Option<&str>, properties: Value| match condition {
        None => json!({"Type": kind, "Properties": properties}),
        Some(condition) => json!({"Type": kind, "Condition": condition, "Properties": properties}),
    };
    let bucket_of = |condition| it("AWS::S3::Bucket", condition, json!({"BucketName": "acme"}));
    let policy_of =
        |condition| it("AWS::S3::BucketPolicy", condition, json!({"Bucket": "acme", "PolicyDocument": policy}));
    let sure = template(&json!({"Bucket": bucket_of(None), "Policy": policy_of(None)}));
    assert_eq!((&bucket(&sure).policy, &sure.remarks), (&Said::Is(policy.to_string()), &vec![]));
    let perhaps = template(&json!({"Bucket": bucket_of(None), "Policy": policy_of(Some("IsProd"))}));
    assert_eq!(bucket(&perhaps).policy, Said::Later);
    assert!(perhaps.remarks[0].contains("`Policy` is made only under the Condition `IsProd`"), "{perhaps:?}");
    // Whichever comes last: which of them is made is not known.
    for (first, second) in [(None, Some("IsProd")), (Some("IsProd"), None), (Some("IsProd"), Some("IsDev"))] {
        let either = template(&json!({"Bucket": bucket_of(None), "A": policy_of(first), "B": policy_of(second)}));
        assert_eq!(bucket(&either).policy, Said::Later, "{first:?} {second:?}");
    }
    let perhaps = template(&json!({"Bucket": bucket_of(Some("IsProd"))}));
    let Documents { bucket: _, policy: of_bucket, cors, encryption, public_access_block, ownership } = bucket(&perhaps);
    assert_eq!((of_bucket, cors, encryption), (&Said::Later, &Said::Later, &Said::Later));
    assert_eq!((public_access_block, ownership), (&Said::Later, &Said::Later));
    let of_key = |condition| it("AWS::KMS::Key", condition, json!({"KeyPolicy": policy}));
    assert_eq!(key(&template(&json!({"Key": of_key(None)}))).enabled, Some(true));
    let perhaps = template(&json!({"Key": of_key(Some("IsProd"))}));
    assert_eq!((&key(&perhaps).policy, key(&perhaps).enabled), (&None, None));
}

#[test]
fn what_a_transform_may_add_is_not_absent() {
    let properties = json!({"BucketName": "acme", "Fn::Transform": {"Name": "AWS::Include"}});
    let included = template(&json!({"Bucket": {"Type": "AWS::S3::Bucket", "Properties": properties}}));
    assert_eq!(bucket(&included).encryption, Said::Later);
}

#[test]
fn a_policy_of_a_bucket_that_is_not_named_may_be_any_buckets_without_another() {
    let policy = json!({"Version": "2012-10-17", "Statement": []});
    let of = |bucket: Value| json!({"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": bucket, "PolicyDocument": policy}});
    let named = json!({"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "acme"}});
    let unnamed = json!({"Type": "AWS::S3::Bucket", "Properties": {}});
    let each = json!(["Of", ["A"], {"Policy${Of}": of(json!({"Ref": "Of"}))}]);
    let with = |id: &str, more: Value| template(&json!({"Images": named, "Other": unnamed, id: more}));
    for (id, more, open) in [
        ("P", of(json!({"Ref": "Name"})), true),
        ("P", of(json!({"Fn::Sub": "${Stage}-images"})), true),
        ("Fn::ForEach::Policies", each, true),
        ("P", of(json!({"Ref": "Other"})), false),
        ("P", of(json!("another")), false),
    ] {
        let read = with(id, more);
        let documents = read.buckets.iter().find(|documents| documents.bucket == "acme").unwrap();
        assert_eq!(documents.policy, if open { Said::Later } else { Said::Absent }, "{id}: {read:?}");
        assert_eq!(read.remarks.iter().any(|remark| remark.contains(&format!("`{id}`"))), open, "{read:?}");
    }
    // One that has its own has no second.
    let own = template(&json!({"Images": named, "A": of(json!({"Ref": "Name"})), "B": of(json!({"Ref": "Images"}))}));
    assert_eq!(bucket(&own).policy, Said::Is(policy.to_string()));
}
