//! Every sentence that people read, and every form that machines read.

pub mod actor;
pub mod answer;
pub mod audit;
pub mod card;
pub mod document;
pub mod email;
pub mod finding;
pub mod fit;
pub mod forms;
pub mod letter;
pub mod links;
pub mod log;
pub mod message;
pub mod metrics;
pub mod notice;
pub mod quote;
pub mod reason;
pub mod remedy;
pub mod text;
pub mod words;
