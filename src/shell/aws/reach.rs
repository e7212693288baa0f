//! How the tool reaches AWS from a desk: profiles, SSO, login sessions and `credential_process`, through proxies, with the
//! certificates of a company. The function has none of this.

use crate::shell::aws::client::{Clients, Patience};
use crate::shell::environment::variable;
use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::meta::region::ProvideRegion;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, Region};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

/// Where buckets are looked for first if nothing says so: S3 names the Region of any bucket from anywhere.
const FIRST_REGION: &str = "us-east-1";

/// What the arguments say of it.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    pub profile: Option<String>,
    pub region: Option<String>,
}

/// Clients in the Region that the arguments, the environment or the profile name. Makes no call.
///
/// # Errors
/// `AWS_CA_BUNDLE` can't be used.
pub async fn client(wanted: &Wanted, patience: Patience) -> Result<(Clients, String), String> {
    let mut loader = aws_config::defaults(BehaviorVersion::latest());
    let mut of_profile = ProfileFileRegionProvider::builder();
    if let Some(profile) = &wanted.profile {
        loader = loader.profile_name(profile);
        of_profile = of_profile.profile_name(profile);
    }
    let region = match &wanted.region {
        Some(region) => Some(Region::new(region.clone())),
        None => match EnvironmentVariableRegionProvider::new().region().await {
            // `--profile` is nearer than the environment.
            Some(region) if wanted.profile.is_none() => Some(region),
            other => of_profile.build().region().await.or(other),
        },
    };
    let region = region.map_or_else(|| FIRST_REGION.to_owned(), |region| region.as_ref().to_owned());
    let http = http()?;
    if let Some(profile) = &wanted.profile {
        // A profile that is named comes before the keys of the environment.
        // <https://docs.aws.amazon.com/cli/latest/userguide/cli-chap-authentication.html#cli-chap-authentication-precedence>
        let config = ProviderConfig::without_region().with_region(Some(Region::new(region.clone())));
        let config = config.with_http_client(http.clone());
        let of_profile = ProfileFileCredentialsProvider::builder().profile_name(profile).configure(&config).build();
        loader = loader.credentials_provider(of_profile);
    }
    Ok((Clients::through(loader, http, &region, patience).await, region))
}

/// An HTTP client that goes through the proxies of the environment (`HTTPS_PROXY`, `NO_PROXY`) and trusts the system's
/// certificates and those of `AWS_CA_BUNDLE`. It follows no redirect.
///
/// # Errors
/// `AWS_CA_BUNDLE` can't be used.
pub fn http() -> Result<SharedHttpClient, String> {
    let trusted = match variable("AWS_CA_BUNDLE").filter(|path| !path.is_empty()) {
        None => TrustStore::default(),
        Some(path) => TrustStore::default().with_pem_certificate(bundle(&path)?),
    };
    let context = TlsContext::builder().with_trust_store(trusted).build();
    let context = context.map_err(|error| format!("the trusted certificates can't be used: {error}"))?;
    Ok(Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder().tls_provider(Provider::Rustls(CryptoMode::Ring));
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.proxy_config(ProxyConfig::from_env()).tls_context(context.clone()).build()
    }))
}

fn bundle(path: &str) -> Result<Vec<u8>, String> {
    let wrong = |why: String| format!("AWS_CA_BUNDLE is `{path}`, which {why}; wanted a file of certificates (PEM)");
    let bytes = std::fs::read(path).map_err(|error| wrong(format!("can't be read ({error})")))?;
    let text = String::from_utf8_lossy(&bytes);
    if text.contains("-----BEGIN CERTIFICATE-----") { Ok(bytes) } else { Err(wrong("holds none".to_owned())) }
}
