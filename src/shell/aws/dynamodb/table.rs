//! The incident table's name, client and marks.

use crate::incident::life::{Incident, StoreError, StoreResult};
use crate::shell::aws::dynamodb::item::Place;
use aws_sdk_dynamodb::Client;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// The table, with string keys `pk` and `sk` and the TTL attribute `expires`.
#[derive(Debug)]
pub struct Table {
    pub(super) client: Client,
    pub(super) name: String,
    /// Unique to this process.
    process: String,
    calls: AtomicU64,
    /// Items that could not be read, by their bucket.
    unreadable: Mutex<Vec<(String, StoreError)>>,
}

impl Table {
    pub fn new(client: Client, name: String) -> Self {
        // Two functions must never share a mark: from the operating system, not from a generator.
        let random = || RandomState::new().build_hasher().finish();
        Self {
            client,
            name,
            process: format!("{:016x}{:016x}", random(), random()),
            calls: AtomicU64::new(0),
            unreadable: Mutex::default(),
        }
    }

    /// A mark that no other call of any function bears.
    pub(super) fn mark(&self) -> String {
        format!("{}-{}", self.process, self.calls.fetch_add(1, Ordering::Relaxed))
    }

    /// A value that was read; one of another version of the guard is set aside, and stops nothing.
    pub(super) fn readable<V>(&self, bucket: &str, read: StoreResult<V>) -> StoreResult<Option<V>> {
        match read {
            Err(error @ StoreError::Malformed { .. }) => {
                let mut unreadable = self.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
                if !unreadable.iter().any(|(_, held)| *held == error) {
                    unreadable.push((bucket.to_owned(), error));
                }
                Ok(None)
            }
            read => read.map(Some),
        }
    }

    pub(super) fn take_set_aside(&self) -> Vec<(String, StoreError)> {
        std::mem::take(&mut *self.unreadable.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn place(incident: &Incident) -> Place {
        Place::incident(&incident.bucket, &incident.fingerprint)
    }
}
