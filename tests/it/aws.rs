//! The AWS shell, looked at from the other side: a server on this machine sees every request that really goes out, and
//! answers as AWS would.

mod errors;
mod operations;
mod server;

use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use darwin_s3_guard::app::ports::ForAccount;
use darwin_s3_guard::model::arn::AccountId;
use darwin_s3_guard::shell::aws::client::{Aws, Clients, Patience};
use darwin_s3_guard::shell::aws::sns::Sns;
use server::{Answer, Server};
use std::time::Duration;

const OWNER: &str = "111122223333";
const BUCKET: &str = "acme-lidar";
const TOPIC: &str = "arn:aws:sns:eu-central-1:111122223333:darwin-guard";
const SECRET: &str = "wJalrXUtnFEMI";

const NEVER: Duration = Duration::from_hours(1);
/// Without limits of time: however busy the machine is, no test meets one but those that move the time to it.
const PATIENCE: Patience =
    Patience { connect: NEVER, attempt: NEVER, operation: NEVER, attempts: 3, backoff: Duration::from_millis(1) };

struct Outside {
    aws: Aws,
    topic: Sns,
    clients: Clients,
}

async fn clients(endpoint: &str, patience: Patience) -> Clients {
    let credentials = Credentials::new("AKIDEXAMPLE", SECRET, Some("session-token".to_owned()), None, "test");
    // Nothing of the machine's own profiles.
    #[expect(deprecated, reason = "its successor is in a crate that nothing else here needs")]
    let no_profiles = {
        use aws_config::profile::profile_file::{ProfileFileKind, ProfileFiles};
        ProfileFiles::builder().with_contents(ProfileFileKind::Config, "").build()
    };
    let loader = aws_config::defaults(aws_config::BehaviorVersion::latest())
        .profile_files(no_profiles)
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(credentials));
    Clients::load(loader, "eu-central-1", patience).await
}

async fn outside(endpoint: &str, patience: Patience) -> Outside {
    let clients = clients(endpoint, patience).await;
    let aws = clients.for_account(&AccountId::parse(OWNER).unwrap());
    Outside { aws, topic: Sns::new(&clients, TOPIC), clients }
}

/// A server that gives these answers in this order, and the adapters that talk to it.
async fn talk(answers: impl IntoIterator<Item = Answer>) -> (Server, Outside) {
    let server = Server::start(answers.into_iter().collect());
    let outside = outside(&server.url(), PATIENCE).await;
    (server, outside)
}

/// An S3 error as S3 puts it.
fn s3_error(status: u16, code: &str) -> Answer {
    Answer::new(status).header("x-amz-request-id", "REQ1").body(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>about {code}</Message>\
         <RequestId>REQ1</RequestId><HostId>HOST</HostId></Error>"
    ))
}

/// A KMS error as KMS puts it.
fn kms_error(status: u16, code: &str) -> Answer {
    let body = serde_json::json!({ "__type": code, "message": format!("about {code}") });
    Answer::new(status).header("x-amzn-requestid", "REQ2").body(body.to_string())
}

/// An SNS error as SNS puts it.
fn sns_error(status: u16, code: &str) -> Answer {
    Answer::new(status).body(format!(
        "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>Sender</Type>\
         <Code>{code}</Code><Message>about {code}</Message></Error><RequestId>REQ3</RequestId></ErrorResponse>"
    ))
}
