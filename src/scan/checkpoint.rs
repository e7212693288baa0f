//! Where a scan stands, to be gone on with: what is left, and what was counted of the rest.
//!
//! Whatever it says is somebody's input: must never be believed where it is of another scan, or doesn't add up.

use crate::model::contract::{Access, Contract, Darwin, Home};
use crate::model::finding::Finding;
use crate::scan::range::{KEY_BYTES, KeyRange, roots};
use crate::scan::tally::{CAUSES, Group, KEY_SAMPLES, KEYS, SAMPLES, Tally, name};
use serde::{Deserialize, Serialize};

/// Counts up with each change of form.
const FORMAT: u32 = 1;
/// Largest file that is read, in bytes: what the bounds of a tally and of the ranges come to.
pub const MOST_BYTES: u64 = 64_000_000;
/// Most ranges that a scan is cut into, with room.
const RANGES: usize = 100_000;

/// What is scanned, and for whom. Two scans of different subjects can't go on with each other's checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    pub account: String,
    pub region: String,
    pub bucket: String,
    pub prefix: String,
    pub access: Access,
    pub read_prefixes: Vec<String>,
    pub thumbnails: Option<String>,
    pub not_read: Vec<String>,
    pub role: String,
}

impl Subject {
    pub fn of(contract: &Contract, prefix: &str, darwin: &Darwin, home: &Home) -> Self {
        Self {
            account: home.account.to_string(),
            region: home.region.clone(),
            bucket: contract.bucket.clone(),
            prefix: prefix.to_owned(),
            access: contract.access,
            read_prefixes: contract.read_prefixes.clone(),
            thumbnails: contract.prefix.clone(),
            not_read: contract.not_read.clone(),
            role: darwin.role.clone(),
        }
    }

    /// The first thing in which another differs.
    fn differs(&self, other: &Self) -> Option<Unfit> {
        let of_other = |what, saw: &str, want: &str| {
            (saw != want).then(|| Unfit::OfAnother { what, saw: saw.to_owned(), want: want.to_owned() })
        };
        of_other("account", &other.account, &self.account)
            .or_else(|| of_other("bucket", &other.bucket, &self.bucket))
            .or_else(|| of_other("prefix", &other.prefix, &self.prefix))
            .or_else(|| of_other("Region", &other.region, &self.region))
            .or_else(|| (self != other).then_some(Unfit::OtherOptions))
    }
}

/// How many objects a scan has before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Total {
    pub objects: u64,
    pub bytes: u64,
    /// Else there are more.
    pub whole: bool,
}

/// A scan that goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    format: u32,
    of: Subject,
    pub total: Total,
    pub left: Vec<KeyRange>,
    pub tally: Tally,
    /// Bytes of the list of objects that are counted here; none: no list is kept.
    pub csv: Option<u64>,
}

/// Why a file is no checkpoint of this scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// It is none at all.
    Unreadable(String),
    Format(u32),
    OfAnother {
        what: &'static str,
        saw: String,
        want: String,
    },
    OtherOptions,
    /// Its parts contradict each other.
    Contradicts(&'static str),
}

impl Checkpoint {
    pub fn new(of: Subject, total: Total, left: Vec<KeyRange>, tally: Tally, csv: Option<u64>) -> Self {
        Self { format: FORMAT, of, total, left, tally, csv }
    }

    /// What a file says, if it is of this scan.
    ///
    /// # Errors
    /// Why it can't be gone on with.
    pub fn read(text: &[u8], of: &Subject, contract: &Contract) -> Result<Self, Unfit> {
        let mut read: Self = serde_json::from_slice(text).map_err(|error| Unfit::Unreadable(error.to_string()))?;
        if read.format != FORMAT {
            return Err(Unfit::Format(read.format));
        }
        if let Some(unfit) = of.differs(&read.of) {
            return Err(unfit);
        }
        read.tally = checked(read.tally).ok_or(Unfit::Contradicts("its counts"))?;
        if !tiles(&read.left, &roots(contract, &of.prefix)) {
            return Err(Unfit::Contradicts("the keys that are left"));
        }
        Ok(read)
    }
}

/// A tally whose numbers add up, with its groups under their own names.
fn checked(tally: Tally) -> Option<Tally> {
    let read = [tally.denied, tally.depends, tally.gone].into_iter().try_fold(tally.allowed, u64::checked_add)?;
    let fit = |samples: &[String], most| samples.len() <= most && samples.iter().all(|key| key.len() <= KEY_BYTES);
    let in_the_way = tally.denied.checked_add(tally.depends)?;
    let of_causes = tally.causes.values().try_fold(0, |sum: u64, group| sum.checked_add(group.objects))?;
    let adds_up = read == tally.objects
        && of_causes <= in_the_way
        && in_the_way - of_causes <= tally.beyond
        && tally.unread <= tally.depends
        && tally.causes.len() <= CAUSES
        && tally.keys.len() <= KEYS
        && tally.causes.values().all(|group| fit(&group.samples, SAMPLES) && !group.samples.is_empty())
        && tally.keys.values().all(|key| fit(&key.samples, KEY_SAMPLES) && key.objects <= tally.objects);
    let causes = tally.causes.into_values().map(|group| {
        // Its severity and cause follow from its evidence.
        let Finding { evidence, because, depends_on, .. } = group.finding;
        let finding = Finding::with(evidence, because, depends_on);
        (name(&finding), Group { finding, ..group })
    });
    let tally = Tally { causes: causes.collect(), ..tally };
    adds_up.then_some(tally)
}

/// Whether these are parts of the roots, one behind the other.
fn tiles(left: &[KeyRange], roots: &[String]) -> bool {
    let inside = |key: &str, prefix: &str| key.len() <= KEY_BYTES && key.starts_with(prefix);
    let sound = |range: &KeyRange| {
        roots.contains(&range.prefix)
            && (range.after.is_empty() || inside(&range.after, &range.prefix))
            && range.upto.as_ref().is_none_or(|upto| inside(upto, &range.prefix) && *upto >= range.after)
    };
    let joined = left.windows(2).all(|pair| match pair {
        [first, second] if first.prefix == second.prefix => {
            first.upto.as_ref().is_some_and(|upto| *upto <= second.after)
        }
        [first, second] => first.prefix < second.prefix,
        _ => true,
    });
    left.len() <= RANGES && left.iter().all(sound) && joined
}
