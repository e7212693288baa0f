//! Our writes and others' changes in the table: one item each, gone after a day.
//!
//! Must never hold anything but what CloudTrail shows and the guard wrote: bucket configuration, no object content.

use crate::app::memory::KNOWN_WRITE_MS;
use crate::app::ports::WriteLog;
use crate::incident::fingerprint::digest;
use crate::incident::life::{PendingWrite, StoreResult};
use crate::model::change::{Change, Write};
use crate::repair::history::{Past, REMEMBER_MS};
use crate::shell::aws::dynamodb::call::{Update, Wrote};
use crate::shell::aws::dynamodb::item::{self, Place, WRITE, json, n, parsed, partition, present, s, ttl};
use crate::shell::aws::dynamodb::table::Table;

const WRITES: &str = "past#write#";
const CHANGES: &str = "past#change#";

fn place(bucket: &str, sk: String) -> Place {
    Place { pk: partition(bucket), sk }
}

impl WriteLog for Table {
    async fn note_write(&self, bucket: &str, operation: &str, token: &str, now_ms: u64) -> StoreResult<()> {
        let place = Place::write(bucket, operation, token);
        self.put(place, vec![("written_ms", n(now_ms))], None, Vec::new()).await.map(drop)
    }

    async fn recognise_write(&self, bucket: &str, operation: &str, token: &str, now_ms: u64) -> StoreResult<bool> {
        let Wrote::Yes(old) = self.recognise(Place::write(bucket, operation, token), now_ms).await? else {
            return Ok(false);
        };
        let first = old.as_ref().is_some_and(|old| !old.contains_key("recognised_ms"));
        if first {
            let written_ms = old.as_ref().map(|old| item::number(old, "written_ms")).transpose()?.flatten();
            for older in self.pending_writes(bucket, written_ms.unwrap_or(0)).await? {
                self.recognise(Place::write(bucket, &older.operation, &older.token), now_ms).await?;
            }
        }
        Ok(true)
    }

    async fn forget_write(&self, bucket: &str, operation: &str, token: &str) -> StoreResult<()> {
        self.delete(Place::write(bucket, operation, token), None, &[]).await.map(drop)
    }

    async fn pending_writes(&self, bucket: &str, before_ms: u64) -> StoreResult<Vec<PendingWrite>> {
        let items = self.query(bucket, WRITE, "attribute_not_exists(recognised_ms)").await?;
        let writes: StoreResult<Vec<PendingWrite>> = items.iter().map(item::pending).collect();
        Ok(writes?.into_iter().filter(|write| write.written_ms < before_ms).collect())
    }

    async fn keep_write(&self, bucket: &str, write: &Write) -> StoreResult<()> {
        // The same write again, with the time it was done, is the same item.
        let name = digest(&json(&Write { done_ms: None, ..write.clone() }));
        let place = place(bucket, format!("{WRITES}{name}"));
        let item = vec![("write_json", s(json(write))), ("expires", ttl(write.begun_ms.saturating_add(REMEMBER_MS)))];
        self.put(place, item, None, Vec::new()).await.map(drop)
    }

    async fn keep_change(&self, bucket: &str, change: &Change) -> StoreResult<()> {
        let place = place(bucket, format!("{CHANGES}{}", digest(&change.id)));
        let expires = ttl(change.time_ms.saturating_add(REMEMBER_MS));
        self.put(place, vec![("change_json", s(json(change))), ("expires", expires)], None, Vec::new()).await.map(drop)
    }

    async fn past(&self, bucket: &str, now_ms: u64) -> StoreResult<Past> {
        let mut past = Past::default();
        for item in self.query(bucket, "past#", "attribute_exists(expires)").await? {
            let place = Place::of(&item);
            if place.sk.starts_with(WRITES) {
                past.writes.push(present(&item, "write_json", parsed(&item, "write_json")?)?);
            } else {
                past.changes.push(present(&item, "change_json", parsed(&item, "change_json")?)?);
            }
        }
        // DynamoDB deletes what has expired when it gets to it.
        past.writes.retain(|write: &Write| write.begun_ms.saturating_add(REMEMBER_MS) > now_ms);
        past.changes.retain(|change: &Change| change.time_ms.saturating_add(REMEMBER_MS) > now_ms);
        Ok(past)
    }
}

impl Table {
    async fn recognise(&self, place: Place, now_ms: u64) -> StoreResult<Wrote> {
        let update = Update::new(place, "SET recognised_ms = :now, expires = :expires")
            .only_if("attribute_exists(written_ms)")
            .with(":now", n(now_ms))
            .with(":expires", ttl(now_ms.saturating_add(KNOWN_WRITE_MS)));
        self.update(update).await
    }
}
