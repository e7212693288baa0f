//! The bare handler: one HeadObject for each record of an S3 notification, `CONC` at once, and nothing else.

use aws_lambda_events::event::s3::S3Event;
use aws_smithy_http_client::{Builder, tls};
use futures_util::{StreamExt, stream};
use lambda_runtime::{Error, LambdaEvent, service_fn};

struct Clients {
    s3: aws_sdk_s3::Client,
    kms: aws_sdk_kms::Client,
    sns: aws_sdk_sns::Client,
}

fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

macro_rules! client {
    ($sdk:ident, $http:expr) => {{
        let key = env("AWS_ACCESS_KEY_ID").unwrap_or_default();
        let secret = env("AWS_SECRET_ACCESS_KEY").unwrap_or_default();
        let mut config = $sdk::Config::builder()
            .behavior_version($sdk::config::BehaviorVersion::latest())
            .region($sdk::config::Region::new(env("AWS_REGION").unwrap_or_default()))
            .credentials_provider($sdk::config::Credentials::new(key, secret, env("AWS_SESSION_TOKEN"), None, "env"))
            .http_client($http);
        if let Some(url) = env("AWS_ENDPOINT_URL") {
            config = config.endpoint_url(url);
        }
        $sdk::Client::from_conf(config.build())
    }};
}

impl Clients {
    fn new() -> Self {
        let provider = tls::Provider::rustls(tls::rustls_provider::CryptoMode::Ring);
        let http = Builder::new().tls_provider(provider).build_https();
        Self {
            s3: client!(aws_sdk_s3, http.clone()),
            kms: client!(aws_sdk_kms, http.clone()),
            sns: client!(aws_sdk_sns, http),
        }
    }
}

async fn serve() -> Result<(), Error> {
    let clients = &Clients::new();
    let concurrency = env("CONC").and_then(|text| text.parse().ok()).unwrap_or(16);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<S3Event>| async move {
        let under_kms = stream::iter(event.payload.records)
            .map(|record| async move {
                let bucket = record.s3.bucket.name.unwrap_or_default();
                let key = record.s3.object.url_decoded_key.or(record.s3.object.key).unwrap_or_default();
                match clients.s3.head_object().bucket(bucket).key(key).send().await {
                    Ok(head) => usize::from(head.ssekms_key_id.is_some()),
                    Err(error) => {
                        eprintln!("{error:?}");
                        0
                    }
                }
            })
            .buffer_unordered(concurrency)
            .fold(0, |sum, one| async move { sum + one })
            .await;
        // The clients are there because somebody may call them.
        if under_kms == 0 {
            let _ = clients.sns.publish().topic_arn("arn:aws:sns:us-east-1:111122223333:t").message("x").send().await;
            let _ = clients.kms.describe_key().key_id("a").send().await;
        }
        Ok::<_, Error>(serde_json::json!({ "kms": under_kms }))
    }))
    .await
}

fn main() -> Result<(), Error> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(serve())
}
