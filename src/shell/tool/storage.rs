//! V7's list of a team's storage connections, from V7 itself: one GET of a fixed host.
//!
//! Must never follow a redirect, nor print or log the key.

use crate::report::quote::percent;
use crate::shell::aws::reach::http;
use crate::shell::environment::variable;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::timeout::TimeoutConfig;
use http::HeaderValue;
use http::header::{ACCEPT, AUTHORIZATION};
use serde_json::Value;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

const HOST: &str = "https://darwin.v7labs.com";
const PATIENCE: Duration = Duration::from_secs(30);
/// Most bytes of an answer that are believed to be a list.
const MOST: usize = 8 << 20;

/// A team's connections as V7 lists them, JSON.
///
/// # Errors
/// No key, no answer, or one that is no list; never with the key in it.
pub async fn fetch(team: &str) -> Result<Value, String> {
    let host = match variable("V7_ENDPOINT_URL").filter(|url| !url.is_empty()) {
        None => HOST.to_owned(),
        Some(url) if is_of_this_machine(&url) => url,
        Some(_) => {
            return Err("V7_ENDPOINT_URL is for tests: wanted a loopback address and port, or nothing".to_owned());
        }
    };
    let key = variable("V7_API_KEY").filter(|key| !key.is_empty());
    let key = key.ok_or("no V7_API_KEY: make a key in Darwin's settings, or give V7's list with --storage FILE")?;
    let key = HeaderValue::from_str(&format!("ApiKey {key}"));
    let mut key = key.map_err(|_| "V7_API_KEY is no key: it holds characters that no header can".to_owned())?;
    key.set_sensitive(true);
    let path = format!("/api/teams/{}/storage", percent(team));
    let operation = Operation::builder()
        .service_name("v7")
        .operation_name("ListStorage")
        .http_client(http()?)
        .endpoint_url(&host)
        .no_auth()
        .no_retry()
        .timeout_config(TimeoutConfig::builder().operation_timeout(PATIENCE).build())
        .serializer(move |()| {
            let request = http::Request::get(path.as_str()).header(AUTHORIZATION, key.clone());
            Ok(HttpRequest::try_from(request.header(ACCEPT, "application/json").body(SdkBody::empty())?)?)
        })
        .deserializer(|response: &HttpResponse| {
            let body = response.body().bytes().unwrap_or_default().to_vec();
            Ok::<_, OrchestratorError<Infallible>>((response.status().as_u16(), body))
        })
        .build();
    let answer = operation.invoke(()).await;
    // The error's own text could quote the request.
    let (status, body) =
        answer.map_err(|_| format!("{host} does not answer, or not within {} s", PATIENCE.as_secs()))?;
    match status {
        200 if body.len() > MOST => Err(format!("{host} answered {} bytes, wanted at most {MOST}", body.len())),
        200 => serde_json::from_slice(&body).map_err(|error| format!("{host} answered no JSON: {error}")),
        300..=399 => Err(format!("{host} answered {status}, a redirect, which is not followed")),
        401 | 403 => Err(format!("{host} answered {status}: V7 refuses the key of V7_API_KEY for the team `{team}`")),
        404 => {
            Err(format!("{host} answered 404: V7 knows no team `{team}` (--team is its name in Darwin's addresses)"))
        }
        _ => Err(format!("{host} answered {status}, wanted 200: try again later")),
    }
}

/// A server of this machine stands in for V7 in tests.
fn is_of_this_machine(url: &str) -> bool {
    let place = url.strip_prefix("http://").and_then(|place| place.parse::<SocketAddr>().ok());
    place.is_some_and(|place| place.ip().is_loopback())
}
