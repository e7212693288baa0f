//! The configuration: defaults, forms, and what a person reads when a value is wrong.

mod own;
mod parameters;

use darwin_s3_guard::app::config::{Config, problem::ConfigProblems};
use darwin_s3_guard::model::contract::{Access, Ceiling, Mode};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::Duration;

const ONE: &str = r#"[{"name": "acme-lidar", "access": "read-write"}]"#;

fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigProblems> {
    let lookup = |name: &str| {
        let given = variables.iter().rev().find(|(held, _)| *held == name).map(|(_, value)| (*value).to_owned());
        given.or_else(|| (name == "GUARDED_BUCKETS").then(|| ONE.to_owned()))
    };
    Config::from(&lookup)
}

fn buckets(list: &Value) -> Result<Config, ConfigProblems> {
    read(&[("GUARDED_BUCKETS", &list.to_string())])
}

#[track_caller]
fn refused(variables: &[(&str, &str)], wanted: &str) {
    let message = read(variables).expect_err(&format!("{variables:?}")).to_string();
    assert!(message.contains(wanted), "{variables:?}: {message}");
    assert!(!message.contains('\n') && message.len() < 1_500, "{message}");
}

#[track_caller]
fn bucket_refused(entry: &Value, wanted: &str) {
    let list = json!([{"name": "first", "access": "read-only"}, entry]).to_string();
    refused(&[("GUARDED_BUCKETS", &list)], wanted);
}

#[test]
fn only_guarded_buckets_is_required_and_the_rest_has_its_defaults() {
    let config = read(&[]).unwrap();
    assert_eq!((config.mode, config.ceiling, config.enable_event_bridge), (Mode::Flag, Ceiling::Flag, false));
    assert_eq!((config.contested_limit, config.contested_window, config.concurrency), (3, Duration::from_hours(1), 32));
    assert_eq!((config.topic, config.table, config.stack_id), (None, None, None));
    assert_eq!(config.darwin.role, "arn:aws:iam::258327614892:role/external_s3");
    assert_eq!(config.darwin.account, "258327614892");
    assert_eq!(
        (config.darwin.origin.as_str(), config.darwin.sid.as_str()),
        ("https://darwin.v7labs.com", "DarwinAccess")
    );
    assert_eq!(config.darwin.team, None);
    let [contract] = &config.contracts[..] else { panic!("one bucket") };
    assert_eq!((contract.bucket.as_str(), contract.access), ("acme-lidar", Access::ReadWrite));
    assert_eq!((contract.prefix.as_deref(), contract.scope_writes, contract.list), (None, false, false));
    assert_eq!(contract.read_prefixes, Vec::<String>::new());

    refused(&[("GUARDED_BUCKETS", "")], "GUARDED_BUCKETS is not set, wanted a JSON list of 1 to 20 buckets");
}

/// The variables as the template sets them, with these instead or beside.
fn lists(given: &[(&str, &str)]) -> Result<Config, ConfigProblems> {
    let template = [
        ("GUARDED_BUCKETS", ""),
        ("SCOPE_WRITES", "false"),
        ("LIST_BUCKETS", "false"),
        ("PREFIX", ""),
        ("READ_PREFIXES", ""),
    ];
    read(&[&template, given].concat())
}

#[track_caller]
fn lists_refused(given: &[(&str, &str)], wanted: &str) {
    let message = lists(given).expect_err(&format!("{given:?}")).to_string();
    assert!(message.contains(wanted), "{given:?}: {message}");
}

#[test]
fn the_two_lists_have_one_set_of_options() {
    let config = lists(&[
        ("READ_ONLY_BUCKETS", "acme-slides, acme-video"),
        ("READ_WRITE_BUCKETS", "acme-lidar"),
        ("PREFIX", "darwin"),
        ("READ_PREFIXES", "raw/, more"),
        ("SCOPE_WRITES", "true"),
        ("LIST_BUCKETS", "true"),
    ])
    .unwrap();
    let seen: Vec<_> = config.contracts.iter().map(|it| (it.bucket.as_str(), it.access, it.scope_writes)).collect();
    assert_eq!(
        seen,
        [
            ("acme-slides", Access::ReadOnly, false),
            ("acme-video", Access::ReadOnly, false),
            ("acme-lidar", Access::ReadWrite, true)
        ]
    );
    for contract in &config.contracts {
        assert_eq!((contract.prefix.as_deref(), contract.list), (Some("darwin/"), true), "{contract:?}");
        assert_eq!(contract.read_prefixes, ["raw/", "more"]);
    }
    let of_one = |list| lists(&[(list, "acme-lidar")]).unwrap().contracts;
    assert_eq!(of_one("READ_WRITE_BUCKETS"), read(&[]).unwrap().contracts, "as with GUARDED_BUCKETS");
    assert_eq!(of_one("READ_ONLY_BUCKETS")[0].access, Access::ReadOnly);
}

#[test]
fn a_wrong_list_or_option_is_told_with_its_variable_and_place() {
    let one = ("READ_ONLY_BUCKETS", "acme-slides");
    let rw = ("READ_WRITE_BUCKETS", "acme-lidar");
    lists_refused(&[], "GUARDED_BUCKETS is not set, wanted a JSON list of 1 to 20 buckets");
    lists_refused(&[], "or names, comma-separated, in `READ_ONLY_BUCKETS` or `READ_WRITE_BUCKETS`");
    lists_refused(
        &[("READ_ONLY_BUCKETS", "acme,ACME")],
        "READ_ONLY_BUCKETS[1] is `ACME`, wanted the name of a general",
    );
    lists_refused(&[("READ_ONLY_BUCKETS", "acme,")], "READ_ONLY_BUCKETS[1] is ``");
    lists_refused(
        &[("READ_ONLY_BUCKETS", "acme,acme")],
        "READ_ONLY_BUCKETS[1] is `acme` again, wanted each bucket once",
    );
    lists_refused(&[("READ_ONLY_BUCKETS", "acme-lidar"), rw], "READ_WRITE_BUCKETS[0] is `acme-lidar` again");
    let eleven = (0..11).map(|n| format!("bucket-{n}")).collect::<Vec<_>>().join(",");
    let others = eleven.replace("bucket", "other");
    assert_eq!(lists(&[("READ_ONLY_BUCKETS", &eleven), rw]).unwrap().contracts.len(), 12);
    lists_refused(
        &[("READ_ONLY_BUCKETS", &eleven), ("READ_WRITE_BUCKETS", &others)],
        "READ_ONLY_BUCKETS with READ_WRITE_BUCKETS is 11 and 11 buckets, wanted at most 20 buckets in both",
    );
    lists_refused(&[one, ("PREFIX", "/darwin/")], "PREFIX is `/darwin/`, wanted a literal key prefix");
    lists_refused(&[one, ("READ_PREFIXES", "raw/,*")], "READ_PREFIXES[1] is `*`");
    lists_refused(&[one, ("READ_PREFIXES", "raw/,raw/")], "READ_PREFIXES[1] is `raw/` again");
    lists_refused(&[one, ("LIST_BUCKETS", "yes")], "LIST_BUCKETS is `yes`, wanted `true` or `false`");
    lists_refused(&[rw, ("SCOPE_WRITES", "true")], "SCOPE_WRITES is `true`, wanted `PREFIX` and `READ_WRITE_BUCKETS`");
    lists_refused(&[one, ("SCOPE_WRITES", "true"), ("PREFIX", "d/")], "SCOPE_WRITES is `true`");
    lists_refused(&[rw, ("READ_PREFIXES", "raw/")], "READ_PREFIXES is set, wanted `PREFIX` with it");
    assert!(lists(&[one, ("READ_PREFIXES", "raw/")]).is_ok());
}

#[test]
fn what_is_about_the_lists_is_refused_beside_guarded_buckets() {
    for (name, value) in [
        ("READ_ONLY_BUCKETS", "acme-slides"),
        ("READ_WRITE_BUCKETS", "acme-slides"),
        ("PREFIX", "darwin/"),
        ("READ_PREFIXES", "raw/"),
        ("SCOPE_WRITES", "true"),
        ("LIST_BUCKETS", "true"),
    ] {
        refused(&[(name, value)], &format!("{name} is set, wanted either the two lists of buckets"));
    }
    assert!(read(&[("SCOPE_WRITES", "false"), ("LIST_BUCKETS", "false"), ("PREFIX", "")]).is_ok());
}

#[test]
fn an_empty_variable_counts_as_none() {
    let names = [
        "MODE",
        "CEILING",
        "ALERT_TOPIC_ARN",
        "INCIDENT_TABLE",
        "TEAM_NAME",
        "DARWIN_ROLE_ARN",
        "DARWIN_ORIGIN",
        "DARWIN_SID",
        "ENABLE_EVENTBRIDGE",
        "CONTESTED_LIMIT",
        "CONTESTED_WINDOW_S",
        "CONCURRENCY",
        "STACK_ID",
        "AWS_ACCOUNT_ID",
        "READ_ONLY_BUCKETS",
        "READ_WRITE_BUCKETS",
        "PREFIX",
        "READ_PREFIXES",
        "NOT_READ_PREFIXES",
        "SCOPE_WRITES",
        "LIST_BUCKETS",
    ];
    assert_eq!(read(&names.map(|name| (name, ""))), read(&[]));
}

#[test]
fn every_variable_is_read() {
    let config = read(&[
        (
            "GUARDED_BUCKETS",
            r#"[{"name": "acme.scans", "access": "read-only", "read_prefixes": ["raw/", "more"], "list": true},
            {"name": "acme-lidar", "access": "read-write", "prefix": "darwin", "scope_writes": true}]"#,
        ),
        ("MODE", "repair"),
        ("CEILING", "enforce"),
        ("ALERT_TOPIC_ARN", "arn:aws:sns:eu-central-1:111122223333:darwin-guard-Alerts_1"),
        ("INCIDENT_TABLE", "darwin-guard.Incidents"),
        ("TEAM_NAME", "Acme Vision & Söhne"),
        ("DARWIN_ROLE_ARN", "arn:aws:iam::999988887777:role/v7/external_s3"),
        ("DARWIN_ORIGIN", "https://darwin.example.com:8443"),
        ("DARWIN_SID", "V7"),
        ("ENABLE_EVENTBRIDGE", "true"),
        ("CONTESTED_LIMIT", "5"),
        ("CONTESTED_WINDOW_S", "86400"),
        ("CONCURRENCY", "128"),
        ("STACK_ID", "arn:aws:cloudformation:eu-central-1:111122223333:stack/darwin-guard/cf7ac5b0"),
        ("AWS_ACCOUNT_ID", "111122223333"),
        ("AWS_REGION", "eu-central-1"),
    ])
    .unwrap();
    assert_eq!((config.mode, config.ceiling, config.enable_event_bridge), (Mode::Repair, Ceiling::Enforce, true));
    assert_eq!(
        (config.contested_limit, config.contested_window, config.concurrency),
        (5, Duration::from_hours(24), 128)
    );
    assert_eq!(config.darwin.account, "999988887777");
    assert_eq!(config.contracts[0].read_prefixes, ["raw/", "more"]);
    assert!(config.contracts[0].list && !config.contracts[1].list);
    assert_eq!(config.contracts[1].prefix.as_deref(), Some("darwin/"), "thumbnails go under PREFIX/");
    assert!(config.contracts[1].scope_writes);
}

#[test]
fn a_function_with_more_memory_makes_more_calls_at_the_same_time() {
    for (memory, concurrency) in [("128", 32), ("512", 64), ("1769", 64), ("?", 32)] {
        assert_eq!(read(&[("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory)]).unwrap().concurrency, concurrency);
    }
    assert_eq!(read(&[("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"), ("CONCURRENCY", "8")]).unwrap().concurrency, 8);
}

#[test]
fn a_wrong_value_is_told_with_its_variable_and_what_is_wanted() {
    for (variable, wrong, wanted) in [
        ("MODE", "Repair", "MODE is `Repair`, wanted `repair` or `flag`"),
        ("CEILING", "enforced", "CEILING is `enforced`, wanted `flag` or `enforce`"),
        ("ENABLE_EVENTBRIDGE", "yes", "ENABLE_EVENTBRIDGE is `yes`, wanted `true` or `false`"),
        ("ENABLE_EVENTBRIDGE", "True", "`true` or `false`"),
        ("CONTESTED_LIMIT", "0", "CONTESTED_LIMIT is `0`, wanted a whole number of repairs from 1 to 100"),
        ("CONTESTED_LIMIT", "101", "from 1 to 100"),
        ("CONTESTED_LIMIT", "+3", "from 1 to 100"),
        ("CONTESTED_LIMIT", "3.0", "from 1 to 100"),
        ("CONTESTED_LIMIT", "99999999999", "from 1 to 100"),
        ("CONTESTED_WINDOW_S", "1h", "CONTESTED_WINDOW_S is `1h`, wanted a whole number of seconds from 60 to 604800"),
        ("CONTESTED_WINDOW_S", "59", "from 60"),
        ("CONCURRENCY", "257", "from 1 to 256"),
        ("CONCURRENCY", "-1", "from 1 to 256"),
        ("ALERT_TOPIC_ARN", "alerts", "the ARN of a standard SNS topic"),
        ("ALERT_TOPIC_ARN", "arn:aws:sns:eu-central-1:111122223333:alerts.fifo", "standard SNS topic"),
        ("ALERT_TOPIC_ARN", "arn:aws:sqs:eu-central-1:111122223333:alerts", "standard SNS topic"),
        (
            "ALERT_TOPIC_ARN",
            "arn:aws:sns:eu-central-1:111122223333:alerts:6b0e71bd-7e97-4d97-80ce-4a0994e55286",
            "standard SNS topic",
        ),
        ("INCIDENT_TABLE", "a b", "the name of a DynamoDB table"),
        ("INCIDENT_TABLE", "ab", "the name of a DynamoDB table"),
        ("TEAM_NAME", "Acme\nVision", "TEAM_NAME is `Acme Vision`, wanted at most 100 characters on one line"),
        ("TEAM_NAME", "  ", "on one line"),
        ("DARWIN_ROLE_ARN", "external_s3", "the ARN of an IAM role"),
        ("DARWIN_ROLE_ARN", "arn:aws:iam::258327614892:role/*", "without wildcards"),
        ("DARWIN_ROLE_ARN", "arn:aws:iam::258327614892:user/external_s3", "the ARN of an IAM role"),
        ("DARWIN_ROLE_ARN", "arn:aws:iam::258327614892:root", "the ARN of an IAM role"),
        ("DARWIN_ROLE_ARN", "arn:aws:iam::2583:role/external_s3", "the ARN of an IAM role"),
        ("DARWIN_ROLE_ARN", "arn:aws:iam::258327614892:role/v7/", "the ARN of an IAM role"),
        ("DARWIN_ROLE_ARN", "arn:aws:sts::258327614892:assumed-role/external_s3/x", "the ARN of an IAM role"),
        ("DARWIN_ORIGIN", "https://darwin.v7labs.com/", "an origin as a browser sends it"),
        ("DARWIN_ORIGIN", "darwin.v7labs.com", "an origin"),
        ("DARWIN_ORIGIN", "https://*.v7labs.com", "wildcard"),
        ("DARWIN_ORIGIN", "*", "wildcard"),
        ("DARWIN_ORIGIN", "https://Darwin.v7labs.com", "lower-case"),
        ("DARWIN_ORIGIN", "https://darwin.v7labs.com:443", "an origin"),
        ("DARWIN_ORIGIN", "https://darwin.v7labs.com:0", "an origin"),
        ("DARWIN_ORIGIN", "ftp://darwin.v7labs.com", "an origin"),
        ("DARWIN_SID", "Darwin-Access", "DARWIN_SID is `Darwin-Access`, wanted 1 to 64 ASCII letters and digits"),
        ("DARWIN_SID", "Zugriffé", "ASCII letters"),
        ("STACK_ID", "darwin-guard", "the ARN of a CloudFormation stack"),
        ("AWS_ACCOUNT_ID", "1111-2222-3333", "an account id of 12 digits"),
        ("AWS_REGION", "Frankfurt", "AWS_REGION is `Frankfurt`, wanted a Region's name"),
        ("AWS_DEFAULT_REGION", "eu", "AWS_DEFAULT_REGION is `eu`"),
    ] {
        refused(&[(variable, wrong)], wanted);
        refused(&[(variable, wrong)], variable);
    }
}

#[test]
fn every_wrong_value_is_told_at_once_and_cut() {
    let long = "x".repeat(10_000);
    let problems = read(&[
        ("MODE", "on"),
        ("CONCURRENCY", &long),
        ("GUARDED_BUCKETS", r#"[{"name": "A", "acess": "read-only"}]"#),
    ])
    .unwrap_err();
    let variables: Vec<&str> = problems.0.iter().map(|problem| problem.variable.as_str()).collect();
    assert_eq!(
        variables,
        ["GUARDED_BUCKETS[0]", "GUARDED_BUCKETS[0].name", "GUARDED_BUCKETS[0].access", "MODE", "CONCURRENCY"]
    );
    insta::assert_snapshot!(problems.to_string().replace("; ", "\n"), @r"
    GUARDED_BUCKETS[0] is an object with the field `acess`, wanted only `name`, `access`, `read_prefixes`, `prefix`, `not_read`, `scope_writes`, `list`
    GUARDED_BUCKETS[0].name is `A`, wanted the name of a general purpose bucket: 3 to 63 of `a-z`, `0-9`, `-`, `.`
    GUARDED_BUCKETS[0].access is not set, wanted `read-only` or `read-write`
    MODE is `on`, wanted `repair` or `flag`
    CONCURRENCY is `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…`, wanted a whole number of calls at the same time from 1 to 256
    ");
}

#[test]
fn a_wrong_list_of_buckets_is_refused_with_the_place() {
    for (list, wanted) in [
        ("acme-lidar", "GUARDED_BUCKETS is `acme-lidar` (expected value at line 1 column 1)"),
        (r#"{"name": "acme-lidar"}"#, "a JSON list"),
        ("[]", "GUARDED_BUCKETS is a list of 0"),
        (r#"["acme-lidar"]"#, "GUARDED_BUCKETS[0] is `acme-lidar`, wanted an object with `name` and `access`"),
    ] {
        refused(&[("GUARDED_BUCKETS", list)], wanted);
    }
    let many: Vec<Value> = (0..21).map(|n| json!({"name": format!("bucket-{n}"), "access": "read-only"})).collect();
    assert_eq!(buckets(&json!(many[..20])).unwrap().contracts.len(), 20);
    assert!(buckets(&json!(many)).unwrap_err().to_string().contains("a list of 21"));
}

#[test]
fn each_field_of_a_bucket_is_validated() {
    bucket_refused(
        &json!({"name": "first", "access": "read-write"}),
        "GUARDED_BUCKETS[1].name is `first` again, wanted each bucket once",
    );
    bucket_refused(&json!({"access": "read-only"}), "GUARDED_BUCKETS[1].name is not set");
    bucket_refused(&json!({"name": "b-1"}), "GUARDED_BUCKETS[1].access is not set, wanted `read-only` or `read-write`");
    bucket_refused(&json!({"name": "b-1", "access": "rw"}), "`rw`");
    bucket_refused(&json!({"name": "b-1", "access": "read-only", "prefixes": []}), "the field `prefixes`");
    for name in [
        "ab",
        "Acme",
        "acme_lidar",
        "acme..lidar",
        "-acme",
        "acme-",
        ".acme",
        "192.168.5.4",
        "xn--acme",
        "acme--x-s3",
        "acme-s3alias",
        "arn:aws:s3:::acme",
        "acme/raw",
        "acme*",
        "s3://acme",
        "äcme",
    ] {
        bucket_refused(&json!({"name": name, "access": "read-only"}), "the name of a general purpose bucket");
    }
    for prefix in ["/darwin/", "darwin/*", "dar?in/", "${aws:username}/", "a\nb"] {
        bucket_refused(&json!({"name": "b-1", "access": "read-write", "prefix": prefix}), "[1].prefix");
        bucket_refused(
            &json!({"name": "b-1", "access": "read-write", "read_prefixes": ["raw/", prefix]}),
            "[1].read_prefixes[1]",
        );
    }
    bucket_refused(&json!({"name": "b-1", "access": "read-only", "read_prefixes": [""]}), "read_prefixes[0]");
    bucket_refused(&json!({"name": "b-1", "access": "read-only", "read_prefixes": ["a/", "a/"]}), "`a/` again");
    bucket_refused(&json!({"name": "b-1", "access": "read-only", "read_prefixes": "raw/"}), "a list of at most 20");
    bucket_refused(
        &json!({"name": "b-1", "access": "read-write", "scope_writes": true}),
        "a `prefix` and `read-write` access with it",
    );
    bucket_refused(
        &json!({"name": "b-1", "access": "read-only", "scope_writes": true, "prefix": "d/"}),
        "scope_writes",
    );
    bucket_refused(
        &json!({"name": "b-1", "access": "read-only", "list": "true"}),
        "[1].list is `\"true\"`, wanted `true` or `false`, without quotes",
    );
}

#[test]
fn optional_fields_may_be_null_or_empty() {
    let config = buckets(&json!([{"name": "b-1", "access": "read-only", "prefix": "", "read_prefixes": null, "scope_writes": null, "list": false}])).unwrap();
    assert_eq!(config.contracts[0].prefix, None);
}

#[test]
fn the_function_says_where_it_runs_and_outside_lambda_the_environment_does() {
    let config = read(&[("AWS_ACCOUNT_ID", "111122223333"), ("AWS_REGION", "eu-central-1")]).unwrap();
    let home = config.home(None).unwrap();
    assert_eq!(
        (&*home.account, home.region.as_str(), home.partition.as_str()),
        ("111122223333", "eu-central-1", "aws")
    );
    for name in ["guard", "guard:live", "guard:$LATEST"] {
        let home = config.home(Some(&format!("arn:aws:lambda:us-east-1:999988887777:function:{name}"))).unwrap();
        assert_eq!((&*home.account, home.region.as_str()), ("999988887777", "us-east-1"), "the ARN wins");
    }
    for arn in [
        "",
        "guard",
        "arn:aws:lambda:us-east-1:999988887777:layer:x",
        "arn:aws:lambda::999988887777:function:x",
        "arn:aws:lambda:us-east-1:1:function:x",
    ] {
        assert!(config.home(Some(arn)).unwrap_err().to_string().contains("the ARN of a Lambda function"), "{arn}");
    }
    for arn in ["function-arn", "arn:aws:lambda:us-east-1:012345678912:function:GuardFunction"] {
        let home = config.home(Some(arn)).unwrap();
        assert_eq!((&*home.account, home.region.as_str()), ("111122223333", "eu-central-1"), "a tool's ARN is none");
    }
    let config = read(&[("AWS_DEFAULT_REGION", "eu-west-1")]).unwrap();
    assert_eq!(
        config.home(None).unwrap_err().to_string(),
        "AWS_ACCOUNT_ID is not set, wanted the account of the buckets, outside Lambda"
    );
    let config = read(&[("AWS_ACCOUNT_ID", "111122223333")]).unwrap();
    assert_eq!(
        config.home(None).unwrap_err().to_string(),
        "AWS_REGION is not set, wanted the Region of the buckets, outside Lambda"
    );
}

#[test]
fn a_role_or_a_region_outside_the_partition_of_v7s_role_is_refused() {
    for (region, partition) in [
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("eusc-de-east-1", "aws-eusc"),
        ("us-isob-east-1", "aws-iso-b"),
    ] {
        let wrong = format!(" is `{region}`, of the partition `{partition}`, wanted a Region of the partition `aws`");
        refused(&[("AWS_REGION", region)], &format!("AWS_REGION{wrong}"));
        refused(&[("AWS_REGION", ""), ("AWS_DEFAULT_REGION", region)], &format!("AWS_DEFAULT_REGION{wrong}"));
        let role = ("DARWIN_ROLE_ARN", "arn:aws:iam::258327614892:role/external_s3");
        refused(&[("AWS_REGION", region), role], "principals don't cross partitions");
        // V7 has no role there, whoever has one of that name.
        let own = format!("arn:{partition}:iam::258327614892:role/external_s3");
        for region in [region, "eu-central-1"] {
            refused(
                &[("AWS_REGION", region), ("DARWIN_ROLE_ARN", &own)],
                &format!("DARWIN_ROLE_ARN is `{own}`, wanted the ARN of a role of the partition `aws`"),
            );
        }
        let function = format!("arn:{partition}:lambda:{region}:111122223333:function:guard");
        let refused = read(&[]).unwrap().home(Some(&function)).unwrap_err().to_string();
        assert!(refused.starts_with(&format!("the invoked function's ARN{wrong}")), "{refused}");
    }
}

#[test]
fn a_read_only_bucket_with_read_prefixes_and_no_prefix_is_warned_of() {
    let entry = |name: &str, more: Value| {
        let mut entry = json!({"name": name, "access": "read-only"});
        entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        entry
    };
    let raw = json!({"read_prefixes": ["raw/"]});
    let fine = json!([
        entry("whole", json!({})),
        entry("both", json!({"read_prefixes": ["raw/"], "prefix": "darwin/"})),
        {"name": "written", "access": "read-write", "read_prefixes": ["raw/"], "prefix": "darwin/"},
    ]);
    assert_eq!(buckets(&fine).unwrap().warnings(), Vec::<String>::new());
    let warned =
        buckets(&json!([entry("acme-a", raw.clone()), entry("whole", json!({})), entry("acme-b", raw)])).unwrap();
    let [warning] = &warned.warnings()[..] else { panic!("{:?}", warned.warnings()) };
    assert!(warning.starts_with("acme-a, acme-b have read prefixes and no prefix"), "{warning}");
    assert!(warning.contains("darwin-py"), "{warning}");
    let one = buckets(&json!([entry("acme-a", json!({"read_prefixes": ["raw/"]}))])).unwrap().warnings();
    assert!(one[0].starts_with("acme-a has read prefixes"), "{one:?}");
}

#[test]
fn a_topic_of_another_region_is_refused() {
    let topic = "arn:aws:sns:eu-west-1:111122223333:alerts";
    refused(
        &[("AWS_REGION", "eu-central-1"), ("ALERT_TOPIC_ARN", topic)],
        "a topic of the guard's own Region, `eu-central-1`",
    );
    assert!(read(&[("AWS_REGION", "eu-west-1"), ("ALERT_TOPIC_ARN", topic)]).is_ok());
}

proptest! {
    #[test]
    fn no_value_of_any_variable_panics_or_makes_a_long_message(name in prop::sample::select(vec!["GUARDED_BUCKETS", "MODE", "ALERT_TOPIC_ARN",
        "INCIDENT_TABLE", "TEAM_NAME", "DARWIN_ROLE_ARN", "DARWIN_ORIGIN", "DARWIN_SID", "CONCURRENCY", "STACK_ID", "AWS_ACCOUNT_ID", "AWS_REGION"]),
        value in any::<String>()) {
        if let Err(problems) = read(&[(name, &value)]) {
            prop_assert!(problems.to_string().len() < 2_000);
            prop_assert!(problems.0.iter().all(|problem| problem.variable.starts_with(name) || problem.variable == "DARWIN_ROLE_ARN"));
        }
    }

    #[test]
    fn an_accepted_prefix_is_literal_in_a_policy(prefix in "[a-z/*?$\\x00-\\x1f]{0,12}") {
        if let Ok(config) = buckets(&json!([{"name": "b-1", "access": "read-write", "prefix": prefix}])) {
            let accepted = config.contracts[0].prefix.as_deref().unwrap_or_default();
            prop_assert!(!accepted.contains(['*', '?', '$']) && !accepted.starts_with('/'));
            prop_assert!(accepted.is_empty() || accepted.trim_end_matches('/') == prefix.trim_end_matches('/'));
        }
    }
}
