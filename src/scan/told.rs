//! Objects that others have looked at: the rows of the query over S3 Metadata, and of a job's completion report.
//!
//! Files are somebody's input: must never take a row that is not understood for one that says nothing.

use crate::event::url::decode;
use crate::model::outcome::Read;
use crate::model::s3::{Head, ObjectFacts};
use crate::scan::range::KEY_BYTES;
use crate::scan::tally::{CAUSES, KEYS, SAMPLES};
use std::collections::BTreeMap;

/// Objects that are alike, as the query's result has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alike {
    pub bucket: String,
    pub head: Head,
    pub objects: u64,
    pub bytes: u64,
    /// The key of one of them.
    pub sample: String,
}

/// What the query's columns are called.
const COLUMNS: [&str; 8] = [
    "bucket",
    "encryption_status",
    "kms_key_arn",
    "is_bucket_key_enabled",
    "storage_class",
    "objects",
    "bytes",
    "sample",
];

/// Where each column is in the result.
#[derive(Debug, Clone, Copy)]
pub struct Columns([usize; 8]);

impl Columns {
    /// From the first row.
    ///
    /// # Errors
    /// The column that is missing.
    pub fn of(heading: &[String]) -> Result<Self, &'static str> {
        let mut places = [0; 8];
        for (place, column) in places.iter_mut().zip(COLUMNS) {
            *place = heading.iter().position(|name| name == column).ok_or(column)?;
        }
        Ok(Self(places))
    }

    /// Of one row.
    ///
    /// # Errors
    /// The column that holds something else.
    pub fn alike(&self, row: &[String]) -> Result<Alike, &'static str> {
        let mut cells =
            self.0.iter().zip(COLUMNS).map(|(place, column)| row.get(*place).map(String::as_str).ok_or(column));
        let mut next = || cells.next().unwrap_or(Err("sample"));
        let (bucket, status, key, bucket_key) = (next()?, next()?, next()?, next()?);
        let (class, objects, bytes, sample) = (next()?, next()?, next()?, next()?);
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let encryption = match status {
            "" => None,
            "SSE-S3" => Some("AES256"),
            "SSE-KMS" => Some("aws:kms"),
            "DSSE-KMS" => Some("aws:kms:dsse"),
            "SSE-C" => Some("sse-c"),
            _ => return Err("encryption_status"),
        };
        let number = |text: &str, column| text.parse::<u64>().map_err(|_| column);
        let facts = ObjectFacts {
            encryption: encryption.map(str::to_owned),
            kms_key: some(key),
            bucket_key_enabled: bucket_key == "true",
            storage_class: some(class),
            ..ObjectFacts::default()
        };
        Ok(Alike {
            bucket: some(bucket).ok_or("bucket")?,
            head: if encryption == Some("sse-c") { Head::SseC } else { Head::Found(facts) },
            objects: number(objects, "objects")?,
            bytes: if bytes.is_empty() { 0 } else { number(bytes, "bytes")? },
            sample: some(sample).filter(|sample| sample.len() <= KEY_BYTES).ok_or("sample")?,
        })
    }
}

/// A task of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    pub bucket: String,
    pub key: String,
    /// None: it failed.
    pub read: Option<Read>,
    pub kms_key: Option<String>,
    /// What was said of it, the verdict, the KMS key and the version left out; of a failed one its error.
    pub said: Vec<String>,
}

/// `Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage`. The key is encoded as in the manifest.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-examples-reports.html>
///
/// # Errors
/// What of the row is not understood.
pub fn task(row: &[String]) -> Result<Task, &'static str> {
    let [bucket, key, _version, status, error, http, message] = row else {
        return Err("not the seven columns of a completion report");
    };
    let key = decode(key)?;
    if bucket.is_empty() || key.is_empty() || key.len() > KEY_BYTES {
        return Err("no object");
    }
    let (bucket, kms_key) = (bucket.clone(), None);
    if status != "succeeded" {
        let said = [status, error, http, message].into_iter().filter(|text| !text.is_empty()).cloned().collect();
        return if status == "failed" {
            Ok(Task { bucket, key, read: None, kms_key, said })
        } else {
            Err("a status that is neither `succeeded` nor `failed`")
        };
    }
    let mut parts = message.split("; ");
    let read = match parts.next() {
        Some("allowed") => Read::Allowed,
        Some("denied") => Read::Denied,
        Some("depends") => Read::Depends,
        Some("gone") => Read::Gone,
        _ => return Err("a result that does not begin with a verdict of the guard"),
    };
    let mut task = Task { bucket, key, read: Some(read), kms_key, said: Vec::new() };
    for part in parts {
        match part.strip_prefix("key ") {
            Some(arn) if task.kms_key.is_none() && arn.starts_with("arn:") => task.kms_key = Some(arn.to_owned()),
            _ if part.starts_with("version ") => {}
            _ => task.said.push(part.to_owned()),
        }
    }
    Ok(task)
}

/// What a completion report comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tasks {
    /// Of the first row.
    pub bucket: Option<String>,
    pub allowed: u64,
    pub denied: u64,
    pub depends: u64,
    pub gone: u64,
    /// Of another bucket than the first.
    pub elsewhere: u64,
    /// Tasks whose cause or KMS key is not told apart, as there were too many.
    pub beyond: u64,
    /// By verdict, KMS key, and what was said.
    pub causes: BTreeMap<Cause, Alikes>,
    /// By ARN: how many, and whether one of them is allowed.
    pub keys: BTreeMap<String, (u64, bool)>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cause {
    /// None: failed; else denied or not.
    pub denied: Option<bool>,
    pub kms_key: Option<String>,
    pub said: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Alikes {
    pub objects: u64,
    pub samples: Vec<String>,
}

impl Tasks {
    /// Counts a task.
    pub fn add(&mut self, task: Task) {
        let Task { bucket, key, read, kms_key, said } = task;
        if *self.bucket.get_or_insert_with(|| bucket.clone()) != bucket {
            self.elsewhere += 1;
            return;
        }
        if let Some(read) = read {
            *match read {
                Read::Allowed => &mut self.allowed,
                Read::Denied => &mut self.denied,
                Read::Depends => &mut self.depends,
                Read::Gone => &mut self.gone,
            } += 1;
        }
        if let Some(arn) = &kms_key {
            if self.keys.contains_key(arn) || self.keys.len() < KEYS {
                let of_key = self.keys.entry(arn.clone()).or_default();
                of_key.0 += 1;
                of_key.1 |= read == Some(Read::Allowed);
            } else {
                self.beyond += 1;
            }
        }
        if matches!(read, Some(Read::Allowed | Read::Gone)) {
            return;
        }
        let cause = Cause { denied: read.map(|read| read == Read::Denied), kms_key, said };
        if self.causes.contains_key(&cause) || self.causes.len() < CAUSES {
            let alikes = self.causes.entry(cause).or_default();
            alikes.objects += 1;
            if alikes.samples.len() < SAMPLES {
                alikes.samples.push(key);
            }
        } else {
            self.beyond += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[&str]) -> Vec<String> {
        cells.iter().map(|cell| (*cell).to_owned()).collect()
    }

    #[test]
    fn a_task_is_read_by_its_verdict_which_comes_first() {
        let read =
            task(&row(&["b", "a+b%2Bc", "", "succeeded", "", "200", "denied; key arn:aws:kms:x; no grant; version 1"]));
        assert_eq!(
            read,
            Ok(Task {
                bucket: "b".into(),
                key: "a b+c".into(),
                read: Some(Read::Denied),
                kms_key: Some("arn:aws:kms:x".into()),
                said: vec!["no grant".into()],
            })
        );
        let failed = task(&row(&["b", "a", "", "failed", "400", "PermanentFailure", "invalid task: x"])).unwrap();
        assert_eq!((failed.read, failed.said.len()), (None, 4));
        for cells in [
            &["b", "a", "", "succeeded", "", "200", "hello"][..],
            &["b", "a%", "", "succeeded", "", "200", "allowed"],
            &["b", "", "", "succeeded", "", "200", "allowed"],
            &["b", "a", "", "done", "", "200", "allowed"],
            &["b", "a"],
        ] {
            assert!(task(&row(cells)).is_err(), "{cells:?}");
        }
    }

    #[test]
    fn a_result_is_read_by_the_names_of_its_columns() {
        let heading = row(&[
            "objects",
            "bytes",
            "sample",
            "bucket",
            "encryption_status",
            "kms_key_arn",
            "is_bucket_key_enabled",
            "storage_class",
        ]);
        let columns = Columns::of(&heading).unwrap();
        let alike = columns.alike(&row(&["12", "", "raw/a", "b", "SSE-KMS", "arn:k", "true", "STANDARD"])).unwrap();
        let Head::Found(facts) = &alike.head else { panic!("{alike:?}") };
        assert_eq!((alike.objects, alike.bytes, facts.bucket_key_enabled), (12, 0, true));
        assert_eq!(facts.kms_key.as_deref(), Some("arn:k"));
        let sse_c = columns.alike(&row(&["1", "1", "a", "b", "SSE-C", "", "", ""])).unwrap();
        assert_eq!(sse_c.head, Head::SseC);
        assert_eq!(columns.alike(&row(&["-1", "1", "a", "b", "SSE-C", "", "", ""])), Err("objects"));
        assert_eq!(columns.alike(&row(&["1", "1", "a", "b", "new", "", "", ""])), Err("encryption_status"));
        assert_eq!(columns.alike(&row(&["1", "1"])).map(drop), Err("bucket"));
        assert_eq!(Columns::of(&heading[1..]).map(drop), Err("objects"));
    }
}
