//! The incident table's name, client and marks.

use crate::incident::life::Incident;
use crate::shell::aws::dynamodb::item::Place;
use aws_sdk_dynamodb::Client;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// The table, with string keys `pk` and `sk` and the TTL attribute `expires`.
#[derive(Debug)]
pub struct Table {
    pub(super) client: Client,
    pub(super) name: String,
    /// Unique to this process.
    process: String,
    calls: AtomicU64,
}

impl Table {
    pub fn new(client: Client, name: String) -> Self {
        // Two functions must never share a mark: from the operating system, not from a generator.
        let random = || RandomState::new().build_hasher().finish();
        Self { client, name, process: format!("{:016x}{:016x}", random(), random()), calls: AtomicU64::new(0) }
    }

    /// A mark that no other call of any function bears.
    pub(super) fn mark(&self) -> String {
        format!("{}-{}", self.process, self.calls.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn place(incident: &Incident) -> Place {
        Place::incident(&incident.bucket, &incident.fingerprint)
    }
}
