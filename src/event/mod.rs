//! Envelopes into triggers. Must never panic, whatever comes in, and never drop a part of the input.

pub mod batch_job;
pub mod cloudtrail;
pub mod decode;
pub mod eventbridge;
pub mod json;
pub mod manual;
pub mod s3;
pub mod sns;
pub mod sqs;
pub mod trigger;
pub mod url;
