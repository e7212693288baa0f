//! One invocation: decode, dispatch, answer. The same for Lambda and for the shell.
//!
//! Decides what is tried again and what is told. Must never act on a bucket that is not configured, whatever the
//! event says, and never let one item's failure harm the others of its batch.

use crate::app::config::Config;
use crate::app::memory::Memory;
use crate::app::observe::{Caches, Observer};
use crate::app::ports::{Clock, ForAccount, Log, Meter, World};
use crate::app::reconcile::Reconciler;
use crate::app::reconcile::job::{Job, Permit};
use crate::app::reconcile::report::BucketReport;
use crate::app::state::State;
use crate::event::decode as event;
use crate::event::trigger::{Decoded, Envelope, Trigger};
use crate::model::contract::{Contract, Home};
use crate::model::outcome::Problem;
use crate::model::time::Timestamp;
use crate::report::answer::Answer;
use crate::report::forms;
use crate::report::log::{log_line, status_lines};
use crate::report::metrics::{self, Counts};
use std::time::Duration;

mod changes;
mod judge;
mod known;
mod manual;
mod outbox;
mod telling;

use outbox::Outbox;
use serde_json::{Value, json};
use std::borrow::Borrow;

/// What comes with an invocation besides the event.
#[derive(Debug, Clone, Default)]
pub struct Call {
    /// When the function is stopped.
    pub deadline: Option<Timestamp>,
    /// `invoked_function_arn`, the source of account, Region and partition in Lambda.
    pub function_arn: Option<String>,
    /// Unique to this invocation; it holds leases.
    pub request_id: String,
    /// Write and publish nothing, whatever the event asks.
    pub dry_run: bool,
}

/// An invocation that must be tried again, or could not be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// `NotUnderstood`, `TryAgain` or `Misconfigured`.
    pub kind: &'static str,
    pub message: String,
}

/// What became of one item of the input.
#[derive(Debug, Clone, Default)]
struct ItemState {
    /// Must be tried again, or could not be understood: reported as failed.
    failed: bool,
    /// For S3 Batch Operations.
    result: Option<forms::TaskResult>,
}

/// The guard over its outside.
#[derive(Debug)]
pub struct Guard<W: World> {
    pub config: Config,
    pub clients: W::Clients,
    /// None: state lives in `memory`.
    pub store: Option<W::Store>,
    /// The state without a table, and what this process alone knows while the table fails.
    pub memory: Memory,
    /// None: an alert becomes a log line.
    pub topic: Option<W::Topic>,
    pub clock: W::Clock,
    pub log: W::Log,
    pub caches: Caches,
    /// None: calls are not counted.
    pub meter: Option<Box<dyn Meter>>,
}

/// One invocation's view of the guard.
struct Run<'a, W: World> {
    guard: &'a Guard<W>,
    /// The outside as the account sees it that this invocation is for.
    aws: W::Aws,
    home: Home,
    call: &'a Call,
    now: Timestamp,
    items: Vec<ItemState>,
    /// Nobody reads which objects are allowed: they are counted.
    brief: bool,
    answer: Answer,
    outbox: Outbox,
    counts: Counts,
}

impl<W: World> Guard<W> {
    pub fn new(
        config: Config,
        clients: W::Clients,
        store: Option<W::Store>,
        topic: Option<W::Topic>,
        clock: W::Clock,
        log: W::Log,
    ) -> Self {
        let (memory, caches) = (Memory::new(), Caches::default());
        Self { config, clients, store, memory, topic, clock, log, caches, meter: None }
    }

    /// Where the state is kept.
    fn state(&self) -> State<'_, W::Store> {
        self.store.as_ref().map_or(State::Process(&self.memory), State::Table)
    }

    /// Handles one event and answers in the form of its envelope.
    ///
    /// # Errors
    /// A direct event that is not understood, or that must be tried again.
    pub async fn handle(&self, event: impl Borrow<Value>, call: &Call) -> Result<Value, Failure> {
        let home = self.home(call)?;
        let decoded = event::decode(event.borrow(), &home, self.config.stack_id.as_deref());
        // A batch of SQS has megabytes, and all that is used of it is decoded.
        drop(event);
        let brief = decoded.envelope == Envelope::Sqs;
        let run = self.run(&decoded, home, call, brief).await;
        let Run { items, answer, .. } = run;
        let failed = |state: &ItemState| state.failed;
        match &decoded.envelope {
            Envelope::Sqs => {
                let ids = decoded
                    .items
                    .iter()
                    .zip(&items)
                    .filter(|(_, state)| failed(state))
                    .map(|(item, _)| item.id.as_str());
                Ok(forms::batch_item_failures(ids))
            }
            Envelope::BatchJob { schema_version, invocation_id } => {
                let results = decoded.items.iter().zip(items).map(|(item, state)| {
                    let result = state.result.or_else(|| item.problems.first().map(forms::TaskResult::from));
                    (item.id.clone(), result.unwrap_or_default())
                });
                Ok(forms::batch_job(schema_version, invocation_id, results))
            }
            Envelope::Direct if items.iter().any(failed) && !is_manual(&decoded) => Err(failure(&decoded, &answer)),
            Envelope::Direct => Ok(forms::to_json(&answer)),
        }
    }

    /// Handles one event and gives the whole report, for the shell.
    ///
    /// # Errors
    /// The event is not understood, or the guard does not know where it runs.
    pub async fn report(&self, event: &Value, call: &Call) -> Result<Answer, Failure> {
        let home = self.home(call)?;
        let decoded = event::decode(event, &home, self.config.stack_id.as_deref());
        let run = self.run(&decoded, home, call, false).await;
        if decoded.items.iter().all(|item| !item.problems.is_empty() && item.triggers.is_empty())
            && !decoded.items.is_empty()
        {
            return Err(failure(&decoded, &run.answer));
        }
        Ok(run.answer)
    }

    fn home(&self, call: &Call) -> Result<Home, Failure> {
        let home = self.config.home(call.function_arn.as_deref());
        home.map_err(|problem| Failure { kind: "Misconfigured", message: problem.to_string() })
    }

    async fn run<'a>(&'a self, decoded: &Decoded, home: Home, call: &'a Call, brief: bool) -> Run<'a, W> {
        let mut run = Run {
            guard: self,
            aws: self.clients.for_account(&home.account),
            home,
            call,
            now: self.clock.now(),
            items: vec![ItemState::default(); decoded.items.len()],
            brief,
            answer: Answer { rcps: !self.config.rcps.is_empty(), ..Answer::default() },
            outbox: Outbox::default(),
            counts: Counts::default(),
        };
        for (index, item) in decoded.items.iter().enumerate() {
            for problem in &item.problems {
                run.problem(index, problem.clone());
            }
        }
        run.dispatch(decoded).await;
        run.finish(decoded).await;
        run
    }
}

impl<W: World> Run<'_, W> {
    /// Objects together, then every bucket that changed once, then keys, then the sweep, then what was asked by hand.
    async fn dispatch(&mut self, decoded: &Decoded) {
        let mut objects = Vec::new();
        let mut changes = Vec::new();
        let mut keys = Vec::new();
        let mut sweeps = Vec::new();
        let mut manuals = Vec::new();
        for (index, item) in decoded.items.iter().enumerate() {
            for trigger in &item.triggers {
                match trigger {
                    Trigger::Object(object) => objects.push((index, object)),
                    Trigger::Config(change) => changes.push((index, change)),
                    Trigger::Key(change) => keys.push((index, change)),
                    Trigger::Sweep { .. } => sweeps.push(index),
                    Trigger::Manual(manual) => manuals.push((index, manual)),
                    Trigger::Nothing { .. } => {}
                }
            }
        }
        self.objects(&decoded.envelope, &objects).await;
        self.config_changes(&changes).await;
        self.key_changes(&keys).await;
        self.sweep(&sweeps).await;
        for (index, manual) in manuals {
            self.manual(index, manual).await;
        }
    }

    /// Sends what is to be sent, and logs the report.
    async fn finish(&mut self, decoded: &Decoded) {
        self.counts.live = !self.call.dry_run && !self.outbox.silent;
        if !self.call.dry_run {
            let delivery = self.deliver().await;
            self.counts.sent += delivery.messages;
            self.counts.unsent += delivery.unsent;
            self.counts.open_incidents = delivery.open;
            for line in status_lines(&self.answer, &delivery.open_by_bucket, self.now) {
                self.guard.log.line(line);
            }
        }
        let failed = self.items.iter().filter(|state| state.failed).count();
        let mut line = log_line(&self.answer, decoded.items.len(), failed, &self.call.request_id);
        // Outside Lambda nobody turns the line into metrics.
        if let Some(function) = self.call.function_arn.as_deref().and_then(metrics::function_name) {
            let usage = self.guard.meter.as_ref().map(|meter| meter.take()).unwrap_or_default();
            let counts = Counts { failed, ..self.counts };
            metrics::embed(&mut line, function, self.guard.clock.now(), &self.answer, counts, &usage);
        }
        self.guard.log.line(line);
    }

    /// Records a problem of an item, which fails the item.
    fn problem(&mut self, index: usize, problem: Problem) {
        if let Some(state) = self.items.get_mut(index) {
            state.failed = true;
        }
        self.answer.problems.push(problem);
    }

    /// Records something that is said but fails nothing: a bucket that is not ours to look at.
    fn remark(&mut self, at: String, saw: String, want: &str) {
        self.answer.problems.push(Problem { at, saw, want: want.to_owned(), retryable: false });
    }

    fn contract(&self, bucket: &str) -> Option<&Contract> {
        self.guard.config.contracts.iter().find(|contract| contract.bucket == bucket)
    }

    fn observer(&self) -> Observer<'_, W> {
        Observer {
            aws: &self.aws,
            clock: &self.guard.clock,
            darwin: &self.guard.config.darwin,
            home: &self.home,
            rcps: &self.guard.config.rcps,
            caches: &self.guard.caches,
            deadline: self.call.deadline,
        }
    }

    async fn reconcile(&self, job: Job<'_>) -> BucketReport {
        let reconciler: Reconciler<'_, W> = Reconciler {
            aws: &self.aws,
            store: self.guard.state(),
            clock: &self.guard.clock,
            config: &self.guard.config,
            home: &self.home,
            caches: &self.guard.caches,
            holder: &self.call.request_id,
        };
        reconciler.reconcile(job).await
    }

    /// What an event may do; a dry run is a dry run whatever came.
    fn permit(&self) -> Permit {
        if self.call.dry_run { Permit::DryRun } else { Permit::Live }
    }

    /// Whether too little time is left to begin something.
    fn out_of_time(&self) -> bool {
        !self.guard.clock.now().leaves(Duration::ZERO, self.call.deadline)
    }
}

fn is_manual(decoded: &Decoded) -> bool {
    decoded.items.iter().flat_map(|item| &item.triggers).any(|trigger| matches!(trigger, Trigger::Manual(_)))
}

fn failure(decoded: &Decoded, answer: &Answer) -> Failure {
    let not_understood = decoded.items.iter().any(|item| !item.problems.is_empty());
    let kind = if not_understood { "NotUnderstood" } else { "TryAgain" };
    Failure { kind, message: json!({ "problems": answer.problems }).to_string() }
}
