//! A scan of the objects that are there: the keys that are left, what was counted, and how both are kept. Pure.

pub mod checkpoint;
pub mod csv;
pub mod range;
pub mod stop;
pub mod tally;
pub mod told;
