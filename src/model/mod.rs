//! The words of the field: what everything else is said in. Imports nothing of ours.

pub mod actor;
pub mod arn;
pub mod aws;
pub mod change;
pub mod contract;
pub mod evidence;
pub mod finding;
pub mod kms;
pub mod outcome;
pub mod s3;
pub mod text;
pub mod time;
pub mod unknown;
pub mod verdict;
pub mod why;
