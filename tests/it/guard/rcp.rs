//! Resource control policies that were given to the tool: further Denies, on bucket and keys, and never another document's.

use super::*;
use darwin_s3_guard::policy::rcp::ResourceControlPolicy;
use darwin_s3_guard::report::{answer::exit_code, audit::report, markdown};

const FULL: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}"#;

/// A Deny for everybody, with these elements besides.
fn deny(sid: &str, action: &str, more: &Value) -> Value {
    let mut deny = json!({"Sid": sid, "Effect": "Deny", "Principal": "*", "Action": action, "Resource": "*"});
    deny.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    deny
}

fn outsiders(account: &str) -> Value {
    json!({"Condition": {"StringNotEquals": {"aws:PrincipalAccount": account}}})
}

fn rcp(statements: &[Value]) -> ResourceControlPolicy {
    let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    ResourceControlPolicy::read("rcps/perimeter.json", text).unwrap()
}

fn under(world: World, rcps: &[ResourceControlPolicy]) -> Setup {
    let mut s = setup(world, &[]);
    s.guard.config.rcps = rcps.to_vec();
    s
}

async fn audit(s: &Setup) -> Value {
    s.handle(json!({"action": "audit"})).await["buckets"][0].clone()
}

fn finding(bucket: &Value, kind: &str) -> Value {
    let mut found = bucket["findings"].as_array().unwrap().iter().filter(|found| found["kind"] == kind);
    let (first, second) = (found.next(), found.next());
    assert!(second.is_none(), "{bucket:#}");
    first.unwrap_or_else(|| panic!("no {kind} in {bucket:#}")).clone()
}

#[tokio::test]
async fn a_deny_for_all_outside_the_account_shuts_darwin_out_and_is_named_by_its_file_and_its_own_index() {
    let other = deny("OldTls", "s3:*", &json!({"Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}}}));
    let s = under(World::healthy(), &[rcp(&[other, deny("Perimeter", "s3:*", &outsiders("111122223333"))])]);
    let bucket = audit(&s).await;
    assert_eq!((&bucket["read"], &bucket["write"]), (&json!("denied"), &json!("denied")), "{bucket:#}");
    assert_eq!((&bucket["activation"], &bucket["drifts"]), (&Value::Null, &json!([])));
    let found = finding(&bucket, "explicit-deny");
    assert_eq!(found["severity"], "critical");
    let because = found["because"][0].as_str().unwrap();
    assert!(
        because.starts_with("RCP `rcps/perimeter.json`, statement `Perimeter` (index 1) denies Darwin"),
        "{because}"
    );
    assert!(because.contains("requires aws:PrincipalAccount = `111122223333`"), "{because}");
    let remedy = found["remedy"].as_str().unwrap();
    assert!(remedy.contains("organization") && remedy.contains("\"ArnNotEquals\""), "{remedy}");
    assert!(!remedy.contains("bucket-policy"), "no command changes an RCP: {remedy}");
    // Nothing of the bucket's own policy is blamed.
    assert!(!bucket.to_string().contains("of the bucket policy"), "{bucket:#}");
}

#[tokio::test]
async fn what_lets_everything_through_or_is_about_others_changes_nothing_and_grants_nothing() {
    let full = ResourceControlPolicy::read("full.json", FULL).unwrap();
    let inside = rcp(&[
        deny("Insiders", "s3:*", &json!({"Condition": {"StringEquals": {"aws:PrincipalAccount": "111122223333"}}})),
        deny("Plain", "s3:*", &json!({"Condition": {"Bool": {"aws:SecureTransport": "false"}}})),
        deny(
            "Deputies",
            "s3:*",
            &json!({"Condition": {"StringNotEqualsIfExists": {"aws:SourceOrgID": "o-1234567890"},
            "Null": {"aws:SourceAccount": "false"}, "Bool": {"aws:PrincipalIsAWSService": "true"}}}),
        ),
        deny("Sts", "sts:*", &json!({})),
        deny("Elsewhere", "s3:*", &json!({"Resource": "arn:aws:s3:::other-bucket/*"})),
    ]);
    let s = under(World::healthy(), &[full.clone(), inside]);
    let (bucket, without) = (audit(&s).await, audit(&setup(World::healthy(), &[])).await);
    assert_eq!(bucket, without);
    let world = World::healthy();
    world.bucket(|bucket| bucket.policy.write(None, 0));
    let s = under(world, &[full]);
    assert_eq!(audit(&s).await["read"], "denied");
}

#[tokio::test]
async fn a_deny_for_all_outside_an_organization_depends_on_it() {
    let perimeter = json!({"Condition": {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-1234567890"},
        "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}});
    let s = under(World::healthy(), &[rcp(&[deny("Perimeter", "s3:*", &perimeter)])]);
    let bucket = audit(&s).await;
    assert_eq!((&bucket["read"], &bucket["write"]), (&json!("depends"), &json!("depends")), "{bucket:#}");
    let found = finding(&bucket, "access-uncertain");
    assert_eq!(found["depends_on"], json!(["aws:PrincipalOrgID"]));
    let because = found["because"].to_string();
    assert!(
        because.contains("perhaps denied by RCP `rcps/perimeter.json`, statement `Perimeter` (index 0)"),
        "{because}"
    );
}

#[tokio::test]
async fn a_deny_on_a_part_is_a_warning_and_what_darwin_need_not_read_is_none() {
    let private = deny("Private", "s3:GetObject", &json!({"Resource": format!("arn:aws:s3:::{BUCKET}/private/*")}));
    let mut s = under(World::healthy(), &[rcp(std::slice::from_ref(&private))]);
    let bucket = audit(&s).await;
    assert_eq!((&bucket["read"], &bucket["write"]), (&json!("denied"), &json!("allowed")), "{bucket:#}");
    let found = finding(&bucket, "part-denied");
    assert!(
        found["because"].to_string().contains("RCP `rcps/perimeter.json`, statement `Private` (index 0)"),
        "{found:#}"
    );
    assert!(found["because"].to_string().contains("acme-lidar/private/*"), "{found:#}");
    assert!(found["remedy"].as_str().unwrap().contains("--not-read"), "{found:#}");
    s.guard.config.contracts[0].not_read = vec!["private/".to_owned()];
    let bucket = audit(&s).await;
    assert_eq!((&bucket["read"], &bucket["findings"]), (&json!("allowed"), &json!([])), "{bucket:#}");
}

#[tokio::test]
async fn a_deny_on_keys_reaches_keys_of_the_account_and_no_other() {
    let keys = rcp(&[deny("Keys", "kms:*", &outsiders("111122223333"))]);
    let s = under(World::healthy(), std::slice::from_ref(&keys));
    let own = s.world.key("good", true);
    s.world.bucket(|bucket| {
        bucket.encryption.algorithm = Some("aws:kms".into());
        bucket.encryption.kms_key = Some(own.clone());
    });
    let bucket = audit(&s).await;
    assert_eq!((&bucket["read"], &bucket["write"]), (&json!("denied"), &json!("denied")), "{bucket:#}");
    let found = finding(&bucket, "default-encryption");
    assert!(
        found["because"].to_string().contains("denied by RCP `rcps/perimeter.json`, statement `Keys` (index 0)"),
        "{found:#}"
    );
    let remedy = found["remedy"].as_str().unwrap();
    assert!(remedy.contains("organization") && !remedy.contains("key-policy"), "{remedy}");

    // Another account's key: its own organization's policies count, and they are not known.
    let foreign = own.replace("111122223333", "444455556666");
    let mut of_another = s.world.keys.borrow()[&own].clone();
    of_another.metadata.arn.clone_from(&foreign);
    of_another.metadata.account = "444455556666".into();
    s.world.keys.borrow_mut().insert(foreign.clone(), of_another);
    let judged = s.handle(json!({"action": "judge", "bucket": BUCKET, "kms_keys": [own, foreign]})).await;
    let reads: Vec<&str> =
        judged["objects"].as_array().unwrap().iter().map(|object| object["read"].as_str().unwrap()).collect();
    assert_eq!(reads, ["denied", "depends"], "{judged:#}");

    // A key that allows nothing itself: both documents are to be changed, one after the other.
    let bare = s.world.key("bare", false);
    s.world.bucket(|bucket| bucket.encryption.kms_key = Some(bare));
    let found = finding(&audit(&s).await, "default-encryption");
    let remedy = found["remedy"].as_str().unwrap();
    let (grant, ask) = (remedy.find("1: Give Darwin's role a grant"), remedy.find("2: Ask those who manage"));
    assert!(grant.is_some() && grant < ask, "{found:#}");
}

#[tokio::test]
async fn an_object_is_judged_under_them_by_itself_and_in_a_batch() {
    let keys = rcp(&[deny("Keys", "kms:Decrypt", &outsiders("111122223333"))]);
    let browser = rcp(&[deny(
        "Links",
        "s3:GetObject",
        &json!({"Resource": format!("arn:aws:s3:::{BUCKET}/private/*"),
        "Condition": {"StringEquals": {"s3:authType": "REST-QUERY-STRING"}}}),
    )]);
    let s = under(World::healthy(), &[browser, keys]);
    let key = s.world.key("good", true);
    for (name, under) in [("plain.png", None), ("private/a.png", None), ("under-kms.png", Some(key.as_str()))] {
        s.world.object(name, under);
    }
    let read = async |name: &str| {
        s.handle(json!({"action": "judge", "bucket": BUCKET, "key": name})).await["objects"][0].clone()
    };
    assert_eq!(read("plain.png").await["read"], "allowed");
    let private = read("private/a.png").await;
    assert_eq!(private["read"], "denied");
    let because = private["because"].to_string();
    assert!(
        because.contains("the annotator's browser: denied by RCP `rcps/perimeter.json`, statement `Links` (index 0)"),
        "{because}"
    );
    assert_eq!(read("under-kms.png").await["read"], "denied");
    s.world.published.borrow_mut().clear();
    s.handle(sqs(&[created("plain.png"), created("private/a.png"), created("under-kms.png")])).await;
    let told = s.world.told();
    for kind in ["object-denied opened", "key-denied opened"] {
        assert!(told.iter().any(|told| told == kind), "{kind} in a batch too: {told:?}");
    }
}

#[tokio::test]
async fn a_report_says_that_they_were_judged_and_else_that_they_are_not_visible() {
    let full = ResourceControlPolicy::read("full.json", FULL).unwrap();
    let call = Call { request_id: "r".into(), ..Call::default() };
    for (rcps, given) in [(vec![full], true), (vec![], false)] {
        let s = under(World::healthy(), &rcps);
        let answer = s.guard.report(&json!({"action": "audit"}), &call).await.unwrap();
        assert_eq!(exit_code(&answer), 0);
        for report in [report(&answer), markdown::report(&answer)] {
            let report = report.replace('\n', " ");
            assert_eq!(report.contains("the resource control policies that were given"), given, "{report}");
            assert_eq!(report.contains("service and resource control policies"), !given, "{report}");
        }
    }
}

#[test]
fn what_aws_takes_for_no_rcp_is_refused_with_what_is_wrong() {
    let with = |statement: Value| json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
    let fine = deny("A", "s3:*", &json!({}));
    let but = |name: &str, value: Option<Value>| {
        let mut statement = fine.clone();
        statement.as_object_mut().unwrap().remove(name);
        if let Some(value) = value {
            statement[name] = value;
        }
        statement
    };
    let mut not_action = but("Action", None);
    not_action["NotAction"] = json!("s3:GetObject");
    let mut not_principal = but("Principal", None);
    not_principal["NotPrincipal"] = json!("*");
    for (text, wants) in [
        (String::new(), "`element:Statement` is not understood"),
        ("[]".to_owned(), "`element:Statement` is not understood"),
        (r#"{"Version": "2012-10-17"}"#.to_owned(), "`element:Statement` is not understood"),
        (json!({"Statement": [fine]}).to_string(), "its Version is not `2012-10-17`"),
        (json!({"Version": "2008-10-17", "Statement": [fine]}).to_string(), "its Version is not `2012-10-17`"),
        // A service control policy has no Principal.
        (with(but("Principal", None)), "the Principal of statement `A` (index 0) is not `*`"),
        (with(but("Principal", Some(json!({"AWS": ROLE})))), "the Principal of statement"),
        (with(but("Principal", Some(json!([])))), "is not"),
        (with(not_principal), "the Principal of statement"),
        (with(not_action), "statement `A` (index 0) has no Action"),
        (with(but("Action", None)), "has no Action"),
        (with(but("Resource", None)), "has no Resource"),
        (with(but("Effect", Some(json!("deny")))), "`value:deny` is not understood"),
        (with(but("Conditions", Some(json!({})))), "`element:Conditions` is not understood"),
        // AWS has an Allow in RCPFullAWSAccess alone: dropped in silence, its author would count on what it grants.
        (with(but("Effect", Some(json!("Allow")))), "statement `A` (index 0) allows"),
        (with(json!({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "arn:aws:s3:::b/*"})), "allows"),
        (FULL.replace("}]", ", \"Condition\": {\"Bool\": {\"aws:SecureTransport\": \"true\"}}}]"), "allows"),
        (json!({"Version": "2012-10-17", "Id": "Policy1", "Statement": [fine]}).to_string(), "it has an Id"),
    ] {
        let why = ResourceControlPolicy::read("a.json", text.as_str()).unwrap_err().to_string();
        assert!(why.starts_with("no RCP: ") && why.contains(wants), "{text}: {why}");
    }
    for fine in [with(fine.clone()), with(but("Principal", Some(json!({"AWS": ["*"]})))), FULL.to_owned()] {
        ResourceControlPolicy::read("a.json", fine.as_str()).unwrap();
    }
}
