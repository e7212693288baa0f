//! How far a scan is, on standard error: one line that is written over where a person looks, else a line now and then.

use crate::model::text::shortened;
use crate::report::scan::progress;
use crate::scan::checkpoint::Total;
use crate::scan::tally::Tally;
use std::collections::VecDeque;
use std::io::{IsTerminal, Write};
use terminal_size::{Width, terminal_size_of};

/// Between two lines where they stay.
const APART_MS: u64 = 10_000;
/// Looks that the rate is taken over.
const LOOKS: usize = 10;
/// Where a terminal does not say how wide it is.
const WIDTH: u16 = 80;

#[derive(Debug)]
pub(super) struct Progress {
    /// Times and counts of the last looks.
    looks: VecDeque<(u64, u64)>,
    said_ms: u64,
    over: bool,
}

impl Progress {
    pub(super) fn begin(now_ms: u64, objects: u64) -> Self {
        Self { looks: VecDeque::from([(now_ms, objects)]), said_ms: now_ms, over: std::io::stderr().is_terminal() }
    }

    pub(super) fn look(&mut self, now_ms: u64, tally: &Tally, total: Total) {
        let (then_ms, before) = self.looks.front().copied().unwrap_or((now_ms, tally.objects));
        let spent_ms = now_ms.saturating_sub(then_ms).max(1);
        let per_second = tally.objects.saturating_sub(before).saturating_mul(1_000) / spent_ms;
        self.looks.push_back((now_ms, tally.objects));
        if self.looks.len() > LOOKS {
            self.looks.pop_front();
        }
        let line = progress(tally, total, per_second);
        let mut out = std::io::stderr().lock();
        // Nothing better can be done where standard error is gone.
        if self.over {
            let Width(width) = terminal_size_of(std::io::stderr()).map_or(Width(WIDTH), |(width, _)| width);
            let _ = write!(out, "\r\x1b[K{}", shortened(&line, usize::from(width).saturating_sub(2), "…"));
            let _ = out.flush();
        } else if now_ms.saturating_sub(self.said_ms) >= APART_MS {
            self.said_ms = now_ms;
            let _ = writeln!(out, "{line}");
        }
    }

    /// Leaves the line to what comes next.
    pub(super) fn end(&self) {
        if self.over {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
