//! The keys that a bucket's objects are under: remembered when objects are judged, judged again when a key changes and by
//! the schedule.
//!
//! Must never report a key that none of its samples is under any more: an old key is retired without an alarm.

use crate::app::handler::Run;
use crate::app::objects::{Outcome, Target, judge_all};
use crate::app::ports::{Clock, KnownKeys, Leases, World};
use crate::event::trigger::{KeyChange, KeySample};
use crate::incident::known::{FOREIGN_KEYS, KEY_SAMPLES, KEY_SEEN, KnownKey, OWN_KEYS, Room, is_foreign, room};
use crate::incident::life::StoreResult;
use crate::judge::key::{KeyQuestion, judge_key};
use crate::judge::object::JudgedObject;
use crate::model::arn::account_of_key;
use crate::model::contract::Contract;
use crate::model::evidence::Evidence;
use crate::model::finding::Finding;
use crate::model::outcome::{Problem, Read};
use crate::model::time::Timestamp;
use crate::report::answer::ObjectAnswer;
use futures_util::future::join_all;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long nothing is written after the table failed.
const TABLE_REST: Duration = Duration::from_mins(1);
/// What rests beside keys: the finding that there is no room for more.
const FULL: &str = "full";

/// Keys with the objects that were seen under them.
pub(super) type Seen = BTreeMap<String, Vec<String>>;

/// The name of the note that a bucket's objects were scanned.
fn scanned(bucket: &str) -> String {
    format!("scanned/{bucket}")
}

/// Notes the key of a judged object, if it is there and under one.
pub(super) fn note(seen: &mut Seen, judged: &JudgedObject) {
    let Some(key) = judged.kms_key.as_ref().filter(|_| judged.read != Read::Gone) else { return };
    match seen.get_mut(key) {
        Some(samples) if samples.len() < KEY_SAMPLES && !samples.contains(&judged.key) => {
            samples.push(judged.key.clone());
        }
        Some(_) => {}
        None if account_of_key(key).is_none() => {}
        None => drop(seen.insert(key.clone(), vec![judged.key.clone()])),
    }
}

/// What the table says of a bucket's keys.
pub(super) type Known = StoreResult<Vec<KnownKey>>;

impl<W: World> Run<'_, W> {
    /// Asks the table, while objects are judged, what the process's first invocation for a bucket wants of it thereafter: its
    /// keys, and its open incidents, which stay at hand. Once: where the table fails, nobody waits for it again.
    pub(super) async fn read_ahead<'b>(&self, buckets: BTreeSet<&'b str>) -> BTreeMap<&'b str, Known> {
        let (context, state, now) = (self.context(), self.guard.state(), self.guard.clock.now());
        let may_ask = !self.call.dry_run && self.guard.store.is_some() && !self.out_of_time();
        let new = |bucket: &&str| may_ask && self.guard.memory.asks_ahead(bucket);
        let each = buckets.into_iter().filter(new).map(|bucket| {
            let alerts = self.alerts(&context);
            async move {
                let known = state.known_keys(bucket, now).await;
                if known.is_ok() {
                    alerts.read_ahead(bucket).await;
                }
                (bucket, known)
            }
        });
        join_all(each).await.into_iter().collect()
    }

    /// Remembers the keys that objects were seen under: none of those that this process has seen to today.
    pub(super) async fn remember_keys(&mut self, index: usize, bucket: &str, mut seen: Seen, known: Option<Known>) {
        let now = self.guard.clock.now();
        seen.retain(|key, _| !self.guard.memory.rests(bucket, key, now));
        if self.call.dry_run || seen.is_empty() {
            return;
        }
        let rest = |key: &str, length: Duration| self.guard.memory.rest(bucket, key, now + length, now);
        match self.keep_keys(bucket, &seen, known, false).await {
            Ok(left_out) => {
                for key in seen.keys() {
                    rest(key, KEY_SEEN);
                }
                if let Some(key) = left_out.first()
                    && !self.guard.memory.rests(bucket, FULL, now)
                {
                    // Often enough to stay open for as long as it is so.
                    rest(FULL, KEY_SEEN / 2);
                    self.full(index, bucket, key);
                }
            }
            Err(error) => {
                for key in seen.keys() {
                    rest(key, TABLE_REST);
                }
                self.remark(format!("bucket `{bucket}`"), error.to_string(), "the incident table");
            }
        }
    }

    /// Writes keys down for which there is room, each at most once a day unless `again`. The keys that were left out.
    async fn keep_keys(
        &self,
        bucket: &str,
        seen: &Seen,
        known: Option<Known>,
        again: bool,
    ) -> StoreResult<Vec<String>> {
        let (state, now) = (self.guard.state(), self.guard.clock.now());
        let mut known = match known {
            Some(known) => known?,
            None => state.known_keys(bucket, now).await?,
        };
        let due = if again { Timestamp::MAX } else { now - KEY_SEEN };
        let mut left_out = Vec::new();
        for (key, samples) in seen {
            let held = known.iter().find(|held| held.key == *key);
            if held.is_some_and(|held| !again && held.is_fresh(now)) {
                continue;
            }
            let entry = held.map_or_else(
                || KnownKey {
                    key: key.clone(),
                    samples: samples.clone(),
                    since: now,
                    last_seen: now,
                    stale_since: None,
                },
                |held| held.seen(samples, now),
            );
            if held.is_none() && !self.make_room(bucket, &mut known, key, false).await? {
                left_out.push(key.clone());
                continue;
            }
            state.keep_key(bucket, &entry, due).await?;
            known.retain(|held| held.key != entry.key);
            known.push(entry);
        }
        Ok(left_out)
    }

    /// Whether there is a place for one more key; what gives way for it is forgotten.
    async fn make_room(
        &self,
        bucket: &str,
        known: &mut Vec<KnownKey>,
        key: &str,
        is_default: bool,
    ) -> StoreResult<bool> {
        let old = match room(known, key, &self.home.account, is_default) {
            Room::Free => return Ok(true),
            Room::None => return Ok(false),
            Room::Instead(old) => old.clone(),
        };
        self.guard.state().forget_key(bucket, &old).await?;
        known.retain(|held| held.key != old.key);
        Ok(true)
    }

    fn full(&mut self, index: usize, bucket: &str, key: &str) {
        let foreign = is_foreign(key, &self.home.account);
        let limit = if foreign { FOREIGN_KEYS } else { OWN_KEYS };
        self.outbox.known_keys_full(index, bucket, Evidence::KnownKeysFull { key: key.to_owned(), foreign, limit });
    }

    /// What is known of a bucket's keys. None where the table does not answer, which is said.
    async fn known(&mut self, bucket: &str) -> Option<Vec<KnownKey>> {
        match self.guard.state().known_keys(bucket, self.guard.clock.now()).await {
            Ok(known) => Some(known),
            Err(error) => {
                self.remark(format!("bucket `{bucket}`"), error.to_string(), "the incident table");
                None
            }
        }
    }

    /// Keys have changed: judges them again if the bucket has objects under them.
    pub(super) async fn changed_keys<'c>(
        &mut self,
        contract: &Contract,
        indexes: &[usize],
        keys: &[&str],
        change: impl Fn(&str) -> Option<&'c KeyChange>,
    ) {
        let Some(mut known) = self.known(&contract.bucket).await else { return };
        known.retain(|held| keys.contains(&held.key.as_str()));
        if self.judge_known(contract, indexes, &known, change).await.is_some() {
            for index in indexes {
                self.late(*index, contract);
            }
        }
    }

    /// Every key of a bucket, beginning at `begin`. The key at which the time ended. `default_key` gets a place before
    /// anyone can take the last one.
    pub(super) async fn sweep_keys(
        &mut self,
        contract: &Contract,
        indexes: &[usize],
        begin: Option<&str>,
        default_key: Option<&str>,
    ) -> Option<String> {
        let bucket = contract.bucket.as_str();
        let mut known = self.known(bucket).await?;
        let unknown = default_key.filter(|key| account_of_key(key).is_some());
        if let Some(key) = unknown.filter(|key| !self.call.dry_run && known.iter().all(|held| held.key != **key)) {
            let now = self.guard.clock.now();
            let entry = KnownKey {
                key: key.to_owned(),
                samples: Vec::new(),
                since: now,
                last_seen: Timestamp::default(),
                stale_since: None,
            };
            let kept = match self.make_room(bucket, &mut known, key, true).await {
                Ok(_) => self.guard.state().keep_key(bucket, &entry, Timestamp::default()).await,
                Err(error) => Err(error),
            };
            if let Err(error) = kept {
                self.remark(format!("bucket `{bucket}`"), error.to_string(), "the incident table");
            }
        }
        let at = begin.and_then(|begin| known.iter().position(|held| *held.key >= *begin));
        known.rotate_left(at.unwrap_or(0));
        self.judge_known(contract, indexes, &known, |_| None).await
    }

    /// Judges keys, and where one may not let Darwin read, its samples. The key at which the time ended.
    async fn judge_known<'c>(
        &mut self,
        contract: &Contract,
        indexes: &[usize],
        known: &[KnownKey],
        change: impl Fn(&str) -> Option<&'c KeyChange>,
    ) -> Option<String> {
        let alive: Vec<&KnownKey> =
            known.iter().filter(|held| held.stale_since.is_none() && !held.samples.is_empty()).collect();
        for some in alive.chunks(self.guard.config.concurrency.max(1)) {
            if self.out_of_time() {
                return some.first().map(|held| held.key.clone());
            }
            let readable = {
                let (observer, now) = (self.observer(), self.now);
                let question = KeyQuestion { action: "kms:Decrypt", context_arn: None };
                let read = join_all(some.iter().map(|held| observer.key(&held.key, question, None, now))).await;
                let asker = observer.asker(now);
                let allowed = read
                    .into_iter()
                    .map(|read| read.map(|dated| judge_key(&dated.facts, question, asker).is_allowed()));
                allowed.collect::<Vec<_>>()
            };
            for (held, readable) in some.iter().zip(readable) {
                match readable {
                    Ok(true) => {}
                    Ok(false) => {
                        if !self.judge_samples(contract, indexes, held, change(&held.key)).await {
                            return Some(held.key.clone());
                        }
                    }
                    Err(error) => self.unanswered(contract, indexes, held, error.to_string()),
                }
            }
        }
        None
    }

    /// Whether the samples of a key that Darwin may not be able to use are still under it, and can be read. False if the time
    /// ended before.
    async fn judge_samples(
        &mut self,
        contract: &Contract,
        indexes: &[usize],
        held: &KnownKey,
        change: Option<&KeyChange>,
    ) -> bool {
        let samples = held.samples.iter().filter(|key| contract.reads(key));
        let targets: Vec<Target<'_>> =
            samples.map(|key| Target { contract, key, version_id: None, requester: None }).collect();
        let outcomes = {
            let observer = self.observer();
            judge_all(&observer, &targets, self.guard.config.concurrency, self.now).await
        };
        let now = self.guard.clock.now();
        // Each is somewhere else: under another key, or gone.
        let mut left = !targets.is_empty();
        for outcome in &outcomes {
            match outcome {
                Outcome::Judged(judged) if judged.kms_key.as_deref() == Some(held.key.as_str()) => {
                    left = false;
                    self.outbox.known_key(indexes.first().copied().unwrap_or(0), judged, change, now);
                }
                // Not seen where it is: its HeadObject was refused.
                Outcome::Judged(judged) => left &= judged.read == Read::Gone || judged.encryption.is_some(),
                Outcome::Retry(error) => {
                    left = false;
                    self.unanswered(contract, indexes, held, error.to_string());
                }
                Outcome::NotDone => return false,
            }
        }
        if left
            && !self.call.dry_run
            && let Err(error) = self.guard.state().retire_key(&contract.bucket, held, now).await
        {
            self.remark(format!("bucket `{}`", contract.bucket), error.to_string(), "the incident table");
        }
        true
    }

    fn unanswered(&mut self, contract: &Contract, indexes: &[usize], held: &KnownKey, saw: String) {
        let at = format!("key `{}` of the objects of `{}`", held.key, contract.bucket);
        if let Some(index) = indexes.first() {
            self.problem(*index, Problem { at, saw, want: "an answer".to_owned(), retryable: true });
        }
    }

    /// Keys by hand: each sample is headed before it is believed.
    pub(super) async fn hand_over_keys(
        &mut self,
        index: usize,
        contract: &Contract,
        keys: &[KeySample],
        dry_run: bool,
    ) {
        self.outbox.silent |= dry_run;
        let bucket = contract.bucket.as_str();
        let (read, unread): (Vec<&KeySample>, Vec<&KeySample>) =
            keys.iter().partition(|key| contract.reads(&key.sample));
        for key in unread {
            self.problem(index, refuse(key, "an object that Darwin does not read", "one that it reads", false));
        }
        let targets: Vec<Target<'_>> =
            read.iter().map(|key| Target { contract, key: &key.sample, version_id: None, requester: None }).collect();
        let outcomes = {
            let observer = self.observer();
            judge_all(&observer, &targets, self.guard.config.concurrency, self.now).await
        };
        let (seen, whole) = self.headed(index, &read, outcomes);
        if dry_run || self.call.dry_run {
            return;
        }
        let kept = match self.keep_keys(bucket, &seen, None, true).await {
            Ok(left_out) => {
                for key in &left_out {
                    let want = "no more keys than are remembered (docs/incidents.md)".to_owned();
                    let at = format!("key `{key}`");
                    self.problem(index, Problem { at, saw: "one key too many".to_owned(), want, retryable: false });
                }
                if let Some(key) = left_out.first() {
                    self.full(index, bucket, key);
                }
                if whole { self.guard.state().put_down(&scanned(bucket), &self.now.to_string()).await } else { Ok(()) }
            }
            Err(error) => Err(error),
        };
        if let Err(error) = kept {
            let (at, want) = (format!("bucket `{bucket}`"), "the incident table".to_owned());
            self.problem(index, Problem { at, saw: error.to_string(), want, retryable: error.retryable() });
        }
    }

    /// The samples that are under their key, and whether every sample was answered for.
    fn headed(&mut self, index: usize, read: &[&KeySample], outcomes: Vec<Outcome>) -> (Seen, bool) {
        let (mut seen, mut whole, now) = (Seen::new(), true, self.guard.clock.now());
        for (key, outcome) in read.iter().zip(outcomes) {
            match outcome {
                Outcome::Judged(judged) if judged.kms_key.as_ref() == Some(&key.kms_key) => {
                    note(&mut seen, &judged);
                    self.outbox.known_key(index, &judged, None, now);
                    self.answer.objects.push(ObjectAnswer::from(&*judged));
                }
                Outcome::Judged(judged) => {
                    let saw = match (judged.read, &judged.kms_key) {
                        (Read::Gone, _) => "no such object".to_owned(),
                        (_, Some(other)) => format!("the object under `{other}`"),
                        (_, None) => "an object whose key can't be seen, or that is under none".to_owned(),
                    };
                    self.problem(index, refuse(key, &saw, "an object under the key", false));
                }
                Outcome::Retry(error) => {
                    whole = false;
                    self.problem(index, refuse(key, &error.to_string(), "an answer", true));
                }
                Outcome::NotDone => {
                    whole = false;
                    self.problem(index, refuse(key, "too little time was left", "another try", true));
                }
            }
        }
        (seen, whole)
    }

    /// For an audit: that objects which were there before the guard were never scanned. Only a table can tell.
    pub(super) async fn never_scanned(&self, bucket: &str) -> StoreResult<Vec<Finding>> {
        let state = self.guard.state();
        if self.guard.store.is_none() || state.recall(&scanned(bucket)).await?.is_some() {
            return Ok(Vec::new());
        }
        let known = state.known_keys(bucket, self.guard.clock.now()).await?;
        let (keys, since) = (known.len(), known.iter().map(|held| held.since).min());
        Ok(vec![Finding::of(Evidence::NeverScanned { keys, since })])
    }
}

fn refuse(key: &KeySample, saw: &str, want: &str, retryable: bool) -> Problem {
    let at = format!("sample `{}` of the key `{}`", key.sample, key.kms_key);
    Problem { at, saw: saw.to_owned(), want: want.to_owned(), retryable }
}
