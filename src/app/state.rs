//! Where the guard keeps its state: the incident table, or where none is configured, this process.
//!
//! Must never decide: it passes every call on.

use crate::app::memory::Memory;
use crate::app::ports::{Incidents, KnownKeys, Leases, WriteLog};
use crate::incident::budget::RepairBudget;
use crate::incident::known::KnownKey;
use crate::incident::life::{Claim, Healed, Incident, Lease, Sighting, Status, StoreError, StoreResult};
use crate::model::change::{Change, Write};
use crate::model::time::Timestamp;
use crate::repair::history::Past;
use std::time::Duration;

/// A store by reference.
#[derive(Debug)]
pub enum State<'a, S> {
    Table(&'a S),
    Process(&'a Memory),
}

// Derived, it would ask for `S: Clone`.
impl<S> Clone for State<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for State<'_, S> {}

macro_rules! pass_on {
    ($port:ident { $($name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)+ } $($other:item)*) => {
        impl<S: $port> $port for State<'_, S> {
            $($other)*
            $(async fn $name(&self, $($argument: $type),*) -> StoreResult<$answer> {
                match self {
                    Self::Table(table) => table.$name($($argument),*).await,
                    Self::Process(memory) => memory.$name($($argument),*).await,
                }
            })+
        }
    };
}

pass_on!(Incidents {
    sight(sighting: &Sighting, now: Timestamp) -> Claim;
    claim(incident: &Incident, status: Status, now: Timestamp) -> bool;
    acknowledge(incident: &Incident, until: Timestamp) -> bool;
    told(incident: &Incident, now: Timestamp) -> ();
    release_claim(incident: &Incident) -> ();
    heal(incident: &Incident, healed: &Healed, unseen_since: Timestamp, now: Timestamp) -> bool;
    resolve(incident: &Incident, now: Timestamp) -> bool;
    open(bucket: &str) -> Vec<Incident>;
}
    fn take_unreadable(&self) -> Vec<(String, StoreError)> {
        match self {
            Self::Table(table) => table.take_unreadable(),
            Self::Process(_) => Vec::new(),
        }
    }
);
pass_on!(Leases {
    lease(bucket: &str, holder: &str, now: Timestamp, expires: Timestamp) -> Lease;
    release(bucket: &str, holder: &str, expires: Timestamp) -> bool;
    count_repair(bucket: &str, now: Timestamp, window: Duration, limit: u64) -> RepairBudget;
    reset_repairs(bucket: &str) -> ();
    recall(name: &str) -> Option<String>;
    put_down(name: &str, text: &str) -> ();
    once_per(name: &str, now: Timestamp, period: Duration) -> bool;
});
pass_on!(WriteLog {
    keep_write(bucket: &str, write: &Write) -> ();
    forget_write(bucket: &str, write: &Write) -> ();
    recognise_write(bucket: &str, write: &Write, event_id: &str) -> bool;
    keep_change(bucket: &str, change: &Change) -> ();
    forget_change(bucket: &str, change: &Change) -> ();
    past(bucket: &str, now: Timestamp) -> Past;
});
pass_on!(KnownKeys {
    known_keys(bucket: &str, now: Timestamp) -> Vec<KnownKey>;
    keep_key(bucket: &str, key: &KnownKey, due: Timestamp) -> bool;
    retire_key(bucket: &str, key: &KnownKey, now: Timestamp) -> bool;
    forget_key(bucket: &str, key: &KnownKey) -> ();
});
