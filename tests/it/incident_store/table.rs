//! The table itself: what only it can show, many functions at the same time and what stays in it.

use super::{Healed, NOW, healed, ms, sighting};
use crate::evidence::finding;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, StalledStreamProtectionConfig};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use darwin_s3_guard::app::ports::{Incidents, Leases};
use darwin_s3_guard::incident::budget::RepairBudget;
use darwin_s3_guard::incident::life::{Claim, Incident, Lease, Sighting, StoreError};
use darwin_s3_guard::model::aws::{AwsError, ErrorClass, Operation};
use darwin_s3_guard::model::finding::Kind;
use darwin_s3_guard::shell::aws::dynamodb::table::Table;
use futures_util::future::join_all;
use std::sync::atomic::{AtomicU64, Ordering};

const NAME: &str = "incident-store-test";

#[expect(clippy::disallowed_methods, reason = "a test that needs a server is told where it is")]
fn endpoint() -> String {
    std::env::var("DYNAMODB_ENDPOINT").expect("DYNAMODB_ENDPOINT, e.g. http://127.0.0.1:5077")
}

fn client(endpoint: &str) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .endpoint_url(endpoint)
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        // No call is given up and made again because the machine is busy.
        .timeout_config(TimeoutConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .http_client(Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https())
        .build();
    Client::from_conf(config)
}

pub(super) async fn table() -> Table {
    let client = client(&endpoint());
    let key = |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap();
    let string = |name: &str| {
        let definition = AttributeDefinition::builder().attribute_name(name);
        definition.attribute_type(ScalarAttributeType::S).build().unwrap()
    };
    // Whichever test is first creates it; a failure shows in the first use.
    let created = client
        .create_table()
        .table_name(NAME)
        .key_schema(key("pk", KeyType::Hash))
        .key_schema(key("sk", KeyType::Range))
        .attribute_definitions(string("pk"))
        .attribute_definitions(string("sk"))
        .billing_mode(BillingMode::PayPerRequest)
        .send()
        .await;
    drop(created);
    Table::new(client, NAME.to_owned())
}

pub(super) fn fresh_bucket() -> String {
    use std::hash::{BuildHasher, Hasher, RandomState};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let random = RandomState::new().build_hasher().finish();
    format!("b-{random:x}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

async fn items(bucket: &str) -> Vec<std::collections::HashMap<String, AttributeValue>> {
    let query = client(&endpoint()).query().table_name(NAME).key_condition_expression("pk = :pk");
    let pk = AttributeValue::S(format!("bucket#{bucket}"));
    query.expression_attribute_values(":pk", pk).send().await.unwrap().items.unwrap_or_default()
}

#[tokio::test]
#[ignore = "needs a DynamoDB at DYNAMODB_ENDPOINT"]
async fn a_hundred_functions_that_see_the_same_cause_at_once_announce_it_once() {
    let bucket = fresh_bucket();
    let sighting = sighting(&bucket, "arn:aws:kms:eu-central-1:111122223333:key/1");
    let mut tables = Vec::new();
    for _ in 0..100 {
        tables.push(table().await);
    }
    let claims = join_all(tables.iter().map(|table| table.sight(&sighting, NOW))).await;
    let announced = claims.iter().filter(|claim| matches!(claim, Ok(Claim::Announce(_)))).count();
    assert!(claims.iter().all(Result::is_ok), "{claims:?}");
    assert_eq!(announced, 1);
    let open = tables[0].open(&bucket).await.unwrap();
    assert_eq!(open[0].seen, 100, "none was lost in the count");
}

#[tokio::test]
#[ignore = "needs a DynamoDB at DYNAMODB_ENDPOINT"]
async fn of_many_at_once_one_claims_one_heals_one_leases_and_the_budget_holds() {
    let bucket = fresh_bucket();
    let store = table().await;
    let Claim::Announce(incident) = store.sight(&sighting(&bucket, "k"), NOW).await.unwrap() else { panic!() };
    let later = NOW + darwin_s3_guard::incident::life::CLAIM;
    let claims = join_all((0..20).map(|_| store.claim(&incident, super::Status::Opened, later))).await;
    assert_eq!(claims.into_iter().filter(|claim| *claim == Ok(true)).count(), 1);
    let word = healed(NOW);
    let heals = join_all((0..20).map(|_| store.heal(&incident, &word, NOW, later))).await;
    assert_eq!(heals.into_iter().filter(|heal| *heal == Ok(true)).count(), 1);
    let holders: Vec<String> = (0..20).map(|number| format!("holder-{number}")).collect();
    let leases = join_all(holders.iter().map(|holder| store.lease(&bucket, holder, NOW, NOW + ms(1000)))).await;
    assert_eq!(leases.iter().filter(|lease| **lease == Ok(Lease::Taken)).count(), 1, "{leases:?}");
    let repairs = join_all((0..6).map(|_| store.count_repair(&bucket, NOW, ms(1000), 3))).await;
    let granted = repairs.iter().filter(|answer| matches!(answer, Ok(RepairBudget::Granted { .. }))).count();
    assert_eq!(granted, 3, "{repairs:?}");
    let name = format!("sweep#{bucket}");
    let once = join_all((0..20).map(|_| store.once_per(&name, NOW, ms(1000)))).await;
    assert_eq!(once.into_iter().filter(|due| *due == Ok(true)).count(), 1);
}

#[tokio::test]
#[ignore = "needs a DynamoDB at DYNAMODB_ENDPOINT"]
async fn nothing_that_is_open_expires() {
    let bucket = fresh_bucket();
    let store = table().await;
    let Claim::Announce(incident) = store.sight(&sighting(&bucket, "k"), NOW).await.unwrap() else { panic!() };
    let word: Healed = healed(NOW);
    assert!(store.heal(&incident, &word, NOW, NOW).await.unwrap());
    assert!(store.resolve(&Incident { healed: Some(word), ..incident }, NOW).await.unwrap());
    let expires = items(&bucket).await[0]["expires"].as_n().unwrap().parse::<u64>().unwrap();
    assert_eq!(expires, (NOW + darwin_s3_guard::incident::life::KEEP).as_secs(), "epoch seconds");
    store.sight(&sighting(&bucket, "k"), NOW + ms(1)).await.unwrap();
    for item in items(&bucket).await {
        assert!(!item.contains_key("expires"), "{item:?}");
    }
}

#[tokio::test]
#[ignore = "needs a DynamoDB at DYNAMODB_ENDPOINT"]
async fn the_largest_report_fits_an_item_of_400_kb() {
    let bucket = fresh_bucket();
    let store = table().await;
    // A control character takes six bytes of JSON.
    let long = "\u{1}".repeat(1_000_000);
    let mut finding = finding(Kind::LostUpdate, &long);
    finding.because = vec![finding.because; 100].concat();
    let sighting = Sighting {
        sample_keys: vec![long.chars().take(1024).collect(); 100],
        diff: Some(long),
        ..Sighting::of(&bucket, finding)
    };
    store.sight(&sighting, NOW).await.unwrap();
    let item = &items(&bucket).await[0];
    let size: usize = item
        .iter()
        .map(|(name, value)| name.len() + value.as_s().map_or_else(|_| value.as_n().unwrap().len(), String::len))
        .sum();
    assert!((200_000..400 * 1024).contains(&size), "{size}");
}

#[tokio::test]
#[ignore = "needs a DynamoDB at DYNAMODB_ENDPOINT"]
async fn a_table_that_is_not_there_is_not_found() {
    let store = Table::new(client(&endpoint()), "no-such-table".to_owned());
    let error = store.open("b").await.unwrap_err();
    let class = ErrorClass::NotFound;
    assert!(matches!(&error, StoreError::Aws(AwsError { operation: Operation::Query, class: c, .. }) if *c == class));
    assert!(!error.retryable(), "{error}");
}

#[tokio::test]
async fn a_table_that_does_not_answer_is_a_passing_fault() {
    // Nothing listens on the discard port of the loopback.
    let store = Table::new(client("http://127.0.0.1:9"), "t".to_owned());
    let error = store.once_per("name", NOW, ms(1)).await.unwrap_err();
    assert!(error.retryable(), "{error}");
}

#[tokio::test]
#[ignore = "needs a DynamoDB at DYNAMODB_ENDPOINT"]
async fn an_item_of_another_version_is_set_aside_and_stops_nothing() {
    let bucket = fresh_bucket();
    let store = table().await;
    for cause in ["newer", "ours"] {
        store.sight(&sighting(&bucket, cause), NOW).await.unwrap();
    }
    let newer = sighting(&bucket, "newer").fingerprint();
    client(&endpoint())
        .update_item()
        .table_name(NAME)
        .key("pk", AttributeValue::S(format!("bucket#{bucket}")))
        .key("sk", AttributeValue::S(format!("incident#{newer}")))
        .update_expression("SET format_version = :newer")
        .expression_attribute_values(":newer", AttributeValue::N("99".to_owned()))
        .send()
        .await
        .unwrap();
    for _ in 0..2 {
        let open = store.open(&bucket).await.unwrap();
        assert_eq!(open.iter().map(|incident| incident.cause.as_str()).collect::<Vec<_>>(), ["ours"]);
    }
    assert_eq!(store.take_unreadable().len(), 1);
    let claim = store.sight(&sighting(&bucket, "newer"), NOW + ms(1)).await.unwrap();
    assert!(matches!(claim, Claim::Counted(_)), "told by the version that wrote it: {claim:?}");
}

#[tokio::test]
#[ignore = "needs a DynamoDB at DYNAMODB_ENDPOINT"]
async fn a_repair_counter_that_cannot_be_read_is_reported_once_and_stops_no_repair() {
    for (name, value) in [
        ("times_json", AttributeValue::S("{\"v\":2}".to_owned())),
        ("times_json", AttributeValue::N("7".to_owned())),
        ("counted_by", AttributeValue::Bool(true)),
    ] {
        let bucket = fresh_bucket();
        let store = table().await;
        let put = client(&endpoint()).put_item().table_name(NAME);
        let put = put.item("pk", AttributeValue::S(format!("bucket#{bucket}")));
        put.item("sk", AttributeValue::S("repairs".to_owned())).item(name, value).send().await.unwrap();
        for count in 1..=2 {
            let answer = store.count_repair(&bucket, NOW, ms(1000), 3).await.unwrap();
            assert_eq!(answer, RepairBudget::Granted { count });
        }
        assert_eq!(store.take_unreadable().len(), 1);
    }
}
