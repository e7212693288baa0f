//! What to do about a change that a write of ours may have undone.
//!
//! Must never suggest a document without both: theirs, and Darwin's part.

use crate::model::change::Subject;
use crate::model::evidence::LostUpdate;
use crate::report::quote::{is_json, shell};
use crate::report::remedy::cors;
use crate::report::remedy::policy;
use crate::report::remedy::way::{Place, Remedy, Way};
use crate::report::text::subject;

/// The one command that applies their document with Darwin's part in it.
pub(super) fn put_document(at: Place<'_>, lost: &LostUpdate) -> String {
    match lost.subject {
        Subject::Policy => policy::put(at, &lost.wanted),
        Subject::Cors => cors::put(at, &lost.wanted),
        Subject::Notification => format!(
            "{} --skip-destination-validation --notification-configuration {}",
            at.s3("put-bucket-notification-configuration"),
            shell(&lost.wanted)
        ),
    }
}

/// What to do, with that command.
pub(super) fn remedy(at: Place<'_>, lost: &LostUpdate) -> Remedy {
    let what = subject(lost.subject);
    let region = shell(&at.home.region);
    let look = Way::run(
        format!("Check whether their change of the {what} is meant to stay. This shows it as CloudTrail has it:"),
        format!(
            "aws cloudtrail lookup-events --region {region} --lookup-attributes {}",
            shell(&format!("AttributeKey=EventId,AttributeValue={}", lost.id))
        ),
    );
    if !is_json(&lost.wanted) {
        return look.into();
    }
    Remedy::from(look).then(Way::run(
        format!(
            "If it is meant to stay, apply it again with Darwin's part in it. This replaces the {what}: check that nobody has \
             changed it since."
        ),
        put_document(at, lost),
    ))
}
