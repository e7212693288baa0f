//! A scan's result as a page.

use crate::report::audit::{SCOPE, sentence};
use crate::report::links::State;
use crate::report::page::{About, block, class, frame, of_tone, sentence_with_code, text};
use crate::report::scan::sheet::{label, tone, word};
use crate::report::scan::{ScanAnswer, exit_code, grouped, summary, url};
use crate::scan::tally::KeyRead;
use maud::{Markup, html};

/// The page.
pub fn page(answer: &ScanAnswer, about: &About) -> String {
    let ScanAnswer { bucket, prefix, verdicts, causes, keys, problems, sample, .. } = answer;
    let state = match exit_code(answer) {
        0 if *sample || verdicts.depends > 0 => State::Open,
        0 => State::Good,
        _ => State::Bad,
    };
    let content: Markup = html! {
        h1 { "Can Darwin read our objects?" }
        p.soft { (text(&url(bucket, prefix))) ", " (text(&about.of)) ", as of " (text(&about.when)) }
        p class={ "banner " (class(state)) } { (text(&summary(answer))) }
        @for (number, cause) in causes.iter().enumerate() {
            div class={ "finding " (class(if cause.read == KeyRead::Denied { State::Bad } else { State::Open })) } {
                h3 { (text(&cause.title)) }
                p.soft { (text(&label(cause))) }
                ul {
                    @for because in &cause.because { li { (sentence_with_code(because)) } }
                    @for key in &cause.samples { li { "e.g. " code { (text(&url(bucket, key))) } } }
                }
                @if !cause.remedy.is_empty() { (block(&format!("fix-{number}"), "What to do", &cause.remedy)) }
            }
        }
        @if !keys.is_empty() {
            div.scroll { table {
                thead { tr { th scope="col" { "KMS key" } th scope="col" { "Objects" } th scope="col" { "Read" } } }
                tbody { @for key in keys {
                    tr { td { (text(&key.kms_key)) } td { (grouped(key.objects)) } td class=(of_tone(tone(key.read))) { (word(key.read)) } }
                } }
            } }
        }
        @if !problems.is_empty() {
            h2 { "What could not be done" }
            ul { @for problem in problems { li { (text(&sentence(problem))) } } }
        }
        h2 { "What this rests on" }
        p.soft { (text(SCOPE)) }
    };
    frame("Can Darwin read our objects?", &content)
}
