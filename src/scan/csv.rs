//! Tables as comma-separated values: written so that no spreadsheet runs a cell, read in pieces of any size.
//! <https://www.rfc-editor.org/rfc/rfc4180>
//!
//! Must never hold more of a table than one row.

/// Most bytes of a row: a key and a result of S3 Batch Operations, with room.
const ROW_BYTES: usize = 64_000;

/// One row. A cell that a spreadsheet would take for a formula begins with an apostrophe.
pub fn row<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let cells: Vec<String> = cells.into_iter().map(cell).collect();
    cells.join(",") + "\r\n"
}

fn cell(text: &str) -> String {
    let formula =
        text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\u{ff0b}', '\u{ff0d}', '\u{ff1d}', '\u{ff20}']);
    let safe = if formula { format!("'{text}") } else { text.to_owned() };
    if safe.contains([',', '"', '\r', '\n']) { format!("\"{}\"", safe.replace('"', "\"\"")) } else { safe }
}

/// What a table can't be read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// A row is longer than any that is expected.
    Long,
    NotUtf8,
    /// The last row ends inside quotes.
    Open,
}

/// The rows of a table that comes in pieces.
#[derive(Debug, Default)]
pub struct Rows {
    cells: Vec<Vec<u8>>,
    bytes: usize,
    quoted: bool,
    /// A quote was seen inside quotes: the end of them, or the first of two.
    quote: bool,
    begun: bool,
    /// Rows that were read.
    pub count: u64,
}

impl Rows {
    /// Takes a piece, and gives the rows that it completes.
    ///
    /// # Errors
    /// It is no table.
    pub fn take(&mut self, piece: &[u8]) -> Result<Vec<Vec<String>>, Broken> {
        let mut rows = Vec::new();
        for byte in piece {
            if self.quote {
                self.quote = false;
                if *byte == b'"' {
                    self.put(*byte)?;
                    continue;
                }
                self.quoted = false;
            }
            match byte {
                b'"' if self.quoted => self.quote = true,
                byte if self.quoted => self.put(*byte)?,
                b'"' => {
                    self.open();
                    (self.quoted, self.begun) = (true, true);
                }
                b',' => {
                    self.open();
                    self.cells.push(Vec::new());
                    self.begun = true;
                }
                b'\r' => {}
                b'\n' => rows.extend(self.end()?),
                byte => self.put(*byte)?,
            }
        }
        Ok(rows)
    }

    /// The row that no line break ended, if there is one.
    ///
    /// # Errors
    /// The table breaks off.
    pub fn finish(mut self) -> Result<Option<Vec<String>>, Broken> {
        if self.quoted && !self.quote { Err(Broken::Open) } else { self.end() }
    }

    /// There is a cell to write into.
    fn open(&mut self) {
        if self.cells.is_empty() {
            self.cells.push(Vec::new());
        }
    }

    fn put(&mut self, byte: u8) -> Result<(), Broken> {
        self.bytes += 1;
        if self.bytes > ROW_BYTES {
            return Err(Broken::Long);
        }
        self.begun = true;
        self.open();
        self.cells.last_mut().into_iter().for_each(|cell| cell.push(byte));
        Ok(())
    }

    fn end(&mut self) -> Result<Option<Vec<String>>, Broken> {
        let (cells, begun) = (std::mem::take(&mut self.cells), std::mem::take(&mut self.begun));
        (self.bytes, self.quoted, self.quote) = (0, false, false);
        if !begun {
            return Ok(None);
        }
        self.count += 1;
        let row: Result<Vec<String>, _> = cells.into_iter().map(String::from_utf8).collect();
        row.map(Some).map_err(|_| Broken::NotUtf8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str, piece: usize) -> Result<Vec<Vec<String>>, Broken> {
        let mut rows = Rows::default();
        let mut all = Vec::new();
        for piece in text.as_bytes().chunks(piece) {
            all.extend(rows.take(piece)?);
        }
        all.extend(rows.finish()?);
        Ok(all)
    }

    #[test]
    fn a_cell_that_a_spreadsheet_would_run_begins_with_an_apostrophe() {
        for (text, cell) in [
            ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(1)", "'@SUM(1)"),
            ("\t=1", "'\t=1"),
            ("a\nb", "\"a\nb\""),
            ("a\"b", "\"a\"\"b\""),
            ("a,b", "\"a,b\""),
            ("raw/a.png", "raw/a.png"),
        ] {
            assert_eq!(row([text]), format!("{cell}\r\n"));
        }
    }

    #[test]
    fn what_is_no_table_is_refused() {
        assert_eq!(read("a,\"b", 2), Err(Broken::Open));
        assert_eq!(read(&"a".repeat(ROW_BYTES + 1), 1_000), Err(Broken::Long));
        assert_eq!(Rows::default().take(b"\xff\n"), Err(Broken::NotUtf8));
        assert_eq!(read("\n\r\n", 1), Ok(Vec::new()));
        assert_eq!(read("\"\"\n,\n", 1), Ok(vec![vec![String::new()], vec![String::new(), String::new()]]));
    }

    proptest! {
        #[test]
        fn a_table_comes_back_whatever_the_pieces(
            table in prop::collection::vec(prop::collection::vec("[a,\"\n\r \u{e9}]{0,6}", 1..5), 0..6),
            piece in 1_usize..9,
        ) {
            let quoted = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
            let text: String =
                table.iter().map(|row| row.iter().map(quoted).collect::<Vec<_>>().join(",") + "\n").collect();
            prop_assert_eq!(read(&text, piece), Ok(table));
        }

        #[test]
        fn what_is_written_comes_back_but_for_the_apostrophe(cells in prop::collection::vec(any::<String>(), 1..5)) {
            let text = row(cells.iter().map(String::as_str));
            let rows = read(&text, 7).unwrap_or_default();
            // A row of one empty cell is an empty line.
            let rows = if cells == [""] { vec![vec![String::new()]] } else { rows };
            let bare = |cell: &String, written: &String| written == cell || written.strip_prefix('\'') == Some(cell);
            prop_assert!(rows.len() == 1 && rows[0].len() == cells.len());
            prop_assert!(cells.iter().zip(&rows[0]).all(|(cell, written)| bare(cell, written)));
        }
    }
}
