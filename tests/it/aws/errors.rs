//! What the shell makes of failures.

use super::server::{Answer, Server};
use super::{BUCKET, NEVER, OWNER, PATIENCE, SECRET, clients, kms_error, outside, s3_error, sns_error, talk};
use darwin_s3_guard::app::ports::{BucketReads, BucketWrites, ForAccount, Keys, Meter, Objects, Topic};
use darwin_s3_guard::model::arn::AccountId;
use darwin_s3_guard::model::aws::{AwsError, ErrorClass, Operation, Usage};
use darwin_s3_guard::model::s3::Head;
use darwin_s3_guard::model::s3::Notifications;
use darwin_s3_guard::report::notice::Message;
use darwin_s3_guard::shell::aws::client::Patience;
use std::sync::mpsc::Sender;
use std::time::Duration;

fn used(operation: Operation, calls: u64, retries: u64) -> Usage {
    Usage { operation, calls, retries }
}

async fn policy_error(answers: impl IntoIterator<Item = Answer>) -> AwsError {
    let (_server, outside) = talk(answers).await;
    outside.aws.policy(BUCKET).await.unwrap_err()
}

#[tokio::test]
async fn an_s3_error_keeps_code_status_message_and_request_id() {
    let error = policy_error([s3_error(403, "AccessDenied")]).await;
    assert_eq!(
        error,
        AwsError {
            operation: Operation::GetBucketPolicy,
            class: ErrorClass::Denied,
            code: Some("AccessDenied".into()),
            status: Some(403),
            message: "about AccessDenied".into(),
            request_id: Some("REQ1".into()),
        }
    );
}

#[tokio::test]
async fn every_s3_error_falls_in_its_class() {
    for (status, code, class) in [
        (403, "AccessDenied", ErrorClass::Denied),
        (400, "ExpiredToken", ErrorClass::Denied),
        (403, "InvalidAccessKeyId", ErrorClass::Denied),
        (404, "NoSuchBucket", ErrorClass::NotFound),
        (503, "SlowDown", ErrorClass::Throttled),
        (429, "Whatever", ErrorClass::Throttled),
        (400, "ThrottlingException", ErrorClass::Throttled),
        (500, "InternalError", ErrorClass::Transient),
        (503, "ServiceUnavailable", ErrorClass::Transient),
        (409, "OperationAborted", ErrorClass::Transient),
        (400, "RequestTimeout", ErrorClass::Transient),
        (400, "MalformedPolicy", ErrorClass::Permanent),
        (400, "AuthorizationHeaderMalformed", ErrorClass::Permanent),
        (301, "PermanentRedirect", ErrorClass::Permanent),
        (409, "InvalidBucketState", ErrorClass::Permanent),
    ] {
        let error = policy_error((0..3).map(|_| s3_error(status, code))).await;
        assert_eq!((error.class, error.status), (class, Some(status)), "{code}: {error:?}");
        assert_eq!(error.code.as_deref(), Some(code));
    }
}

#[tokio::test]
async fn every_kms_error_falls_in_its_class() {
    for (status, code, class) in [
        (400, "AccessDeniedException", ErrorClass::Denied),
        (400, "NotFoundException", ErrorClass::NotFound),
        (400, "ThrottlingException", ErrorClass::Throttled),
        (500, "KMSInternalException", ErrorClass::Transient),
        (503, "DependencyTimeoutException", ErrorClass::Transient),
        (400, "InvalidArnException", ErrorClass::Permanent),
        (400, "KMSInvalidStateException", ErrorClass::Permanent),
    ] {
        let (_server, outside) = talk((0..3).map(|_| kms_error(status, code))).await;
        let error = outside.aws.describe_key("key").await.unwrap_err();
        assert_eq!((error.class, error.code.as_deref()), (class, Some(code)), "{error:?}");
        assert_eq!(error.request_id.as_deref(), Some("REQ2"));
    }
}

#[tokio::test]
async fn every_sns_error_falls_in_its_class() {
    for (status, code, class) in [
        (403, "AuthorizationError", ErrorClass::Denied),
        (404, "NotFound", ErrorClass::NotFound),
        (400, "Throttled", ErrorClass::Throttled),
        (400, "KMSThrottling", ErrorClass::Throttled),
        (400, "KMSAccessDenied", ErrorClass::Denied),
        (500, "InternalError", ErrorClass::Transient),
        (400, "InvalidParameter", ErrorClass::Permanent),
    ] {
        let (_server, outside) = talk((0..3).map(|_| sns_error(status, code))).await;
        let error = outside.topic.publish(&Message::default()).await.unwrap_err();
        assert_eq!((error.class, error.code.as_deref()), (class, Some(code)), "{error:?}");
    }
}

#[tokio::test]
async fn throttling_is_tried_again_and_the_retries_are_counted() {
    let policy = || Answer::ok("{}");
    let (server, outside) = talk([s3_error(503, "SlowDown"), s3_error(503, "SlowDown"), policy(), policy()]).await;
    assert_eq!(outside.aws.policy(BUCKET).await, Ok(Some("{}".into())));
    assert_eq!(outside.aws.policy(BUCKET).await, Ok(Some("{}".into())));
    assert_eq!(server.seen().len(), 4);
    assert_eq!(outside.clients.meter().take(), [used(Operation::GetBucketPolicy, 2, 2)]);
    assert_eq!(outside.clients.meter().take(), [], "taken is gone");
}

#[tokio::test]
async fn attempts_are_bounded_and_a_refusal_is_not_tried_again() {
    for (status, code, attempts) in [(503, "SlowDown", 3), (500, "InternalError", 3), (403, "AccessDenied", 1)] {
        let (server, outside) = talk((0..5).map(|_| s3_error(status, code))).await;
        outside.aws.policy(BUCKET).await.unwrap_err();
        assert_eq!(server.seen().len(), attempts, "{code}");
        assert_eq!(outside.clients.meter().take(), [used(Operation::GetBucketPolicy, 1, attempts as u64 - 1)]);
    }
}

/// What tokio's timers are rounded up to.
const TICK: Duration = Duration::from_millis(1);

/// Time that passes only where the test lets it: tokio moves a paused clock by itself as soon as nothing but time is waited
/// for, and does not know of the server; but not while a blocking task runs. That ends when the sender is dropped.
fn still() -> Sender<()> {
    let (sender, end) = std::sync::mpsc::channel();
    tokio::time::pause();
    tokio::task::spawn_blocking(move || end.recv());
    sender
}

#[tokio::test]
async fn an_attempt_that_takes_too_long_is_given_up_and_made_again() {
    let _still = still();
    let patience = Patience { attempt: Duration::from_secs(5), ..PATIENCE };
    let server = Server::start(vec![Answer::silent(), Answer::ok("{}")]);
    let outside = outside(&server.url(), patience).await;
    let (policy, ()) = futures_util::join!(outside.aws.policy(BUCKET), async {
        server.until(|seen| seen.len() == 1).await;
        tokio::time::advance(patience.attempt + TICK).await;
        server.until(|seen| seen[0].given_up).await;
        tokio::time::advance(patience.backoff + TICK).await;
    });
    assert_eq!(policy, Ok(Some("{}".into())));
    assert_eq!(outside.clients.meter().take(), [used(Operation::GetBucketPolicy, 1, 1)]);
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_transient() {
    let _still = still();
    let patience = Patience { operation: Duration::from_secs(12), ..PATIENCE };
    let server = Server::start(vec![Answer::silent()]);
    let outside = outside(&server.url(), patience).await;
    let (policy, ()) = futures_util::join!(outside.aws.policy(BUCKET), async {
        server.until(|seen| seen.len() == 1).await;
        tokio::time::advance(patience.operation + TICK).await;
    });
    let error = policy.unwrap_err();
    assert_eq!((error.class, error.status, &error.code), (ErrorClass::Transient, None, &None), "{error:?}");
    assert!(error.message.contains("time"), "{error}");
}

#[tokio::test]
async fn a_connection_lost_is_tried_again_and_then_transient() {
    let (server, outside) = talk(vec![Answer::closed(); 3]).await;
    let error = outside.aws.policy(BUCKET).await.unwrap_err();
    assert_eq!((error.class, error.status), (ErrorClass::Transient, None), "{error:?}");
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_tried_again_and_then_transient() {
    let (server, outside) = talk(vec![Answer::ok("{\"Version\":").broken(); 3]).await;
    let error = outside.aws.policy(BUCKET).await.unwrap_err();
    assert_eq!((error.class, error.status), (ErrorClass::Transient, Some(200)), "{error:?}");
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn a_connection_refused_is_transient_and_says_so_without_secrets() {
    // A port that the system gives to nobody who asks for any.
    let outside = outside("http://127.0.0.1:1", PATIENCE).await;
    let error = outside.aws.head_object(BUCKET, "a.jpg", None).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Transient);
    assert!(error.message.contains("refused"), "{error}");
    for secret in [SECRET, "AKIDEXAMPLE", "session-token", "Signature", "http://"] {
        assert!(!format!("{error:?}").contains(secret), "{error:?}");
    }
}

#[tokio::test]
async fn an_answer_that_is_not_understood_is_classed_by_its_status() {
    for (status, class) in [(500, ErrorClass::Transient), (403, ErrorClass::Denied), (400, ErrorClass::Permanent)] {
        let error = policy_error((0..3).map(|_| Answer::new(status).body("<html>a proxy</ht"))).await;
        assert_eq!((error.class, error.status), (class, Some(status)), "{error:?}");
    }
}

#[tokio::test]
async fn a_message_is_one_line_of_bounded_length() {
    let body = format!("<Error><Code>Odd</Code><Message>a\nb{}</Message></Error>", "x".repeat(5000));
    let error = policy_error([Answer::new(400).body(body)]).await;
    assert!(error.message.starts_with("a bx") && error.message.chars().count() == 500, "{error}");
}

#[tokio::test]
async fn a_bucket_that_is_gone_is_an_error_of_every_read() {
    let (_server, outside) = talk((0..9).map(|_| s3_error(404, "NoSuchBucket"))).await;
    let aws = &outside.aws;
    let errors = [
        aws.policy(BUCKET).await.unwrap_err(),
        aws.policy_is_public(BUCKET).await.unwrap_err(),
        aws.cors(BUCKET).await.unwrap_err(),
        aws.encryption(BUCKET).await.unwrap_err(),
        aws.notifications(BUCKET).await.unwrap_err(),
        aws.public_access_block(BUCKET).await.unwrap_err(),
        aws.ownership(BUCKET).await.unwrap_err(),
        aws.requester_pays(BUCKET).await.unwrap_err(),
        aws.tags(BUCKET).await.unwrap_err(),
    ];
    for error in errors {
        assert!(error.class == ErrorClass::NotFound && error.has_code("NoSuchBucket"), "{error:?}");
    }
}

#[test]
fn without_the_owner_there_is_nothing_that_could_call() {
    for owner in ["", "11112222333", "1111222233334", "11112222333x", "arn:aws:iam::111122223333:root"] {
        assert_eq!(AccountId::parse(owner), None, "{owner}");
    }
}

#[tokio::test]
async fn every_s3_call_expects_the_account_of_its_own_adapter() {
    let denied = || (0..6).map(|_| s3_error(403, "AccessDenied"));
    let server = Server::start(denied().chain(denied()).collect());
    let clients = clients(&server.url(), PATIENCE).await;
    for owner in [OWNER, "999999999999"] {
        let aws = clients.for_account(&AccountId::parse(owner).unwrap());
        let errors = [
            aws.head_object(BUCKET, "a.jpg", None).await.unwrap_err(),
            aws.policy(BUCKET).await.unwrap_err(),
            aws.notifications(BUCKET).await.unwrap_err(),
            aws.put_policy(BUCKET, "{}").await.unwrap_err(),
            aws.put_cors(BUCKET, &[]).await.unwrap_err(),
            aws.enable_event_bridge(BUCKET, &Notifications::default()).await.unwrap_err(),
        ];
        assert!(errors.iter().all(|error| error.class == ErrorClass::Denied), "{errors:?}");
    }
    let seen = server.seen();
    let owners: Vec<_> = seen.iter().map(|request| request.header("x-amz-expected-bucket-owner").unwrap()).collect();
    assert_eq!(owners, [[OWNER; 6], ["999999999999"; 6]].concat());
}

#[test]
fn lambda_is_told_why_the_function_does_not_start() {
    let server = Server::start(vec![Answer::new(202)]);
    let address = server.url().replace("http://", "");
    let message = "MODE is `repiar`, \"é\"";
    darwin_s3_guard::shell::aws::init_error::report_init_error(&address, "Misconfigured", message, NEVER).unwrap();
    let request = server.only();
    assert_eq!(request.line(), "POST /2018-06-01/runtime/init/error");
    assert_eq!(request.header("lambda-runtime-function-error-type"), Some("Misconfigured"));
    let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!(
        (&body["errorType"], &body["errorMessage"]),
        (&"Misconfigured".into(), &"MODE is `repiar`, \"é\"".into())
    );
}

#[tokio::test]
async fn credentials_that_are_there_are_found() {
    let server = Server::start(Vec::new());
    assert_eq!(clients(&server.url(), PATIENCE).await.find_credentials().await, Ok(()));
    assert!(server.seen().is_empty());
}

mod head {
    use super::*;

    async fn head(answers: impl IntoIterator<Item = Answer>) -> (Result<Head, AwsError>, Vec<String>) {
        let (server, outside) = talk(answers).await;
        let head = outside.aws.head_object(BUCKET, "a.jpg", Some("v1")).await;
        (head, server.seen().iter().map(super::super::server::Request::line).collect())
    }

    #[tokio::test]
    async fn an_object_that_is_not_there_is_gone() {
        assert_eq!(head([Answer::new(404)]).await.0, Ok(Head::Gone));
    }

    #[tokio::test]
    async fn a_delete_marker_is_gone() {
        let marker = Answer::new(405).header("x-amz-delete-marker", "true");
        assert_eq!(head([marker]).await.0, Ok(Head::Gone));
    }

    #[tokio::test]
    async fn a_405_that_is_no_delete_marker_is_an_error() {
        let error = head([Answer::new(405)]).await.0.unwrap_err();
        assert_eq!((error.class, error.status), (ErrorClass::Permanent, Some(405)));
    }

    #[tokio::test]
    async fn a_400_of_the_object_alone_is_a_customer_provided_key() {
        let fine = Answer::ok("<RequestPaymentConfiguration><Payer>BucketOwner</Payer></RequestPaymentConfiguration>");
        let (verdict, seen) = head([Answer::new(400), fine]).await;
        assert_eq!(verdict, Ok(Head::SseC));
        assert_eq!(seen, ["HEAD /acme-lidar/a.jpg?versionId=v1", "GET /acme-lidar/?requestPayment"]);
        assert_eq!(head([Answer::new(400), s3_error(403, "AccessDenied")]).await.0, Ok(Head::SseC));
    }

    #[tokio::test]
    async fn a_400_of_every_call_is_named_and_is_no_customer_provided_key() {
        for (code, class) in [
            ("ExpiredToken", ErrorClass::Denied),
            ("AuthorizationHeaderMalformed", ErrorClass::Permanent),
            ("InvalidToken", ErrorClass::Denied),
        ] {
            let error = head([Answer::new(400), s3_error(400, code)]).await.0.unwrap_err();
            assert_eq!((error.operation, error.class), (Operation::HeadObject, class));
            assert!(error.has_code(code), "{error:?}");
        }
    }

    #[tokio::test]
    async fn a_400_is_no_customer_provided_key_while_nothing_can_be_asked() {
        let slow = (0..3).map(|_| s3_error(503, "SlowDown"));
        let error = head([Answer::new(400)].into_iter().chain(slow)).await.0.unwrap_err();
        assert_eq!(error.class, ErrorClass::Throttled);
    }

    #[tokio::test]
    async fn a_403_is_denied_as_it_does_not_say_whether_the_object_is_there() {
        let error = head([Answer::new(403).header("x-amz-request-id", "REQ9")]).await.0.unwrap_err();
        assert_eq!((error.class, error.status), (ErrorClass::Denied, Some(403)));
        assert_eq!(error.request_id.as_deref(), Some("REQ9"));
        assert_eq!(error.message, "answered with status 403 and no message");
    }

    #[tokio::test]
    async fn a_bucket_of_another_region_is_named_although_the_answer_is_empty() {
        let error = head([Answer::new(301).header("x-amz-bucket-region", "us-east-1")]).await.0.unwrap_err();
        assert!(error.has_code("PermanentRedirect") && error.class == ErrorClass::Permanent, "{error:?}");
    }

    #[tokio::test]
    async fn a_503_is_throttling_and_tried_again() {
        let (verdict, seen) = head((0..3).map(|_| Answer::new(503))).await;
        assert_eq!(verdict.unwrap_err().class, ErrorClass::Throttled);
        assert_eq!(seen.len(), 3);
    }
}
