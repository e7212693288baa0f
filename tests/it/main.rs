//! The integration tests: one binary, a module per area.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::format_push_string,
    clippy::single_match_else,
    clippy::needless_pass_by_value,
    clippy::trivially_copy_pass_by_ref,
    clippy::assigning_clones,
    reason = "a test that fails may panic, and so may its helpers"
)]
#![expect(clippy::too_many_lines, reason = "a test is read from its top to its end, and a case a row is long")]
#![expect(unreachable_pub, reason = "one binary: nothing of it is reached from outside")]

mod attacks;
mod aws;
mod cases;
mod claims;
mod config;
mod corners;
mod decode;
mod docs;
mod docs_messages;
mod evidence;
mod explain;
mod guard;
mod harness;
mod histories;
mod history;

mod incident_store;
mod judge_doc;
mod known_keys;
mod laws;
mod layers;
mod merge;
mod messages;
mod metrics;
mod one_message;
mod operators;
mod reference;
mod role;
mod scan;
mod table_faults;
mod template;
mod words;
mod world;
