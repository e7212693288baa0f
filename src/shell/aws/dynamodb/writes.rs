//! Our writes and others' changes in the table: one item each, gone after a day.
//!
//! Must never hold anything but what CloudTrail shows and the guard wrote: bucket configuration, no object content.

use crate::app::ports::WriteLog;
use crate::incident::fingerprint::digest;
use crate::incident::life::StoreResult;
use crate::model::change::{Change, Write};
use crate::model::time::Timestamp;
use crate::repair::history::{Past, REMEMBER};
use crate::shell::aws::dynamodb::call::Update;
use crate::shell::aws::dynamodb::item::{self, Item, Place, json, parsed, partition, present, s, ttl};
use crate::shell::aws::dynamodb::table::Table;

const WRITES: &str = "past#write#";
const CHANGES: &str = "past#change#";

/// The same write with what became of it is the same item.
fn place_of(bucket: &str, write: &Write) -> Place {
    let name = digest(&format!("{:?} {} {}", write.subject, write.begun.as_millis(), write.after));
    Place { pk: partition(bucket), sk: format!("{WRITES}{name}") }
}

fn place(bucket: &str, change: &Change) -> Place {
    Place { pk: partition(bucket), sk: format!("{CHANGES}{}", digest(&change.id)) }
}

impl WriteLog for Table {
    async fn keep_write(&self, bucket: &str, write: &Write) -> StoreResult<()> {
        let update = Update::new(place_of(bucket, write), "SET write_json = :write, expires = :expires")
            .with(":write", s(json(write)))
            .with(":expires", ttl(write.begun + REMEMBER));
        self.update(update).await.map(drop)
    }

    async fn forget_write(&self, bucket: &str, write: &Write) -> StoreResult<()> {
        self.delete(place_of(bucket, write), None, &[]).await.map(drop)
    }

    async fn recognise_write(&self, bucket: &str, write: &Write, event_id: &str) -> StoreResult<bool> {
        let update = Update::new(place_of(bucket, write), "SET recognised_by = :event")
            .only_if("attribute_exists(write_json) AND (attribute_not_exists(recognised_by) OR recognised_by = :event)")
            .with(":event", s(event_id));
        Ok(self.update(update).await?.done())
    }

    async fn keep_change(&self, bucket: &str, change: &Change) -> StoreResult<()> {
        let expires = ttl(change.time + REMEMBER);
        let item = vec![("change_json", s(json(change))), ("expires", expires)];
        self.put(place(bucket, change), item, None, Vec::new()).await.map(drop)
    }

    async fn forget_change(&self, bucket: &str, change: &Change) -> StoreResult<()> {
        self.delete(place(bucket, change), None, &[]).await.map(drop)
    }

    async fn past(&self, bucket: &str, now: Timestamp) -> StoreResult<Past> {
        let mut past = Past::default();
        for item in self.query(bucket, "past#", "attribute_exists(expires)").await? {
            if Place::of(&item).sk.starts_with(WRITES) {
                past.writes.extend(self.readable(bucket, write(&item))?);
            } else {
                let change = parsed(&item, "change_json").and_then(|change| present(&item, "change_json", change));
                past.changes.extend(self.readable(bucket, change)?);
            }
        }
        // DynamoDB deletes what has expired when it gets to it.
        past.forget_old(now);
        Ok(past)
    }
}

fn write(item: &Item) -> StoreResult<Write> {
    let write: Write = present(item, "write_json", parsed(item, "write_json")?)?;
    Ok(Write { event: item::text(item, "recognised_by")?.map(str::to_owned), ..write })
}
