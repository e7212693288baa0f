//! The list of objects that can't be read, or of which it cannot be determined, as a table.
//!
//! Must never hold a cell that a spreadsheet runs.

use crate::judge::object::JudgedObject;
use crate::model::outcome::Read;
use crate::report::reason::sentences;
use crate::scan::csv;

/// The names of the columns. `manifest_key` is the key as a manifest of S3 Batch Operations has it: exact, whatever is in it.
pub fn heading() -> String {
    csv::row(["bucket", "key", "read", "kind", "because", "encryption", "kms_key", "bytes", "manifest_key"])
}

/// The row of an object, if it is one for the list.
pub fn row(judged: &JudgedObject, size: u64) -> Option<String> {
    if matches!(judged.read, Read::Allowed | Read::Gone) {
        return None;
    }
    let kind = judged.finding.as_ref().map_or("", |finding| finding.kind().name());
    let open = judged.depends_on.iter().map(|unknown| format!("depends on {unknown}"));
    let because = sentences(&judged.because).into_iter().chain(open).collect::<Vec<_>>().join("; ");
    Some(csv::row([
        judged.bucket.as_str(),
        judged.key.as_str(),
        judged.read.name(),
        kind,
        because.as_str(),
        judged.encryption.as_deref().unwrap_or_default(),
        judged.kms_key.as_deref().unwrap_or_default(),
        size.to_string().as_str(),
        csv::encoded_key(&judged.key).as_str(),
    ]))
}
