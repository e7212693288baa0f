//! Wiring only: configuration, clients, and the way in: the Lambda Runtime API or the shell.

use darwin_s3_guard::{
    Call, Clients, Clock, Command, Config, ConfigProblem, ConfigProblems, Failure, Guard, Log, Options, Outside,
    Patience, Sns, StderrLog, StdoutLog, SystemClock, Table, Timestamp, USAGE, load, parse, report_init_error, run,
    runtime_api, settings,
};
use lambda_runtime::{Diagnostic, LambdaEvent, Runtime, service_fn};
use serde_json::{Value, json};
use std::io::Write;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&format!("no runtime: {error}")),
    };
    match runtime_api() {
        Some(api) => runtime.block_on(lambda(&api)),
        None => runtime.block_on(shell()),
    }
}

/// The configuration, and the Region it is for.
fn configuration() -> Result<(Config, String), ConfigProblems> {
    let config = settings()?;
    let region = config.region.clone().ok_or_else(|| {
        let (variable, saw) = ("AWS_REGION".to_owned(), "not set".to_owned());
        ConfigProblems(vec![ConfigProblem { variable, saw, want: "the Region of the buckets".to_owned() }])
    })?;
    Ok((config, region))
}

/// Builds the guard. Makes no call.
fn guard(config: Config, clients: Clients, log: Rc<dyn Log>) -> Guard<Outside> {
    let topic = config.topic.as_deref().map(|arn| Sns::new(&clients, arn));
    let table = config.table.as_ref().map(|name| Table::new(clients.dynamodb(), name.clone()));
    let meter = clients.meter().clone();
    let guard = Guard::new(config, clients, table, topic, SystemClock::seeded(), log);
    Guard { meter: Some(Box::new(meter)), ..guard }
}

/// Serves invocations until Lambda stops the process.
async fn lambda(api: &str) -> ExitCode {
    let (config, region) = match configuration() {
        Ok(configured) => configured,
        Err(problems) => return refuse_to_start(api, &problems),
    };
    for warning in config.warnings() {
        StdoutLog::default().line(json!({ "level": "WARN", "message": warning }));
    }
    let clients = Clients::connect(&region, Patience::default()).await;
    let log = Rc::new(StdoutLog::default());
    let (guard, log) = (&guard(config, clients, Rc::clone(&log) as Rc<dyn Log>), &*log);
    let served = Runtime::new(service_fn(move |event: LambdaEvent<Value>| serve(guard, log, event))).run().await;
    served.map_or_else(|error| complain(&format!("the Runtime API failed: {error}")), |()| ExitCode::SUCCESS)
}

/// Tells the operator, in the log, and Lambda, as its init error, what is wrong with the configuration.
fn refuse_to_start(api: &str, problems: &ConfigProblems) -> ExitCode {
    let each = |problem: &ConfigProblem| json!({ "at": problem.variable, "saw": problem.saw, "want": problem.want });
    let listed: Vec<Value> = problems.0.iter().map(each).collect();
    let message = format!("the configuration is wrong: {problems}");
    StdoutLog::default().line(json!({ "level": "ERROR", "message": message, "problems": listed }));
    match report_init_error(api, "Misconfigured", &message, Duration::from_secs(2)) {
        Ok(()) => ExitCode::FAILURE,
        Err(error) => complain(&format!("the init error could not be reported: {error}")),
    }
}

/// 2001: what is before it is no deadline.
const FIRST_DEADLINE: Timestamp = Timestamp::from_millis(1_000_000_000_000);

async fn serve(guard: &Guard<Outside>, log: &StdoutLog, event: LambdaEvent<Value>) -> Result<Value, Refusal> {
    log.begin(&event.context.request_id, event.context.xray_trace_id.as_deref());
    let call = Call {
        // `cargo lambda watch` gives one in 1970.
        deadline: Some(Timestamp::from_millis(event.context.deadline)).filter(|deadline| *deadline >= FIRST_DEADLINE),
        function_arn: Some(event.context.invoked_function_arn),
        request_id: event.context.request_id,
        dry_run: false,
    };
    // Boxed, as the types of nested futures grow deep.
    Box::pin(guard.handle(event.payload, &call)).await.map_err(Refusal)
}

/// A failed invocation, as Lambda wants it told.
#[derive(Debug)]
struct Refusal(Failure);

impl From<Refusal> for Diagnostic {
    fn from(Refusal(failure): Refusal) -> Self {
        Self { error_type: failure.kind.to_owned(), error_message: failure.message }
    }
}

/// Handles one event and prints the answer.
async fn shell() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let options = match parse(&arguments) {
        Ok(Command::Help) => return print(USAGE),
        Ok(Command::Version) => return print(concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"), "\n")),
        Ok(Command::Handle(options)) => options,
        Err(problem) => return complain(&problem.to_string()),
    };
    match handle(&options).await {
        Ok(status) => ExitCode::from(status),
        Err(problem) => complain(&problem),
    }
}

async fn handle(options: &Options) -> Result<u8, String> {
    let event = load(&options.event).map_err(|problem| problem.to_string())?;
    let (config, region) = configuration().map_err(|problems| problems.to_string())?;
    config.home(None).map_err(|problem| problem.to_string())?;
    for warning in config.warnings() {
        complain(&format!("warning: {warning}"));
    }
    let clients = Clients::connect(&region, Patience::default()).await;
    clients.find_credentials().await?;
    let guard = guard(config, clients, Rc::new(StderrLog));
    let request_id = format!("shell-{:x}-{:x}", guard.clock.now().as_millis(), guard.clock.random(u64::MAX));
    let call = Call { deadline: None, function_arn: None, request_id, dry_run: options.dry_run };
    let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
    Ok(Box::pin(run(&guard, &event, options, &call, &mut out, &mut err)).await)
}

fn print(text: &str) -> ExitCode {
    if std::io::stdout().write_all(text.as_bytes()).is_ok() { ExitCode::SUCCESS } else { ExitCode::from(2) }
}

/// Says on standard error why nothing could be done.
fn complain(problem: &str) -> ExitCode {
    // Nothing better can be done where standard error is gone.
    let _ = writeln!(std::io::stderr(), "{problem}");
    ExitCode::from(2)
}
