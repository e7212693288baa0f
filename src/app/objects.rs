//! A batch of objects: read and judged concurrently, within bounds and before the deadline.
//!
//! One HeadObject per object; facts of keys and buckets come through the caches. Must never write, and never
//! call an object `denied` on facts that are not fresh.

use crate::app::facts::{Fact, TRUSTED_AGE_MS};
use crate::app::observe::Observer;
use crate::app::ports::{Clock, Objects, World};
use crate::judge::access::{AccessFacts, Asker};
use crate::judge::key::KeyQuestion;
use crate::judge::object::{JudgedObject, ObjectInput, context_arn, judge_object, under_kms};
use crate::model::aws::{AwsError, AwsResult};
use crate::model::contract::Contract;
use crate::model::outcome::Read;
use crate::model::s3::Head;
use crate::model::time::RESERVE_MS;
use crate::policy::request::ObjectOwner;
use futures_util::stream::{self, StreamExt};

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
    deadline_ms: Option<u64>,
    now: &str,
) -> Vec<Outcome> {
    stream::iter(targets)
        .map(|target| async move {
            if deadline_ms.is_some_and(|deadline| observer.clock.now_ms().saturating_add(RESERVE_MS) >= deadline) {
                return Outcome::NotDone;
            }
            match judge_one(observer, *target, now).await {
                Ok(judged) => Outcome::Judged(Box::new(judged)),
                Err(error) => Outcome::Retry(error),
            }
        })
        .buffered(concurrency.max(1))
        .collect()
        .await
}

async fn judge_one<W: World>(observer: &Observer<'_, W>, target: Target<'_>, now: &str) -> AwsResult<JudgedObject> {
    let bucket = target.contract.bucket.as_str();
    let (head, access) = futures_util::join!(
        observer.aws.head_object(bucket, target.key, target.version_id),
        observer.access(bucket, None)
    );
    if let Err(error) = &head
        && error.retryable()
    {
        return Err(error.clone());
    }
    if matches!(head, Ok(Head::Gone)) {
        // Whatever the bucket says, there is nothing to read.
        return judge_with(observer, target, &head, access, None, now).await.map(|(judged, _)| judged);
    }
    let (judged, read_at_ms) = judge_with(observer, target, &head, access, None, now).await?;
    let fresh_from = observer.clock.now_ms().saturating_sub(TRUSTED_AGE_MS);
    if judged.read == Read::Allowed || read_at_ms >= fresh_from {
        return Ok(judged);
    }
    let access = observer.access(bucket, Some(fresh_from)).await;
    judge_with(observer, target, &head, access, Some(fresh_from), now).await.map(|(judged, _)| judged)
}

async fn judge_with<W: World>(
    observer: &Observer<'_, W>,
    target: Target<'_>,
    head: &AwsResult<Head>,
    access: AwsResult<Fact<AccessFacts>>,
    no_older_than_ms: Option<u64>,
    now: &str,
) -> AwsResult<(JudgedObject, u64)> {
    let access = access?;
    let bucket = target.contract.bucket.as_str();
    let mut read_at_ms = access.read_at_ms;
    let kms = match head {
        Ok(Head::Found(facts)) => match facts.kms_key.as_deref().filter(|_| under_kms(facts)) {
            Some(key) => {
                let context = context_arn(&observer.home.partition, bucket, target.key, facts.bucket_key_enabled);
                let question = KeyQuestion { action: "kms:Decrypt", context_arn: Some(&context), now };
                let dated = observer.key(key, question, no_older_than_ms).await?;
                read_at_ms = read_at_ms.min(dated.read_at_ms);
                Some(dated.facts)
            }
            None => None,
        },
        _ => None,
    };
    let owner = match target.requester {
        Some(requester) if requester == &*observer.home.account => ObjectOwner::BucketOwner,
        _ => ObjectOwner::Unknown,
    };
    let input = ObjectInput {
        bucket,
        key: target.key,
        head,
        access: &access.value,
        kms: kms.as_ref(),
        owner,
        access_granted: target.contract.access,
    };
    let asker = Asker { darwin: observer.darwin, home: observer.home, now };
    let mut judged = judge_object(input, asker);
    judged.instead_of = target
        .version_id
        .filter(|asked| judged.version_id.as_deref().is_some_and(|got| got != *asked))
        .map(str::to_owned);
    Ok((judged, read_at_ms))
}
