//! The real outside, as the one type that the guard is over.
//!
//! Must never hold anything.

use crate::app::ports::{Log, World};
use crate::shell::aws::client::{Aws, Clients};
use crate::shell::aws::clock::SystemClock;
use crate::shell::aws::dynamodb::table::Table;
use crate::shell::aws::sns::Sns;
use std::marker::PhantomData;

/// AWS, the table, the topic, the clock, and a log.
#[derive(Debug)]
pub struct Outside<L>(PhantomData<L>);

impl<L: Log> World for Outside<L> {
    type Clients = Clients;
    type Aws = Aws;
    type Store = Table;
    type Topic = Sns;
    type Clock = SystemClock;
    type Log = L;
}
