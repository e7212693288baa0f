//! The picture of a bucket: the two ways Darwin reads, link by link, each with its state and its reason.

use crate::model::verdict::Reader;
use crate::report::answer::BucketAnswer;
use crate::report::links::{Link, State};
use crate::report::text::name;
use maud::{Markup, html};

/// What stands at both ends.
const WAYS: [(&str, Reader, &[Link]); 2] = [
    ("Darwin's servers", Reader::Server, &[Link::Bucket, Link::Policy, Link::PublicBlock, Link::Ownership, Link::Key]),
    ("The annotator's browser", Reader::Browser, &Link::ALL),
];

fn title(link: Link) -> &'static str {
    match link {
        Link::Bucket => "bucket",
        Link::Policy => "policy",
        Link::PublicBlock => "public block",
        Link::Ownership => "ownership",
        Link::Cors => "CORS",
        Link::Key => "key",
    }
}

fn class(state: State) -> &'static str {
    match state {
        State::Good => "good",
        State::Open => "open",
        State::Bad => "bad",
    }
}

/// So that it is not the colour alone that says it.
fn mark(state: State) -> &'static str {
    match state {
        State::Good => "\u{2713} ok",
        State::Open => "? look",
        State::Bad => "\u{2717} stops",
    }
}

fn reason(link: Link, answer: &BucketAnswer) -> String {
    let found: Vec<&str> = link.findings(answer).map(|finding| finding.title.as_str()).collect();
    let why = if found.is_empty() { "nothing found".to_owned() } else { found.join("; ") };
    name(&format!("{}: {why}", title(link)))
}

fn alternative(answer: &BucketAnswer) -> String {
    let way = |(who, reader, links): &(&str, Reader, &[Link])| {
        let stops: Vec<String> = links
            .iter()
            .filter(|link| link.state_for(answer, *reader) != State::Good)
            .map(|link| reason(*link, answer))
            .collect();
        format!("{who}: {}", if stops.is_empty() { "every link is fine".to_owned() } else { stops.join(". ") })
    };
    WAYS.iter().map(way).collect::<Vec<_>>().join(". ")
}

fn short(reader: Reader) -> &'static str {
    match reader {
        Reader::Server => "Darwin's servers",
        Reader::Browser => "The browser",
    }
}

/// Side by side, for a screen.
pub(super) fn wide(answer: &BucketAnswer) -> Markup {
    html! {
        svg.wide viewBox="0 0 1000 230" role="img" aria-label=(alternative(answer)) {
            @for (row, (who, reader, links)) in WAYS.iter().enumerate() {
                @let top = 30 + row * 110;
                text.who x="4" y=(top - 10) { (who) }
                @for (place, link) in Link::ALL.into_iter().filter(|link| links.contains(link)).enumerate() {
                    @let left = 4 + place * 148;
                    (node(link, link.state_for(answer, *reader), answer, left, top))
                    path d={ "M" (left + 128) " " (top + 30) " h16 m-5 -4 l5 4 l-5 4" } {}
                }
                (end(4 + links.len() * 148, top))
            }
        }
    }
}

/// One below the other, for a phone.
pub(super) fn tall(answer: &BucketAnswer) -> Markup {
    html! {
        svg.tall viewBox="0 0 290 610" role="img" aria-label=(alternative(answer)) {
            @for (column, (_, reader, links)) in WAYS.iter().enumerate() {
                @let left = 4 + column * 150;
                text.who x=(left) y="18" { (short(*reader)) }
                @for (place, link) in Link::ALL.into_iter().filter(|link| links.contains(link)).enumerate() {
                    @let top = 30 + place * 82;
                    (node(link, link.state_for(answer, *reader), answer, left, top))
                    path d={ "M" (left + 64) " " (top + 61) " v17 m-4 -5 l4 5 l4 -5" } {}
                }
                (end(left + 16, 30 + links.len() * 82))
            }
        }
    }
}

fn node(link: Link, state: State, answer: &BucketAnswer, left: usize, top: usize) -> Markup {
    html! {
        g class=(class(state)) {
            title { (reason(link, answer)) }
            rect x=(left) y=(top) width="128" height="60" rx="8" {}
            text x=(left + 64) y=(top + 25) { (title(link)) }
            text.mark x=(left + 64) y=(top + 46) { (mark(state)) }
        }
    }
}

fn end(left: usize, top: usize) -> Markup {
    html! {
        g {
            rect x=(left) y=(top) width=(96) height="60" rx="30" {}
            text x=(left + 48) y=(top + 35) { "image" }
        }
    }
}
