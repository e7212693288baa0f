//! `make bench`: the release `bootstrap` beside a bare handler, in interleaved rounds against one AWS on loopback.
//!
//! lambda-bench BOOTSTRAP BARE [--rounds N] [--json FILE] [--markdown FILE] [--svg FILE]
//! lambda-bench BOOTSTRAP BARE --hour OBJECTS --state URL: the simulated hour, as JSON (scripts/hour.py)

mod aws;
mod events;
mod function;
mod hour;
mod report;

use aws::{Aws, BUCKET};
use function::{Cost, Function};
use report::Row;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Objects at a time, as the template sets it for 512 MB, and as the bare handler is told.
const AT_ONCE: &str = "64";
/// Between a call and its answer, where a row has latency.
const LATENCY: Duration = Duration::from_millis(10);
/// Long enough that rounds of calls can be counted by it.
const ROUND: Duration = Duration::from_millis(200);

/// Where BENCHMARKS.md has what `make bench-hour` writes.
const HOUR: &str = "\n## The simulated hour\n";

/// The two functions that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Of {
    Bare,
    Guard,
}

/// Every sample by what was measured and of which.
#[derive(Default)]
struct Samples(BTreeMap<(&'static str, Of), Vec<f64>>);

impl Samples {
    fn add(&mut self, name: &'static str, of: Of, value: f64) {
        self.0.entry((name, of)).or_default().push(value);
    }

    fn of(&self, name: &'static str, of: Of) -> &[f64] {
        self.0.get(&(name, of)).map_or(&[], Vec::as_slice)
    }
}

struct Bench {
    aws: Aws,
    bootstrap: PathBuf,
    bare: PathBuf,
}

impl Bench {
    /// For these buckets.
    fn variables(&self, of: Of, buckets: &str) -> Vec<(String, String)> {
        let mut variables: Vec<(&str, String)> = vec![
            ("AWS_REGION", aws::REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned()),
            ("AWS_SESSION_TOKEN", "token".to_owned()),
            ("AWS_ENDPOINT_URL", format!("https://{}", self.aws.address)),
            ("SSL_CERT_FILE", self.aws.trust.display().to_string()),
        ];
        match of {
            Of::Bare => variables.push(("CONC", AT_ONCE.to_owned())),
            Of::Guard => variables.extend([
                ("READ_ONLY_BUCKETS", buckets.to_owned()),
                ("MODE", "repair".to_owned()),
                ("CONCURRENCY", AT_ONCE.to_owned()),
                ("INCIDENT_TABLE", "incidents".to_owned()),
                ("ALERT_TOPIC_ARN", format!("arn:aws:sns:{}:{}:alerts", aws::REGION, aws::ACCOUNT)),
            ]),
        }
        variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn start(&self, of: Of) -> Function {
        let program = match of {
            Of::Bare => &self.bare,
            Of::Guard => &self.bootstrap,
        };
        Function::start(program, &self.variables(of, BUCKET))
    }

    fn event(of: Of, count: usize, from: usize) -> String {
        let names: Vec<String> = (from..from + count).map(|n| format!("k1/uploads/frame-{n:09}.png")).collect();
        match of {
            Of::Bare => events::notification(&names),
            Of::Guard => events::batch(&names),
        }
    }

    /// One life of a function: init, first invocation, single objects, batches without and with latency.
    fn round(&self, of: Of, samples: &mut Samples) {
        let mut function = self.start(of);
        let mut from = 0;
        let mut invoke = |function: &mut Function, count: usize| -> Cost {
            let event = Self::event(of, count, from);
            from += count;
            let (answer, cost) = function.invoke(&event);
            let wanted = match of {
                Of::Bare => format!(r#"{{"kms":{count}}}"#),
                Of::Guard => r#"{"batchItemFailures":[]}"#.to_owned(),
            };
            assert_eq!(answer, wanted, "{of:?} of {count}");
            cost
        };
        let init = function.init;
        samples.add("init CPU", of, ms(init.cpu));
        self.aws.shared.take_calls();
        let first = invoke(&mut function, 1);
        samples.add("first CPU", of, ms(first.cpu));
        samples.add("init and first CPU", of, ms(init.cpu + first.cpu));
        samples.add("init and first time", of, ms(init.wall + first.wall));
        samples.add("first calls", of, total(&self.aws.shared.take_calls()));
        let singles: Vec<Cost> = (0..100).map(|_| invoke(&mut function, 1)).collect();
        samples.add("calls of 100 single objects", of, total(&self.aws.shared.take_calls()));
        samples.add("single CPU", of, report::median(&singles.iter().map(|cost| ms(cost.cpu)).collect::<Vec<_>>()));
        samples.add("single time", of, report::median(&singles.iter().map(|cost| ms(cost.wall)).collect::<Vec<_>>()));
        samples.add("peak of 1", of, function.peak_mib());
        // The first batch opens the connections.
        invoke(&mut function, 1_000);
        samples.add("peak of 1,000", of, function.peak_mib());
        self.aws.shared.take_calls();
        for _ in 0..2 {
            samples.add("batch of 1,000 CPU", of, ms(invoke(&mut function, 1_000).cpu));
        }
        samples.add("calls of 2,000 objects in batches", of, total(&self.aws.shared.take_calls()));
        for _ in 0..5 {
            samples.add("batch of 100 CPU", of, ms(invoke(&mut function, 100).cpu));
        }
        self.aws.shared.set_latency(LATENCY);
        for _ in 0..2 {
            samples.add("batch of 1,000 at 10 ms time", of, ms(invoke(&mut function, 1_000).wall));
        }
        self.aws.shared.set_latency(Duration::ZERO);
    }

    /// How many calls come one after another before the first answer: by how long they take.
    fn rounds_of_first(&self, of: Of) -> f64 {
        let mut function = self.start(of);
        self.aws.shared.set_latency(ROUND);
        let (_, cost) = function.invoke(&Self::event(of, 1, 0));
        self.aws.shared.set_latency(Duration::ZERO);
        (cost.wall.as_secs_f64() / ROUND.as_secs_f64()).floor()
    }

    /// Many keys through one process: CPU an object in the first and in the last quarter, and the peak of memory.
    fn many_keys(&self) -> String {
        const BATCH: usize = 500;
        let mut function = self.start(Of::Guard);
        let spent: Vec<f64> = (0..20)
            .map(|batch| {
                let names: Vec<String> = (0..BATCH).map(|n| format!("k{}/a.png", 1 + batch * BATCH + n)).collect();
                let (answer, cost) = function.invoke(&events::batch(&names));
                assert_eq!(answer, r#"{"batchItemFailures":[]}"#);
                ms(cost.cpu) / 500.0
            })
            .collect();
        let (first, last) = (report::median(&spent[..5]), report::median(&spent[15..]));
        let peak = function.peak_mib();
        format!(
            "10,000 new keys through one process: {first:.3} ms of CPU an object in the first quarter, {last:.3} ms in the last; peak {peak:.1} MiB"
        )
    }

    /// An audit of one bucket and of twenty, each call taking as long as a row with latency has it.
    fn audits(&self) -> String {
        self.aws.shared.set_latency(5 * LATENCY);
        let times = [1, 20].map(|count| {
            let names: Vec<String> = (0..count).map(|n| format!("acme-{n}")).collect();
            let mut function = Function::start(&self.bootstrap, &self.variables(Of::Guard, &names.join(",")));
            // The first opens connections.
            function.invoke(r#"{"action":"audit"}"#);
            let times: Vec<f64> = (0..5).map(|_| ms(function.invoke(r#"{"action":"audit"}"#).1.wall)).collect();
            report::median(&times)
        });
        self.aws.shared.set_latency(Duration::ZERO);
        let [one, twenty] = times;
        format!(
            "an audit at 50 ms a call: {one:.0} ms of one bucket, {twenty:.0} ms of twenty ({:.2}x, line 2x)",
            twenty / one
        )
    }
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

#[expect(clippy::cast_precision_loss, reason = "counts of calls are small")]
fn total(calls: &BTreeMap<&'static str, u64>) -> f64 {
    calls.values().sum::<u64>() as f64
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let option =
        |name: &str| arguments.iter().position(|held| held == name).and_then(|at| arguments.get(at + 1)).cloned();
    let [bootstrap, bare, ..] = arguments.as_slice() else { panic!("lambda-bench BOOTSTRAP BARE [--rounds N] …") };
    let rounds: usize = option("--rounds").map_or(9, |text| text.parse().unwrap());
    let scratch = std::env::temp_dir().join(format!("lambda-bench-{}", std::process::id()));
    std::fs::create_dir_all(&scratch).unwrap();
    let bench = Bench { aws: Aws::start(&scratch), bootstrap: bootstrap.into(), bare: bare.into() };
    if let Some(objects) = option("--hour") {
        let objects: usize = objects.parse().unwrap();
        let uploads = hour::Uploads { objects, keys: objects / 100, bad: objects / 20_000 };
        println!("{}", hour::run(&bench, uploads, &option("--state").expect("--state URL")));
        std::fs::remove_dir_all(&scratch).unwrap();
        return;
    }
    let mut samples = Samples::default();
    for of in [Of::Bare, Of::Guard] {
        samples.add("rounds of calls of the first", of, bench.rounds_of_first(of));
    }
    for round in 0..rounds {
        eprintln!("round {} of {rounds}", round + 1);
        // Neither always has the other's heat before it.
        let order = if round % 2 == 0 { [Of::Bare, Of::Guard] } else { [Of::Guard, Of::Bare] };
        for of in order {
            bench.round(of, &mut samples);
        }
    }
    let rows: Vec<Row> = report::rows(&samples, size_mb(&bench.bootstrap), size_mb(&bench.bare));
    let machine = report::machine(rounds, [bench.many_keys(), bench.audits()]);
    println!("{}", report::table(&rows, &machine));
    for (name, text) in [
        ("--json", report::json(&rows, &machine)),
        ("--markdown", report::markdown(&rows, &machine)),
        ("--svg", report::svg(&rows)),
    ] {
        if let Some(file) = option(name) {
            // What the hour came to stays: scripts/hour.py writes it.
            let held = std::fs::read_to_string(&file).unwrap_or_default();
            let hour = held.find(HOUR).filter(|_| name == "--markdown").map_or("", |at| &held[at..]);
            std::fs::write(file, text + hour).unwrap();
        }
    }
    std::fs::remove_dir_all(&scratch).unwrap();
}

#[expect(clippy::cast_precision_loss, reason = "a file's size in MB")]
fn size_mb(file: &Path) -> f64 {
    std::fs::metadata(file).unwrap().len() as f64 / 1e6
}
