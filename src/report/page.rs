//! An audit as one page that needs nothing else: a table, a picture of how Darwin reads each bucket, what to do.
//!
//! Must never hold a name, a key or a policy unescaped: templates escape, and the page's policy lets run only the script
//! that is written here.

use crate::model::verdict::Reader;
use crate::report::answer::{Answer, BucketAnswer, exit_code};
use crate::report::audit::{COLUMNS, Found, each_once, of_result, of_verified, row, scope, sentence, summary};
use crate::report::links::{State, of_finding};
use crate::report::sheet::Tone;
use crate::report::text::name;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

mod picture;
pub mod scan;
#[cfg(test)]
mod tests;

const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

/// What the page is about, besides the answer.
#[derive(Debug, Clone)]
pub struct About {
    /// e.g. `account 111122223333`, or the file that was checked.
    pub of: String,
    /// RFC 3339.
    pub when: String,
}

/// The page.
pub fn page(answer: &Answer, about: &About) -> String {
    let open = answer.buckets.iter().any(BucketAnswer::is_open);
    let state = match exit_code(answer) {
        0 if open => State::Open,
        0 => State::Good,
        _ => State::Bad,
    };
    let content = html! {
        h1 { "Can Darwin read our buckets?" }
        p.soft { (text(&about.of)) ", as of " (text(&about.when)) }
        p class={ "banner " (class(state)) } { (text(&summary(answer))) }
        (table(&answer.buckets))
        @for bucket in &answer.buckets { (of_bucket(bucket)) }
        @if !answer.problems.is_empty() {
            h2 { "What could not be done" }
            ul { @for problem in &answer.problems { li { (text(&sentence(problem))) } } }
        }
        h2 { "What this rests on" }
        p.soft { (text(scope(answer))) }
    };
    frame("Can Darwin read our buckets?", &content)
}

/// A whole page around its content.
fn frame(title: &str, content: &Markup) -> String {
    let policy = format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (content)
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text.as_bytes())))
}

/// What does not show, or turns its neighbours round, is written as an escape.
fn text(text: &str) -> String {
    name(&text.replace(['\n', '\t'], " "))
}

fn class(state: State) -> &'static str {
    match state {
        State::Good => "good",
        State::Open => "open",
        State::Bad => "bad",
    }
}

fn table(buckets: &[BucketAnswer]) -> Markup {
    html! {
        @if !buckets.is_empty() {
            div.scroll { table {
                thead { tr { @for column in COLUMNS { th scope="col" { (column) } } } }
                tbody { @for bucket in buckets {
                    tr { @for (tone, cell) in row(bucket) { td class=(of_tone(tone)) {
                        @if tone == Tone::Title { a href={ "#bucket-" (bucket.bucket) } { (text(&cell)) } } @else { (text(&cell)) }
                    } } }
                } }
            } }
        }
    }
}

fn of_tone(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Open => "open",
        Tone::Bad => "bad",
        Tone::Plain | Tone::Title | Tone::Dim => "",
    }
}

fn of_bucket(answer: &BucketAnswer) -> Markup {
    let alone = std::slice::from_ref(answer);
    html! {
        section {
            h2 id={ "bucket-" (answer.bucket) } { (text(&answer.bucket)) }
            (picture::wide(answer))
            (picture::tall(answer))
            @for (number, found) in each_once(alone).iter().enumerate() { (finding(&answer.bucket, number, found)) }
            @if let Some(plan) = &answer.plan { (block(&format!("plan-{}", answer.bucket), "The change", plan)) }
            @for action in &answer.actions { p { (action.operation.to_string()) ": " (of_result(action.result)) } }
            @if let Some((_, shows)) = of_verified(answer.verified) { p { (shows) } }
            @if let Some(activation) = &answer.activation {
                (block(&format!("activation-{}", answer.bucket), "Ready. To activate, send this to V7", activation))
            }
        }
    }
}

fn finding(bucket: &str, number: usize, found: &Found<'_>) -> Markup {
    let state = if found.word == "drift, repaired" { State::Good } else { of_finding(found.finding) };
    let whom = match found.finding.reader {
        None => "",
        Some(Reader::Server) => ", of Darwin's servers alone",
        Some(Reader::Browser) => ", of the annotator's browser alone",
    };
    html! {
        div class={ "finding " (class(state)) } {
            h3 { (text(&found.title())) }
            p.soft { (text(&found.label())) (whom) }
            ul {
                @for because in &found.finding.because { li { (sentence_with_code(because)) } }
                @if !found.finding.depends_on.is_empty() { li { "depends on: " (text(&found.finding.depends_on.join(", "))) } }
            }
            @if !found.finding.remedy.is_empty() {
                (block(&format!("fix-{bucket}-{number}"), "What to do", &found.finding.remedy))
            }
        }
    }
}

/// A text with a button that copies it, as it is.
fn block(id: &str, title: &str, content: &str) -> Markup {
    let shown: Vec<String> = content.lines().map(|line| name(&line.replace('\t', "    "))).collect();
    html! {
        div.with-button { strong { (title) } button type="button" data-copy=(id) { "Copy" } }
        pre id=(id) { (shown.join("\n")) }
    }
}

/// What is in backticks becomes code.
fn sentence_with_code(sentence: &str) -> Markup {
    let clean = text(sentence);
    let parts: Vec<&str> = clean.split('`').collect();
    html! { @for (index, part) in parts.iter().enumerate() { @if index % 2 == 1 { code { (part) } } @else { (part) } } }
}
