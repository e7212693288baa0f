//! The real outside, as the one type that the guard is over.
//!
//! Must never hold anything.

use crate::app::ports::{Log, World};
use crate::shell::aws::client::{Aws, Clients};
use crate::shell::aws::clock::SystemClock;
use crate::shell::aws::dynamodb::table::Table;
use crate::shell::aws::sns::Sns;
use std::rc::Rc;

/// AWS, the table, the topic, the clock, and a log: any of them, so that the program holds the guard once.
#[derive(Debug)]
pub enum Outside {}

impl World for Outside {
    type Clients = Clients;
    type Aws = Aws;
    type Store = Table;
    type Topic = Sns;
    type Clock = SystemClock;
    type Log = Rc<dyn Log>;
}
