//! How far a scan is, on standard error: one line that is written over where a person looks, else a line now and then.

use crate::model::text::shortened;
use crate::model::time::{Timestamp, millis};
use crate::report::scan::progress;
use crate::scan::checkpoint::Total;
use crate::scan::tally::Tally;
use std::collections::VecDeque;
use std::io::{IsTerminal, Write};
use std::time::Duration;
use terminal_size::{Width, terminal_size_of};

/// Between two lines where they stay.
const APART: Duration = Duration::from_secs(10);
/// Looks that the rate is taken over.
const LOOKS: usize = 10;
/// Where a terminal does not say how wide it is.
const WIDTH: u16 = 80;

#[derive(Debug)]
pub(super) struct Progress {
    /// Times and counts of the last looks.
    looks: VecDeque<(Timestamp, u64)>,
    last_said: Timestamp,
    over: bool,
}

impl Progress {
    pub(super) fn begin(now: Timestamp, objects: u64) -> Self {
        Self { looks: VecDeque::from([(now, objects)]), last_said: now, over: std::io::stderr().is_terminal() }
    }

    pub(super) fn look(&mut self, now: Timestamp, tally: &Tally, total: Total) {
        let (then, before) = self.looks.front().copied().unwrap_or((now, tally.objects));
        let spent = millis(now - then).max(1);
        let per_second = tally.objects.saturating_sub(before).saturating_mul(1_000) / spent;
        self.looks.push_back((now, tally.objects));
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
        } else if now - self.last_said >= APART {
            self.last_said = now;
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
