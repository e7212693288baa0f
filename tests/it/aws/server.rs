//! An HTTP server for one test: it keeps what it is sent, and answers from a list.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

#[derive(Debug, Clone)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
    fault: Fault,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// There is no answer for as long as the caller waits.
    Silent,
    /// The connection is closed instead of an answer.
    Closed,
    /// The connection is closed before the end of the answer.
    Broken,
}

impl Answer {
    pub(crate) fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: String::new(), fault: Fault::None }
    }

    pub(crate) fn ok(body: impl Into<String>) -> Self {
        Self::new(200).body(body)
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<String>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn silent() -> Self {
        Self { fault: Fault::Silent, ..Self::new(0) }
    }

    pub(crate) fn broken(mut self) -> Self {
        self.fault = Fault::Broken;
        self
    }

    pub(crate) fn closed() -> Self {
        Self { fault: Fault::Closed, ..Self::new(0) }
    }
}

/// One request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub method: String,
    /// Path and query, as sent.
    pub target: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: String,
    /// The caller did not wait for the answer.
    pub given_up: bool,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }

    /// A form's or a JSON document's fields, for the services that have everything in the body.
    pub(crate) fn form(&self) -> BTreeMap<String, String> {
        let decoded = |text: &str| {
            let mut bytes = Vec::new();
            let mut rest = text.as_bytes();
            while let Some((first, tail)) = rest.split_first() {
                rest = tail;
                match first {
                    b'+' => bytes.push(b' '),
                    b'%' => {
                        let hex = std::str::from_utf8(&tail[..2]).unwrap();
                        bytes.push(u8::from_str_radix(hex, 16).unwrap());
                        rest = &tail[2..];
                    }
                    byte => bytes.push(*byte),
                }
            }
            String::from_utf8(bytes).unwrap()
        };
        self.body
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (decoded(name), decoded(value)))
            .collect()
    }
}

/// Serves until the test ends. A request beyond the list is answered 418, so that it is noticed.
pub(crate) struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub(crate) fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let left = Arc::new(Mutex::new(VecDeque::from(answers)));
        let kept = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (kept, left) = (Arc::clone(&kept), Arc::clone(&left));
                std::thread::spawn(move || serve(stream.unwrap(), &kept, &left));
            }
        });
        Self { address, seen }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until it has seen this.
    pub(crate) async fn until(&self, seen: impl Fn(&[Request]) -> bool) {
        while !seen(&self.seen()) {
            tokio::task::yield_now().await;
        }
    }

    /// The only request there was.
    pub(crate) fn only(&self) -> Request {
        let seen = self.seen();
        assert_eq!(seen.len(), 1, "{seen:#?}");
        seen[0].clone()
    }
}

/// Answers one request and closes the connection.
fn serve(mut stream: TcpStream, kept: &Mutex<Vec<Request>>, left: &Mutex<VecDeque<Answer>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let Some(request) = read(&mut reader) else { return };
    let is_head = request.method == "HEAD";
    let (number, answer) = {
        let mut kept = kept.lock().unwrap();
        kept.push(request);
        (kept.len() - 1, left.lock().unwrap().pop_front().unwrap_or_else(|| Answer::new(418)))
    };
    match answer.fault {
        Fault::None | Fault::Broken => {}
        Fault::Silent => {
            // An error says as well that the caller is gone.
            let _ = reader.read(&mut [0]);
            kept.lock().unwrap()[number].given_up = true;
            return;
        }
        Fault::Closed => return,
    }
    let mut head = vec![format!("HTTP/1.1 {} Answer", answer.status), "Connection: close".to_owned()];
    head.extend(answer.headers.iter().map(|(name, value)| format!("{name}: {value}")));
    let body = if is_head { "" } else { &answer.body };
    if answer.status != 204 {
        let missing = if answer.fault == Fault::Broken { 10 } else { 0 };
        head.push(format!("Content-Length: {}", body.len() + missing));
    }
    let text = format!("{}\r\n\r\n{body}", head.join("\r\n"));
    // The caller may have given up.
    let _ = stream.write_all(text.as_bytes());
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { method, target, headers, body: String::from_utf8(body).unwrap(), given_up: false })
}
