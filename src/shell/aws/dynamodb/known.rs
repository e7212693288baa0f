//! The keys of buckets in the table: one item a key.
//!
//! Must never hold anything of an object but its name.

use crate::app::ports::KnownKeys;
use crate::incident::fingerprint::digest;
use crate::incident::known::{KnownKey, STALE};
use crate::incident::life::StoreResult;
use crate::model::time::Timestamp;
use crate::shell::aws::dynamodb::call::Update;
use crate::shell::aws::dynamodb::item::{Item, Place, json, moment, ms, parsed, partition, present, s, text, ttl};
use crate::shell::aws::dynamodb::table::Table;

const KNOWN: &str = "known#";

fn place(bucket: &str, key: &KnownKey) -> Place {
    Place { pk: partition(bucket), sk: format!("{KNOWN}{}", digest(&key.key)) }
}

impl KnownKeys for Table {
    async fn known_keys(&self, bucket: &str, now: Timestamp) -> StoreResult<Vec<KnownKey>> {
        let mut known = Vec::new();
        for item in self.query(bucket, KNOWN, "attribute_exists(key_arn)").await? {
            known.extend(self.readable(bucket, read(&item))?);
        }
        // DynamoDB deletes what has expired when it gets to it.
        known.retain(|known| !known.is_over(now));
        known.sort_by(|one, another| one.key.cmp(&another.key));
        Ok(known)
    }

    async fn keep_key(&self, bucket: &str, key: &KnownKey, due: Timestamp) -> StoreResult<bool> {
        let KnownKey { key: arn, samples, since, last_seen, stale_since: _ } = key;
        let update = Update::new(
            place(bucket, key),
            "SET key_arn = :key, samples_json = :samples, seen_ms = :seen, \
             since_ms = if_not_exists(since_ms, :since) REMOVE stale_ms, expires",
        )
        .only_if("attribute_not_exists(seen_ms) OR seen_ms <= :due OR attribute_exists(stale_ms)")
        .with(":key", s(arn))
        .with(":samples", s(json(samples)))
        .with(":seen", ms(*last_seen))
        .with(":since", ms(*since))
        .with(":due", ms(due));
        Ok(self.update(update).await?.done())
    }

    async fn retire_key(&self, bucket: &str, key: &KnownKey, now: Timestamp) -> StoreResult<bool> {
        let update = Update::new(place(bucket, key), "SET stale_ms = :now, expires = :expires")
            .only_if("seen_ms = :seen AND attribute_not_exists(stale_ms)")
            .with(":now", ms(now))
            .with(":expires", ttl(now + STALE))
            .with(":seen", ms(key.last_seen));
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
        since: present(item, "since_ms", moment(item, "since_ms")?)?,
        last_seen: present(item, "seen_ms", moment(item, "seen_ms")?)?,
        stale_since: moment(item, "stale_ms")?,
    })
}
