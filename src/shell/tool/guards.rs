//! A guard for each Region that the buckets are in: the function's own handler, asked in turn, and its answers as one.
//!
//! Must never be a second way to judge.

use crate::app::config::Config;
use crate::app::handler::{Call, Guard};
use crate::app::ports::{Clock, ForAccount, Log};
use crate::model::contract::Contract;
use crate::report::activation::of_all;
use crate::report::answer::Answer;
use crate::shell::aws::client::Clients;
use crate::shell::aws::clock::SystemClock;
use crate::shell::aws::dynamodb::table::Table;
use crate::shell::aws::log::StderrLog;
use crate::shell::aws::outside::Outside;
use crate::shell::aws::sns::Sns;
use crate::shell::tool::session::Session;
use futures_util::stream::{self, StreamExt};
use serde_json::{Value, json};
use std::rc::Rc;

/// Buckets that are asked where they are, at the same time.
const LOOKED_FOR: usize = 16;

/// Log lines, if they are wanted.
#[derive(Debug, Clone, Copy)]
pub struct Lines(pub bool);

impl Log for Lines {
    fn line(&self, value: Value) {
        if self.0 {
            StderrLog.line(value);
        }
    }
}

/// What of a bucket is to be judged.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    Object(&'a str),
    /// Keys that its objects are under.
    Keys(&'a [String]),
}

/// The Region of each bucket; none of one that nobody finds.
pub async fn regions_of(session: &Session, contracts: &[Contract]) -> Vec<Option<String>> {
    let aws = &session.clients.for_account(session.account());
    stream::iter(contracts).map(|contract| aws.region_of(&contract.bucket)).buffered(LOOKED_FOR).collect().await
}

/// The guards of a configuration.
#[derive(Debug)]
pub struct Guards {
    each: Vec<Guard<Outside>>,
}

impl Guards {
    /// Asks where each bucket is. One that nobody finds is looked for in the session's Region, where its reads say why.
    pub async fn find(session: &Session, config: &Config, lines: Lines) -> Self {
        let places = regions_of(session, &config.contracts).await;
        let mut regions: Vec<(String, Vec<Contract>)> = Vec::new();
        for (contract, place) in config.contracts.iter().zip(places) {
            let region = place.unwrap_or_else(|| session.region.clone());
            match regions.iter_mut().find(|(held, _)| *held == region) {
                Some((_, contracts)) => contracts.push(contract.clone()),
                None => regions.push((region, vec![contract.clone()])),
            }
        }
        let guard = |(region, contracts): (String, Vec<Contract>)| {
            let clients =
                if region == session.region { session.clients.clone() } else { session.clients.in_region(&region) };
            guard(config.of(contracts, region), clients, lines)
        };
        Self { each: regions.into_iter().map(guard).collect() }
    }

    /// One guard, where its configuration says.
    pub fn one(clients: Clients, config: Config, lines: Lines) -> Self {
        Self { each: vec![guard(config, clients, lines)] }
    }

    /// Where they are.
    pub fn regions(&self) -> Vec<&str> {
        self.each.iter().filter_map(|guard| guard.config.region.as_deref()).collect()
    }

    /// Those that guard a bucket.
    fn of(&self, bucket: &str) -> impl Iterator<Item = &Guard<Outside>> {
        self.each.iter().filter(move |guard| guard.config.contracts.iter().any(|contract| contract.bucket == bucket))
    }

    /// Every guard's answer to one event, as one.
    ///
    /// # Errors
    /// A guard that could not answer at all.
    pub async fn ask(&self, event: &Value, dry_run: bool) -> Result<Answer, String> {
        let mut whole = Answer::default();
        for guard in &self.each {
            add(&mut whole, ask(guard, event, dry_run).await?);
        }
        Ok(whole)
    }

    /// The answer about an object, or about keys that a bucket's objects are under.
    ///
    /// # Errors
    /// A guard that could not answer at all.
    pub async fn judge(&self, bucket: &str, what: Subject<'_>) -> Result<Answer, String> {
        let event = match what {
            Subject::Object(key) => json!({ "action": "judge", "bucket": bucket, "key": key }),
            Subject::Keys(keys) => json!({ "action": "judge", "bucket": bucket, "kms_keys": keys }),
        };
        let mut whole = Answer::default();
        for guard in self.of(bucket) {
            add(&mut whole, ask(guard, &event, true).await?);
        }
        Ok(whole)
    }
}

fn guard(config: Config, clients: Clients, lines: Lines) -> Guard<Outside> {
    let topic = config.topic.as_deref().map(|arn| Sns::new(&clients, arn));
    let table = config.table.as_ref().map(|name| Table::new(clients.dynamodb(), name.clone()));
    let log: Rc<dyn Log> = Rc::new(lines);
    Guard::new(config, clients, table, topic, SystemClock::seeded(), log)
}

async fn ask(guard: &Guard<Outside>, event: &Value, dry_run: bool) -> Result<Answer, String> {
    let request_id = format!("tool-{:x}-{:x}", guard.clock.now().as_millis(), guard.clock.random(u64::MAX));
    let call = Call { deadline: None, function_arn: None, request_id, dry_run };
    // Boxed, as the types of nested futures grow deep.
    Box::pin(guard.report(event, &call)).await.map_err(|failure| format!("{}: {failure}", failure.kind))
}

/// Two answers as one.
pub fn add(whole: &mut Answer, part: Answer) {
    let Answer { objects, unlisted: _, buckets, problems, rcps, activation: _ } = part;
    whole.objects.extend(objects);
    whole.buckets.extend(buckets);
    whole.problems.extend(problems);
    whole.rcps |= rcps;
    whole.activation = of_all(&whole.buckets);
}
