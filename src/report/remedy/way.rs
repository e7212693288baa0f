//! The form of a remedy: ways, each a sentence and perhaps something to paste.
//!
//! Must never join two ways into one block: what is pasted is one of them.

use crate::model::contract::Home;
use crate::report::quote::shell;

/// Where commands are to act.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) bucket: &'a str,
    pub(super) home: &'a Home,
}

/// What to do: nothing, one way, several of which one is enough, or several one after the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Remedy {
    pub(crate) ways: Vec<Way>,
    /// The ways are steps.
    pub(crate) in_order: bool,
}

/// One way to do it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Way {
    /// What to do: one short sentence, which a message has in its fourth line.
    pub(crate) says: String,
    pub(crate) block: Option<Block>,
    /// What to know of it: what it needs, costs and replaces. Stands after the block.
    pub(crate) note: String,
}

/// What is to be pasted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Block {
    /// A shell runs it as it is.
    Command(String),
    /// For a source, a console, or somebody else.
    Text(String),
}

impl Remedy {
    pub(super) const fn nothing() -> Self {
        Self { ways: Vec::new(), in_order: false }
    }

    pub(crate) fn or(mut self, other: impl Into<Self>) -> Self {
        self.ways.extend(other.into().ways);
        self
    }

    pub(super) fn then(self, other: impl Into<Self>) -> Self {
        Self { in_order: true, ..self.or(other) }
    }

    /// `A`, `B` and so on where there are several; `1`, `2` where they are steps.
    pub(crate) fn labelled(&self) -> impl Iterator<Item = (Option<char>, &Way)> {
        let several = self.ways.len() > 1;
        let labels = if self.in_order { '1'..='9' } else { 'A'..='I' };
        labels.zip(&self.ways).map(move |(label, way)| (several.then_some(label), way))
    }

    /// The whole as one text.
    pub(crate) fn text(&self) -> String {
        let ways = self.labelled().map(|(label, Way { says, block, note })| {
            let label = label.map(|label| format!("{label}: ")).unwrap_or_default();
            match block {
                None if note.is_empty() => format!("{label}{says}"),
                None => format!("{label}{says} {note}"),
                Some(Block::Command(text) | Block::Text(text)) if note.is_empty() => {
                    format!("{label}{says}\n\n{}", text.trim_end())
                }
                Some(Block::Command(text) | Block::Text(text)) => {
                    format!("{label}{says}\n\n{}\n\n{note}", text.trim_end())
                }
            }
        });
        ways.collect::<Vec<_>>().join("\n\n")
    }
}

impl Way {
    /// Something that no command does.
    pub(super) fn by_hand(says: impl Into<String>) -> Self {
        Self { says: says.into(), block: None, note: String::new() }
    }

    /// A command, after a sentence about it.
    pub(super) fn run(says: impl Into<String>, command: impl Into<String>) -> Self {
        Self { says: says.into(), block: Some(Block::Command(command.into())), note: String::new() }
    }

    /// A text, after a sentence about where it belongs.
    pub(super) fn put(says: impl Into<String>, text: impl Into<String>) -> Self {
        Self { says: says.into(), block: Some(Block::Text(text.into())), note: String::new() }
    }

    pub(super) fn note(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }
}

impl From<Way> for Remedy {
    fn from(way: Way) -> Self {
        Self { ways: vec![way], in_order: false }
    }
}

impl Place<'_> {
    /// A call of `aws s3api` on the bucket, which fails where the bucket is another account's.
    pub(super) fn s3(self, operation: &str) -> String {
        let Home { account, region, .. } = self.home;
        let (bucket, region) = (shell(self.bucket), shell(region));
        format!("aws s3api {operation} --region {region} --bucket {bucket} --expected-bucket-owner {}", &**account)
    }

    /// Succeeds only where the call ends in this error.
    pub(super) fn finds_nothing(self, operation: &str, code: &str) -> String {
        format!("{} 2>&1 | grep -q {code}", self.s3(operation))
    }

    pub(super) fn arn(self) -> String {
        format!("arn:{}:s3:::{}", self.home.partition, self.bucket)
    }
}
