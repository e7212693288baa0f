//! One incident in a message, or several: those of one bucket that come of one change, or the repairs of many buckets.
//!
//! Must never lose one: the JSON has each whole, and the attributes name each bucket and kind, so that every filter policy
//! that would take one of them takes the message.

use crate::incident::life::Status;
use crate::model::evidence::Evidence;
use crate::model::finding::Severity;
use crate::report::card::quiet;
use crate::report::letter::{Letter, headline, letter, place, state, subject};
use crate::report::notice::{Budget, MAX_SUBJECT, Notice, attribute, severity_name};
use crate::report::remedy::OTHER_STOPS;
use crate::report::text::{line, moment};
use crate::report::{card, document, email, words};
use serde_json::{Value, json};

/// Most names in a sentence.
const NAMED: usize = 20;

/// The incidents of a message, the gravest first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Digest<'d, 'n> {
    first: &'d Notice<'n>,
    others: &'d [Notice<'n>],
}

impl<'d, 'n> Digest<'d, 'n> {
    /// None of none.
    pub(super) fn of(notices: &'d [Notice<'n>]) -> Option<Self> {
        notices.split_first().map(|(first, others)| Self { first, others })
    }

    fn all(self) -> impl Iterator<Item = &'d Notice<'n>> {
        std::iter::once(self.first).chain(self.others)
    }

    fn buckets(self) -> Vec<&'d str> {
        each(self.all().map(|notice| notice.incident.bucket.as_str()))
    }

    pub(super) fn subject(self) -> String {
        let buckets = self.buckets().len();
        if self.others.is_empty() {
            return subject(self.first);
        }
        if buckets > 1 {
            return format!("{} {buckets} buckets: {}", state(self.first), self.restored());
        }
        let more = format!(" (+{} more)", self.others.len());
        let room = MAX_SUBJECT.saturating_sub(1 + more.len());
        subject(self.first).chars().take(room).chain(more.chars()).collect()
    }

    /// What the repairs of several buckets gave back.
    fn restored(self) -> String {
        let names = each(self.all().map(|notice| match notice.report().finding.evidence {
            Evidence::PolicyMissing { .. } | Evidence::PolicyGutted { .. } | Evidence::Wider { .. } => {
                "Darwin's statement"
            }
            Evidence::CorsMissing { .. } => "CORS rule",
            _ => "EventBridge setting",
        }));
        format!("{} restored", names.join(" and "))
    }

    /// What people noticed of the gravest, and in which buckets.
    fn past(self) -> String {
        let past = |notice: &Notice<'_>| words::effect(&notice.report().finding, notice.report().read).past;
        let Some(noticed) = past(self.first) else { return String::new() };
        let same = self.all().filter(|notice| past(notice).as_ref() == Some(&noticed));
        let buckets = each(same.map(|notice| notice.incident.bucket.as_str()));
        format!(" Until then, in {}, {noticed}.", names(&buckets))
    }

    pub(super) fn attributes(self) -> [(&'static str, String); 4] {
        let one_or_list = |values: Vec<String>| match values.as_slice() {
            [one] => one.clone(),
            several => json!(several).to_string(),
        };
        let severity = self.all().map(|notice| notice.incident.report.finding.severity).max();
        let kinds = self.all().map(|notice| notice.incident.report.finding.kind().name().to_owned());
        let buckets = self.all().map(|notice| attribute(&notice.incident.bucket));
        [
            ("severity", severity_name(severity.unwrap_or(Severity::Info))),
            ("bucket", one_or_list(each(buckets))),
            ("kind", one_or_list(each(kinds))),
            ("status", one_or_list(each(self.all().map(|notice| notice.status.name().to_owned())))),
        ]
    }

    /// The first one's document, with the others in it.
    pub(super) fn document(self, budget: Budget, was_cut: bool) -> Value {
        let mut document = document::document(self.first, budget, was_cut);
        if self.others.is_empty() {
            return document;
        }
        let lines = self.four_lines();
        if let Some(fields) = document.as_object_mut() {
            let others = self.others.iter().map(|notice| document::document(notice, budget, was_cut));
            fields.insert("also".to_owned(), others.collect());
            fields.insert("subject".to_owned(), json!(self.subject()));
            for (name, text) in ["now", "affected", "changed_by", "do_now"].into_iter().zip(lines) {
                fields.insert(name.to_owned(), json!(text));
            }
        }
        document
    }

    pub(super) fn email(self, budget: Budget, was_cut: bool) -> String {
        if self.others.is_empty() {
            return email::text(self.first, budget, was_cut);
        }
        let [now, affected, changed_by, do_now] = self.four_lines();
        let mut sections =
            vec![format!("Now: {now}\nAffected: {affected}\nChanged by: {changed_by}\nDo now: {do_now}")];
        for (number, notice) in self.all().enumerate() {
            let title = format!("{} OF {}: {}", number + 1, self.others.len() + 1, title(notice));
            sections.push(email::member(notice, &title, budget));
        }
        if self.all().any(Notice::repaired) {
            sections.push(OTHER_STOPS.to_owned());
        }
        sections.push(email::footer(self.first, was_cut));
        sections.join("\n\n") + "\n"
    }

    pub(super) fn card(self) -> Value {
        let mut card = card::card(self.first);
        if self.others.is_empty() {
            return card;
        }
        let clean: Vec<_> = self.all().map(|notice| (notice, card::clean(notice.incident))).collect();
        let notices: Vec<Notice<'_>> = clean.iter().map(|(notice, incident)| Notice { incident, ..**notice }).collect();
        let Some(digest) = Digest::of(&notices) else { return card };
        let [now, affected, changed_by, do_now] = digest.four_lines();
        let lines = [("Now", now), ("Affected", affected), ("Changed by", changed_by), ("Do now", do_now)];
        let mut text: Vec<String> =
            lines.iter().map(|(name, text)| format!("*{name}:* {}", card::sentence(text))).collect();
        text.extend(digest.all().take(NAMED).map(|notice| format!("- {}", card::sentence(&title(notice)))));
        text.push("Commands: see the email.".to_owned());
        if let Some(content) = card.get_mut("content").and_then(Value::as_object_mut) {
            content.insert("title".to_owned(), json!(quiet(&self.subject())));
            content.insert("description".to_owned(), json!(text.join("\n")));
        }
        card
    }

    fn four_lines(self) -> [String; 4] {
        let letters: Vec<Letter> = self.all().map(letter).collect();
        let buckets = self.buckets();
        let several = buckets.len() > 1;
        let Some(Letter { now, affected, changed_by, .. }) = letters.first().cloned() else {
            return Default::default();
        };
        let others: Vec<String> = self.others.iter().map(headline).collect();
        let others = each(others.into_iter());
        let more = others.len().saturating_sub(NAMED);
        let others = others.into_iter().take(NAMED).collect::<Vec<_>>().join("; ");
        let others = if more > 0 { format!("{others}; and {more} more") } else { others };
        let same = letters.iter().all(|letter| letter.changed_by == changed_by);
        [
            if several {
                format!(
                    "{} buckets: {}. The guard read it back in each; as of {}.",
                    buckets.len(),
                    self.restored(),
                    moment(self.first.now),
                )
            } else {
                format!("{now} Also: {others}.")
            },
            if several { format!("buckets {}: nothing any more.{}", names(&buckets), self.past()) } else { affected },
            if same { changed_by } else { "see each of them.".to_owned() },
            self.do_now(&letters),
        ]
    }

    fn do_now(self, letters: &[Letter]) -> String {
        let with_ways = letters.iter().filter(|letter| !letter.remedy.ways.is_empty()).collect::<Vec<_>>();
        match with_ways.as_slice() {
            [] => "nothing.".to_owned(),
            _ if self.first.status == Status::Repaired => {
                "nothing. If a template or pipeline manages the buckets, add to it what is below.".to_owned()
            }
            [one] => one.do_now.clone(),
            several => format!("the {} steps below, one for each.", several.len()),
        }
    }
}

fn title(notice: &Notice<'_>) -> String {
    format!("{} {}: {}", state(notice), line(&place(notice), 100), headline(notice))
}

/// Each value once, in their order.
fn each<T: PartialEq>(values: impl Iterator<Item = T>) -> Vec<T> {
    values.fold(Vec::new(), |mut held, value| {
        if !held.contains(&value) {
            held.push(value);
        }
        held
    })
}

fn names(buckets: &[&str]) -> String {
    let named: Vec<String> = buckets.iter().take(NAMED).map(|bucket| line(bucket, 100)).collect();
    match buckets.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}
