//! The incident table: `Incidents`, `Leases`, `WriteLog` and `KnownKeys` over DynamoDB, by conditional writes of single items.
//!
//! What an answer means is decided by `incident`; here it is only made atomic. Must never scan, never read the clock,
//! and never lose an announcement: an SDK retry of a write that had succeeded finds its own mark and answers as the
//! first attempt would have. The items are laid out in docs/incidents.md.

mod call;
mod error;
mod item;
mod known;
pub mod table;
mod writes;

use crate::app::ports::{Incidents, Leases};
use crate::incident::budget::{RepairBudget, budget};
use crate::incident::life::{
    Claim, Healed, Incident, KEEP, Lease, Report, Row, Sighting, Status, StoreError, StoreResult,
};
use crate::model::time::Timestamp;
use call::{Update, Wrote};
use item::{FORMAT, INCIDENT, Place, json, ms, n, partition, s, ttl};
use std::time::Duration;
use table::Table;

/// How often a change is begun anew because somebody else was quicker.
const ROUNDS: usize = 8;
/// Leases and once-markers outlive their end by so long before DynamoDB may delete them: clocks
/// differ.
const SLACK: Duration = Duration::from_hours(1);

impl Incidents for Table {
    /// One UpdateItem without a condition. `announced_by` is set by whoever opens or reopens, and removed by `heal`
    /// and `resolve`: the old item tells whether that was us.
    async fn sight(&self, sighting: &Sighting, now: Timestamp) -> StoreResult<Claim> {
        let fingerprint = sighting.fingerprint();
        let report = Report::from(sighting);
        let mark = self.mark();
        let update = Update::new(
            Place::incident(&sighting.bucket, &fingerprint),
            "SET opened_ms = if_not_exists(opened_ms, :now), claimed_ms = if_not_exists(claimed_ms, :now), \
             report_json = if_not_exists(report_json, :report), format_version = if_not_exists(format_version, :format), \
             cause_text = if_not_exists(cause_text, :cause), \
             announced_by = if_not_exists(announced_by, :mark), last_ms = :now \
             REMOVE healed_json, expires ADD seen_count :count",
        )
        .with(":now", ms(now))
        .with(":count", n(sighting.count))
        .with(":cause", s(report.finding.cause.clone()))
        .with(":report", s(json(&report)))
        .with(":format", n(FORMAT))
        .with(":mark", s(mark.clone()));
        let old = match self.update(update).await? {
            Wrote::Yes(old) => old.unwrap_or_default(),
            Wrote::No => return Err(Place::incident(&sighting.bucket, &fingerprint).contention()),
        };
        let Some(row) = self.readable(&sighting.bucket, item::row(&sighting.bucket, &fingerprint, &old))? else {
            // It is open, and was told by the version that wrote it.
            let (Claim::Announce(incident) | Claim::Counted(incident)) = Row::default().sight(sighting, now).1;
            return Ok(Claim::Counted(Incident { told: Some(now), claimed: None, ..incident }));
        };
        let (row, claim) = row.sight(sighting, now);
        let ours = item::text(&old, "announced_by")? == Some(mark.as_str());
        Ok(match row.opened {
            Some(incident) if ours => Claim::Announce(incident),
            _ => claim,
        })
    }

    async fn claim(&self, incident: &Incident, _status: Status, now: Timestamp) -> StoreResult<bool> {
        let told = if incident.told.is_some() { "told_ms = :told" } else { "attribute_not_exists(told_ms)" };
        let healed = if incident.healed.is_some() { "attribute_exists" } else { "attribute_not_exists" };
        let mut update = Update::new(Self::place(incident), "SET claimed_ms = :now, claim_id = :mark")
            .only_if(format!(
                "opened_ms = :opened AND {healed}(healed_json) \
                 AND ((claimed_ms = :claimed AND {told}) OR claim_id = :mark)"
            ))
            .with(":now", ms(now))
            .with(":opened", ms(incident.opened))
            .with(":claimed", ms(incident.claimed.unwrap_or_default()))
            .with(":mark", s(self.mark()));
        if let Some(told) = incident.told {
            update = update.with(":told", ms(told));
        }
        Ok(self.update(update).await?.done())
    }

    async fn acknowledge(&self, incident: &Incident, until: Timestamp) -> StoreResult<bool> {
        let update = Update::new(Self::place(incident), "SET quiet_until_ms = :until")
            .only_if("opened_ms = :opened")
            .with(":until", ms(until))
            .with(":opened", ms(incident.opened));
        Ok(self.update(update).await?.done())
    }

    async fn told(&self, incident: &Incident, now: Timestamp) -> StoreResult<()> {
        let update = Update::new(
            Self::place(incident),
            "SET told_ms = :now, claimed_ms = :zero, report_json = :report, cause_text = :cause REMOVE quiet_until_ms",
        )
        .only_if("opened_ms = :opened AND attribute_not_exists(healed_json)")
        .with(":now", ms(now))
        .with(":zero", n(0))
        .with(":opened", ms(incident.opened))
        .with(":cause", s(incident.cause.clone()))
        .with(":report", s(json(&incident.report)));
        self.update(update).await.map(drop)
    }

    async fn release_claim(&self, incident: &Incident) -> StoreResult<()> {
        let update = Update::new(Self::place(incident), "SET claimed_ms = :zero")
            .only_if("opened_ms = :opened")
            .with(":zero", n(0))
            .with(":opened", ms(incident.opened));
        self.update(update).await.map(drop)
    }

    async fn heal(
        &self,
        incident: &Incident,
        healed: &Healed,
        unseen_since: Timestamp,
        now: Timestamp,
    ) -> StoreResult<bool> {
        let update = Update::new(
            Self::place(incident),
            "SET healed_json = :healed, claimed_ms = :now, claim_id = :mark REMOVE told_ms, announced_by",
        )
        .only_if(
            "opened_ms = :opened AND ((attribute_not_exists(healed_json) AND last_ms <= :unseen) \
             OR (attribute_exists(healed_json) AND claim_id = :mark))",
        )
        .with(":healed", s(json(healed)))
        .with(":now", ms(now))
        .with(":opened", ms(incident.opened))
        .with(":unseen", ms(unseen_since))
        .with(":mark", s(self.mark()));
        Ok(self.update(update).await?.done())
    }

    async fn resolve(&self, incident: &Incident, now: Timestamp) -> StoreResult<bool> {
        let Some(healed) = &incident.healed else { return Ok(false) };
        let update = Update::new(
            Self::place(incident),
            "SET resolved_ms = :now, closed_by = :mark, expires = :expires \
             REMOVE opened_ms, last_ms, seen_count, told_ms, claimed_ms, claim_id, announced_by, healed_json, \
             report_json, format_version, cause_text, quiet_until_ms ADD resolution_count :one",
        )
        .only_if(
            "(opened_ms = :opened AND healed_json = :healed) \
             OR (attribute_not_exists(opened_ms) AND closed_by = :mark)",
        )
        .with(":now", ms(now))
        .with(":expires", ttl(now + KEEP))
        .with(":one", n(1))
        .with(":opened", ms(incident.opened))
        .with(":healed", s(json(healed)))
        .with(":mark", s(self.mark()));
        Ok(self.update(update).await?.done())
    }

    async fn open(&self, bucket: &str) -> StoreResult<Vec<Incident>> {
        let items = self.query(bucket, INCIDENT, "attribute_exists(opened_ms)").await?;
        let mut open = Vec::new();
        for item in &items {
            open.extend(self.readable(bucket, item::incident(bucket, item))?.flatten());
        }
        Ok(open)
    }

    fn take_unreadable(&self) -> Vec<(String, StoreError)> {
        self.take_set_aside()
    }
}

impl Leases for Table {
    async fn lease(&self, bucket: &str, holder: &str, now: Timestamp, expires: Timestamp) -> StoreResult<Lease> {
        for _ in 0..ROUNDS {
            let take = Update::new(
                Place::lease(bucket),
                "SET held_by = :holder, expires_ms = :expires_ms, expires = :expires REMOVE dirty_since_ms",
            )
            .only_if("attribute_not_exists(held_by) OR held_by = :holder OR expires_ms <= :now")
            .with(":holder", s(holder))
            .with(":now", ms(now))
            .with(":expires_ms", ms(expires))
            .with(":expires", ttl(expires + SLACK));
            if self.update(take).await?.done() {
                return Ok(Lease::Taken);
            }
            // Only while it is held: else nobody would look again, and we must try to take it ourselves.
            let soil = Update::new(Place::lease(bucket), "SET dirty_since_ms = :now")
                .only_if("attribute_exists(held_by) AND expires_ms > :now")
                .with(":now", ms(now));
            if self.update(soil).await?.done() {
                return Ok(Lease::Busy);
            }
        }
        Err(Place::lease(bucket).contention())
    }

    async fn release(&self, bucket: &str, holder: &str, expires: Timestamp) -> StoreResult<bool> {
        let gone = self
            .delete(
                Place::lease(bucket),
                Some("held_by = :holder AND attribute_not_exists(dirty_since_ms)"),
                &[(":holder", s(holder))],
            )
            .await?
            .done();
        if gone {
            return Ok(false);
        }
        let keep = Update::new(
            Place::lease(bucket),
            "SET expires_ms = :expires_ms, expires = :expires, cleaned_by = :mark REMOVE dirty_since_ms",
        )
        .only_if("held_by = :holder AND (attribute_exists(dirty_since_ms) OR cleaned_by = :mark)")
        .with(":holder", s(holder))
        .with(":expires_ms", ms(expires))
        .with(":expires", ttl(expires + SLACK))
        .with(":mark", s(self.mark()));
        Ok(self.update(keep).await?.done())
    }

    async fn count_repair(
        &self,
        bucket: &str,
        now: Timestamp,
        window: Duration,
        limit: u64,
    ) -> StoreResult<RepairBudget> {
        for _ in 0..ROUNDS {
            let old = self.get(Place::repairs(bucket)).await?;
            let read = old.as_ref().map(item::repairs).transpose();
            let Some(read) = self.readable(bucket, read)? else {
                self.drop_repairs(bucket, old.unwrap_or_default()).await?;
                continue;
            };
            let repairs = read.unwrap_or_default();
            let (answer, next) = budget(&repairs, now, window, limit);
            if next == repairs {
                return Ok(answer);
            }
            let mark = self.mark();
            let before = old.as_ref().map(|old| item::text(old, "counted_by")).transpose()?.flatten();
            let last = next.times.iter().copied().max().unwrap_or(now);
            let mut item = vec![
                ("times_json", s(json(&next.times))),
                ("counted_by", s(mark.clone())),
                ("expires", ttl(last + window + SLACK)),
            ];
            if next.contested {
                item.push(("contested_since_ms", ms(now)));
            }
            let (condition, mut values) = match before {
                Some(before) => ("counted_by = :before OR counted_by = :mark", vec![(":before", s(before))]),
                None => ("attribute_not_exists(counted_by) OR counted_by = :mark", Vec::new()),
            };
            values.push((":mark", s(mark)));
            if self.put(Place::repairs(bucket), item, Some(condition), values).await?.done() {
                return Ok(answer);
            }
        }
        Err(Place::repairs(bucket).contention())
    }

    async fn reset_repairs(&self, bucket: &str) -> StoreResult<()> {
        self.delete(Place::repairs(bucket), None, &[]).await.map(drop)
    }

    async fn recall(&self, name: &str) -> StoreResult<Option<String>> {
        let item = self.get(Place::note(name)).await?;
        Ok(item.as_ref().map(|item| item::text(item, "note_text")).transpose()?.flatten().map(str::to_owned))
    }

    async fn put_down(&self, name: &str, text: &str) -> StoreResult<()> {
        self.put(Place::note(name), vec![("note_text", s(text))], None, Vec::new()).await.map(drop)
    }

    async fn once_per(&self, name: &str, now: Timestamp, period: Duration) -> StoreResult<bool> {
        let ends = now + period;
        let update = Update::new(Place::once(name), "SET at_ms = :now, done_by = :mark, expires = :expires")
            .only_if("attribute_not_exists(at_ms) OR at_ms <= :due OR done_by = :mark")
            .with(":now", ms(now))
            .with(":due", ms(now - period))
            .with(":expires", ttl(ends + SLACK))
            .with(":mark", s(self.mark()));
        Ok(self.update(update).await?.done())
    }
}

impl Table {
    /// A counter that can't be read must not stop the bucket's repairs: counting begins anew, unless somebody has begun already.
    async fn drop_repairs(&self, bucket: &str, mut old: item::Item) -> StoreResult<()> {
        let (times, by) = (old.remove("times_json"), old.remove("counted_by"));
        let same = |name: &str, held: &Option<_>| match held {
            Some(_) => format!("{name} = :{name}"),
            None => format!("attribute_not_exists({name})"),
        };
        let condition = format!("{} AND {}", same("times_json", &times), same("counted_by", &by));
        let values: Vec<_> = [(":times_json", times), (":counted_by", by)]
            .into_iter()
            .filter_map(|(name, held)| Some((name, held?)))
            .collect();
        self.delete(Place::repairs(bucket), Some(&condition), &values).await.map(drop)
    }

    async fn query(&self, bucket: &str, prefix: &str, filter: &str) -> StoreResult<Vec<item::Item>> {
        self.query_all(&partition(bucket), prefix, filter).await
    }
}
