//! Reports to standard output, in the form that was asked for; to a file, as a page.
//!
//! Must never print what drives a terminal but colours of its own: reports come as pieces without it.

use crate::app::ports::Clock;
use crate::report::answer::{Answer, exit_code};
use crate::report::audit::sheet;
use crate::report::markdown;
use crate::report::page::{About, page as as_page};
use crate::report::sheet::{Sheet, Tone};
use crate::shell::aws::clock::SystemClock;
use crate::shell::tool::args::{Format, Report};
use owo_colors::OwoColorize;
use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;

/// Prints the report, writes the page, and gives the exit status.
///
/// # Errors
/// One of them can't be written.
pub fn finish(answer: &Answer, wanted: &Report, of: &str) -> Result<u8, String> {
    // A page that can't be written is said before a report that reads as if all were done.
    if let Some(file) = &wanted.html {
        page(answer, of, file)?;
    }
    report(answer, wanted.format)?;
    Ok(exit_code(answer))
}

/// Prints an answer.
///
/// # Errors
/// Standard output takes nothing.
pub fn report(answer: &Answer, format: Format) -> Result<(), String> {
    match format {
        Format::Text => painted(&sheet(answer)),
        Format::Markdown => text(&markdown::report(answer)),
        Format::Json => json(answer),
    }
}

/// Prints JSON.
///
/// # Errors
/// Standard output takes nothing.
pub fn json(value: &impl serde::Serialize) -> Result<(), String> {
    let laid_out =
        serde_json::to_string_pretty(value).map_err(|error| format!("the report can't be written: {error}"))?;
    text(&(laid_out + "\n"))
}

/// Prints a text as it is.
///
/// # Errors
/// Standard output takes nothing.
pub fn text(text: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| no_output(&error))
}

/// Prints pieces in their colours, which anstream leaves out where nobody sees them, or wants them (`NO_COLOR`).
///
/// # Errors
/// Standard output takes nothing.
pub fn painted(sheet: &Sheet) -> Result<(), String> {
    let mut out = anstream::stdout().lock();
    for (tone, text) in sheet.pieces() {
        paint(&mut out, *tone, text).map_err(|error| no_output(&error))?;
    }
    out.flush().map_err(|error| no_output(&error))
}

/// Writes an answer as a page.
///
/// # Errors
/// The file can't be written.
pub fn page(answer: &Answer, of: &str, file: &Path) -> Result<(), String> {
    write_page(&as_page(answer, &about(of)), file)
}

/// What a page is about, now.
pub fn about(of: &str) -> About {
    About { of: of.to_owned(), when: SystemClock::seeded().now().to_string() }
}

/// Writes a page.
///
/// # Errors
/// The file can't be written.
pub fn write_page(page: &str, file: &Path) -> Result<(), String> {
    let written = std::fs::write(file, page);
    written.map_err(|error| format!("the page `{}` can't be written: {error}", file.display()))?;
    remark(&format!("The page is {}", file.display()));
    Ok(())
}

/// A diff to the person at the terminal, beside the report.
pub fn difference(text: &str) {
    let mut out = anstream::stderr().lock();
    for (tone, text) in Sheet::of_block("  ", text).pieces() {
        // Nothing better can be done where standard error is gone.
        let _ = paint(&mut out, *tone, text);
    }
}

/// A line to the person at the terminal, beside the report.
pub fn remark(text: &str) {
    // A template's names are strangers' text. Nothing better can be done where standard error is gone.
    let _ = write!(std::io::stderr(), "{}", Sheet::of_block("", text).plain());
}

/// Asks the person at the terminal. `instead`: what to do where there is nobody.
///
/// # Errors
/// Nobody can be asked.
pub fn agreed(question: &str, instead: &str) -> Result<bool, String> {
    let mut input = std::io::stdin().lock();
    if !std::io::stdin().is_terminal() {
        return Err(format!("nobody can be asked here: {instead}"));
    }
    let mut answer = String::new();
    let asked = write!(std::io::stderr(), "\n{question} [y/N] ").and_then(|()| input.read_line(&mut answer));
    asked.map_err(|error| format!("nobody can be asked here ({error}): {instead}"))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn no_output(error: &std::io::Error) -> String {
    format!("the report can't be printed: {error}")
}

fn paint(out: &mut impl Write, tone: Tone, text: &str) -> std::io::Result<()> {
    match tone {
        Tone::Plain => write!(out, "{text}"),
        Tone::Title => write!(out, "{}", text.bold()),
        Tone::Good => write!(out, "{}", text.green()),
        Tone::Open => write!(out, "{}", text.yellow()),
        Tone::Bad => write!(out, "{}", text.red()),
        Tone::Dim => write!(out, "{}", text.dimmed()),
    }
}
