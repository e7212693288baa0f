//! The objects that are there: listed in ranges at the same time, headed within bounds, judged as an upload is.
//!
//! Every object is judged by `judge_one`, the function's own way. What is counted and where each range stands change in
//! one step, so that a scan can be dropped at any moment and go on from there. Must never write to AWS.

use crate::app::objects::{Target, judge_one, judge_told};
use crate::app::observe::Observer;
use crate::app::ports::{Clock, Listing, World};
use crate::judge::object::JudgedObject;
use crate::model::aws::{AwsError, AwsResult, ErrorClass};
use crate::model::contract::Contract;
use crate::model::evidence::Evidence;
use crate::model::s3::Head;
use crate::report::scan::list::row;
use crate::scan::checkpoint::Total;
use crate::scan::range::{KeyRange, Listed, Page, behind, roots, thinned};
use crate::scan::stop::Stop;
use crate::scan::tally::Tally;
use crate::scan::told::Alike;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use pace::Pace;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::time::Duration;

pub mod pace;

/// Ranges that are listed at the same time.
const LISTED_AT_ONCE: usize = 16;
/// Ranges to begin with, for a count or a sample.
const FIRST_RANGES: usize = 64;
/// Listings that look for places to cut at.
const LOOKS: usize = 24;
/// Ranges of a scan that was counted.
const RANGES: usize = 1_024;
/// Objects that are counted; beyond them a scan is of more than one machine.
pub const COUNTED: u64 = 10_000_000;
/// How long S3 may answer nothing at all.
const PATIENCE: Duration = Duration::from_mins(1);
/// Attempts of a call that fails where others are answered.
const ATTEMPTS: u32 = 8;
/// Answers of others that are so old say nothing of now.
const RECENT: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A scan of one bucket.
pub struct Scan<'a, W: World> {
    pub observer: Observer<'a, W>,
    pub contract: &'a Contract,
    pub pace: Pace,
    state: RefCell<State>,
}

/// What changes in one step.
#[derive(Debug, Default)]
struct State {
    left: BTreeMap<usize, KeyRange>,
    tally: Tally,
    /// Rows of the list of objects, since they were last taken; none: no list is kept.
    rows: Option<String>,
}

/// What a first listing of all keys found.
#[derive(Debug, Default)]
struct Counted {
    total: Total,
    /// Last keys of pages.
    points: BTreeSet<String>,
}

impl<W: World> fmt::Debug for Scan<'_, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scan").field("contract", self.contract).field("state", &self.state).finish_non_exhaustive()
    }
}

impl<'a, W: World> Scan<'a, W> {
    pub fn new(observer: Observer<'a, W>, contract: &'a Contract, pace: Pace, list_objects: bool) -> Self {
        let state = State { rows: list_objects.then(String::new), ..State::default() };
        Self { observer, contract, pace, state: RefCell::new(state) }
    }

    /// Goes on from what was counted and left.
    pub fn resume(&self, left: Vec<KeyRange>, tally: Tally) {
        let mut state = self.state.borrow_mut();
        state.left = left.into_iter().enumerate().collect();
        state.tally = tally;
    }

    /// Shows what was counted so far.
    pub fn look<T>(&self, at: impl FnOnce(&Tally) -> T) -> T {
        at(&self.state.borrow().tally)
    }

    pub fn tally(&self) -> Tally {
        self.state.borrow().tally.clone()
    }

    /// What is left, and what was counted of the rest: both of one moment.
    pub fn stand(&self) -> (Vec<KeyRange>, Tally) {
        let state = self.state.borrow();
        (state.left.values().cloned().collect(), state.tally.clone())
    }

    /// The rows since the last time.
    pub fn take_rows(&self) -> String {
        self.state.borrow_mut().rows.as_mut().map(std::mem::take).unwrap_or_default()
    }

    fn begin(&self) {
        self.pace.begin(self.observer.clock.now());
    }

    /// One step: an object, and where its range stands.
    fn commit(&self, range: Option<usize>, object: Listed, judged: &JudgedObject, unread: bool) {
        let mut state = self.state.borrow_mut();
        state.tally.add(judged, 1, object.size);
        state.tally.unread += u64::from(unread);
        if let Some(rows) = &mut state.rows {
            rows.extend(row(judged, object.size));
        }
        if let Some(range) = range.and_then(|range| state.left.get_mut(&range)) {
            range.after = object.key;
        }
    }
}

impl<W: World> Scan<'_, W>
where
    W::Aws: Listing,
{
    /// Counts the objects under a prefix, up to [`COUNTED`], and cuts them into ranges for [`Scan::run`].
    ///
    /// # Errors
    /// What ended it.
    pub async fn count(&self, prefix: &str) -> Result<Total, Stop> {
        self.begin();
        let counted = RefCell::new(Counted { total: Total { whole: true, ..Total::default() }, ..Counted::default() });
        let ranges = self.spread(prefix).await?;
        let each = stream::iter(ranges).map(|range| self.count_range(range, &counted));
        each.buffer_unordered(LISTED_AT_ONCE).try_collect::<()>().await?;
        let Counted { total, points } = counted.into_inner();
        let points = thinned(points.into_iter().collect(), RANGES);
        let ranges = roots(self.contract, prefix).into_iter().flat_map(|root| KeyRange::whole(&root).cut(&points));
        self.state.borrow_mut().left = ranges.enumerate().collect();
        Ok(total)
    }

    async fn count_range(&self, mut range: KeyRange, counted: &RefCell<Counted>) -> Result<(), Stop> {
        loop {
            let page = self.page(&range).await?;
            let last = page.objects.last().map(|object| object.key.clone());
            let mut counted = counted.borrow_mut();
            for object in self.wanted(&range, page.objects) {
                counted.total.objects += 1;
                counted.total.bytes += object.size;
            }
            let Some(next) = last.filter(|_| page.more).map(|last| behind(self.contract, &last)) else { return Ok(()) };
            if range.ends_before(&next) {
                return Ok(());
            }
            if counted.total.objects >= COUNTED {
                counted.total.whole = false;
                return Ok(());
            }
            counted.points.insert(next.clone());
            if counted.points.len() > 2 * RANGES {
                counted.points =
                    thinned(std::mem::take(&mut counted.points).into_iter().collect(), RANGES).into_iter().collect();
            }
            range.after = next;
        }
    }

    /// Judges every object that is left.
    ///
    /// # Errors
    /// What ended it before its end.
    pub async fn run(&self) -> Result<(), Stop> {
        self.begin();
        let ranges: Vec<usize> = self.state.borrow().left.keys().copied().collect();
        let each = stream::iter(ranges).map(|range| self.range(range));
        each.buffer_unordered(LISTED_AT_ONCE).try_collect().await
    }

    /// Judges some objects from all over a prefix, `most` at most.
    ///
    /// # Errors
    /// What ended it before its end.
    pub async fn sample(&self, prefix: &str, most: usize) -> Result<(), Stop> {
        self.begin();
        let ranges = self.spread(prefix).await?;
        let each = most.div_ceil(ranges.len().max(1));
        let pages = stream::iter(ranges).map(|range| async move {
            let page = self.page(&range).await?;
            Ok::<_, Stop>(thinned(self.wanted(&range, page.objects).collect(), each))
        });
        let samples: Vec<Vec<Listed>> = pages.buffered(LISTED_AT_ONCE).try_collect().await?;
        let samples = thinned(samples.into_iter().flatten().collect(), most);
        let mut judged = stream::iter(samples).map(|object| self.object(object)).buffered(self.pace.most());
        while let Some(next) = judged.next().await {
            let (object, judged, unread) = next?;
            self.commit(None, object, &judged, unread);
        }
        Ok(())
    }

    /// Judges objects that are alike by what was said of one of them, with no call an object.
    ///
    /// # Errors
    /// What ended it.
    pub async fn told(&self, alike: &Alike) -> Result<(), Stop> {
        self.begin();
        let target = Target { contract: self.contract, key: &alike.sample, version_id: None, requester: None };
        let now = self.observer.clock.now();
        let head: AwsResult<Head> = Ok(alike.head.clone());
        let call = async || judge_told(&self.observer, target, &head, now).await;
        let judged = self.insist(call).await?.map_err(Stop::NoAnswer)?;
        if let Some(error) = lost_credentials(&judged) {
            return Err(Stop::Credentials(error.clone()));
        }
        self.state.borrow_mut().tally.add(&judged, alike.objects, alike.bytes);
        Ok(())
    }

    async fn range(&self, id: usize) -> Result<(), Stop> {
        while let Some(range) = self.left(id) {
            let page = self.page(&range).await?;
            let last = page.objects.last().map(|object| object.key.clone());
            let wanted = self.wanted(&range, page.objects);
            let mut judged = stream::iter(wanted).map(|object| self.object(object)).buffered(self.pace.most());
            // In their order: the range stands behind the last that was judged.
            while let Some(next) = judged.next().await {
                let (object, judged, unread) = next?;
                self.commit(Some(id), object, &judged, unread);
            }
            self.turn_page(id, last.filter(|_| page.more));
        }
        Ok(())
    }

    fn left(&self, id: usize) -> Option<KeyRange> {
        self.state.borrow().left.get(&id).cloned()
    }

    /// The range stands behind its page, or is done.
    fn turn_page(&self, id: usize, last: Option<String>) {
        let mut state = self.state.borrow_mut();
        let next = last.map(|last| behind(self.contract, &last));
        match (state.left.get_mut(&id), next) {
            (Some(range), Some(next)) if range.upto.as_ref().is_none_or(|upto| next < *upto) => range.after = next,
            _ => drop(state.left.remove(&id)),
        }
    }

    /// What of a page is in the range, and read by Darwin.
    fn wanted(&self, range: &KeyRange, objects: Vec<Listed>) -> impl Iterator<Item = Listed> {
        let upto = range.upto.clone();
        let inside = move |object: &Listed| upto.as_ref().is_none_or(|upto| object.key <= *upto);
        objects.into_iter().take_while(inside).filter(|object| self.contract.reads(&object.key))
    }

    /// Ranges that together are all keys under a prefix, cut where there are folders; and where there are few of them, at
    /// letters and digits.
    async fn spread(&self, prefix: &str) -> Result<Vec<KeyRange>, Stop> {
        let roots = roots(self.contract, prefix);
        let mut queue: VecDeque<String> = roots.iter().cloned().collect();
        let (mut points, mut crowded) = (BTreeSet::new(), Vec::new());
        for _ in 0..LOOKS {
            let Some(folder) = queue.pop_front().filter(|_| points.len() < FIRST_RANGES) else { break };
            let call = async || self.observer.aws.list(&self.contract.bucket, &folder, "", true).await;
            let page = self.insist(call).await?.map_err(Stop::Listing)?;
            for inner in page.folders {
                queue.push_back(inner.clone());
                points.insert(inner);
            }
            if page.more {
                crowded.push(folder);
            }
        }
        if points.len() < FIRST_RANGES {
            let letters = || ('0'..='9').chain('A'..='Z').chain('a'..='z');
            points.extend(crowded.iter().flat_map(|folder| letters().map(move |letter| format!("{folder}{letter}"))));
        }
        let points = thinned(points.into_iter().collect(), FIRST_RANGES);
        Ok(roots.iter().flat_map(|root| KeyRange::whole(root).cut(&points)).collect())
    }

    async fn page(&self, range: &KeyRange) -> Result<Page, Stop> {
        let call = async || self.observer.aws.list(&self.contract.bucket, &range.prefix, &range.after, false).await;
        let page = self.insist(call).await?.map_err(Stop::Listing)?;
        match page.out_of_order(&range.after) {
            Some(key) => Err(Stop::Order { key: key.to_owned() }),
            None => Ok(page),
        }
    }

    /// Judges one object; true where S3 gave no answer about it.
    async fn object(&self, object: Listed) -> Result<(Listed, JudgedObject, bool), Stop> {
        let _slot = self.pace.slot().await;
        // Boxed, so that what waits for a slot is small.
        let (judged, unread) = Box::pin(self.judged(&object.key)).await?;
        match lost_credentials(&judged) {
            Some(error) => Err(Stop::Credentials(error.clone())),
            None => Ok((object, judged, unread)),
        }
    }

    async fn judged(&self, key: &str) -> Result<(JudgedObject, bool), Stop> {
        let target = Target { contract: self.contract, key, version_id: None, requester: None };
        let now = self.observer.clock.now();
        let call = async || {
            self.pace.turn(self.observer.clock).await;
            judge_one(&self.observer, target, now, true).await
        };
        let error = match self.insist(call).await? {
            Ok(judged) => return Ok((judged, false)),
            Err(error) => error,
        };
        let head: AwsResult<Head> = Err(error);
        let call = async || judge_told(&self.observer, target, &head, now).await;
        self.insist(call).await?.map(|judged| (judged, true)).map_err(Stop::NoAnswer)
    }

    /// Makes a call until it is answered. A failure that may pass comes back only where other calls are answered.
    async fn insist<T>(&self, call: impl AsyncFn() -> AwsResult<T>) -> Result<AwsResult<T>, Stop> {
        let clock = self.observer.clock;
        let mut attempt = 1;
        loop {
            let error = match call().await {
                Ok(answer) => {
                    self.pace.answered(clock.now());
                    return Ok(Ok(answer));
                }
                Err(error) => error,
            };
            let now = clock.now();
            if is_about_credentials(&error) {
                return Err(Stop::Credentials(error));
            }
            if !error.retryable() {
                return Ok(Err(error));
            }
            let silent = now - self.pace.last_good();
            if error.class == ErrorClass::Throttled {
                self.pace.slow_down(now);
            } else if attempt >= ATTEMPTS && silent < RECENT {
                return Ok(Err(error));
            }
            if silent > PATIENCE {
                return Err(Stop::NoAnswer(error));
            }
            let pause = FIRST_PAUSE.saturating_mul(1 << attempt.min(10)).min(LONGEST_PAUSE);
            clock.sleep(pause / 2 + clock.part_of(pause / 2)).await;
            attempt += 1;
        }
    }
}

/// Whether a call failed for whose it is, or could not be signed at all.
fn is_about_credentials(error: &AwsError) -> bool {
    const CODES: [&str; 9] = [
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "InvalidToken",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "SignatureDoesNotMatch",
        "MissingAuthenticationToken",
    ];
    let unsent = error.status.is_none() && error.class == ErrorClass::Permanent;
    unsent || error.code.as_deref().is_some_and(|code| CODES.contains(&code))
}

/// The call behind a verdict that was refused for the credentials it came with.
fn lost_credentials(judged: &JudgedObject) -> Option<&AwsError> {
    let calls = match &judged.finding.as_ref()?.evidence {
        Evidence::Refused { call, .. } => std::slice::from_ref(call),
        Evidence::Key(key) => key.refused.as_slice(),
        _ => &[],
    };
    calls.iter().find(|call| is_about_credentials(call))
}
