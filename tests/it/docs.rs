//! docs/repairs.md against the code: its tables are the closed list of kinds.

use darwin_s3_guard::finding::{Kind, Severity};
use std::collections::BTreeMap;

const REPAIRS: &str = include_str!("../../docs/repairs.md");

/// The cells of every row that begins with a kind's name.
fn rows() -> Vec<Vec<&'static str>> {
    let cells = |line: &'static str| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>();
    let rows: Vec<_> = REPAIRS.lines().filter(|line| line.starts_with("| `")).map(cells).collect();
    for row in &rows {
        assert_eq!(row.len(), 6, "{row:?}");
        assert!(row.iter().all(|cell| !cell.is_empty()), "{row:?}");
    }
    rows
}

#[test]
fn every_kind_has_one_row_in_the_order_of_the_code_and_nothing_else_has() {
    let documented: Vec<&str> = rows().iter().map(|row| row[0].trim_matches('`')).collect();
    let kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
    assert_eq!(documented, kinds);
}

#[test]
fn each_row_gives_the_severities_and_whether_it_is_repaired_as_the_code_does() {
    let rows = rows();
    let by_name: BTreeMap<&str, &Vec<&str>> = rows.iter().map(|row| (row[0].trim_matches('`'), row)).collect();
    for kind in Kind::ALL {
        let row = by_name[kind.name()];
        let severities: Vec<&str> = kind
            .severities()
            .iter()
            .map(|severity| match severity {
                Severity::Info => "info",
                Severity::Warning => "warning",
                Severity::Critical => "critical",
            })
            .collect();
        let repaired = if kind.is_drift() { "yes" } else { "no" };
        assert_eq!((row[1], row[2]), (severities.join(", ").as_str(), repaired), "{kind}");
        assert!(kind.severities().is_sorted(), "{kind}: the mildest first");
    }
}
