//! Our writes and others' changes in the table: one item each, gone after a day.
//!
//! Must never hold anything but what CloudTrail shows and the guard wrote: bucket configuration, no object content.

use crate::app::ports::History;
use crate::incident::fingerprint::digest;
use crate::incident::life::StoreResult;
use crate::model::change::{Change, Write};
use crate::repair::history::{Past, REMEMBER_MS};
use crate::shell::aws::dynamodb::item::{Place, json, parsed, partition, present, s, ttl};
use crate::shell::aws::dynamodb::table::Table;

const WRITES: &str = "past#write#";
const CHANGES: &str = "past#change#";

fn place(bucket: &str, sk: String) -> Place {
    Place { pk: partition(bucket), sk }
}

impl History for Table {
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
