//! What a reconciliation is asked to do.

use crate::incident::life::StoreError;
use crate::model::actor::Actor;
use crate::model::contract::Contract;
use crate::model::time::Timestamp;
use std::collections::BTreeSet;

/// What an invocation may do about drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    /// Write, if mode and tag allow it.
    Live,
    /// Say what would be written.
    DryRun,
    /// Look only.
    Audit,
}

/// One bucket to reconcile.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    pub contract: &'a Contract,
    pub permit: Permit,
    /// Who made the change that brought us here, where a CloudTrail event says so. For the texts only.
    pub actor: Option<&'a Actor>,
    /// Asked for by hand: a contest is over.
    pub by_hand: bool,
    /// The Allows of the policy that stood when the contract last held, as the table remembers them.
    pub stood: Option<&'a BTreeSet<String>>,
    pub deadline: Option<Timestamp>,
    /// Whether others' changes are to be compared with our writes, even if nothing is written now.
    pub check_lost_updates: bool,
    /// Why the table does not hold the change that brought us here. Then nothing is written: whether a write of ours
    /// undid that change could not be found out any more.
    pub change_not_stored: Option<&'a StoreError>,
}
