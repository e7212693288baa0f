//! Tells the Lambda service why the function can't start.
//!
//! Without it an operator sees `Runtime.ExitError` and nothing else. Must never be used after the first invocation.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-initerror>

use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Posts the error to the Runtime API at `api` (`AWS_LAMBDA_RUNTIME_API`: `host:port`, or `http://host:port/path` of
/// `cargo lambda watch`), and waits no longer than `patience` for an answer.
///
/// # Errors
/// The API can't be reached. The log line remains.
pub fn report_init_error(api: &str, kind: &str, message: &str, patience: Duration) -> std::io::Result<()> {
    let body = json!({ "errorType": kind, "errorMessage": message, "stackTrace": [] }).to_string();
    let api = api.strip_prefix("http://").unwrap_or(api);
    let (host, path) = api.find('/').and_then(|at| api.split_at_checked(at)).unwrap_or((api, ""));
    let path = path.trim_end_matches('/');
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    // At once: a formatted write would be a segment for each piece.
    let request = format!(
        "POST {path}/2018-06-01/runtime/init/error HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
         Lambda-Runtime-Function-Error-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes())?;
    // The answer has to begin before the process may end; what it says changes nothing.
    stream.read(&mut [0; 64]).map(drop)
}
