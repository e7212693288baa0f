//! The table's items: names of keys and attributes, and an incident's item as a `Row`.
//!
//! Attribute names hold an underscore, so that none is one of DynamoDB's reserved words. Must never write `expires`,
//! the table's TTL attribute, on anything that is still owed or open.
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html>

use crate::incident::budget::Repairs;
use crate::incident::fingerprint::Fingerprint;
use crate::incident::life::{Incident, Report, Row, StoreError, StoreResult, flaps};
use crate::model::time::Timestamp;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::de::DeserializeOwned;
use std::collections::HashMap;

pub(super) type Item = HashMap<String, AttributeValue>;

/// What incidents' sort keys begin with.
pub(super) const INCIDENT: &str = "incident#";

/// The format of an open incident's report. An item of another format is not read.
pub(super) const FORMAT: u64 = 1;

/// Where an item lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) pk: String,
    pub(super) sk: String,
}

impl Place {
    pub(super) fn incident(bucket: &str, fingerprint: &Fingerprint) -> Self {
        Self { pk: partition(bucket), sk: format!("{INCIDENT}{fingerprint}") }
    }

    pub(super) fn lease(bucket: &str) -> Self {
        Self { pk: partition(bucket), sk: "lease".to_owned() }
    }

    pub(super) fn repairs(bucket: &str) -> Self {
        Self { pk: partition(bucket), sk: "repairs".to_owned() }
    }

    pub(super) fn note(name: &str) -> Self {
        Self { pk: format!("note#{name}"), sk: "note".to_owned() }
    }

    pub(super) fn once(name: &str) -> Self {
        Self { pk: format!("once#{name}"), sk: "once".to_owned() }
    }

    pub(super) fn of(item: &Item) -> Self {
        let key = |name| item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
        Self { pk: key("pk"), sk: key("sk") }
    }

    fn malformed(self, detail: String) -> StoreError {
        StoreError::Malformed { pk: self.pk, sk: self.sk, detail }
    }

    pub(super) fn contention(self) -> StoreError {
        StoreError::Contention { pk: self.pk, sk: self.sk }
    }
}

/// The partition of a bucket: everything about it in one.
pub(super) fn partition(bucket: &str) -> String {
    format!("bucket#{bucket}")
}

pub(super) fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(super) fn n(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// A value as JSON text. What is stored has string keys and no floats, so that this can't fail.
pub(super) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

pub(super) fn ms(at: Timestamp) -> AttributeValue {
    n(at.as_millis())
}

/// As the epoch seconds of a TTL attribute.
pub(super) fn ttl(at: Timestamp) -> AttributeValue {
    n(at.as_secs())
}

pub(super) fn text<'i>(item: &'i Item, name: &str) -> StoreResult<Option<&'i str>> {
    match item.get(name) {
        None => Ok(None),
        Some(AttributeValue::S(text)) => Ok(Some(text)),
        Some(_) => Err(Place::of(item).malformed(format!("`{name}` is not a string"))),
    }
}

pub(super) fn number(item: &Item, name: &str) -> StoreResult<Option<u64>> {
    let Some(value) = item.get(name) else { return Ok(None) };
    let number = value.as_n().ok().and_then(|digits| digits.parse().ok());
    number.map(Some).ok_or_else(|| Place::of(item).malformed(format!("`{name}` is not a number from 0 on")))
}

pub(super) fn moment(item: &Item, name: &str) -> StoreResult<Option<Timestamp>> {
    Ok(number(item, name)?.map(Timestamp::from_millis))
}

pub(super) fn parsed<V: DeserializeOwned>(item: &Item, name: &str) -> StoreResult<Option<V>> {
    text(item, name)?
        .map(|text| serde_json::from_str(text))
        .transpose()
        .map_err(|error| Place::of(item).malformed(format!("`{name}`: {error}")))
}

pub(super) fn present<V>(item: &Item, name: &str, value: Option<V>) -> StoreResult<V> {
    value.ok_or_else(|| Place::of(item).malformed(format!("`{name}` is missing")))
}

/// An incident's item as the row it stands for.
pub(super) fn row(bucket: &str, fingerprint: &Fingerprint, item: &Item) -> StoreResult<Row> {
    let resolved = moment(item, "resolved_ms")?;
    let resolutions = number(item, "resolution_count")?.unwrap_or(0);
    let opened = match moment(item, "opened_ms")? {
        None => None,
        Some(opened) => {
            let format = number(item, "format_version")?;
            if format != Some(FORMAT) {
                let written = format.map_or_else(|| "none".to_owned(), |format| format.to_string());
                return Err(Place::of(item).malformed(format!("`format_version` is {written}, not {FORMAT}")));
            }
            let cause = text(item, "cause_text")?.unwrap_or_default().to_owned();
            let mut report: Report = present(item, "report_json", parsed(item, "report_json")?)?;
            report.finding.cause.clone_from(&cause);
            Some(Incident {
                fingerprint: fingerprint.clone(),
                bucket: bucket.to_owned(),
                cause,
                report,
                opened,
                last_seen: moment(item, "last_ms")?.unwrap_or(opened),
                seen: number(item, "seen_count")?.unwrap_or(0),
                told: moment(item, "told_ms")?,
                claimed: moment(item, "claimed_ms")?.filter(|at| *at != Timestamp::default()),
                healed: parsed(item, "healed_json")?,
                flaps: flaps(resolved, resolutions, opened),
                quiet_until: moment(item, "quiet_until_ms")?,
            })
        }
    };
    Ok(Row { opened, resolved, resolutions })
}

/// The open incident that a queried item holds, if it is open.
pub(super) fn incident(bucket: &str, item: &Item) -> StoreResult<Option<Incident>> {
    let place = Place::of(item);
    let Some(fingerprint) = place.sk.strip_prefix(INCIDENT) else {
        return Err(place.malformed("not an incident".to_owned()));
    };
    Ok(row(bucket, &Fingerprint::parse(fingerprint), item)?.opened)
}

pub(super) fn repairs(item: &Item) -> StoreResult<Repairs> {
    text(item, "counted_by")?;
    Ok(Repairs {
        times: parsed(item, "times_json")?.unwrap_or_default(),
        contested: item.contains_key("contested_since_ms"),
    })
}
