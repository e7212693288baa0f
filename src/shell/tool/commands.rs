//! The verbs, from what was typed to the exit status.

use crate::policy::rcp::ResourceControlPolicy;
use crate::report::answer::{Answer, exit_code, exit_code_of_judge};
use crate::shell::aws::reach::Wanted;
use crate::shell::cli::load;
use crate::shell::tool::args::{Arguments, Audit, Event, Guarded, Judge, Verb};
use crate::shell::tool::files::rcps;
use crate::shell::tool::guarded::{configuration, of_arguments, of_environment};
use crate::shell::tool::guards::{Guards, Lines, Subject, add};
use crate::shell::tool::session::Session;
use crate::shell::tool::stack::Stack;
use crate::shell::tool::{check, print, repair, scan, v7};
use clap::{CommandFactory, Parser};
use serde_json::json;

/// Runs the tool on the process's arguments; its exit status.
pub async fn tool() -> u8 {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(said) => {
            // Help and version are no errors; where they can't be printed nothing better can be done.
            let _ = said.print();
            return if said.use_stderr() { 2 } else { 0 };
        }
    };
    // Boxed, as the types of nested futures grow deep.
    match Box::pin(run(arguments)).await {
        Ok(status) => status,
        Err(problem) => {
            print::remark(&problem);
            2
        }
    }
}

async fn run(arguments: Arguments) -> Result<u8, String> {
    let Arguments { verb, profile, region, verbose } = arguments;
    let (wanted, lines) = (Wanted { profile, region }, Lines(verbose));
    match verb {
        Verb::Audit(audit) => audit_buckets(audit, &wanted, lines).await,
        Verb::Repair(repair) => Box::pin(repair::repair(repair, &wanted, lines)).await,
        Verb::Judge(judge) => judge_objects(judge, &wanted, lines).await,
        Verb::Scan(scan) => Box::pin(scan::scan(*scan, &wanted)).await,
        Verb::Check(check) => Box::pin(check::check(check, &wanted, lines)).await,
        Verb::V7(v7) => Box::pin(v7::v7(v7, &wanted)).await,
        Verb::Event(event) => handle_event(event, &wanted, lines).await,
        Verb::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "darwin-guard", &mut text);
            print::text(&String::from_utf8_lossy(&text)).map(|()| 0)
        }
    }
}

async fn audit_buckets(audit: Audit, wanted: &Wanted, lines: Lines) -> Result<u8, String> {
    let rcps = rcps(&audit.rcps.files)?;
    let session = Session::open(wanted).await?;
    let guards = guards(&session, &audit.guarded, rcps, lines).await?;
    let answer = guards.ask(&json!({ "action": "audit" }), true).await?;
    print::finish(&answer, &audit.report, &format!("Account {}", session.account()))
}

/// The guards of what was typed.
async fn guards(
    session: &Session,
    guarded: &Guarded,
    rcps: Vec<ResourceControlPolicy>,
    lines: Lines,
) -> Result<Guards, String> {
    if let Some(stack) = &guarded.stack {
        let stack = Stack::open(session, stack).await?;
        let mut config = stack.configuration(guarded)?;
        config.rcps = rcps;
        return Ok(Guards::one(stack.clients, config, lines));
    }
    let mut config = configuration(guarded, session.place())?;
    config.rcps = rcps;
    Ok(Guards::find(session, &config, lines).await)
}

async fn judge_objects(judge: Judge, wanted: &Wanted, lines: Lines) -> Result<u8, String> {
    let objects: Vec<(&str, &str)> = judge.objects.iter().map(|text| object(text)).collect::<Result<_, _>>()?;
    let mut buckets: Vec<String> = Vec::new();
    for bucket in objects.iter().map(|(bucket, _)| *bucket).chain(judge.bucket.as_deref()) {
        if !buckets.iter().any(|held| held == bucket) {
            buckets.push(bucket.to_owned());
        }
    }
    let session = Session::open(wanted).await?;
    let config = of_arguments(&buckets, &judge.contract, session.place())?;
    let guards = Guards::find(&session, &config, lines).await;
    let mut answer = Answer::default();
    for (bucket, key) in objects {
        add(&mut answer, guards.judge(bucket, Subject::Object(key)).await?);
    }
    if let Some(bucket) = &judge.bucket {
        add(&mut answer, guards.judge(bucket, Subject::Keys(&judge.kms_keys)).await?);
    }
    print::report(&answer, judge.format.into())?;
    Ok(exit_code_of_judge(&answer))
}

/// `s3://BUCKET/KEY`; the key as it is, not URL-encoded.
fn object(text: &str) -> Result<(&str, &str), String> {
    let parts = text.strip_prefix("s3://").and_then(|rest| rest.split_once('/'));
    let named = parts.filter(|(bucket, key)| !bucket.is_empty() && !key.is_empty());
    named.ok_or_else(|| format!("an object is `{text}`, wanted s3://BUCKET/KEY"))
}

async fn handle_event(event: Event, wanted: &Wanted, lines: Lines) -> Result<u8, String> {
    let text = load(&event.file).map_err(|problem| problem.to_string())?;
    let session = Session::open(wanted).await?;
    let config = of_environment(None, session.place())?;
    let guards = Guards::one(session.clients, config, lines);
    let answer = guards.ask(&text, event.dry_run).await?;
    print::report(&answer, event.format.into())?;
    Ok(exit_code(&answer))
}
