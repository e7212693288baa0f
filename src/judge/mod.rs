//! Darwin's questions: may its role read, write, decrypt? Pure.

pub mod access;
pub mod darwin;
pub mod key;
pub mod object;
pub mod table;
