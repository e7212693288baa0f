//! The shell of AWS calls: the only modules that name the SDK.
//!
//! Adapters of `ports` over clients that share one HTTP client, one retry policy and one meter. Must never judge, never
//! know a particular endpoint, and never make an S3 call without `ExpectedBucketOwner`.

use crate::app::ports::ForAccount;
use crate::model::arn::AccountId;
use crate::shell::aws::error;
use crate::shell::aws::meter::SdkMeter;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_sdk_s3::config::ProvideCredentials;
use aws_smithy_http_client::tls;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use std::time::Duration;

/// How long the SDK waits and how often it tries, per call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Until a connection stands.
    pub connect: Duration,
    /// For one attempt, answer included.
    pub attempt: Duration,
    /// For the call with all its attempts and the pauses between them.
    pub operation: Duration,
    /// Attempts of one call, the first included.
    pub attempts: u32,
    /// The pause before the first retry is up to this long; it doubles after each.
    pub backoff: Duration,
}

impl Default for Patience {
    /// A call gives up well before a Lambda function's 60 seconds: a record that is returned is tried again later,
    /// one that is cut off is lost work.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            attempt: Duration::from_secs(5),
            operation: Duration::from_secs(12),
            attempts: 3,
            backoff: Duration::from_millis(200),
        }
    }
}

/// The SDK's configuration that all clients share, and the meter that sees all their calls.
#[derive(Debug, Clone)]
pub struct Clients {
    shared: SdkConfig,
    meter: SdkMeter,
    s3: aws_sdk_s3::Client,
    kms: aws_sdk_kms::Client,
}

impl Clients {
    /// Reads what the SDK reads of its environment: credentials (environment, shared profile files, web identity,
    /// container, instance) and `AWS_ENDPOINT_URL`. SSO and `credential_process` profiles are not built in: export
    /// their credentials with `aws configure export-credentials --format env`. Makes no call, and opens no connection.
    /// <https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>
    pub async fn connect(region: &str, patience: Patience) -> Self {
        let (loader, first) =
            (aws_config::defaults(BehaviorVersion::latest()), EnvironmentVariableCredentialsProvider::new());
        // The chain begins with it: where it has credentials, as in Lambda, the rest need not be built.
        let loader = match first.provide_credentials().await {
            Ok(_) => loader.credentials_provider(first),
            Err(_) => loader,
        };
        Self::load(loader, region, patience).await
    }

    /// The same, with credentials or an endpoint given beforehand.
    pub async fn load(loader: ConfigLoader, region: &str, patience: Patience) -> Self {
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
            .build_https();
        Self::through(loader, http, region, patience).await
    }

    /// The same, over another HTTP client.
    pub async fn through(loader: ConfigLoader, http: SharedHttpClient, region: &str, patience: Patience) -> Self {
        Self::of(settings(loader, http, region, patience).load().await)
    }

    fn of(shared: SdkConfig) -> Self {
        let meter = SdkMeter::default();
        // Path style where an endpoint is given, as a host of one's own rarely has a name for every bucket.
        let s3 = aws_sdk_s3::config::Builder::from(&shared)
            .force_path_style(shared.endpoint_url().is_some())
            .interceptor(meter.clone());
        let kms = aws_sdk_kms::config::Builder::from(&shared).interceptor(meter.clone());
        Self {
            s3: aws_sdk_s3::Client::from_conf(s3.build()),
            kms: aws_sdk_kms::Client::from_conf(kms.build()),
            shared,
            meter,
        }
    }

    /// Looks for credentials, for a shell: without any, every call would fail with the same long story.
    ///
    /// # Errors
    /// What to do about it.
    pub async fn find_credentials(&self) -> Result<(), String> {
        let hint = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; for SSO: \
                    eval \"$(aws configure export-credentials --format env)\"";
        let provider = self.shared.credentials_provider().ok_or_else(|| format!("no AWS credentials: {hint}"))?;
        let found = provider.provide_credentials().await;
        found.map(drop).map_err(|error| format!("no AWS credentials: {hint}\n({})", error::causes(&error)))
    }

    /// The same credentials and connections in another Region.
    #[cfg(feature = "cli")]
    #[must_use]
    pub fn in_region(&self, region: &str) -> Self {
        Self::of(self.shared.to_builder().region(Region::new(region.to_owned())).build())
    }

    /// The same in another Region, where a call that fails is not made again: who asks sees each failure.
    #[cfg(feature = "cli")]
    #[must_use]
    pub fn without_retries(&self, region: &str) -> Self {
        let region = Region::new(region.to_owned());
        Self::of(self.shared.to_builder().region(region).retry_config(RetryConfig::disabled()).build())
    }

    #[cfg(feature = "cli")]
    pub(super) fn shared(&self) -> &SdkConfig {
        &self.shared
    }

    pub fn meter(&self) -> &SdkMeter {
        &self.meter
    }

    pub(super) fn sns(&self) -> aws_sdk_sns::Client {
        let config = aws_sdk_sns::config::Builder::from(&self.shared).interceptor(self.meter.clone()).build();
        aws_sdk_sns::Client::from_conf(config)
    }

    /// For `dynamodb::Table`.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let config = aws_sdk_dynamodb::config::Builder::from(&self.shared).interceptor(self.meter.clone()).build();
        aws_sdk_dynamodb::Client::from_conf(config)
    }
}

/// Region, retries, timeouts and the one HTTP client. Trust roots are read at the first connection.
fn settings(loader: ConfigLoader, http: SharedHttpClient, region: &str, patience: Patience) -> ConfigLoader {
    let retries = RetryConfig::standard()
        .with_max_attempts(patience.attempts)
        .with_initial_backoff(patience.backoff)
        .with_max_backoff(Duration::from_secs(2));
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(patience.connect)
        .operation_attempt_timeout(patience.attempt)
        .operation_timeout(patience.operation)
        .build();
    loader
        .region(Region::new(region.to_owned()))
        .http_client(http)
        .retry_config(retries)
        .timeout_config(timeouts)
        // Answers are small, and an attempt has its limit.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
}

/// S3 and KMS for the buckets of one account: what a judgement reads and a repair writes. INVARIANT: only
/// `Clients::for_account` makes one, so that no S3 call can be made without the account to expect.
#[derive(Debug)]
pub struct Aws {
    pub(super) s3: aws_sdk_s3::Client,
    pub(super) kms: aws_sdk_kms::Client,
    owner: AccountId,
}

impl Aws {
    #[cfg(feature = "cli")]
    pub(super) fn s3(&self) -> &aws_sdk_s3::Client {
        &self.s3
    }

    /// For `ExpectedBucketOwner`.
    pub(super) fn owner(&self) -> &str {
        &self.owner
    }
}

impl ForAccount<Aws> for Clients {
    /// The SDK's clients are counted references: a clone costs nothing.
    fn for_account(&self, account: &AccountId) -> Aws {
        Aws { s3: self.s3.clone(), kms: self.kms.clone(), owner: account.clone() }
    }
}
