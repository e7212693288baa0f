//! `scan`: the objects that are there, judged from here, and what past one machine is printed and read.
//!
//! Must never take a part for the whole: what was not looked at is a problem of the report.

use crate::app::config::Config;
use crate::app::observe::{Caches, Observer};
use crate::app::ports::{Clock, ForAccount};
use crate::app::scan::Scan as Scanner;
use crate::app::scan::pace::Pace;
use crate::model::contract::{Contract, Home};
use crate::model::outcome::Problem;
use crate::report::markdown::scan::report as as_markdown;
use crate::report::page::scan::page as as_page;
use crate::report::scan::bigger::{batch_job, query};
use crate::report::scan::sheet::sheet;
use crate::report::scan::{ScanAnswer, estimate, exit_code, grouped, stopped, url};
use crate::scan::checkpoint::{Checkpoint, Subject, Total};
use crate::scan::stop::Stop;
use crate::scan::tally::Tally;
use crate::shell::aws::client::Clients;
use crate::shell::aws::clock::SystemClock;
use crate::shell::aws::outside::Outside;
use crate::shell::aws::reach::Wanted;
use crate::shell::tool::args::{Format, Guarded, Report, Scan};
use crate::shell::tool::guarded::configuration;
use crate::shell::tool::print::{self, about, agreed};
use crate::shell::tool::session::Session;
use crate::shell::tool::stack::Stack;
use files::{Kept, ObjectList};
use progress::Progress;
use signals::Signals;
use std::time::Duration;

mod files;
mod progress;
mod signals;
mod told;

/// Above so many objects a person is asked.
const ASKED_ABOVE: u64 = 1_000_000;
/// Between two looks at how far it is, each of which is kept.
const LOOK: Duration = Duration::from_secs(1);
/// KMS keys of one call to the deployed guard, which heads an object of each.
const KEYS_AT_ONCE: usize = 50;

type Here<'a> = Scanner<'a, Outside>;

/// Where and what is scanned.
struct Ground {
    session: Session,
    stack: Option<Stack>,
    config: Config,
    contract: Contract,
    prefix: String,
    region: String,
}

/// Scans, and gives the exit status.
pub async fn scan(scan: Scan, wanted: &Wanted) -> Result<u8, String> {
    if let Some(file) = &scan.batch_report {
        return finish(&told::tasks(file)?, &scan.report, "a job of S3 Batch Operations");
    }
    let ground = Ground::find(&scan, wanted).await?;
    if scan.print_query {
        return print::text(&query(&ground.contract, &ground.prefix)).map(|()| 0);
    }
    if scan.print_batch_job {
        return ground.print_batch_job();
    }
    Box::pin(ground.judged(&scan)).await
}

/// `s3://BUCKET[/PREFIX]`; the prefix as it is, not URL-encoded.
fn place(text: &str) -> Result<(&str, &str), String> {
    let rest = text.strip_prefix("s3://").filter(|rest| !rest.is_empty() && !rest.starts_with('/'));
    let rest = rest.ok_or_else(|| format!("a bucket is `{text}`, wanted s3://BUCKET or s3://BUCKET/PREFIX"))?;
    Ok(rest.split_once('/').unwrap_or((rest, "")))
}

impl Ground {
    async fn find(scan: &Scan, wanted: &Wanted) -> Result<Self, String> {
        let (bucket, prefix) = place(scan.place.as_deref().unwrap_or_default())?;
        let session = Session::open(wanted).await?;
        let contract = scan.contract.clone();
        let guarded = Guarded { buckets: vec![bucket.to_owned()], stack: scan.stack.clone(), contract };
        let stack = match &guarded.stack {
            Some(name) => Some(Stack::open(&session, name).await?),
            None => None,
        };
        let (config, region) = if let Some(stack) = &stack {
            (stack.configuration(&guarded)?, stack.region().to_owned())
        } else {
            let config = configuration(&guarded, session.place())?;
            let region = session.clients.for_account(session.account()).region_of(bucket).await;
            let region = region.unwrap_or_else(|| session.region.clone());
            (config.of(config.contracts.clone(), region.clone()), region)
        };
        let contract = config.contracts.first().cloned().ok_or("no bucket")?;
        Ok(Self { session, stack, config, contract, prefix: prefix.to_owned(), region })
    }

    fn home(&self) -> Result<Home, String> {
        self.config.home(None).map_err(|problem| problem.to_string())
    }

    fn print_batch_job(&self) -> Result<u8, String> {
        let stack = self.stack.as_ref().ok_or("--stack NAME says which deployed guard judges them")?;
        let (function, role) = (stack.function(), stack.batch_job_role());
        print::text(&batch_job(&self.contract, &self.prefix, function, role, &self.home()?)).map(|()| 0)
    }

    async fn judged(&self, scan: &Scan) -> Result<u8, String> {
        let home = self.home()?;
        let clients: Clients = self.session.clients.without_retries(&self.region);
        let (aws, clock, caches) =
            (clients.for_account(self.session.account()), SystemClock::seeded(), Caches::default());
        let observer = Observer {
            aws: &aws,
            clock: &clock,
            darwin: &self.config.darwin,
            home: &home,
            rcps: &self.config.rcps,
            caches: &caches,
            deadline: None,
        };
        let pace = Pace::new(usize::from(scan.concurrency), scan.rate);
        let scanner: Here<'_> = Scanner::new(observer, &self.contract, pace, scan.csv.is_some());
        let of = Subject::of(&self.contract, &self.prefix, &self.config.darwin, &home);
        if let Some(file) = &scan.keys {
            let tally = Box::pin(told::keys(file, &self.contract, &scanner)).await?;
            let problems = self.handed_over(&tally).await;
            return self.finish(scan, &ScanAnswer::of(&tally, &self.contract.bucket, &self.prefix, &home, problems));
        }
        let mut work =
            Work { ground: self, scan, scanner: &scanner, of, total: Total::default(), list: None, began: false };
        let ended = Box::pin(work.go()).await?;
        let began = work.began;
        let saved = scan.save.as_deref().filter(|_| began).map(|file| file.display().to_string());
        let (bucket, tally) = (&self.contract.bucket, scanner.tally());
        let problems = if let Err(stop) = &ended {
            vec![stopped(stop, bucket, &self.prefix, self.session.account(), saved.as_deref())]
        } else {
            let nothing = (tally.objects == 0).then(|| nothing(url(bucket, &self.prefix)));
            nothing.into_iter().chain(self.handed_over(&tally).await).collect()
        };
        let answer = ScanAnswer {
            sample: scan.sample.is_some(),
            ..ScanAnswer::of(&tally, bucket, &self.prefix, &home, problems)
        };
        let status = self.finish(scan, &answer)?;
        if ended.is_ok()
            && let Some(file) = &scan.save
        {
            files::remove(file)?;
        }
        Ok(status)
    }

    fn finish(&self, scan: &Scan, answer: &ScanAnswer) -> Result<u8, String> {
        finish(answer, &scan.report, &format!("account {}", &**self.session.account()))
    }

    async fn handed_over(&self, tally: &Tally) -> Vec<Problem> {
        match &self.stack {
            Some(stack) => hand_over(stack, &self.contract.bucket, tally).await,
            None => Vec::new(),
        }
    }
}

/// A scan under way.
struct Work<'a, 's> {
    ground: &'a Ground,
    scan: &'a Scan,
    scanner: &'a Here<'s>,
    of: Subject,
    total: Total,
    list: Option<ObjectList>,
    /// Something is kept to go on from.
    began: bool,
}

impl Work<'_, '_> {
    /// The whole of it; what ended it before its end.
    async fn go(&mut self) -> Result<Result<(), Stop>, String> {
        let prefix = self.ground.prefix.as_str();
        if let Some(most) = self.scan.sample {
            self.begin_list(None)?;
            let most = usize::try_from(most).unwrap_or(usize::MAX);
            return Ok(self.watched(self.scanner.sample(prefix, most), &mut Signals::listen()?).await);
        }
        let kept = match &self.scan.save {
            Some(file) => files::checkpoint(file, &self.of, &self.ground.contract)?,
            None => None,
        };
        if let Some(kept) = kept {
            self.begin_list(Some(&kept))?;
            let before = grouped(kept.tally.objects);
            print::remark(&format!("{before} objects were judged before; it goes on from there."));
            self.total = kept.total;
            self.scanner.resume(kept.left, kept.tally);
        } else {
            self.total = match self.scanner.count(prefix).await {
                Ok(total) => total,
                Err(stop) => return Ok(Err(stop)),
            };
            let estimate = estimate(self.total, self.scanner.pace.most(), self.scan.rate);
            print::remark(&format!("{}: {estimate}", url(&self.ground.contract.bucket, prefix)));
            if !self.total.whole {
                print::remark("For so many, --print-query and --print-batch-job have AWS's own engines do it.");
            }
            let many = !self.total.whole || self.total.objects > ASKED_ABOVE;
            if many && !self.scan.yes && !agreed("Scan them?", "say --yes. Nothing was scanned")? {
                return Err("nothing was scanned".to_owned());
            }
            self.begin_list(None)?;
        }
        self.began = true;
        // Up to here a signal ends the process: there is nothing to keep.
        Ok(self.watched(self.scanner.run(), &mut Signals::listen()?).await)
    }

    /// Opens the list of objects, at its place where a scan goes on.
    fn begin_list(&mut self, kept: Option<&Checkpoint>) -> Result<(), String> {
        self.list = match (&self.scan.csv, kept.map(|kept| kept.csv)) {
            (None, Some(Some(_))) => {
                return Err("the scan was begun with --csv, and goes on with the same file".to_owned());
            }
            (Some(_), Some(None)) => {
                return Err("the scan was begun without --csv, so that a list would lack objects".to_owned());
            }
            (None, _) => None,
            (Some(file), None) => Some(ObjectList::create(file)?),
            (Some(file), Some(Some(bytes))) => Some(ObjectList::go_on(file, bytes)?),
        };
        Ok(())
    }

    /// Runs it, looks every second how far it is, and ends it where somebody wants so.
    async fn watched(
        &mut self,
        run: impl Future<Output = Result<(), Stop>>,
        signals: &mut Signals,
    ) -> Result<(), Stop> {
        let mut run = Box::pin(run);
        let clock = SystemClock::seeded();
        let mut progress = Progress::begin(clock.now(), self.scanner.look(|tally| tally.objects));
        let ended = loop {
            tokio::select! {
                biased;
                () = signals.next() => break Err(Stop::Interrupted),
                () = tokio::time::sleep(LOOK) => {}
                ended = &mut run => break ended,
            }
            self.scanner.look(|tally| progress.look(clock.now(), tally, self.total));
            if let Err(why) = self.keep() {
                break Err(Stop::Unkept(why));
            }
        };
        // Nothing goes on behind the last that is kept.
        drop(run);
        progress.end();
        match ended {
            // What was taken to be kept is lost: the last that was kept stands.
            Err(Stop::Unkept(why)) => Err(Stop::Unkept(why)),
            ended => self.keep().map_err(Stop::Unkept).and(ended),
        }
    }

    /// Keeps where it stands: first the list, then what of the list counts.
    fn keep(&mut self) -> Result<(), String> {
        let rows = self.scanner.take_rows();
        if let Some(list) = &mut self.list {
            list.add(&rows)?;
        }
        let Some(file) = self.scan.save.as_deref().filter(|_| self.began) else { return Ok(()) };
        let csv = match &mut self.list {
            Some(list) => Some(list.keep()?),
            None => None,
        };
        let (left, tally) = self.scanner.stand();
        Kept::write(file, &Checkpoint::new(self.of.clone(), self.total, left, tally, csv))
    }
}

/// Tells the deployed guard the KMS keys, each with an object; what it could not take.
async fn hand_over(stack: &Stack, bucket: &str, tally: &Tally) -> Vec<Problem> {
    let keys: Vec<(&str, &str)> = tally
        .keys
        .iter()
        .flat_map(|(key, of_key)| of_key.samples.iter().map(move |sample| (key.as_str(), sample.as_str())))
        .collect();
    let mut problems = Vec::new();
    for part in keys.chunks(KEYS_AT_ONCE) {
        match stack.known_keys(bucket, part).await {
            Ok(answer) => problems.extend(answer.problems),
            Err(why) => {
                let (at, want) =
                    (format!("known-keys of {bucket}"), "a deployed guard that remembers the KMS keys".to_owned());
                problems.push(Problem { at, saw: why, want, retryable: false });
                break;
            }
        }
    }
    problems
}

/// Writes and prints the report; the exit status.
fn finish(answer: &ScanAnswer, wanted: &Report, of: &str) -> Result<u8, String> {
    if let Some(file) = &wanted.html {
        print::write_page(&as_page(answer, &about(of)), file)?;
    }
    match wanted.format {
        Format::Text => print::painted(&sheet(answer))?,
        Format::Markdown => print::text(&as_markdown(answer))?,
        Format::Json => print::json(answer)?,
    }
    Ok(exit_code(answer))
}

fn nothing(at: String) -> Problem {
    Problem { at, saw: "no object that Darwin reads".to_owned(), want: "objects".to_owned(), retryable: false }
}
