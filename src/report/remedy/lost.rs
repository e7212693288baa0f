//! What to do about a change that a write of ours may have undone.
//!
//! Must never suggest a document without both: theirs, and Darwin's part.

use crate::model::change::Subject;
use crate::report::quote::shell;

/// The one command that applies their document with Darwin's part in it.
pub fn put_document(bucket: &str, subject: Subject, document: &str) -> String {
    match subject {
        Subject::Policy => {
            format!("aws s3api put-bucket-policy --bucket {} --policy {}", shell(bucket), shell(document))
        }
        Subject::Cors => format!(
            "aws s3api put-bucket-cors --bucket {} --cors-configuration {}",
            shell(bucket),
            shell(&format!("{{\"CORSRules\":{document}}}"))
        ),
    }
}

/// What to do, with that command.
pub fn lost_update(bucket: &str, subject: Subject, document: &str) -> String {
    format!(
        "See in the difference whether the change was meant to stay. If so, apply it again, with Darwin's part in it \
         (this replaces what stands now: look first that nobody has changed it since):\n\n{}",
        put_document(bucket, subject, document)
    )
}
