//! A text for a terminal in pieces that may have a colour: without one it reads the same.
//!
//! Must never hold what drives a terminal: names, keys and policies are other people's.

use crate::report::text::name;

/// What a piece of the text says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Title,
    Good,
    /// Something to look at, or that cannot be determined.
    Open,
    Bad,
    Dim,
}

/// The text, piece by piece.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sheet {
    pieces: Vec<(Tone, String)>,
}

impl Sheet {
    /// A text alone, as [`Sheet::block`] lays it out.
    #[cfg(feature = "forms")]
    pub fn of_block(margin: &str, text: &str) -> Self {
        let mut sheet = Self::default();
        sheet.block(margin, text);
        sheet
    }

    #[cfg(feature = "forms")]
    pub fn pieces(&self) -> &[(Tone, String)] {
        &self.pieces
    }

    /// The text alone.
    pub fn plain(&self) -> String {
        self.pieces.iter().map(|(_, text)| text.as_str()).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// A piece of one line, in which what does not show is written as an escape.
    pub(super) fn put(&mut self, tone: Tone, text: &str) {
        self.pieces.push((tone, name(text)));
    }

    pub(super) fn end(&mut self) {
        self.pieces.push((Tone::Plain, "\n".to_owned()));
    }

    pub(super) fn line(&mut self, tone: Tone, text: &str) {
        self.put(tone, text);
        self.end();
    }

    /// A text with its lines, each after `margin`; those of a diff in its colours.
    pub(super) fn block(&mut self, margin: &str, text: &str) {
        for text in text.lines() {
            let tone = match text.as_bytes() {
                [b'+', b' ', ..] => Tone::Good,
                [b'-', b' ', ..] => Tone::Bad,
                _ => Tone::Plain,
            };
            // Tabs are the layout of other people's policies.
            let clean = name(&text.replace('\t', "    "));
            self.pieces.push((tone, format!("{margin}{clean}").trim_end().to_owned()));
            self.end();
        }
    }

    /// Rows below a heading, in columns that are as wide as their widest cell.
    pub(super) fn table<const N: usize>(&mut self, heading: [&str; N], rows: &[[(Tone, String); N]]) {
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column)).map(|(_, text)| name(text).chars().count());
            cells.chain(heading.get(column).map(|text| text.len())).max().unwrap_or_default()
        };
        let mut row = |cells: &[(Tone, String); N]| {
            for (column, (tone, text)) in cells.iter().enumerate() {
                self.put(*tone, text);
                let gap = if column + 1 == N { 0 } else { width(column) + 2 - name(text).chars().count() };
                self.pieces.push((Tone::Plain, " ".repeat(gap)));
            }
            self.pieces.push((Tone::Plain, "\n".to_owned()));
        };
        row(&heading.map(|text| (Tone::Dim, text.to_owned())));
        rows.iter().for_each(row);
    }
}
