//! Every sentence that people read, and every form that machines read.

pub mod activation;
pub mod answer;
pub mod audit;
pub mod card;
pub mod document;
pub mod email;
pub mod finding;
pub mod fit;
pub mod forms;
pub mod links;
pub mod log;
#[cfg(feature = "forms")]
pub mod markdown;
pub mod message;
pub mod metrics;
pub mod notice;
#[cfg(feature = "forms")]
pub mod page;
pub mod quote;
pub mod reason;
pub mod remedy;
pub mod sheet;
pub mod text;
pub mod words;
