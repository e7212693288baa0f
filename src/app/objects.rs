//! A batch of objects: read and judged concurrently, within bounds and before the deadline.
//!
//! One HeadObject per object; facts of keys and buckets come through the caches. Must never write, and never
//! call an object `denied` on facts that are not fresh.

use crate::app::facts::{Fact, TRUSTED_AGE};
use crate::app::observe::Observer;
use crate::app::ports::{Clock, Objects, World};
use crate::judge::access::AccessFacts;
use crate::judge::key::KeyQuestion;
use crate::judge::object::{JudgedObject, ObjectInput, context_arn, is_archived, is_plain, judge_object, under_kms};
use crate::model::aws::{AwsError, AwsResult};
use crate::model::contract::{Contract, Home};
use crate::model::outcome::Read;
use crate::model::s3::{Head, ObjectFacts};
use crate::model::time::Timestamp;
use crate::policy::request::ObjectOwner;
use futures_util::stream::{self, StreamExt};
use std::time::Duration;

/// One object to judge.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    pub contract: &'a Contract,
    pub key: &'a str,
    pub version_id: Option<&'a str>,
    /// The account that put the object, where the event says so.
    pub requester: Option<&'a str>,
}

/// What became of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Judged(Box<JudgedObject>),
    /// A call failed in a way that may pass: try the record again.
    Retry(AwsError),
    /// Not begun: too little time was left.
    NotDone,
}

/// Judges every target, `concurrency` at a time. The outcomes stand in the order of the targets.
pub async fn judge_all<W: World>(
    observer: &Observer<'_, W>,
    targets: &[Target<'_>],
    concurrency: usize,
    now: Timestamp,
) -> Vec<Outcome> {
    judge_briefly(observer, targets, concurrency, now, false).await
}

/// The same; if `brief`, what is allowed comes without its reasons.
pub async fn judge_briefly<W: World>(
    observer: &Observer<'_, W>,
    targets: &[Target<'_>],
    concurrency: usize,
    now: Timestamp,
    brief: bool,
) -> Vec<Outcome> {
    stream::iter(targets)
        .map(|target| async move {
            if !observer.has_time(Duration::ZERO) {
                return Outcome::NotDone;
            }
            match judge_one(observer, *target, now, brief).await {
                Ok(judged) => Outcome::Judged(Box::new(judged)),
                Err(error) => Outcome::Retry(error),
            }
        })
        .buffered(concurrency.max(1))
        .collect()
        .await
}

/// Reads and judges one object; if `brief`, what is allowed comes without its reasons.
///
/// # Errors
/// A call failed in a way that may pass.
pub async fn judge_one<W: World>(
    observer: &Observer<'_, W>,
    target: Target<'_>,
    now: Timestamp,
    brief: bool,
) -> AwsResult<JudgedObject> {
    let bucket = target.contract.bucket.as_str();
    let (head, access) = futures_util::join!(
        observer.aws.head_object(bucket, target.key, target.version_id),
        observer.access(bucket, owner(target, observer.home), None)
    );
    if let Err(error) = &head
        && error.retryable()
    {
        return Err(error.clone());
    }
    judge_headed(observer, target, &head, access, now, brief).await
}

/// The same from what was said of the object elsewhere, with no HeadObject.
///
/// # Errors
/// A call failed in a way that may pass.
#[cfg(feature = "forms")]
pub async fn judge_told<W: World>(
    observer: &Observer<'_, W>,
    target: Target<'_>,
    head: &AwsResult<Head>,
    now: Timestamp,
) -> AwsResult<JudgedObject> {
    let access = observer.access(&target.contract.bucket, owner(target, observer.home), None).await;
    judge_headed(observer, target, head, access, now, true).await
}

async fn judge_headed<W: World>(
    observer: &Observer<'_, W>,
    target: Target<'_>,
    head: &AwsResult<Head>,
    access: AwsResult<Fact<AccessFacts>>,
    now: Timestamp,
    brief: bool,
) -> AwsResult<JudgedObject> {
    if matches!(head, Ok(Head::Gone)) {
        // Whatever the bucket says, there is nothing to read.
        return judge_in_full(observer, target, head, access, None, now).await.map(|(judged, _)| judged);
    }
    if brief
        && let (Ok(Head::Found(found)), Ok(access)) = (head, &access)
        && surely_allowed(observer, target, found, &access.value, now)
    {
        return Ok(named(JudgedObject::allowed(&target.contract.bucket, target.key, found), target));
    }
    let (judged, read_at) = judge_in_full(observer, target, head, access, None, now).await?;
    let fresh_from = observer.clock.now() - TRUSTED_AGE;
    if judged.read == Read::Allowed || read_at >= fresh_from {
        return Ok(judged);
    }
    let access = observer.access(&target.contract.bucket, owner(target, observer.home), Some(fresh_from)).await;
    judge_in_full(observer, target, head, access, Some(fresh_from), now).await.map(|(judged, _)| judged)
}

/// Whether everything surely lets Darwin read the object. If not, it is to be judged in full.
fn surely_allowed<W: World>(
    observer: &Observer<'_, W>,
    target: Target<'_>,
    found: &ObjectFacts,
    facts: &AccessFacts,
    now: Timestamp,
) -> bool {
    let decryptable = match &found.kms_key {
        Some(key) if under_kms(found) => observer.surely_decrypts(key, now),
        _ => is_plain(found),
    };
    let bucket = target.contract.bucket.as_str();
    let owner = owner(target, observer.home);
    decryptable && !is_archived(found) && facts.surely_read(bucket, target.key, owner, observer.asker(now))
}

/// What the event says of who put the object.
fn owner(target: Target<'_>, home: &Home) -> ObjectOwner {
    match target.requester {
        Some(requester) if requester == &*home.account => ObjectOwner::BucketOwner,
        _ => ObjectOwner::Unknown,
    }
}

/// With the version that was asked for, if another was judged.
fn named(mut judged: JudgedObject, target: Target<'_>) -> JudgedObject {
    let other = |asked: &&str| judged.version_id.as_deref().is_some_and(|got| got != *asked);
    judged.instead_of = target.version_id.filter(other).map(str::to_owned);
    judged
}

async fn judge_in_full<W: World>(
    observer: &Observer<'_, W>,
    target: Target<'_>,
    head: &AwsResult<Head>,
    access: AwsResult<Fact<AccessFacts>>,
    no_older_than: Option<Timestamp>,
    now: Timestamp,
) -> AwsResult<(JudgedObject, Timestamp)> {
    let access = access?;
    let bucket = target.contract.bucket.as_str();
    let mut read_at = access.read_at;
    let kms = match head {
        Ok(Head::Found(facts)) => match facts.kms_key.as_deref().filter(|_| under_kms(facts)) {
            Some(key) => {
                let context = context_arn(&observer.home.partition, bucket, target.key, facts.bucket_key_enabled);
                let question = KeyQuestion { action: "kms:Decrypt", context_arn: Some(&context) };
                let dated = observer.key(key, question, no_older_than, now).await?;
                read_at = read_at.min(dated.read_at);
                Some(dated.facts)
            }
            None => None,
        },
        _ => None,
    };
    let input = ObjectInput {
        bucket,
        key: target.key,
        head,
        access: &access.value,
        kms: kms.as_ref(),
        owner: owner(target, observer.home),
        access_granted: target.contract.access,
    };
    Ok((named(judge_object(input, observer.asker(now)), target), read_at))
}
