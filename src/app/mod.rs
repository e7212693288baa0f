//! An invocation from event to answer, over traits of the outside.

pub mod alerts;
pub mod config;
pub mod facts;
pub mod handler;
pub mod memory;
pub mod objects;
pub mod observe;
pub mod ports;
pub mod reconcile;
#[cfg(feature = "forms")]
pub mod scan;
pub mod state;
