//! The same handler from a shell: `bootstrap EVENT.json` handles that one event with the credentials in the
//! environment.
//!
//! Must never be a second code path: it only reads the event, calls the handler and prints what it answers.

use crate::app::handler::{Call, Guard};
use crate::app::ports::World;
use crate::report::answer::{exit_code, exit_code_of_judge};
use crate::report::audit::report;
use std::io::{Read, Write};

/// How to use it, for `--help` and for wrong arguments.
pub const USAGE: &str = "\
usage: bootstrap EVENT.json [--json] [--dry-run]

Handles one event (or `-` for standard input) with the AWS credentials of the environment and prints the answer.
  --json      the answer as JSON instead of a readable report
  --dry-run   write and publish nothing, whatever the event asks

GUARDED_BUCKETS, AWS_ACCOUNT_ID and AWS_REGION must be set. A first look before anything is deployed:
  echo '{\"action\":\"audit\"}' | bootstrap -

exit status: 0 all well (or open questions only, which are printed), 1 denied, findings or drift left, 2 could not run
";

/// What the arguments ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Help,
    Version,
    Handle(Options),
}

/// How to handle one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// A file, or `-`.
    pub event: String,
    pub json: bool,
    pub dry_run: bool,
}

/// Why the shell form could not run.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    #[error("unknown argument `{0}`\n\n{USAGE}")]
    UnknownArgument(String),
    #[error("no event is named\n\n{USAGE}")]
    NoEvent,
    #[error("a second event, `{0}`\n\n{USAGE}")]
    SecondEvent(String),
    #[error("`{path}` can't be read: {source}")]
    Unreadable { path: String, source: std::io::Error },
    #[error("`{path}` is not JSON: {source}")]
    NotJson { path: String, source: serde_json::Error },
}

/// Reads the arguments, without the program's name.
pub fn parse(arguments: &[String]) -> Result<Command, Problem> {
    let mut event = None;
    let (mut json, mut dry_run) = (false, false);
    for argument in arguments {
        match argument.as_str() {
            "--help" | "-h" => return Ok(Command::Help),
            "--version" | "-V" => return Ok(Command::Version),
            "--json" => json = true,
            "--dry-run" => dry_run = true,
            flag if flag.starts_with('-') && flag != "-" => return Err(Problem::UnknownArgument(flag.to_owned())),
            path if event.is_some() => return Err(Problem::SecondEvent(path.to_owned())),
            path => event = Some(path.to_owned()),
        }
    }
    event.map(|event| Command::Handle(Options { event, json, dry_run })).ok_or(Problem::NoEvent)
}

/// Reads the event.
pub fn load(path: &str) -> Result<serde_json::Value, Problem> {
    let unreadable = |source| Problem::Unreadable { path: path.to_owned(), source };
    let mut text = String::new();
    if path == "-" {
        std::io::stdin().read_to_string(&mut text).map_err(unreadable)?;
    } else {
        text = std::fs::read_to_string(path).map_err(unreadable)?;
    }
    // Some editors begin a file with a byte order mark.
    serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|source| Problem::NotJson { path: path.to_owned(), source })
}

/// Handles the event and prints the answer. Gives the exit status; 2 also where nothing can be printed.
pub async fn run<W: World>(
    guard: &Guard<W>,
    event: &serde_json::Value,
    options: &Options,
    call: &Call,
    out: &mut impl Write,
    err: &mut impl Write,
) -> u8 {
    let answer = match guard.report(event, call).await {
        Ok(answer) => answer,
        Err(failure) => {
            // Nothing better can be done where standard error is gone.
            let _ = writeln!(err, "{}: {failure}", failure.kind);
            return 2;
        }
    };
    let printed = if options.json {
        serde_json::to_string_pretty(&answer).map_or(Ok(()), |text| writeln!(out, "{text}"))
    } else {
        write!(out, "{}", report(&answer))
    };
    let judge = event.get("action").is_some_and(|action| action == "judge");
    match printed {
        Ok(()) if judge => exit_code_of_judge(&answer),
        Ok(()) => exit_code(&answer),
        Err(_) => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Command, Problem> {
        parse(&arguments.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn the_arguments_may_stand_in_any_order() {
        let wanted = Options { event: "e.json".into(), json: true, dry_run: true };
        for arguments in [["e.json", "--json", "--dry-run"], ["--dry-run", "e.json", "--json"]] {
            assert!(matches!(parsed(&arguments), Ok(Command::Handle(options)) if options == wanted));
        }
        assert!(matches!(parsed(&["-"]), Ok(Command::Handle(options)) if options.event == "-" && !options.json));
    }

    #[test]
    fn wrong_arguments_are_named_with_the_usage() {
        for (arguments, saw) in [(&["--jsn", "e"][..], "--jsn"), (&["a", "b"][..], "`b`"), (&[][..], "no event")] {
            let message = parsed(arguments).unwrap_err().to_string();
            assert!(message.contains(saw) && message.contains("usage:"), "{message}");
        }
    }

    #[test]
    fn an_event_that_is_no_json_is_named() {
        let path = std::env::temp_dir().join("darwin-s3-guard-not-json");
        std::fs::write(&path, "{").unwrap();
        let message = load(path.to_str().unwrap()).unwrap_err().to_string();
        assert!(message.contains("is not JSON"), "{message}");
    }
}
