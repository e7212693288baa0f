//! The list of objects that can't be read, or of which it cannot be determined, as a table.
//!
//! Must never hold a cell that a spreadsheet runs.

use crate::judge::object::JudgedObject;
use crate::model::outcome::Read;
use crate::report::quote::percent;
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
        encoded_key(&judged.key).as_str(),
    ]))
}

/// A key as S3 wants it in a manifest: encoded for a URL, `/` kept.
fn encoded_key(key: &str) -> String {
    let text = key.split('/').map(percent).collect::<Vec<_>>().join("/");
    match text.strip_prefix('-') {
        Some(rest) => format!("%2D{rest}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::encoded_key;

    #[test]
    fn a_key_of_a_manifest_is_encoded_with_its_slashes_kept() {
        assert_eq!(encoded_key("-a/b c+\u{fc}%.png"), "%2Da/b%20c%2B%C3%BC%25.png");
    }
}
