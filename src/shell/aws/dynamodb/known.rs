//! The keys of buckets in the table: one item a key.
//!
//! Must never hold anything of an object but its name.

use crate::app::ports::KnownKeys;
use crate::incident::fingerprint::digest;
use crate::incident::known::{KnownKey, STALE_MS};
use crate::incident::life::StoreResult;
use crate::shell::aws::dynamodb::call::Update;
use crate::shell::aws::dynamodb::item::{Item, Place, json, n, number, parsed, partition, present, s, text, ttl};
use crate::shell::aws::dynamodb::table::Table;

const KNOWN: &str = "known#";

fn place(bucket: &str, key: &KnownKey) -> Place {
    Place { pk: partition(bucket), sk: format!("{KNOWN}{}", digest(&key.key)) }
}

impl KnownKeys for Table {
    async fn known_keys(&self, bucket: &str, now_ms: u64) -> StoreResult<Vec<KnownKey>> {
        let mut known = Vec::new();
        for item in self.query(bucket, KNOWN, "attribute_exists(key_arn)").await? {
            known.extend(self.readable(bucket, read(&item))?);
        }
        // DynamoDB deletes what has expired when it gets to it.
        known.retain(|known| !known.is_over(now_ms));
        known.sort_by(|one, another| one.key.cmp(&another.key));
        Ok(known)
    }

    async fn keep_key(&self, bucket: &str, key: &KnownKey, due_ms: u64) -> StoreResult<bool> {
        let KnownKey { key: arn, samples, since_ms, seen_ms, stale_ms: _ } = key;
        let update = Update::new(
            place(bucket, key),
            "SET key_arn = :key, samples_json = :samples, seen_ms = :seen, \
             since_ms = if_not_exists(since_ms, :since) REMOVE stale_ms, expires",
        )
        .only_if("attribute_not_exists(seen_ms) OR seen_ms <= :due OR attribute_exists(stale_ms)")
        .with(":key", s(arn))
        .with(":samples", s(json(samples)))
        .with(":seen", n(*seen_ms))
        .with(":since", n(*since_ms))
        .with(":due", n(due_ms));
        Ok(self.update(update).await?.done())
    }

    async fn retire_key(&self, bucket: &str, key: &KnownKey, now_ms: u64) -> StoreResult<bool> {
        let update = Update::new(place(bucket, key), "SET stale_ms = :now, expires = :expires")
            .only_if("seen_ms = :seen AND attribute_not_exists(stale_ms)")
            .with(":now", n(now_ms))
            .with(":expires", ttl(now_ms.saturating_add(STALE_MS)))
            .with(":seen", n(key.seen_ms));
        Ok(self.update(update).await?.done())
    }

    async fn forget_key(&self, bucket: &str, key: &KnownKey) -> StoreResult<()> {
        self.delete(place(bucket, key), None, &[]).await.map(drop)
    }
}

fn read(item: &Item) -> StoreResult<KnownKey> {
    Ok(KnownKey {
        key: present(item, "key_arn", text(item, "key_arn")?)?.to_owned(),
        samples: present(item, "samples_json", parsed(item, "samples_json")?)?,
        since_ms: present(item, "since_ms", number(item, "since_ms")?)?,
        seen_ms: present(item, "seen_ms", number(item, "seen_ms")?)?,
        stale_ms: number(item, "stale_ms")?,
    })
}
