//! `repair`: the verb is the consent. Shows who writes, where and what, asks, writes, and reads it back.
//!
//! Must never write what was not shown.

use crate::app::config::Config;
use crate::model::contract::Mode;
use crate::model::finding::Kind;
use crate::model::outcome::ActionResult;
use crate::policy::rcp::ResourceControlPolicy;
use crate::report::answer::{Answer, BucketAnswer, exit_code};
use crate::shell::aws::reach::Wanted;
use crate::shell::tool::args::Repair;
use crate::shell::tool::files::rcps;
use crate::shell::tool::guarded::configuration;
use crate::shell::tool::guards::{Guards, Lines};
use crate::shell::tool::print::{self, agreed, finish};
use crate::shell::tool::session::Session;
use crate::shell::tool::stack::Stack;
use serde_json::json;

/// What a repair from a desk lacks.
const WITHOUT_GUARD: &str = "No deployed guard takes part (--stack NAME): nothing keeps two repairs from colliding, counts \
                             them, or finds out whose change fell in between.";

/// Who repairs.
enum Hand {
    /// From here.
    Own(Guards),
    /// The deployed guard, of these buckets.
    Deployed(Box<(Stack, Config)>),
}

impl Hand {
    async fn ask(&self, dry_run: bool) -> Result<Answer, String> {
        match self {
            Self::Own(guards) => guards.ask(&json!({ "action": "repair" }), dry_run).await,
            Self::Deployed(deployed) => deployed.0.repair(&deployed.1, dry_run).await,
        }
    }

    fn regions(&self) -> Vec<&str> {
        match self {
            Self::Own(guards) => guards.regions(),
            Self::Deployed(deployed) => vec![deployed.0.region()],
        }
    }
}

/// Repairs, and gives the exit status: 1 too where a write was refused.
pub async fn repair(repair: Repair, wanted: &Wanted, lines: Lines) -> Result<u8, String> {
    if repair.guarded.stack.is_some() && !repair.rcps.files.is_empty() {
        return Err("--rcp with --stack: the deployed guard repairs, and takes no RCP".to_owned());
    }
    let rcps = rcps(&repair.rcps.files)?;
    let session = Session::open(wanted).await?;
    let hand = hand(&repair, &session, rcps, lines).await?;
    let of = format!("Account {}", session.account());
    let planned = hand.ask(true).await?;
    if repair.dry_run || plans(&planned).is_empty() {
        if !repair.dry_run && planned.buckets.iter().any(is_paused) {
            print::remark("Paused: nothing is written.");
        }
        return finish(&planned, &repair.report, &of);
    }
    let (arn, account, regions) = (&session.caller.arn, session.account(), hand.regions().join(", "));
    print::remark(&format!("Caller:  {arn}\nAccount: {account}\nRegion:  {regions}"));
    if matches!(hand, Hand::Own(_)) {
        print::remark(WITHOUT_GUARD);
    }
    for (bucket, plan) in plans(&planned) {
        print::remark(&format!("\nTo be written to {bucket}:"));
        print::difference(plan);
    }
    if !repair.yes && !agreed("Write this?", "look at --dry-run, then say --yes. Nothing was written")? {
        return Err("nothing was written".to_owned());
    }
    if plans(&hand.ask(true).await?) != plans(&planned) {
        return Err("a bucket was changed meanwhile, so that something else would be written: nothing was written; \
                    look again"
            .to_owned());
    }
    let answer = hand.ask(false).await?;
    finish(&answer, &repair.report, &of)?;
    let refused =
        answer.buckets.iter().flat_map(|bucket| &bucket.actions).any(|action| action.result != ActionResult::Done);
    Ok(exit_code(&answer).max(u8::from(refused)))
}

async fn hand(
    repair: &Repair,
    session: &Session,
    rcps: Vec<ResourceControlPolicy>,
    lines: Lines,
) -> Result<Hand, String> {
    if let Some(stack) = &repair.guarded.stack {
        let stack = Stack::open(session, stack).await?;
        let config = stack.configuration(&repair.guarded)?;
        return Ok(Hand::Deployed(Box::new((stack, config))));
    }
    let mut config = configuration(&repair.guarded, session.place())?;
    config.mode = Mode::Repair;
    config.rcps = rcps;
    Ok(Hand::Own(Guards::find(session, &config, lines).await))
}

/// What would be written, where the pause tag allows it.
fn plans(answer: &Answer) -> Vec<(&str, &str)> {
    let running = answer.buckets.iter().filter(|bucket| !is_paused(bucket));
    running.filter_map(|bucket| Some((bucket.bucket.as_str(), bucket.plan.as_deref()?))).collect()
}

fn is_paused(bucket: &BucketAnswer) -> bool {
    bucket.findings.iter().any(|finding| finding.kind == Kind::Paused)
}
