//! Every operation: the request that goes out, and the answer as it comes back.

use super::server::{Answer, Request};
use super::{BUCKET, OWNER, TOPIC, s3_error, talk};
use darwin_s3_guard::app::ports::{BucketReads, BucketWrites, Keys, Listing, Meter, Objects, Topic};
use darwin_s3_guard::model::aws::Operation;
use darwin_s3_guard::model::kms::KeyMetadata;
use darwin_s3_guard::model::s3::{
    BucketEncryption, CorsRule, Head, Notifications, ObjectFacts, Ownership, PublicAccessBlock, Service, Target,
};
use darwin_s3_guard::report::notice::Message;
use darwin_s3_guard::scan::range::{Listed, Page};
use serde_json::json;

const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
const KEY: &str = "arn:aws:kms:eu-central-1:111122223333:key/1";
const ROLE: &str = "arn:aws:iam::258327614892:role/external_s3";

fn notification_document() -> String {
    format!(
        "{XML}<NotificationConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
         <QueueConfiguration><Id>thumbs</Id><Queue>arn:aws:sqs:eu-central-1:111122223333:q</Queue>\
         <Event>s3:ObjectCreated:*</Event><Filter><S3Key><FilterRule><Name>prefix</Name><Value>raw/</Value></FilterRule>\
         <FilterRule><Name>suffix</Name><Value>.jpg</Value></FilterRule></S3Key></Filter></QueueConfiguration>\
         <TopicConfiguration><Id>t</Id><Topic>arn:aws:sns:eu-central-1:111122223333:t</Topic>\
         <Event>s3:ObjectRemoved:*</Event><Event>s3:ObjectCreated:Put</Event></TopicConfiguration>\
         <CloudFunctionConfiguration><Id>f</Id>\
         <CloudFunction>arn:aws:lambda:eu-central-1:111122223333:function:f</CloudFunction>\
         <Event>s3:SomethingNew:*</Event></CloudFunctionConfiguration></NotificationConfiguration>"
    )
}

fn notification_targets() -> Vec<Target> {
    let target = |service, arn: &str, id: &str, events: &[&str]| Target {
        service,
        arn: arn.to_owned(),
        id: Some(id.to_owned()),
        events: events.iter().map(|event| (*event).to_owned()).collect(),
        filter: Vec::new(),
    };
    let filter = vec![("prefix".to_owned(), "raw/".to_owned()), ("suffix".to_owned(), ".jpg".to_owned())];
    let queue = target(Service::Queue, "arn:aws:sqs:eu-central-1:111122223333:q", "thumbs", &["s3:ObjectCreated:*"]);
    let topic_events = ["s3:ObjectRemoved:*", "s3:ObjectCreated:Put"];
    vec![
        Target { filter, ..queue },
        target(Service::Topic, "arn:aws:sns:eu-central-1:111122223333:t", "t", &topic_events),
        target(Service::Function, "arn:aws:lambda:eu-central-1:111122223333:function:f", "f", &["s3:SomethingNew:*"]),
    ]
}

#[tokio::test]
async fn every_s3_request_names_the_owner_and_none_asks_for_checksums() {
    let empty = || Answer::ok("");
    let answers = vec![
        empty(),
        empty(),
        Answer::ok(format!("{XML}<PolicyStatus/>")),
        Answer::ok(format!("{XML}<CORSConfiguration/>")),
        Answer::ok(format!("{XML}<ServerSideEncryptionConfiguration/>")),
        Answer::ok(format!("{XML}<NotificationConfiguration/>")),
        Answer::ok(format!("{XML}<PublicAccessBlockConfiguration/>")),
        Answer::ok(format!("{XML}<OwnershipControls/>")),
        Answer::ok(format!("{XML}<RequestPaymentConfiguration/>")),
        Answer::ok(format!("{XML}<Tagging><TagSet/></Tagging>")),
        Answer::new(204),
        empty(),
        Answer::ok(format!("{XML}<NotificationConfiguration/>")),
        empty(),
    ];
    let (server, outside) = talk(answers).await;
    let aws = &outside.aws;
    aws.head_object(BUCKET, "a b/é+.jpg", Some("v 1")).await.unwrap();
    aws.policy(BUCKET).await.unwrap();
    aws.policy_is_public(BUCKET).await.unwrap();
    aws.cors(BUCKET).await.unwrap();
    aws.encryption(BUCKET).await.unwrap();
    aws.notifications(BUCKET).await.unwrap();
    aws.public_access_block(BUCKET).await.unwrap();
    aws.ownership(BUCKET).await.unwrap();
    aws.requester_pays(BUCKET).await.unwrap();
    aws.tags(BUCKET).await.unwrap();
    aws.put_policy(BUCKET, "{}").await.unwrap();
    aws.put_cors(BUCKET, &[CorsRule::default()]).await.unwrap();
    aws.enable_event_bridge(BUCKET, &Notifications::default()).await.unwrap();

    let seen = server.seen();
    let lines: Vec<String> = seen.iter().map(Request::line).collect();
    assert_eq!(
        lines,
        [
            "HEAD /acme-lidar/a%20b/%C3%A9%2B.jpg?versionId=v%201",
            "GET /acme-lidar/?policy",
            "GET /acme-lidar/?policyStatus",
            "GET /acme-lidar/?cors",
            "GET /acme-lidar/?encryption",
            "GET /acme-lidar/?notification",
            "GET /acme-lidar/?publicAccessBlock",
            "GET /acme-lidar/?ownershipControls",
            "GET /acme-lidar/?requestPayment",
            "GET /acme-lidar/?tagging",
            "PUT /acme-lidar/?policy",
            "PUT /acme-lidar/?cors",
            "GET /acme-lidar/?notification",
            "PUT /acme-lidar/?notification",
        ]
    );
    for request in &seen {
        assert_eq!(request.header("x-amz-expected-bucket-owner"), Some(OWNER), "{request:?}");
        assert_eq!(request.header("x-amz-checksum-mode"), None, "{request:?}");
        assert!(request.header("authorization").is_some_and(|text| text.contains("/eu-central-1/s3/")), "{request:?}");
    }

    let metered: Vec<Operation> = outside.clients.meter().take().iter().map(|usage| usage.operation).collect();
    let of_s3: Vec<Operation> =
        Operation::ALL.iter().copied().filter(|operation| operation.iam_action().starts_with("s3:")).collect();
    assert_eq!(metered, of_s3, "every S3 operation there is was seen, and counted");
}

#[tokio::test]
async fn a_listing_names_the_owner_goes_on_by_key_and_takes_keys_that_xml_has_no_form_for() {
    let page = format!(
        "{XML}<ListBucketResult><IsTruncated>true</IsTruncated><EncodingType>url</EncodingType>\
         <Contents><Key>raw/%0A%01a+b%2Bc</Key><Size>7</Size></Contents>\
         <CommonPrefixes><Prefix>raw/%C3%BC/</Prefix></CommonPrefixes></ListBucketResult>"
    );
    let endless = format!("{XML}<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>");
    let (server, outside) = talk([Answer::ok(page), Answer::ok(endless)]).await;
    let page = outside.aws.list(BUCKET, "raw/", "raw/\u{1}+", true).await.unwrap();
    let key = "raw/\n\u{1}a b+c".to_owned();
    assert_eq!(page, Page { objects: vec![Listed { key, size: 7 }], folders: vec!["raw/\u{fc}/".into()], more: true });
    let endless = outside.aws.list(BUCKET, "", "", false).await;
    assert!(endless.is_err_and(|error| error.retryable()), "what would be asked for without end is no page");
    let seen = server.seen();
    let line = seen[0].line();
    for part in ["list-type=2", "encoding-type=url", "prefix=raw%2F", "start-after=raw%2F%01%2B", "delimiter=%2F"] {
        assert!(line.contains(part), "{line}");
    }
    assert_eq!(seen[0].header("x-amz-expected-bucket-owner"), Some(OWNER));
}

#[tokio::test]
async fn head_object_tells_what_the_judgement_needs() {
    let answer = Answer::ok("")
        .header("x-amz-version-id", "v1")
        .header("x-amz-server-side-encryption", "aws:kms:dsse")
        .header("x-amz-server-side-encryption-aws-kms-key-id", KEY)
        .header("x-amz-server-side-encryption-bucket-key-enabled", "true")
        .header("x-amz-storage-class", "SOMETHING_NEW")
        .header("x-amz-restore", "ongoing-request=\"true\"")
        .header("x-amz-archive-status", "DEEP_ARCHIVE_ACCESS");
    let (server, outside) = talk([answer, Answer::ok("")]).await;
    let full = outside.aws.head_object(BUCKET, "a.jpg", None).await;
    let bare = outside.aws.head_object(BUCKET, "a.jpg", None).await;
    assert_eq!(
        full,
        Ok(Head::Found(ObjectFacts {
            version_id: Some("v1".into()),
            encryption: Some("aws:kms:dsse".into()),
            kms_key: Some(KEY.into()),
            bucket_key_enabled: true,
            storage_class: Some("SOMETHING_NEW".into()),
            restore: Some("ongoing-request=\"true\"".into()),
            archive_status: Some("DEEP_ARCHIVE_ACCESS".into()),
        }))
    );
    assert_eq!(bare, Ok(Head::Found(ObjectFacts::default())));
    assert_eq!(server.seen()[0].line(), "HEAD /acme-lidar/a.jpg");
}

#[tokio::test]
async fn a_policy_comes_byte_for_byte() {
    let policy = "{\n  \"Version\" : \"2012-10-17\",\t\"Id\":\"\\u00e9 é &amp; <x>\", \"Statement\":[ ] }\n";
    let (_server, outside) = talk([Answer::ok(policy)]).await;
    assert_eq!(outside.aws.policy(BUCKET).await.unwrap().as_deref(), Some(policy));
}

#[tokio::test]
async fn a_policy_goes_out_byte_for_byte_and_guards_its_writer() {
    let policy = "{ \"Version\":\"2012-10-17\",\n\"Statement\":[],\"Id\":\"é\" }";
    let (server, outside) = talk([Answer::new(204)]).await;
    outside.aws.put_policy(BUCKET, policy).await.unwrap();
    let request = server.only();
    assert_eq!(request.body, policy);
    assert_eq!(request.header("x-amz-confirm-remove-self-bucket-access"), None);
    let has_digest = request.headers.keys().any(|name| name == "content-md5" || name.starts_with("x-amz-checksum-"));
    assert!(has_digest, "{request:?}");
}

#[tokio::test]
async fn what_is_not_configured_is_not_an_error() {
    let answers = [
        "NoSuchBucketPolicy",
        "NoSuchBucketPolicy",
        "NoSuchCORSConfiguration",
        "ServerSideEncryptionConfigurationNotFoundError",
        "NoSuchPublicAccessBlockConfiguration",
        "OwnershipControlsNotFoundError",
        "NoSuchTagSet",
    ];
    let (_server, outside) = talk(answers.map(|code| s3_error(404, code))).await;
    let aws = &outside.aws;
    assert_eq!(aws.policy(BUCKET).await, Ok(None));
    assert_eq!(aws.policy_is_public(BUCKET).await, Ok(Some(false)));
    assert_eq!(aws.cors(BUCKET).await, Ok(None));
    assert_eq!(aws.encryption(BUCKET).await, Ok(None));
    assert_eq!(aws.public_access_block(BUCKET).await, Ok(None));
    assert_eq!(aws.ownership(BUCKET).await, Ok(None));
    assert_eq!(aws.tags(BUCKET).await, Ok(vec![]));
}

#[tokio::test]
async fn a_policy_status_without_an_answer_is_unknown() {
    let status = |inner: &str| Answer::ok(format!("{XML}<PolicyStatus>{inner}</PolicyStatus>"));
    let answers = [status(""), status("<IsPublic>true</IsPublic>"), status("<IsPublic>false</IsPublic>")];
    let (_server, outside) = talk(answers).await;
    for expected in [None, Some(true), Some(false)] {
        assert_eq!(outside.aws.policy_is_public(BUCKET).await, Ok(expected));
    }
}

fn cors_rules() -> Vec<CorsRule> {
    let list = |items: &[&str]| items.iter().map(ToString::to_string).collect();
    vec![
        CorsRule {
            id: Some("theirs & ours".into()),
            allowed_headers: list(&["*"]),
            allowed_methods: list(&["GET", "HEAD"]),
            allowed_origins: list(&["https://*.example.com"]),
            expose_headers: list(&["ETag"]),
            max_age_seconds: Some(0),
        },
        CorsRule {
            allowed_methods: list(&["GET"]),
            allowed_origins: list(&["https://darwin.v7labs.com"]),
            ..CorsRule::default()
        },
    ]
}

const CORS_INNER: &str = "<CORSRule><ID>theirs &amp; ours</ID><AllowedHeader>*</AllowedHeader>\
    <AllowedMethod>GET</AllowedMethod><AllowedMethod>HEAD</AllowedMethod>\
    <AllowedOrigin>https://*.example.com</AllowedOrigin><ExposeHeader>ETag</ExposeHeader>\
    <MaxAgeSeconds>0</MaxAgeSeconds></CORSRule><CORSRule><AllowedMethod>GET</AllowedMethod>\
    <AllowedOrigin>https://darwin.v7labs.com</AllowedOrigin></CORSRule>";

#[tokio::test]
async fn cors_rules_are_read_and_written_without_loss() {
    let document = format!("{XML}<CORSConfiguration>{CORS_INNER}</CORSConfiguration>");
    let (server, outside) = talk([Answer::ok(document), Answer::ok("")]).await;
    let rules = outside.aws.cors(BUCKET).await.unwrap().unwrap();
    assert_eq!(rules, cors_rules());
    outside.aws.put_cors(BUCKET, &rules).await.unwrap();
    let sent = &server.seen()[1].body;
    for rule in CORS_INNER.split_inclusive("</CORSRule>") {
        let bare = |text: &str| text.replace("&amp;", "&").replace("&#38;", "&");
        let (sent, mut inner) = (bare(sent), bare(rule));
        inner = inner.replace("<CORSRule>", "").replace("</CORSRule>", "");
        for element in inner.split_inclusive('>').collect::<Vec<_>>().chunks(2).map(<[&str]>::concat) {
            assert!(sent.contains(&element), "{element} is missing in {sent}");
        }
    }
    assert_eq!(sent.matches("<CORSRule>").count(), 2, "{sent}");
    assert_eq!(sent.matches("<AllowedHeader>").count(), 1, "an empty list is not sent: {sent}");
}

#[tokio::test]
async fn encryption_block_ownership_payer_and_tags_are_read() {
    let encryption = format!(
        "{XML}<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>\
         <SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>alias/lidar</KMSMasterKeyID>\
         </ApplyServerSideEncryptionByDefault><BucketKeyEnabled>true</BucketKeyEnabled></Rule>\
         </ServerSideEncryptionConfiguration>"
    );
    let block = format!(
        "{XML}<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls>\
         <RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>"
    );
    let ownership = |kind: &str| {
        Answer::ok(format!(
            "{XML}<OwnershipControls><Rule><ObjectOwnership>{kind}</ObjectOwnership></Rule></OwnershipControls>"
        ))
    };
    let payer =
        |inner: &str| Answer::ok(format!("{XML}<RequestPaymentConfiguration>{inner}</RequestPaymentConfiguration>"));
    let tags =
        format!("{XML}<Tagging><TagSet><Tag><Key>darwin-guard</Key><Value>paused</Value></Tag></TagSet></Tagging>");
    let answers = [
        Answer::ok(encryption),
        Answer::ok(block),
        ownership("BucketOwnerEnforced"),
        ownership("BucketOwnerPreferred"),
        ownership("ObjectWriter"),
        ownership("Novel"),
        payer("<Payer>Requester</Payer>"),
        payer("<Payer>BucketOwner</Payer>"),
        payer(""),
        Answer::ok(tags),
    ];
    let (_server, outside) = talk(answers).await;
    let aws = &outside.aws;
    let default = BucketEncryption {
        algorithm: Some("aws:kms".into()),
        kms_key: Some("alias/lidar".into()),
        bucket_key_enabled: true,
    };
    assert_eq!(aws.encryption(BUCKET).await, Ok(Some(default)));
    let block = PublicAccessBlock { block_public_acls: true, restrict_public_buckets: true, ..Default::default() };
    assert_eq!(aws.public_access_block(BUCKET).await, Ok(Some(block)));
    for expected in [
        Ownership::BucketOwnerEnforced,
        Ownership::BucketOwnerPreferred,
        Ownership::ObjectWriter,
        Ownership::Unknown("Novel".into()),
    ] {
        assert_eq!(aws.ownership(BUCKET).await, Ok(Some(expected)));
    }
    for expected in [true, false, false] {
        assert_eq!(aws.requester_pays(BUCKET).await, Ok(expected));
    }
    assert_eq!(aws.tags(BUCKET).await, Ok(vec![("darwin-guard".into(), "paused".into())]));
}

#[tokio::test]
async fn notifications_are_summed_up() {
    let on = format!("{XML}<NotificationConfiguration><EventBridgeConfiguration/></NotificationConfiguration>");
    let (_server, outside) = talk([Answer::ok(notification_document()), Answer::ok(on)]).await;
    assert_eq!(
        outside.aws.notifications(BUCKET).await,
        Ok(Notifications { event_bridge: false, targets: notification_targets() })
    );
    let only_event_bridge = Notifications { event_bridge: true, ..Notifications::default() };
    assert_eq!(outside.aws.notifications(BUCKET).await, Ok(only_event_bridge));
}

#[tokio::test]
async fn event_bridge_is_turned_on_and_every_target_kept() {
    let (server, outside) = talk([Answer::ok(notification_document()), Answer::ok("")]).await;
    let before = Notifications { event_bridge: false, targets: notification_targets() };
    assert_eq!(outside.aws.enable_event_bridge(BUCKET, &before).await, Ok(true));
    let seen = server.seen();
    assert_eq!(seen[1].line(), "PUT /acme-lidar/?notification");
    assert_eq!(seen[1].header("x-amz-skip-destination-validation"), Some("true"));
    let sent = &seen[1].body;
    assert!(sent.contains("<EventBridgeConfiguration"), "{sent}");
    for kept in [
        "<Id>thumbs</Id>",
        "<Queue>arn:aws:sqs:eu-central-1:111122223333:q</Queue>",
        "<FilterRule><Name>prefix</Name><Value>raw/</Value></FilterRule>",
        "<FilterRule><Name>suffix</Name><Value>.jpg</Value></FilterRule>",
        "<Topic>arn:aws:sns:eu-central-1:111122223333:t</Topic>",
        "<Event>s3:ObjectRemoved:*</Event><Event>s3:ObjectCreated:Put</Event>",
        "<CloudFunction>arn:aws:lambda:eu-central-1:111122223333:function:f</CloudFunction>",
        "<Event>s3:SomethingNew:*</Event>",
    ] {
        assert!(sent.contains(kept), "{kept} is missing in {sent}");
    }
}

#[tokio::test]
async fn notifications_that_are_no_longer_what_was_judged_are_not_written_over() {
    let on = format!("{XML}<NotificationConfiguration><EventBridgeConfiguration/></NotificationConfiguration>");
    let (server, outside) = talk([Answer::ok(on)]).await;
    assert_eq!(outside.aws.enable_event_bridge(BUCKET, &Notifications::default()).await, Ok(false));
    assert_eq!(server.only().method, "GET");
}

fn kms_request(request: &Request, target: &str) -> serde_json::Value {
    assert_eq!(request.header("x-amz-target"), Some(&*format!("TrentService.{target}")));
    serde_json::from_str(&request.body).unwrap()
}

#[tokio::test]
async fn a_key_is_described() {
    let answer = json!({ "KeyMetadata": {
        "AWSAccountId": "111122223333", "KeyId": "1", "Arn": KEY, "KeyState": "PendingReplicaDeletion",
        "KeyManager": "CUSTOMER", "Origin": "EXTERNAL", "KeySpec": "SYMMETRIC_DEFAULT",
        "KeyUsage": "ENCRYPT_DECRYPT", "MultiRegion": true, "Enabled": false,
    } });
    let (server, outside) = talk([Answer::ok(answer.to_string())]).await;
    let expected = KeyMetadata {
        arn: KEY.into(),
        account: "111122223333".into(),
        state: "PendingReplicaDeletion".into(),
        manager: "CUSTOMER".into(),
        origin: Some("EXTERNAL".into()),
        spec: Some("SYMMETRIC_DEFAULT".into()),
        usage: Some("ENCRYPT_DECRYPT".into()),
        multi_region: true,
    };
    assert_eq!(outside.aws.describe_key("alias/lidar").await, Ok(expected));
    assert_eq!(kms_request(&server.only(), "DescribeKey"), json!({ "KeyId": "alias/lidar" }));
}

#[tokio::test]
async fn a_key_policy_comes_byte_for_byte() {
    let policy = "{\n \"Version\" : \"2012-10-17\", \"Statement\":[ ]}";
    let (server, outside) = talk([Answer::ok(json!({ "Policy": policy, "PolicyName": "default" }).to_string())]).await;
    assert_eq!(outside.aws.key_policy(KEY).await.as_deref(), Ok(policy));
    assert_eq!(kms_request(&server.only(), "GetKeyPolicy"), json!({ "KeyId": KEY, "PolicyName": "default" }));
}

#[tokio::test]
async fn grants_of_every_page_come_in_the_api_s_own_form() {
    let constrained = json!({
        "GrantId": "g1", "KeyId": KEY, "Name": "n", "GranteePrincipal": ROLE, "RetiringPrincipal": ROLE,
        "IssuingAccount": "arn:aws:iam::111122223333:root", "Operations": ["Decrypt", "SomethingNew"],
        "Constraints": {
            "EncryptionContextSubset": { "b": "2", "aws:s3:arn": "arn:aws:s3:::acme-lidar" },
            "EncryptionContextEquals": { "c": "3" },
        },
    });
    let plain = json!({ "GrantId": "g2", "GranteePrincipal": ROLE, "Operations": [] });
    let first = json!({ "Grants": [constrained], "Truncated": true, "NextMarker": "m1" });
    let second = json!({ "Grants": [plain], "Truncated": false, "NextMarker": "ignored" });
    let (server, outside) = talk([Answer::ok(first.to_string()), Answer::ok(second.to_string())]).await;
    assert_eq!(outside.aws.grants(KEY, ROLE).await, Ok(vec![constrained, plain]));
    let seen = server.seen();
    assert_eq!(kms_request(&seen[0], "ListGrants"), json!({ "KeyId": KEY, "GranteePrincipal": ROLE }));
    assert_eq!(kms_request(&seen[1], "ListGrants"), json!({ "KeyId": KEY, "GranteePrincipal": ROLE, "Marker": "m1" }));
}

#[tokio::test]
async fn a_message_goes_out_with_its_structure_subject_and_attributes() {
    let answer = "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult>\
                  <MessageId>1</MessageId></PublishResult></PublishResponse>";
    let (server, outside) = talk([Answer::ok(answer)]).await;
    let message = Message {
        subject: "Darwin can't read acme-lidar".into(),
        body: json!({ "default": "a & b = é" }).to_string(),
        attributes: vec![("severity".into(), "critical".into()), ("bucket".into(), BUCKET.into())],
    };
    outside.topic.publish(&message).await.unwrap();
    let form = server.only().form();
    for (name, value) in [
        ("Action", "Publish"),
        ("TopicArn", TOPIC),
        ("Subject", &message.subject),
        ("Message", &message.body),
        ("MessageStructure", "json"),
    ] {
        assert_eq!(form.get(name).map(String::as_str), Some(value), "{form:?}");
    }
    let values: Vec<&str> = form
        .iter()
        .filter(|(name, _)| name.starts_with("MessageAttributes"))
        .map(|(_, value)| value.as_str())
        .collect();
    for value in ["severity", "critical", "bucket", BUCKET, "String"] {
        assert!(values.contains(&value), "{form:?}");
    }
}

#[tokio::test]
async fn confirmed_subscriptions_are_read() {
    let attributes = |inner: &str| {
        Answer::ok(format!(
            "<GetTopicAttributesResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><GetTopicAttributesResult>\
             <Attributes>{inner}</Attributes></GetTopicAttributesResult></GetTopicAttributesResponse>"
        ))
    };
    let two = "<entry><key>SubscriptionsConfirmed</key><value>2</value></entry>";
    let (server, outside) = talk([attributes(two), attributes("")]).await;
    assert_eq!(outside.topic.subscriptions_confirmed().await, Ok(2));
    assert_eq!(outside.topic.subscriptions_confirmed().await, Ok(0));
    let form = server.seen()[0].form();
    assert_eq!((form["Action"].as_str(), form["TopicArn"].as_str()), ("GetTopicAttributes", TOPIC));
}
