//! What is observed of a bucket against its contract: drifts, findings and a plan. Pure.

pub mod assess;
pub mod cors;
pub mod gates;
pub mod history;
pub mod observed;
pub mod plan;
pub mod policy;
