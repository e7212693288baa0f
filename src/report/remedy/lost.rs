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
        "Look at that change.",
        format!(
            "aws cloudtrail lookup-events --region {region} --lookup-attributes {}",
            shell(&format!("AttributeKey=EventId,AttributeValue={}", lost.id))
        ),
    )
    .note("Needs cloudtrail:LookupEvents.");
    if !is_json(&lost.wanted) {
        return look.into();
    }
    let again = Way::run("If it is meant to stay, apply it again, in place of what is there now.", put_document(at, lost)).note(format!(
        "It writes the {what} of that change, with what Darwin needs added. It replaces every newer change: check that there is none."
    ));
    Remedy::from(look).then(again)
}
