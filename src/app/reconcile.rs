//! One bucket: observe, assess, act, verify.
//!
//! Level-triggered: why it was called does not matter, it looks at everything. Must never write without a certain
//! drift, a lease, a counted repair and a fresh read; never while the mode, the tag or the table forbids it.

use crate::app::config::Config;
use crate::app::observe::{Caches, Observer};
use crate::app::ports::{BucketReads, BucketWrites, Clock, Incidents, Leases, World, WriteLog};
use crate::app::reconcile::job::{Job, Permit};
use crate::app::state::State;
use crate::incident::budget::RepairBudget;
use crate::incident::life::{Claim, Lease, Sighting, StoreError, StoreResult};
use crate::model::aws::{AwsError, AwsResult, ErrorClass, Operation};
use crate::model::change::Write;
use crate::model::contract::{Darwin, Home, Mode};
use crate::model::evidence::{Evidence, Purpose};
use crate::model::finding::Finding;
use crate::model::outcome::{ActionResult, Refusal};
use crate::model::time::{LONGEST_RUN, Timestamp};
use crate::repair::assess::{Assessment, Pause, Rules, assess};
use crate::repair::observed::Observed;
use crate::repair::plan::Step;
use crate::repair::policy::dead_principal;
use std::time::Duration;
pub mod job;
mod lost;
pub mod report;
mod standing;

use report::BucketReport;

/// Rounds under one lease: after a write that somebody undid, or a mark that something changed meanwhile.
const ROUNDS: usize = 3;
/// Waits between reads after a write, before jitter. About eight seconds in all.
const VERIFY_WAITS: [Duration; 6] = [
    Duration::from_millis(100),
    Duration::from_millis(300),
    Duration::from_millis(700),
    Duration::from_millis(1_500),
    Duration::from_millis(2_500),
    Duration::from_secs(3),
];
/// Waits between tries of a write that collided, before jitter.
const WRITE_WAITS: [Duration; 3] =
    [Duration::from_millis(200), Duration::from_millis(600), Duration::from_millis(1_500)];
/// Wait before a read that must show a known change, before jitter.
const OUTDATED_WAIT: Duration = Duration::from_secs(3);
/// How many of those waits: longer than a read may be stale.
const OUTDATED_WAITS: usize = 4;
/// How long a lease outlives the function's deadline.
const LEASE_GRACE: Duration = Duration::from_secs(5);

/// The reconciler, over the outside.
#[derive(Debug)]
pub struct Reconciler<'a, W: World> {
    pub aws: &'a W::Aws,
    pub store: State<'a, W::Store>,
    pub clock: &'a W::Clock,
    pub config: &'a Config,
    pub home: &'a Home,
    pub caches: &'a Caches,
    /// Who holds a lease: unique to this invocation.
    pub holder: &'a str,
}

/// Why a round under the lease ends before its repair shows.
enum Unfinished {
    /// Others changed things: look again.
    Again,
    /// The read is older than a change that is known: look again after a while.
    Wait,
    /// No point in another round.
    Stop,
}

impl<W: World> Reconciler<'_, W> {
    /// Reconciles one bucket. Never fails as a whole: what could not be done is in the report.
    pub async fn reconcile(&self, job: Job<'_>) -> BucketReport {
        let stood = self.stood(job).await;
        let job = Job { stood: stood.as_ref().ok().and_then(Option::as_ref), ..job };
        let mut report = self.look_and_repair(job).await;
        self.keep_standing(job, &mut report, &stood).await;
        if job.permit == Permit::Live && (job.check_lost_updates || report.has_written()) {
            match self.check_lost_updates(job).await {
                Ok(comparison) => report.compared(comparison),
                Err(error) => report.table_unreachable(&error, &[]),
            }
        }
        report
    }

    async fn look_and_repair(&self, job: Job<'_>) -> BucketReport {
        let (observed, assessment) = self.look(job).await;
        let mut report = BucketReport::new(job, &observed, &assessment);
        self.caches.forget_bucket(&job.contract.bucket);
        if let Some(error) = job.change_not_stored {
            report.table_unreachable(error, &assessment.plan.steps);
            return report;
        }
        if assessment.plan.is_empty() {
            return report;
        }
        match job.permit {
            Permit::Audit => return report,
            Permit::DryRun => {
                report.acted(&assessment.plan.steps, ActionResult::DryRun);
                return report;
            }
            Permit::Live => {}
        }
        if let Some(refusal) = self.refusal(&assessment) {
            report.refused(&assessment.plan.steps, refusal);
            return report;
        }
        if job.by_hand
            && let Err(error) = self.store.reset_repairs(&job.contract.bucket).await
        {
            report.table_unreachable(&error, &assessment.plan.steps);
            return report;
        }
        let now = self.clock.now();
        let expires = job.deadline.map_or(now + LONGEST_RUN, |deadline| deadline + LEASE_GRACE);
        match self.store.lease(&job.contract.bucket, self.holder, now, expires).await {
            Ok(Lease::Taken) => self.repair_under_lease(job, &mut report, expires).await,
            // The holder sees our mark and looks again; there is nothing to tell twice.
            Ok(Lease::Busy) => report.busy = true,
            Err(error) => report.table_unreachable(&error, &assessment.plan.steps),
        }
        report
    }

    /// Observes and assesses.
    async fn look(&self, job: Job<'_>) -> (Observed, Assessment) {
        let observer: Observer<'_, W> = Observer {
            aws: self.aws,
            clock: self.clock,
            darwin: &self.config.darwin,
            home: self.home,
            rcps: &self.config.rcps,
            caches: self.caches,
            deadline: job.deadline,
        };
        let now = self.clock.now();
        let observed = observer.bucket(job.contract, now).await;
        let rules = Rules {
            asker: observer.asker(now),
            ceiling: self.config.ceiling,
            enable_event_bridge: self.config.enable_event_bridge,
            stood: job.stood,
            by_hand: job.by_hand && job.permit != Permit::Audit,
        };
        let assessment = assess(job.contract, &observed, rules);
        (observed, assessment)
    }

    /// What forbids every write to the bucket.
    fn refusal(&self, assessment: &Assessment) -> Option<Refusal> {
        match (self.config.mode, &assessment.pause) {
            (Mode::Flag, _) => Some(Refusal::Mode),
            (Mode::Repair, Pause::Paused) => Some(Refusal::PauseTag),
            (Mode::Repair, Pause::Unreadable(_)) => Some(Refusal::UnreadTags),
            (Mode::Repair, Pause::Running) => None,
        }
    }

    /// The work under the lease: look again, write, see it show; once more while others change things.
    ///
    /// INVARIANT: a mark that is cleared is followed by a look, or by a problem that brings the record back.
    async fn repair_under_lease(&self, job: Job<'_>, report: &mut BucketReport, expires: Timestamp) {
        let mut unseen = false;
        let mut waits = 0;
        let mut rounds = 0;
        while rounds < ROUNDS {
            unseen = false;
            let (observed, assessment) = self.look(job).await;
            report.looked(&observed, &assessment);
            match self.round(job, &observed, &assessment, report).await {
                Ok(()) => {}
                Err(Unfinished::Again) => {
                    rounds += 1;
                    continue;
                }
                Err(Unfinished::Wait) if waits < OUTDATED_WAITS && self.has_time(job, OUTDATED_WAIT) => {
                    waits += 1;
                    self.clock.pause(OUTDATED_WAIT).await;
                    continue;
                }
                Err(Unfinished::Wait) => {
                    report.problem("an event tells of a change that S3 does not show yet", "a read that shows it");
                    break;
                }
                Err(Unfinished::Stop) => break,
            }
            match self.release(job, report, expires).await {
                Some(true) => unseen = true,
                Some(false) | None => return,
            }
            rounds += 1;
            if !self.has_time(job, Duration::ZERO) {
                break;
            }
        }
        // Given up, or out of rounds. Whoever marked the bucket meanwhile relies on us: try the record again.
        let marked = self.release(job, report, expires).await == Some(true);
        if unseen || marked {
            report.problem("the bucket was changed again while it was being repaired", "another look");
        }
        if marked {
            // The mark is cleared now; this gives the lease back. A failure leaves it to its expiry.
            let _ = self.store.release(&job.contract.bucket, self.holder, expires).await;
        }
    }

    /// Gives the lease back. True if a mark was cleared instead; None, with a problem, if the table does not answer:
    /// then nobody knows of a mark.
    async fn release(&self, job: Job<'_>, report: &mut BucketReport, expires: Timestamp) -> Option<bool> {
        match self.store.release(&job.contract.bucket, self.holder, expires).await {
            Ok(marked) => Some(marked),
            Err(error) => {
                report.problem(&error.to_string(), "the incident table answers");
                None
            }
        }
    }

    /// What one look leads to: a repair, or if nothing is left to plan, whether what was written is there.
    async fn round(
        &self,
        job: Job<'_>,
        observed: &Observed,
        assessment: &Assessment,
        report: &mut BucketReport,
    ) -> Result<(), Unfinished> {
        if !assessment.plan.is_empty() {
            return self.repair(job, observed, assessment, report).await;
        }
        report.verify(assessment);
        Ok(())
    }

    /// One repair: allowed, up to date, counted, recorded, written, verified.
    async fn repair(
        &self,
        job: Job<'_>,
        observed: &Observed,
        assessment: &Assessment,
        report: &mut BucketReport,
    ) -> Result<(), Unfinished> {
        let steps = &assessment.plan.steps;
        if let Some(refusal) = self.refusal(assessment) {
            report.refused(steps, refusal);
            return Err(Unfinished::Stop);
        }
        if !self.has_time(job, Duration::ZERO) {
            report.problem("too little time left for a repair", "another try");
            return Err(Unfinished::Stop);
        }
        let past = self.store.past(&job.contract.bucket, self.clock.now()).await;
        // It is not ours to write over what we have not seen.
        if self.outdated(&past.map_err(|error| without_table(report, &error, steps))?, observed, steps) {
            return Err(Unfinished::Wait);
        }
        match self.permission(job).await.map_err(|error| without_table(report, &error, steps))? {
            RepairBudget::Granted { .. } => {}
            RepairBudget::Contested { .. } => {
                report.contested(job, self.config, steps);
                return Err(Unfinished::Stop);
            }
        }
        let intended = self.record_intent(job, assessment).await;
        let writes = intended.map_err(|error| without_table(report, &error, steps))?;
        self.write(job, observed, steps, &writes, report).await?;
        self.verify(job, steps, report).await
    }

    /// Counts the repair before it is made.
    async fn permission(&self, job: Job<'_>) -> StoreResult<RepairBudget> {
        let limit = u64::from(self.config.contested_limit);
        self.store.count_repair(&job.contract.bucket, self.clock.now(), self.config.contested_window, limit).await
    }

    /// Records what is about to be done: the incident, so that a guard which dies now leaves its message pending; and
    /// the writes, so that their events are recognised, their absence is noticed, and what they undo is found.
    async fn record_intent(&self, job: Job<'_>, assessment: &Assessment) -> StoreResult<Vec<Write>> {
        let bucket = job.contract.bucket.as_str();
        for drift in &assessment.drifts {
            let mut sighting = Sighting::of(bucket, drift.clone());
            sighting.count = 0;
            sighting.actor = job.actor.cloned();
            if let Claim::Announce(incident) = self.store.sight(&sighting, self.clock.now()).await? {
                self.store.release_claim(&incident).await?;
            }
        }
        let past = self.store.past(bucket, self.clock.now()).await?;
        for old in past.surplus_writes() {
            self.store.forget_write(bucket, old).await?;
        }
        let writes: Vec<Write> = assessment.plan.steps.iter().map(|step| self.as_write(step)).collect();
        for write in &writes {
            self.store.keep_write(bucket, write).await?;
        }
        Ok(writes)
    }

    /// Makes the writes, in order, each as it was recorded.
    async fn write(
        &self,
        job: Job<'_>,
        observed: &Observed,
        steps: &[Step],
        writes: &[Write],
        report: &mut BucketReport,
    ) -> Result<(), Unfinished> {
        for (index, (step, write)) in steps.iter().zip(writes).enumerate() {
            let (acted, read_at) = self.act(job, step).await;
            self.record_outcome(job, writes.get(index..).unwrap_or_default(), &acted, read_at).await;
            match acted {
                Ok(true) => report.acted(std::slice::from_ref(step), ActionResult::Done),
                Ok(false) => return Err(Unfinished::Again),
                Err(error) => {
                    report.acted(std::slice::from_ref(step), ActionResult::Failed);
                    let finding = why_refused(observed, &error, &self.config.darwin);
                    report.failed(finding, &error);
                    return Err(Unfinished::Stop);
                }
            }
            debug_assert_eq!(step.operation(), write.subject.operation());
        }
        Ok(())
    }

    /// Records what became of the first of `writes`: made, perhaps made, or not. The others are made only after it. A
    /// failure leaves the records as they are, which errs on the careful side: perhaps made.
    async fn record_outcome(
        &self,
        job: Job<'_>,
        writes: &[Write],
        acted: &AwsResult<bool>,
        read_at: Option<Timestamp>,
    ) {
        let bucket = &job.contract.bucket;
        let Some((tried, others)) = writes.split_first() else { return };
        let made = matches!(acted, Ok(true));
        if made || matches!(acted, Err(error) if error.may_have_been_done()) {
            let done = Write { done: Some(self.clock.now()), read_at, made, ..tried.clone() };
            let _ = self.store.keep_write(bucket, &done).await;
        } else {
            let _ = self.store.forget_write(bucket, tried).await;
        }
        for write in others.iter().filter(|_| !made) {
            let _ = self.store.forget_write(bucket, write).await;
        }
    }

    /// Writes one step, if the document is still the one that was judged: S3 has no conditional write, so the last
    /// read is as near to the write as it can be. False if somebody was quicker. `OperationAborted` says that somebody
    /// is writing just now: another try rests on another read. Beside it, when that read was made.
    async fn act(&self, job: Job<'_>, step: &Step) -> (AwsResult<bool>, Option<Timestamp>) {
        let mut read_at = None;
        (self.try_act(job, step, &mut read_at).await, read_at)
    }

    async fn try_act(&self, job: Job<'_>, step: &Step, read_at: &mut Option<Timestamp>) -> AwsResult<bool> {
        let bucket = job.contract.bucket.as_str();
        let mut waits = WRITE_WAITS.iter();
        loop {
            let unchanged = match step {
                Step::PutBucketPolicy { before, .. } => self.aws.policy(bucket).await? == *before,
                Step::PutBucketCors { before, .. } => self.aws.cors(bucket).await?.unwrap_or_default() == *before,
                // It reads for itself.
                Step::EnableEventBridge { .. } => true,
            };
            *read_at = Some(self.clock.now());
            if !unchanged {
                return Ok(false);
            }
            let result = match step {
                Step::PutBucketPolicy { after, .. } => self.aws.put_policy(bucket, after).await.map(|()| true),
                Step::PutBucketCors { after, .. } => self.aws.put_cors(bucket, after).await.map(|()| true),
                Step::EnableEventBridge { before } => self.aws.enable_event_bridge(bucket, before).await,
            };
            match (result, waits.next()) {
                (Err(error), Some(wait)) if error.has_code("OperationAborted") && self.has_time(job, *wait) => {
                    self.clock.pause(*wait).await;
                }
                (result, _) => return result,
            }
        }
    }

    /// Reads until what was written is there. S3 is eventually consistent here: the old document may be read for a while.
    async fn verify(&self, job: Job<'_>, steps: &[Step], report: &mut BucketReport) -> Result<(), Unfinished> {
        let mut waits = VERIFY_WAITS.iter();
        loop {
            let (observed, assessment) = self.look(job).await;
            let shown = shows(steps, &observed, &assessment);
            let left = match shown {
                Shows::Fulfilled | Shows::Other => None,
                Shows::NotYet => waits.next().filter(|wait| self.has_time(job, **wait)),
            };
            if let Some(wait) = left {
                self.clock.pause(*wait).await;
                continue;
            }
            report.looked(&observed, &assessment);
            report.verify(&assessment);
            return match shown {
                Shows::Fulfilled => Ok(()),
                // Others wrote. Where something is left to plan, another round does it.
                Shows::Other if assessment.plan.is_empty() => Ok(()),
                Shows::Other => Err(Unfinished::Again),
                Shows::NotYet => {
                    report.problem("the write has not shown yet", "the repaired configuration");
                    Err(Unfinished::Stop)
                }
            };
        }
    }

    fn has_time(&self, job: Job<'_>, wait: Duration) -> bool {
        self.clock.now().leaves(wait, job.deadline)
    }
}

/// What a read after a write shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shows {
    /// Each document that was written was read, and fulfils the contract.
    Fulfilled,
    /// What stood before, or nothing that could be read.
    NotYet,
    /// Something that neither we wrote nor was there before: others are at work.
    Other,
}

fn shows(steps: &[Step], observed: &Observed, assessment: &Assessment) -> Shows {
    let left = &assessment.plan.steps;
    let waiting = |step: &Step| left.contains(step) || !observed.has_read(step.operation());
    if left.iter().any(|left| !steps.contains(left)) {
        return Shows::Other;
    }
    if steps.iter().any(waiting) {
        return Shows::NotYet;
    }
    let fulfilled = steps.iter().all(|step| assessment.fulfilled.contains(&step.operation()));
    if fulfilled { Shows::Fulfilled } else { Shows::Other }
}

/// Without the table nothing is written, and another round would fare no better.
fn without_table(report: &mut BucketReport, error: &StoreError, steps: &[Step]) -> Unfinished {
    report.table_unreachable(error, steps);
    Unfinished::Stop
}

/// Why S3 refused a write, as far as its answer and what was observed tell.
fn why_refused(observed: &Observed, error: &AwsError, darwin: &Darwin) -> Finding {
    let call = error.clone();
    if error.has_code("MalformedPolicy") {
        let dead = observed.access.document().and_then(|read| dead_principal(read, darwin, error));
        return dead.unwrap_or_else(|| Finding::of(Evidence::RoleMissing { role: darwin.role.clone(), call }));
    }
    if error.class != ErrorClass::Denied {
        return Finding::of(Evidence::WriteFailed { call });
    }
    let blocks_public =
        matches!(&observed.access.public_access_block, Some(Ok(Some(block))) if block.block_public_policy);
    let may_be_public = blocks_public && !observed.access.surely_not_public();
    if may_be_public && error.operation == Operation::PutBucketPolicy {
        return Finding::of(Evidence::BlockPublicPolicy { call });
    }
    Finding::of(Evidence::Refused { call, purpose: Purpose::Write, key: None })
}
