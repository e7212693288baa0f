//! `check`: what Darwin could do after a change, from files alone.
//!
//! Must never call AWS, nor say OK of what the files do not say.

use crate::app::config::Config;
use crate::app::handler::{Call, Guard};
use crate::model::arn::{Arn, account_of_key, is_account_id, partition_of};
use crate::model::text::quoted;
use crate::policy::named::Named;
use crate::policy::rcp::ResourceControlPolicy;
use crate::proposal::documents::{Documents, Proposal, ProposedKey, Said, cors_rules, public_access_block};
use crate::proposal::{cloudformation, terraform};
use crate::report::answer::Answer;
use crate::shell::aws::clock::SystemClock;
use crate::shell::aws::reach::Wanted;
use crate::shell::environment::variable;
use crate::shell::tool::args::Check;
use crate::shell::tool::files::{policy_of, rcps, read_json, read_yaml};
use crate::shell::tool::guarded::{Place, of_arguments};
use crate::shell::tool::guards::{Lines, add};
use crate::shell::tool::print::{self, finish};
use crate::shell::tool::proposed::{Files, Key, Proposed};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Checks, and gives the exit status.
pub async fn check(check: Check, wanted: &Wanted, lines: Lines) -> Result<u8, String> {
    let (mut proposal, source) = proposal(&check)?;
    // A plan has keys of others' too: of its own, those count that a guarded bucket's encryption names.
    let in_proposal = proposal.keys.len();
    for given in &check.key_policies {
        let (arn, file) = key_and_file(given)?;
        proposal.keys.push(ProposedKey::new(file.display().to_string(), arn, Some(policy_of(&file)?)));
    }
    let rcps = rcps(&check.rcps.files)?;
    let named = named(&proposal, &rcps);
    let account = account(&check, &proposal, named)?;
    let region = region(wanted, named)?;
    if let Some(key) = proposal.keys.iter().skip(in_proposal).find(|key| named.keys && key.arn.is_none()) {
        let key = quoted(&key.name, 200);
        return Err(format!(
            "a policy is about some keys and not about others: say whose {key} is, with --key-policy ARN=FILE"
        ));
    }
    let place = Place { account: &account, region: &region };
    let mut config = of_arguments(&check.buckets, &check.contract, place)?;
    config.rcps = rcps;
    let keys = keys(&mut proposal, place);
    take_defaults(&config, &mut proposal)?;
    proposal.remarks.iter().for_each(|remark| print::remark(remark));
    let judged: Vec<String> = keys.iter().skip(in_proposal).map(|key| key.arn.clone()).collect();
    let answer = ask(config, Files { buckets: proposal.buckets, keys }, &judged, lines).await?;
    finish(&answer, &check.report, &source)
}

fn proposal(check: &Check) -> Result<(Proposal, String), String> {
    let named = |file: &Path, why: String| format!("`{}` is {why}", file.display());
    if let Some(file) = &check.terraform_plan {
        let plan = terraform::read(&read_json(file)?).map_err(|why| named(file, why))?;
        return Ok((plan, file.display().to_string()));
    }
    if let Some(file) = &check.template {
        let template = cloudformation::read(&read_yaml(file)?).map_err(|why| named(file, why))?;
        return Ok((template, file.display().to_string()));
    }
    let file = check.policy.as_deref().ok_or("no --policy, --terraform-plan or --template")?;
    let [bucket] = check.buckets.as_slice() else {
        return Err("several --bucket with one --policy, wanted one".to_owned());
    };
    let mut documents =
        Documents { bucket: bucket.clone(), policy: Said::Is(policy_of(file)?), ..Documents::default() };
    if let Some(file) = &check.cors {
        documents.cors = Said::Is(cors_rules(&read_json(file)?).map_err(|why| named(file, why))?);
    }
    if let Some(file) = &check.public_access_block {
        let block = public_access_block(&read_json(file)?).map_err(|why| named(file, why))?;
        documents.public_access_block = Said::Is(block);
    }
    Ok((Proposal { buckets: vec![documents], ..Proposal::default() }, file.display().to_string()))
}

/// `FILE`, or `ARN=FILE`.
fn key_and_file(given: &str) -> Result<(Option<String>, PathBuf), String> {
    match given.split_once('=').filter(|(arn, _)| arn.starts_with("arn:")) {
        None => Ok((None, given.into())),
        Some((arn, file)) if account_of_key(arn).is_some() => Ok((Some(arn.to_owned()), file.into())),
        Some((arn, _)) => Err(format!("--key-policy is of {}, wanted the ARN of a key", quoted(arn, 200))),
    }
}

/// Which facts make a difference to some document.
fn named(proposal: &Proposal, rcps: &[ResourceControlPolicy]) -> Named {
    let policies = proposal.buckets.iter().filter_map(|documents| match &documents.policy {
        Said::Is(text) => Some(text.as_str()),
        Said::Absent | Said::Nothing | Said::Later => None,
    });
    let keys = proposal.keys.iter().filter_map(|key| key.policy.as_deref());
    let texts = policies.chain(keys).chain(rcps.iter().map(ResourceControlPolicy::text));
    // A key of a known account is of the bucket's, or is not.
    let known = Named { account: proposal.keys.iter().any(|key| key.arn.is_some()), ..Named::default() };
    texts.map(Named::by).fold(known, Named::or)
}

fn account(check: &Check, proposal: &Proposal, named: Named) -> Result<String, String> {
    let said = check.account.clone().or_else(|| variable("AWS_ACCOUNT_ID").filter(|account| !account.is_empty()));
    if let Some(account) = said.or_else(|| proposal.account.clone()) {
        let wrong = format!("--account is {}, wanted an account id of 12 digits", quoted(&account, 60));
        return if is_account_id(&account) { Ok(account) } else { Err(wrong) };
    }
    if named.account {
        return Err(
            "a policy, or the ARN of a key, names an account, and which the bucket is of makes a difference: say which, with --account"
                .to_owned(),
        );
    }
    Ok(Place::ANY.account.to_owned())
}

fn region(wanted: &Wanted, named: Named) -> Result<String, String> {
    let variables = ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter().filter_map(variable);
    let said = wanted.region.clone().or_else(|| variables.into_iter().find(|region| !region.is_empty()));
    match said {
        Some(region) => Ok(region),
        None if named.region => Err("a policy names the Region of the resource: say which, with --region".to_owned()),
        None => Ok(Place::ANY.region.to_owned()),
    }
}

/// The keys with an ARN each: those that are not there yet get one that says which they are.
fn keys(proposal: &mut Proposal, place: Place<'_>) -> Vec<Key> {
    let mut keys = Vec::new();
    for (number, key) in proposal.keys.iter().enumerate() {
        let arn = key.arn.clone().filter(|arn| Arn::parse(arn).is_some()).unwrap_or_else(|| {
            let Place { account, region } = place;
            let partition = partition_of(region);
            let arn = format!("arn:{partition}:kms:{region}:{account}:key/proposed-{}", number + 1);
            proposal.remarks.push(format!("{arn} is {}", quoted(&key.name, 200)));
            arn
        });
        keys.push(Key { arn, policy: key.policy.clone(), enabled: key.enabled, grants: key.grants.clone() });
    }
    keys
}

/// What the files do not say counts as S3 makes it, where a change of theirs would show; each guarded bucket must be there.
fn take_defaults(config: &Config, proposal: &mut Proposal) -> Result<(), String> {
    for contract in &config.contracts {
        let bucket = &contract.bucket;
        let found = proposal.buckets.iter_mut().find(|documents| documents.bucket == *bucket);
        let documents =
            found.ok_or_else(|| format!("nothing in the input is about the bucket {}", quoted(bucket, 63)))?;
        if documents.encryption == Said::Nothing {
            documents.encryption = Said::Absent;
            proposal.remarks.push(format!("{bucket}: the default encryption is not said; SSE-S3 is assumed"));
        }
        if matches!(documents.policy, Said::Nothing | Said::Later) {
            proposal.remarks.push(format!("{bucket}: the bucket policy is not said, or known after the apply only"));
        }
    }
    Ok(())
}

/// The guard's own audit of the documents, and its judgement of the keys.
async fn ask(config: Config, files: Files, keys: &[String], lines: Lines) -> Result<Answer, String> {
    let files = Rc::new(files);
    let guard: Guard<Proposed> = Guard::new(config, Rc::clone(&files), None, None, SystemClock::seeded(), lines);
    for documents in &files.buckets {
        if let Said::Is(policy) = &documents.policy {
            guard.caches.settle(&documents.bucket, policy);
        }
    }
    let call = Call { deadline: None, function_arn: None, request_id: "check".to_owned(), dry_run: true };
    let mut events = vec![json!({ "action": "audit" })];
    for contract in guard.config.contracts.iter().filter(|_| !keys.is_empty()) {
        events.push(json!({ "action": "judge", "bucket": contract.bucket, "kms_keys": keys }));
    }
    let mut whole = Answer::default();
    for event in events {
        let answer = Box::pin(guard.report(&event, &call)).await;
        add(&mut whole, answer.map_err(|failure| format!("{}: {failure}", failure.kind))?);
    }
    // Nothing is there yet that could be activated.
    whole.activation = None;
    whole.buckets.iter_mut().for_each(|bucket| bucket.activation = None);
    Ok(whole)
}
