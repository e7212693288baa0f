//! Where the guard keeps its state: the incident table, or where none is configured, this process.
//!
//! Must never decide: it passes every call on.

use crate::app::memory::Memory;
use crate::app::ports::{Incidents, KnownKeys, Leases, WriteLog};
use crate::incident::budget::RepairBudget;
use crate::incident::known::KnownKey;
use crate::incident::life::{Claim, Healed, Incident, Lease, Sighting, Status, StoreError, StoreResult};
use crate::model::change::{Change, Write};
use crate::repair::history::Past;

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
    sight(sighting: &Sighting, now_ms: u64) -> Claim;
    claim(incident: &Incident, status: Status, now_ms: u64) -> bool;
    acknowledge(incident: &Incident, until_ms: u64) -> bool;
    told(incident: &Incident, now_ms: u64) -> ();
    release_claim(incident: &Incident) -> ();
    heal(incident: &Incident, healed: &Healed, unseen_since_ms: u64, now_ms: u64) -> bool;
    resolve(incident: &Incident, now_ms: u64) -> bool;
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
    lease(bucket: &str, holder: &str, now_ms: u64, expires_ms: u64) -> Lease;
    release(bucket: &str, holder: &str, expires_ms: u64) -> bool;
    count_repair(bucket: &str, now_ms: u64, window_ms: u64, limit: u64) -> RepairBudget;
    reset_repairs(bucket: &str) -> ();
    recall(name: &str) -> Option<String>;
    put_down(name: &str, text: &str) -> ();
    once_per(name: &str, now_ms: u64, period_ms: u64) -> bool;
});
pass_on!(WriteLog {
    keep_write(bucket: &str, write: &Write) -> ();
    forget_write(bucket: &str, write: &Write) -> ();
    recognise_write(bucket: &str, write: &Write, event_id: &str) -> bool;
    keep_change(bucket: &str, change: &Change) -> ();
    forget_change(bucket: &str, change: &Change) -> ();
    past(bucket: &str, now_ms: u64) -> Past;
});
pass_on!(KnownKeys {
    known_keys(bucket: &str, now_ms: u64) -> Vec<KnownKey>;
    keep_key(bucket: &str, key: &KnownKey, due_ms: u64) -> bool;
    retire_key(bucket: &str, key: &KnownKey, now_ms: u64) -> bool;
    forget_key(bucket: &str, key: &KnownKey) -> ();
});
