//! What others have looked at, from files: the result of the query over S3 Metadata, and a job's completion report.

use crate::app::scan::Scan;
use crate::model::contract::Contract;
use crate::model::outcome::Problem;
use crate::report::scan::{ScanAnswer, broken, of_tasks, stopped};
use crate::scan::csv::Rows;
use crate::scan::tally::Tally;
use crate::scan::told::{Alike, Columns, Tasks, task};
use crate::shell::aws::outside::Outside;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Bytes that are read at a time.
const PIECE: usize = 64_000;

/// A job's completion report; `-` is standard input.
pub(super) fn tasks(path: &Path) -> Result<ScanAnswer, String> {
    let mut tasks = Tasks::default();
    each_row(path, "--batch-report", |number, row| {
        // A file that somebody put a heading on.
        if number == 1 && row.first().is_some_and(|cell| cell == "Bucket") {
            return Ok(());
        }
        tasks.add(task(&row).map_err(str::to_owned)?);
        Ok(())
    })?;
    let mut problems = Vec::new();
    if tasks.bucket.is_none() {
        problems.push(Problem {
            at: path.display().to_string(),
            saw: "no task".to_owned(),
            want: "the completion report of a job: a CSV file under results/".to_owned(),
            retryable: false,
        });
    }
    Ok(of_tasks(&tasks, problems))
}

/// The result of the query, each row judged as objects of the bucket.
pub(super) async fn keys(path: &Path, contract: &Contract, scanner: &Scan<'_, Outside>) -> Result<Tally, String> {
    let mut columns = None;
    let mut rows: Vec<Alike> = Vec::new();
    each_row(path, "--keys", |_, row| {
        let Some(columns) = &columns else {
            columns = Some(Columns::of(&row).map_err(|column| format!("no column `{column}`"))?);
            return Ok(());
        };
        let alike = columns.alike(&row).map_err(|column| format!("no `{column}` of the query's"))?;
        if alike.bucket != contract.bucket {
            return Err(format!("the bucket `{}`, not `{}`", alike.bucket, contract.bucket));
        }
        rows.push(alike);
        if rows.len() > ROWS { Err("more rows than KMS keys can make".to_owned()) } else { Ok(()) }
    })?;
    if rows.is_empty() {
        return Err(format!("--keys `{}` has no row: nothing was judged", path.display()));
    }
    for alike in &rows {
        // Boxed, as the types of nested futures grow deep.
        let told = Box::pin(scanner.told(alike)).await;
        told.map_err(|stop| stopped(&stop, &contract.bucket, "", "", None).saw)?;
    }
    Ok(scanner.tally())
}

/// Rows of a query's result: KMS keys, with their states.
const ROWS: usize = 100_000;

fn each_row(
    path: &Path,
    option: &str,
    mut take: impl FnMut(u64, Vec<String>) -> Result<(), String>,
) -> Result<(), String> {
    let wrong = |what: String| format!("{option} `{}` {what}", path.display());
    let unread = |error: std::io::Error| wrong(format!("can't be read: {error}"));
    let mut file: Box<dyn Read> =
        if path == Path::new("-") { Box::new(std::io::stdin()) } else { Box::new(File::open(path).map_err(unread)?) };
    let (mut rows, mut piece, mut number) = (Rows::default(), vec![0; PIECE], 0);
    let mut next = |row: Vec<String>| {
        number += 1;
        take(number, row).map_err(|why| wrong(format!("has in row {number} {why}")))
    };
    loop {
        let read = file.read(&mut piece).map_err(unread)?;
        if read == 0 {
            break;
        }
        let piece = piece.get(..read).unwrap_or_default();
        // Some editors begin a file with a byte order mark.
        let piece = if rows.count == 0 { piece.strip_prefix(b"\xef\xbb\xbf").unwrap_or(piece) } else { piece };
        rows.take(piece).map_err(|why| wrong(format!("has {}", broken(why))))?.into_iter().try_for_each(&mut next)?;
    }
    rows.finish().map_err(|why| wrong(format!("has {}", broken(why))))?.into_iter().try_for_each(&mut next)
}
