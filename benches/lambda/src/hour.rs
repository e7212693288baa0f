//! The simulated hour: a million uploads of a project a key, at several functions, with S3's and KMS's quotas, faults,
//! duplicates and redelivery. What the functions keep and send goes to another AWS (`--state URL`), where it can be counted.

use crate::aws::{ACCOUNT, BUCKET, Quotas, REGION};
use crate::function::Function;
use crate::{Bench, events};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// As Lambda takes them from the template's queue.
const BATCH: usize = 100;
/// Keys whose uploads come at the same time: so many projects are filled at once.
const AT_THE_SAME_TIME: usize = 20;
/// Every so many events come twice.
const DUPLICATE: usize = 100;
/// Functions at once.
const FUNCTIONS: usize = 10;
/// How often a record is delivered before it goes to the dead-letter queue, as the template has it. Here it comes again behind
/// what waits, and not after six minutes.
const DELIVERIES: u32 = 15;

/// What is uploaded.
#[derive(Debug, Clone, Copy)]
pub struct Uploads {
    pub objects: usize,
    pub keys: usize,
    /// Keys that Darwin may not use: the first ones.
    pub bad: usize,
}

struct Queue {
    waiting: VecDeque<Vec<(String, u32)>>,
    at_work: usize,
    dead: u64,
    delivered: u64,
    again: u64,
    /// Of each bad key.
    of_bad: BTreeMap<usize, u64>,
}

/// Runs it, and says what came of it.
pub fn run(bench: &Bench, uploads: Uploads, state: &str) -> Value {
    bench.aws.shared.set_quotas(Some(Quotas::of_aws(uploads.bad)));
    let queue = Mutex::new(Queue {
        waiting: batches(uploads),
        at_work: 0,
        dead: 0,
        delivered: 0,
        again: 0,
        of_bad: BTreeMap::new(),
    });
    let mut variables = bench.variables(crate::Of::Guard, BUCKET);
    // The emulator takes the account from it.
    variables.retain(|(name, _)| name != "AWS_ACCESS_KEY_ID");
    variables.push(("AWS_ACCESS_KEY_ID".to_owned(), ACCOUNT.to_owned()));
    for service in ["DYNAMODB", "SNS"] {
        variables.push((format!("AWS_ENDPOINT_URL_{service}"), state.to_owned()));
    }
    bench.aws.shared.take_calls();
    let began = Instant::now();
    let logs: Vec<PathBuf> = (0..FUNCTIONS).map(|n| bench.aws.trust.with_extension(n.to_string())).collect();
    let cpu: Vec<Duration> = std::thread::scope(|scope| {
        let each: Vec<_> =
            logs.iter().map(|log| scope.spawn(|| work(bench, &variables, &queue, log, uploads.bad))).collect();
        each.into_iter().map(|function| function.join().unwrap()).collect()
    });
    let took = began.elapsed();
    let queue = queue.into_inner().unwrap();
    let (calls, refused) = (bench.aws.shared.take_calls(), bench.aws.shared.take_refused());
    bench.aws.shared.set_quotas(None);
    json!({
        "objects": uploads.objects, "keys": uploads.keys, "bad_keys": uploads.bad, "functions": FUNCTIONS,
        "seconds": took.as_secs_f64(), "cpu_seconds": cpu.iter().sum::<Duration>().as_secs_f64(),
        "records_delivered": queue.delivered, "records_given_back": queue.again, "records_dead": queue.dead,
        "records_of_bad_keys": queue.of_bad, "judged_by_its_log": logged(&logs, "objects."),
        "calls": calls, "calls_by_its_log": logged(&logs, "aws.calls."), "refused_or_failed": refused, "account": ACCOUNT, "region": REGION, "bucket": BUCKET,
    })
}

/// What the functions' own logs count: each number whose path begins so.
fn logged(logs: &[PathBuf], start: &str) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for log in logs {
        for line in std::fs::read_to_string(log).unwrap().lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            let calls = line["aws.calls"].as_object().into_iter().flatten();
            let all = line.as_object().unwrap().iter().map(|(name, value)| (name.clone(), value));
            for (name, value) in all.chain(calls.map(|(name, value)| (format!("aws.calls.{name}"), value))) {
                if let (Some(name), Some(count)) = (name.strip_prefix(start), value.as_u64()) {
                    *counts.entry(name.to_owned()).or_default() += count;
                }
            }
        }
    }
    counts
}

/// The batches, in the order of their uploads.
fn batches(uploads: Uploads) -> VecDeque<Vec<(String, u32)>> {
    let each = uploads.objects / uploads.keys;
    let mut records = Vec::with_capacity(uploads.objects + uploads.objects / DUPLICATE);
    for group in 0..uploads.keys.div_ceil(AT_THE_SAME_TIME) {
        for n in 0..each {
            for key in (group * AT_THE_SAME_TIME..(group + 1) * AT_THE_SAME_TIME).filter(|key| *key < uploads.keys) {
                let name = format!("uploads/k{}/frame-{n:06}.png", spread(key, uploads.keys));
                if records.len() % DUPLICATE == 0 {
                    records.push((name.clone(), 0));
                }
                records.push((name, 0));
            }
        }
    }
    records.chunks(BATCH).map(<[_]>::to_vec).collect()
}

/// The number of the key that an object is under.
fn key_of(name: &str) -> usize {
    name.split('/').find_map(|part| part.strip_prefix('k')?.parse().ok()).unwrap()
}

/// The bad keys are not all at the beginning.
fn spread(key: usize, keys: usize) -> usize {
    // Prime to any power of ten: each number is given once.
    key * 7 % keys
}

/// One function, until nothing waits and nobody is at work.
fn work(bench: &Bench, variables: &[(String, String)], queue: &Mutex<Queue>, log: &Path, bad: usize) -> Duration {
    let mut function = Function::logging(&bench.bootstrap, variables, File::create(log).unwrap().into());
    let mut cpu = function.init.cpu;
    loop {
        let batch = {
            let mut queue = queue.lock().unwrap();
            match queue.waiting.pop_front() {
                Some(batch) => {
                    queue.at_work += 1;
                    batch
                }
                None if queue.at_work == 0 => return cpu,
                None => {
                    drop(queue);
                    std::thread::sleep(Duration::from_millis(20));
                    continue;
                }
            }
        };
        let names: Vec<String> = batch.iter().map(|(name, _)| name.clone()).collect();
        let (answer, cost) = function.invoke(&events::batch(&names));
        cpu += cost.cpu;
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let failed = answer["batchItemFailures"].as_array().unwrap();
        let back: Vec<(String, u32)> = failed
            .iter()
            .map(|failure| {
                let (name, times) = &batch[events::index_of(failure["itemIdentifier"].as_str().unwrap())];
                (name.clone(), times + 1)
            })
            .collect();
        let mut queue = queue.lock().unwrap();
        queue.at_work -= 1;
        queue.delivered += batch.len() as u64;
        for key in names.iter().map(|name| key_of(name)).filter(|key| *key < bad) {
            *queue.of_bad.entry(key).or_default() += 1;
        }
        queue.again += back.len() as u64;
        let (dead, back): (Vec<_>, Vec<_>) = back.into_iter().partition(|(_, times)| *times >= DELIVERIES);
        queue.dead += dead.len() as u64;
        if !back.is_empty() {
            queue.waiting.push_back(back);
        }
    }
}
