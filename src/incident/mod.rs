//! An incident's life: pure transitions that the stores only carry out.

pub mod budget;
pub mod fingerprint;
pub mod known;
pub mod life;
