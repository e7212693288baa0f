//! Judges policy cases: `cargo run --release --example judge -- FILE [NAME]`.
//!
//! Reads a JSON list of cases (`tests/cases/README.md`; `-` for standard input) and prints a JSON list of
//! `{"name", "verdict", "depends_on", "because"}`, in the order of the cases; with a name, the case of that name alone.
//! A case that cannot be read is left out, told on standard error, and makes the exit code 2. Where a case says what is
//! expected, a difference is told there too.

#[path = "../tests/cases/format.rs"]
mod format;

use darwin_s3_guard::report::reason::sentences;
use serde_json::json;
use serde_json::value::RawValue;
use std::io::{Read, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(file), only, None) = (arguments.next(), arguments.next(), arguments.next()) else {
        eprintln!("usage: judge FILE [NAME] (`-` for standard input)");
        return ExitCode::from(2);
    };
    match run(&file, only.as_deref()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(2),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// The number of cases that could not be read.
fn run(file: &str, only: Option<&str>) -> Result<usize, String> {
    let mut text = Vec::new();
    let read = if file == "-" {
        std::io::stdin().read_to_end(&mut text).map(|_| ())
    } else {
        std::fs::read(file).map(|bytes| text = bytes)
    };
    read.map_err(|error| format!("`{file}` cannot be read: {error}"))?;
    let cases: Vec<Box<RawValue>> =
        serde_json::from_slice(&text).map_err(|error| format!("`{file}` is not a list of cases: {error}"))?;
    let mut unreadable = 0;
    let mut answers = Vec::with_capacity(cases.len());
    for (index, raw) in cases.iter().enumerate() {
        let judged = serde_json::from_str::<format::Case>(raw.get())
            .map_err(|error| error.to_string())
            .and_then(|case| case.judge().map(|verdict| (case.differs(&verdict), case.name.clone(), verdict)));
        match judged {
            Ok((_, name, _)) if only.is_some_and(|only| only != name) => {}
            Ok((differs, name, verdict)) => {
                if let Some(differs) = differs {
                    eprintln!("{differs}");
                }
                answers.push(json!({
                    "name": name,
                    "verdict": verdict.decision,
                    "depends_on": verdict.depends_on,
                    "because": sentences(&verdict.because),
                }));
            }
            Err(error) => {
                unreadable += 1;
                eprintln!("case #{index} cannot be read: {error}");
            }
        }
    }
    if let Some(only) = only.filter(|_| answers.is_empty()) {
        return Err(format!("`{file}` has no case `{only}`"));
    }
    let output = serde_json::to_string_pretty(&answers).map_err(|error| error.to_string())?;
    writeln!(std::io::stdout(), "{output}").map_err(|error| error.to_string())?;
    Ok(unreadable)
}
