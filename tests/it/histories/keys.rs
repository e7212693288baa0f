//! The KMS keys and the objects of a history: what is true of them at every moment, who changes it, and what the guard is
//! shown of it.

use super::sim::{Outside, Sim, until};
use crate::harness::created;
use crate::known_keys::key_event;
use crate::world::{ACCOUNT, ROLE, key_arn};
use darwin_s3_guard::app::ports::{Keys, Objects};
use darwin_s3_guard::model::aws::{AwsResult, Operation};
use darwin_s3_guard::model::kms::KeyMetadata;
use darwin_s3_guard::model::s3::{Head, ObjectFacts};
use darwin_s3_guard::model::time::Timestamp;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

const KEYS: usize = 3;
const OBJECTS: u64 = 5;

/// Whether Darwin can use a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Works,
    Disabled,
    PendingDeletion,
    /// Its policy does not have Darwin.
    Shut,
}

/// What was so since when, the oldest first.
type Life<T> = Vec<(Timestamp, T)>;

/// Whether it was so at some time from `from` to `to`.
fn ever<T>(life: &[(Timestamp, T)], from: Timestamp, to: Timestamp, holds: impl Fn(&T) -> bool) -> bool {
    let lasts = |at: usize| life.get(at + 1).is_none_or(|(next, _)| *next >= from);
    life.iter().enumerate().any(|(at, (since, value))| *since <= to && lasts(at) && holds(value))
}

/// Every key, and every object with the key that it is under; none where it is not there.
#[derive(Debug)]
pub(super) struct Truth {
    keys: RefCell<BTreeMap<String, Life<Key>>>,
    objects: RefCell<BTreeMap<String, Life<Option<String>>>>,
    /// Events that were not sent yet.
    pub(super) events: RefCell<Vec<Value>>,
}

impl Truth {
    pub(super) fn new(now: Timestamp) -> Self {
        let keys = (0..KEYS).map(|at| (key_arn(&format!("k{at}")), vec![(now, Key::Works)]));
        let objects = (0..OBJECTS).map(|at| (format!("img/{at}.png"), vec![(now, None)]));
        Self {
            keys: RefCell::new(keys.collect()),
            objects: RefCell::new(objects.collect()),
            events: RefCell::default(),
        }
    }

    pub(super) fn all_keys(&self) -> Vec<String> {
        self.keys.borrow().keys().cloned().collect()
    }

    pub(super) fn key(&self, arn: &str) -> Key {
        self.keys.borrow()[arn].last().unwrap().1
    }

    pub(super) fn object(&self, name: &str) -> Option<String> {
        self.objects.borrow()[name].last().unwrap().1.clone()
    }

    pub(super) fn lies_under(&self, arn: &str) -> bool {
        self.objects.borrow().values().any(|life| life.last().unwrap().1.as_deref() == Some(arn))
    }

    pub(super) fn key_was(&self, arn: &str, from: Timestamp, to: Timestamp, holds: impl Fn(Key) -> bool) -> bool {
        ever(&self.keys.borrow()[arn], from, to, |key| holds(*key))
    }

    pub(super) fn object_was(
        &self,
        name: &str,
        from: Timestamp,
        to: Timestamp,
        holds: impl Fn(Option<&str>) -> bool,
    ) -> bool {
        ever(&self.objects.borrow()[name], from, to, |under| holds(under.as_deref()))
    }

    fn put(&self, name: &str, under: Option<String>, now: Timestamp) {
        self.objects.borrow_mut().get_mut(name).unwrap().push((now, under.clone()));
        if under.is_some() {
            self.events.borrow_mut().push(created(name));
        }
    }
}

/// Somebody who puts objects, deletes them, and re-encrypts all of a key under another.
pub(super) async fn uploader(sim: Rc<Sim>, changes: u64) {
    for _ in 0..changes {
        until(&sim, sim.now.get() + sim.within(Duration::from_secs(12))).await;
        let [name, key] = [sim.roll(OBJECTS), sim.roll(KEYS as u64)];
        let (name, key) = (format!("img/{name}.png"), key_arn(&format!("k{key}")));
        // S3 refuses what is to be encrypted under a key that does not work.
        let usable = matches!(sim.truth.key(&key), Key::Works | Key::Shut);
        match sim.roll(5) {
            0 => sim.truth.put(&name, None, sim.now.get()),
            1 if usable => {
                let names: Vec<String> = (0..OBJECTS).map(|at| format!("img/{at}.png")).collect();
                let old = key_arn(&format!("k{}", sim.roll(KEYS as u64)));
                for name in names.iter().filter(|name| sim.truth.object(name).as_ref() == Some(&old)) {
                    sim.truth.put(name, Some(key.clone()), sim.now.get());
                }
            }
            _ if usable => sim.truth.put(&name, Some(key), sim.now.get()),
            _ => {}
        }
    }
}

/// Somebody who changes keys. Some of the events never come.
pub(super) async fn key_admin(sim: Rc<Sim>, changes: u64) {
    for change in 0..changes {
        until(&sim, sim.now.get() + sim.within(Duration::from_secs(20))).await;
        let arn = key_arn(&format!("k{}", sim.roll(KEYS as u64)));
        let (key, name) = [
            (Key::Disabled, "DisableKey"),
            (Key::PendingDeletion, "ScheduleKeyDeletion"),
            (Key::Shut, "PutKeyPolicy"),
            (Key::Works, "EnableKey"),
        ][usize::try_from(sim.roll(4)).unwrap()];
        let now = sim.now.get();
        sim.truth.keys.borrow_mut().get_mut(&arn).unwrap().push((now, key));
        if sim.roll(4) > 0 {
            let mut event = key_event(name, &arn);
            event["detail"]["eventTime"] = json!(now.to_string());
            event["detail"]["eventID"] = json!(format!("key-event-{change}-{}", now.as_millis()));
            sim.truth.events.borrow_mut().push(event);
        }
    }
}

impl Objects for Outside {
    async fn head_object(&self, _bucket: &str, key: &str, _version_id: Option<&str>) -> AwsResult<Head> {
        self.look(Operation::HeadObject).await?;
        Ok(self.sim.truth.object(key).map_or(Head::Gone, |under| {
            let (encryption, kms_key) = (Some("aws:kms".to_owned()), Some(under));
            Head::Found(ObjectFacts { encryption, kms_key, ..ObjectFacts::default() })
        }))
    }
}

impl Keys for Outside {
    async fn describe_key(&self, key: &str) -> AwsResult<KeyMetadata> {
        self.look(Operation::DescribeKey).await?;
        let state = match self.sim.truth.key(key) {
            Key::Works | Key::Shut => "Enabled",
            Key::Disabled => "Disabled",
            Key::PendingDeletion => "PendingDeletion",
        };
        Ok(KeyMetadata {
            arn: key.to_owned(),
            account: ACCOUNT.to_owned(),
            state: state.to_owned(),
            manager: "CUSTOMER".to_owned(),
            origin: Some("AWS_KMS".to_owned()),
            spec: Some("SYMMETRIC_DEFAULT".to_owned()),
            usage: Some("ENCRYPT_DECRYPT".to_owned()),
            multi_region: false,
        })
    }
    async fn key_policy(&self, key: &str) -> AwsResult<String> {
        self.look(Operation::GetKeyPolicy).await?;
        let who = if self.sim.truth.key(key) == Key::Shut { json!({"AWS": ACCOUNT}) } else { json!({"AWS": ROLE}) };
        let statement = json!({"Effect": "Allow", "Principal": who, "Action": "kms:*", "Resource": "*"});
        Ok(json!({"Version": "2012-10-17", "Statement": [statement]}).to_string())
    }
    async fn grants(&self, _key: &str, _grantee: &str) -> AwsResult<Vec<Value>> {
        self.look(Operation::ListGrants).await.map(|()| Vec::new())
    }
}
