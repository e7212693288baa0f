//! A function behind a Lambda Runtime API of its own, and what it costs: CPU time, time and memory of the process.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>
//!
//! INVARIANT: an invocation's CPU time is all that the process spends until it asks for the next one.

use nix::sys::time::TimeSpec;
use nix::time::clock_getcpuclockid;
use nix::unistd::Pid;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Longest that an answer may take before the bench gives up.
const PATIENCE: Duration = Duration::from_secs(120);

enum Event {
    /// The function asks for an invocation.
    Next(Instant),
    /// It has answered: successfully or not, and what.
    Answer(Instant, bool, String),
}

/// What something cost.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    pub wall: Duration,
    pub cpu: Duration,
}

pub struct Function {
    child: Child,
    events: Receiver<Event>,
    jobs: Sender<String>,
    cpu: Duration,
    /// From the start of the process until it asked for its first invocation.
    pub init: Cost,
}

impl Function {
    pub fn start(program: &Path, variables: &[(String, String)]) -> Self {
        Self::logging(program, variables, Stdio::null())
    }

    /// The same; what it prints goes to `log`.
    pub fn logging(program: &Path, variables: &[(String, String)], log: Stdio) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (told, events) = channel();
        let (jobs, waiting) = channel::<String>();
        let address = listener.local_addr().unwrap();
        let waiting = Arc::new(Mutex::new(waiting));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (told, waiting) = (told.clone(), Arc::clone(&waiting));
                // A function that is stopped drops its connection.
                std::thread::spawn(move || serve(&stream, &told, &waiting));
            }
        });
        let began = Instant::now();
        let child = Command::new(program)
            .env_clear()
            .envs(variables.iter().cloned())
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "guard")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut function =
            Self { child, events, jobs, cpu: Duration::ZERO, init: Cost { wall: Duration::ZERO, cpu: Duration::ZERO } };
        let asked = function.asked();
        function.init = Cost { wall: asked - began, cpu: function.spent() };
        function
    }

    /// Waits until the function asks for an invocation.
    fn asked(&self) -> Instant {
        match self.events.recv_timeout(PATIENCE) {
            Ok(Event::Next(at)) => at,
            Ok(Event::Answer(_, _, body)) => panic!("an answer without an invocation: {body}"),
            Err(error) => panic!("the function does not ask for an invocation: {error}"),
        }
    }

    /// CPU time since the last time.
    fn spent(&mut self) -> Duration {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        let now: TimeSpec = clock_getcpuclockid(pid).unwrap().now().unwrap();
        let now = Duration::from(now);
        let spent = now - self.cpu;
        self.cpu = now;
        spent
    }

    /// One invocation: its answer, and its cost.
    pub fn invoke(&mut self, event: &str) -> (String, Cost) {
        let began = Instant::now();
        self.jobs.send(event.to_owned()).unwrap();
        let (answered, body) = match self.events.recv_timeout(PATIENCE) {
            Ok(Event::Answer(at, true, body)) => (at, body),
            Ok(Event::Answer(_, false, body)) => panic!("the invocation failed: {body}"),
            Ok(Event::Next(_)) => panic!("no answer"),
            Err(error) => panic!("no answer: {error}"),
        };
        self.asked();
        (body, Cost { wall: answered - began, cpu: self.spent() })
    }

    /// The most memory that the process has had, in MiB.
    pub fn peak_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One connection of the function's, until it is closed.
fn serve(stream: &TcpStream, told: &Sender<Event>, jobs: &Mutex<Receiver<String>>) {
    let _ = stream.set_nodelay(true);
    let mut reader = BufReader::new(stream);
    while let Some((path, body)) = read(&mut reader) {
        let at = Instant::now();
        let answer = if path.ends_with("/invocation/next") {
            let _ = told.send(Event::Next(at));
            let Ok(event) = jobs.lock().unwrap().recv() else { return };
            invocation(&event)
        } else {
            let _ = told.send(Event::Answer(at, path.ends_with("/response"), body));
            "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n".to_owned()
        };
        if (&*stream).write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn invocation(event: &str) -> String {
    let deadline =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap() + Duration::from_secs(60);
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nlambda-runtime-aws-request-id: {}\r\n\
         lambda-runtime-deadline-ms: {}\r\nlambda-runtime-invoked-function-arn: arn:aws:lambda:{}:{}:function:guard\r\n\
         lambda-runtime-trace-id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700\r\n\r\n{event}",
        event.len(),
        "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
        deadline.as_millis(),
        crate::aws::REGION,
        crate::aws::ACCOUNT,
    )
}

fn read(reader: &mut BufReader<&TcpStream>) -> Option<(String, String)> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let (mut length, mut chunked) = (0, false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim_end().to_ascii_lowercase();
        let Some((name, value)) = line.split_once(": ") else { break };
        match name {
            "content-length" => length = value.parse().ok()?,
            "transfer-encoding" => chunked = value.contains("chunked"),
            _ => {}
        }
    }
    let mut body = Vec::new();
    if chunked {
        loop {
            let mut size = String::new();
            reader.read_line(&mut size).ok()?;
            let size = u64::from_str_radix(size.trim(), 16).ok()?;
            reader.by_ref().take(size).read_to_end(&mut body).ok()?;
            reader.read_line(&mut String::new()).ok()?;
            if size == 0 {
                break;
            }
        }
    } else {
        reader.by_ref().take(length).read_to_end(&mut body).ok()?;
    }
    Some((path, String::from_utf8_lossy(&body).into_owned()))
}
