//! What to do next, ready to paste. One function per kind of trouble.
//!
//! Must never suggest a command that silently drops somebody's configuration: the S3 calls that replace a whole
//! document are given with the reading that comes before. Names are quoted for a POSIX shell with `shell`.

mod bucket;
mod denied;
mod key;
mod lost;
mod object;

pub use bucket::{
    alias_encryption, contested, dead_principal, dot_in_name, events_off, explicit_deny, how_to_stop, no_config_events,
    no_object_events, no_subscription, no_such_bucket, object_ownership, paused, policy_limit, policy_unreadable,
    public_block, requester_pays, role_missing, sid_taken, table_unreachable, wrong_owner, wrong_region,
};
pub use denied::denied_call;
pub use key::{archived, aws_managed_key, default_encryption, foreign_key, key_denied, key_state, re_encrypt, sse_c};
pub use lost::{lost_update, put_document};
pub use object::{access_uncertain, block_public_policy, object_denied, write_failed};
