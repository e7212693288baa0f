//! What to do about a change that a write of ours may have undone.
//!
//! Must never suggest a document without both: theirs, and Darwin's part.

use crate::model::change::Subject;
use crate::model::evidence::LostUpdate;
use crate::report::quote::shell;

/// The one command that applies their document with Darwin's part in it.
pub(super) fn put_document(bucket: &str, lost: &LostUpdate) -> String {
    let bucket = shell(bucket);
    match lost.subject {
        Subject::Policy => format!("aws s3api put-bucket-policy --bucket {bucket} --policy {}", shell(&lost.wanted)),
        Subject::Cors => {
            let rules = shell(&format!("{{\"CORSRules\":{}}}", lost.wanted));
            format!("aws s3api put-bucket-cors --bucket {bucket} --cors-configuration {rules}")
        }
        Subject::Notification => format!(
            "aws s3api put-bucket-notification-configuration --bucket {bucket} --skip-destination-validation \
             --notification-configuration {}",
            shell(&lost.wanted)
        ),
    }
}

/// What to do, with that command.
pub(super) fn remedy(bucket: &str, lost: &LostUpdate) -> String {
    format!(
        "See in the difference whether the change was meant to stay. If so, apply it again, with Darwin's part in it \
         (this replaces what stands now: look first that nobody has changed it since):\n\n{}",
        put_document(bucket, lost)
    )
}
