//! V7's list of storage connections against what is guarded, in words.

use crate::model::contract::Access;
use crate::model::text::counted;
use crate::proposal::storage::{Connection, Difference, What};
use crate::report::quote::shell;
use crate::report::sheet::{Sheet, Tone};
use serde::Serialize;

/// What both sides say.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    pub connections: Vec<Connection>,
    pub differences: Vec<Difference>,
}

/// The comparison for a terminal: V7's list, each difference, and the options that match V7's side.
pub fn sheet(comparison: &Comparison) -> Sheet {
    let Comparison { connections, differences } = comparison;
    let mut sheet = Sheet::default();
    let cell = |text: &str| (Tone::Plain, if text.is_empty() { "-".to_owned() } else { text.to_owned() });
    let rows: Vec<[(Tone, String); 5]> = connections
        .iter()
        .map(|connection| {
            let kept = if connection.is_of_s3() {
                connection.bucket.clone()
            } else {
                format!("{} ({})", connection.bucket, connection.provider)
            };
            [
                cell(&connection.name),
                cell(&kept),
                cell(connection.region.as_deref().unwrap_or_default()),
                cell(connection.prefix.as_deref().unwrap_or_default()),
                cell(connection.access().name()),
            ]
        })
        .collect();
    sheet.table(["Connection", "Bucket", "Region", "Prefix", "Access"], &rows);
    for difference in differences {
        sheet.end();
        sheet.line(Tone::Bad, &sentence(difference));
    }
    let to_be_guarded: Vec<&Connection> = connections
        .iter()
        .filter(|one| one.is_of_s3() && differences.iter().any(|other| other.bucket == one.bucket))
        .collect();
    if !to_be_guarded.is_empty() {
        sheet.end();
        sheet.line(Tone::Title, "Options that match V7's side:");
        for one in to_be_guarded {
            sheet.line(Tone::Plain, &format!("  darwin-guard audit {}", options(one)));
        }
    }
    sheet.end();
    match differences.len() {
        0 => sheet.line(Tone::Good, "OK: V7's connections and the guarded buckets are the same."),
        number => sheet.line(Tone::Bad, &format!("NOT OK: {}.", counted(number, "difference"))),
    }
    sheet
}

fn options(connection: &Connection) -> String {
    let prefix = connection.guarded_prefix().map(|prefix| format!(" --prefix {}", shell(&prefix))).unwrap_or_default();
    format!("{} --access {}{prefix}", shell(&connection.bucket), connection.access().name())
}

fn sentence(Difference { bucket, what, v7, guard }: &Difference) -> String {
    let side = |side: &Option<String>| side.as_deref().filter(|text| !text.is_empty()).unwrap_or("none").to_owned();
    let (v7, guard) = (side(v7), side(guard));
    match what {
        What::NotGuarded => format!("{bucket}: V7 has a connection to it ({v7}), and it is not guarded."),
        What::NotConnected => format!("{bucket}: it is guarded ({guard}), and V7 has no connection to it."),
        What::Region => format!("{bucket}: V7 has the Region {v7}, the bucket is in {guard}. V7 can't reach it so."),
        What::Prefix => format!("{bucket}: V7 keeps thumbnails under the prefix {v7}, the guard is told {guard}."),
        What::Access if v7 == Access::ReadOnly.name() => {
            format!("{bucket}: V7 only reads it, the guard gives it {guard}: more than V7 uses.")
        }
        What::Access => format!("{bucket}: V7 writes to it ({v7}), the guard gives it {guard} only: writing fails."),
    }
}
