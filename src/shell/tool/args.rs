//! What can be typed. `--help` is made of the comments here.

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use std::path::PathBuf;

/// Can V7 Darwin read your S3 buckets? The same answers as the Darwin S3 guard gives, before it is deployed and in a pull request.
///
/// Buckets and objects are read with your AWS credentials: environment, profiles, SSO, login sessions, credential_process;
/// proxies (HTTPS_PROXY, NO_PROXY) and AWS_CA_BUNDLE count. Only `repair` and `event` write, and `event` under MODE=repair only.
///
/// Exit status: 0 all well (open questions are printed), 1 denied, findings or drift left, 2 could not run, or not all of it.
#[derive(Debug, Parser)]
#[command(name = "darwin-guard", version, max_term_width = 110)]
pub struct Arguments {
    #[command(subcommand)]
    pub verb: Verb,
    /// A profile of the AWS configuration
    #[arg(long, global = true, value_name = "NAME", help_heading = "AWS")]
    pub profile: Option<String>,
    /// The Region to begin in; each bucket's own Region is found
    #[arg(long, global = true, value_name = "REGION", help_heading = "AWS")]
    pub region: Option<String>,
    /// Log lines on standard error
    #[arg(long, short, global = true)]
    pub verbose: bool,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Read and judge buckets: what Darwin can do, what is wrong, how to fix it; writes nothing
    #[command(after_help = "\
Examples:
  darwin-guard audit acme-lidar --access read-write --prefix darwin/ --team 'Acme Vision'
  darwin-guard audit acme-lidar acme-slides --html audit.html
  darwin-guard audit --stack darwin-s3-guard --format markdown
  darwin-guard audit            # the buckets of READ_ONLY_BUCKETS, READ_WRITE_BUCKETS or GUARDED_BUCKETS")]
    Audit(Audit),
    /// Put Darwin's own policy statement and CORS rule back, after showing the change and asking
    #[command(after_help = "\
Examples:
  darwin-guard repair acme-lidar --access read-write --dry-run
  darwin-guard repair acme-lidar --access read-write
  darwin-guard repair acme-lidar --stack darwin-s3-guard     # the deployed guard does it: lease, counter, history

Refused while the bucket has the tag darwin-guard=paused, or its tags can't be read.")]
    Repair(Repair),
    /// Judge objects, or KMS keys: can Darwin read them?
    #[command(after_help = "\
Examples:
  darwin-guard judge s3://acme-lidar/raw/a.png s3://acme-lidar/raw/b.png
  darwin-guard judge --bucket acme-lidar --kms-key arn:aws:kms:eu-central-1:111122223333:key/KEY-ID")]
    Judge(Judge),
    /// Judge every object that is there: which can Darwin not read, and why? Writes nothing
    #[command(after_help = "\
Examples:
  darwin-guard scan s3://acme-lidar
  darwin-guard scan s3://acme-lidar/raw/ --save scan.json --csv unreadable.csv --html scan.html
  darwin-guard scan s3://acme-lidar --sample 500                       # some objects from all over
  darwin-guard scan s3://acme-lidar --stack darwin-s3-guard            # and let the deployed guard remember the KMS keys

Each object costs one HeadObject ($0.40 a million), said before it begins. Past some ten million objects:
  darwin-guard scan s3://acme-lidar --print-query                      # no call an object: S3 Metadata and Athena
  darwin-guard scan s3://acme-lidar --keys result.csv                  # judges its result
  darwin-guard scan s3://acme-lidar --stack NAME --print-batch-job     # S3 Batch Operations and the deployed guard
  darwin-guard scan --batch-report report.csv                          # reads its completion report")]
    Scan(Box<Scan>),
    /// What could Darwin do after a change? Reads files, asks AWS nothing and needs no credentials
    #[command(after_help = "\
Examples:
  darwin-guard check --bucket acme-lidar --policy policy.json --cors cors.json
  terraform show -json plan.out > plan.json && darwin-guard check --bucket acme-lidar --terraform-plan plan.json --format markdown
  darwin-guard check --bucket acme-lidar --template template.yaml

What the files don't say counts as AWS's default: SSE-S3, the bucket's owner pays. A policy that is known after the apply only
makes an open question, never an OK.")]
    Check(Check),
    /// Compare V7's own list of your team's storage connections with the guarded buckets
    #[command(after_help = "\
Examples:
  V7_API_KEY=... darwin-guard v7 --team acme-vision --stack darwin-s3-guard
  darwin-guard v7 --team acme-vision --storage storage.json acme-lidar --access read-write --prefix darwin/

One GET of https://darwin.v7labs.com; nothing is changed on either side. Without buckets and --stack: the environment's.")]
    V7(V7),
    /// Handle one event as the function does, with the configuration of the environment
    #[command(after_help = "\
Example:
  darwin-guard event events/eventbridge-object-created.json --dry-run")]
    Event(Event),
    /// Print the completions of a shell
    Completions { shell: Shell },
}

#[derive(Debug, Args)]
pub struct Audit {
    #[command(flatten)]
    pub guarded: Guarded,
    #[command(flatten)]
    pub rcps: Rcps,
    #[command(flatten)]
    pub report: Report,
}

#[derive(Debug, Args)]
pub struct Repair {
    #[command(flatten)]
    pub guarded: Guarded,
    #[command(flatten)]
    pub rcps: Rcps,
    /// Show what would be written, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub report: Report,
}

#[derive(Debug, Args)]
pub struct Judge {
    /// Objects, as s3://BUCKET/KEY
    #[arg(value_name = "s3://BUCKET/KEY", required_unless_present = "kms_keys")]
    pub objects: Vec<String>,
    /// The bucket whose objects are under the keys
    #[arg(long, requires = "kms_keys")]
    pub bucket: Option<String>,
    /// ARN of a KMS key
    #[arg(long = "kms-key", value_name = "ARN", requires = "bucket")]
    pub kms_keys: Vec<String>,
    #[command(flatten)]
    pub contract: Contract,
    /// The form of the report
    #[arg(long, value_enum, default_value_t = Plain::Text)]
    pub format: Plain,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("instead").args(["sample", "print_batch_job", "print_query", "keys", "batch_report"]))]
pub struct Scan {
    /// The bucket, or the keys in it that begin with PREFIX
    #[arg(value_name = "s3://BUCKET[/PREFIX]", required_unless_present = "batch_report")]
    pub place: Option<String>,
    /// Most calls at once; fewer while S3 asks for it
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub concurrency: u16,
    /// Most objects a second
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rate: Option<u32>,
    /// Keep in this file where the scan stands; the same command again goes on from there
    #[arg(long, value_name = "FILE", conflicts_with = "instead")]
    pub save: Option<PathBuf>,
    /// Write a list of the objects that Darwin can't read, or may not be able to
    #[arg(long, value_name = "FILE", conflicts_with_all = ["print_batch_job", "print_query", "keys", "batch_report"])]
    pub csv: Option<PathBuf>,
    /// Judge at most N objects from all over; proves nothing about the rest
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub sample: Option<u32>,
    /// The configuration of a deployed guard, which is told the KMS keys that were seen
    #[arg(long, value_name = "NAME")]
    pub stack: Option<String>,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// Print the job of S3 Batch Operations that has the deployed guard judge each object
    #[arg(long, requires = "stack", help_heading = "Past one machine")]
    pub print_batch_job: bool,
    /// Print the Athena query over S3 Metadata that finds the KMS keys of all objects
    #[arg(long, help_heading = "Past one machine")]
    pub print_query: bool,
    /// Judge the result of that query (CSV, as Athena stores it)
    #[arg(long, value_name = "FILE", help_heading = "Past one machine")]
    pub keys: Option<PathBuf>,
    /// Read the completion report of such a job (CSV)
    #[arg(long, value_name = "FILE", conflicts_with = "place", help_heading = "Past one machine")]
    pub batch_report: Option<PathBuf>,
    #[command(flatten)]
    pub contract: Contract,
    #[command(flatten)]
    pub report: Report,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("proposal").required(true).args(["policy", "terraform_plan", "template"]))]
pub struct Check {
    /// The bucket that is guarded; several with a plan or a template
    #[arg(long = "bucket", value_name = "B", required = true)]
    pub buckets: Vec<String>,
    /// The bucket policy as it would be
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// `terraform show -json` of a plan
    #[arg(long, value_name = "FILE")]
    pub terraform_plan: Option<PathBuf>,
    /// A CloudFormation template (YAML or JSON): its literal parts
    #[arg(long, value_name = "FILE")]
    pub template: Option<PathBuf>,
    /// CORS rules as they would be, with --policy
    #[arg(long, value_name = "FILE", requires = "policy")]
    pub cors: Option<PathBuf>,
    /// A key policy that objects would be under, and the key's ARN where a policy names keys
    #[arg(long = "key-policy", value_name = "[ARN=]FILE")]
    pub key_policies: Vec<String>,
    /// The public access block as it would be, with --policy
    #[arg(long, value_name = "FILE", requires = "policy")]
    pub public_access_block: Option<PathBuf>,
    #[command(flatten)]
    pub rcps: Rcps,
    /// The account of the bucket [default: AWS_ACCOUNT_ID, or what the plan says]
    #[arg(long, value_name = "ID")]
    pub account: Option<String>,
    #[command(flatten)]
    pub contract: Contract,
    #[command(flatten)]
    pub report: Report,
}

#[derive(Debug, Args)]
pub struct Event {
    /// A file, or `-` for standard input
    pub file: String,
    /// Write and publish nothing, whatever the event asks
    #[arg(long)]
    pub dry_run: bool,
    /// The form of the report
    #[arg(long, value_enum, default_value_t = Plain::Text)]
    pub format: Plain,
}

#[derive(Debug, Args)]
pub struct V7 {
    /// V7's list from a file, not from V7
    #[arg(long, value_name = "FILE")]
    pub storage: Option<PathBuf>,
    #[command(flatten)]
    pub guarded: Guarded,
    /// The form of the report
    #[arg(long, value_enum, default_value_t = Plain::Text)]
    pub format: Plain,
}

/// Which buckets, and what Darwin may do with them.
#[derive(Debug, Args)]
pub struct Guarded {
    /// Buckets; none: those of the environment, as the function has it
    #[arg(value_name = "BUCKET")]
    pub buckets: Vec<String>,
    /// The configuration of a deployed guard, by the name of its CloudFormation stack
    #[arg(long, value_name = "NAME")]
    pub stack: Option<String>,
    #[command(flatten)]
    pub contract: Contract,
}

/// What the account's organization adds.
#[derive(Debug, Args)]
pub struct Rcps {
    /// A resource control policy of the account's organization, which no call from the account shows: judged as further Denies
    #[arg(long = "rcp", value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// What V7 may do with the buckets that are named.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "What Darwin may do")]
pub struct Contract {
    /// What Darwin may do with the objects [default: read-only]
    #[arg(long, value_enum)]
    pub access: Option<Access>,
    /// Where thumbnails and extracted frames are, e.g. darwin/
    #[arg(long, value_name = "PREFIX")]
    pub prefix: Option<String>,
    /// A key prefix that Darwin reads; none: the whole bucket
    #[arg(long = "read-prefix", value_name = "PREFIX")]
    pub read_prefixes: Vec<String>,
    /// Writing is for --prefix alone
    #[arg(long)]
    pub scope_writes: bool,
    /// A key prefix that Darwin need not read
    #[arg(long = "not-read", value_name = "PREFIX")]
    pub not_read: Vec<String>,
    /// Listing too, which V7 asks for with MIRAX files
    #[arg(long)]
    pub list: bool,
    /// Your team's name in Darwin, for the activation text; for `v7` as Darwin's addresses have it
    #[arg(long, value_name = "NAME")]
    pub team: Option<String>,
}

impl Contract {
    /// Whether an option of it was given.
    pub fn is_given(&self) -> bool {
        let Self { access, prefix, read_prefixes, scope_writes, not_read, list, team: _ } = self;
        access.is_some()
            || prefix.is_some()
            || !read_prefixes.is_empty()
            || *scope_writes
            || !not_read.is_empty()
            || *list
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Access {
    ReadOnly,
    ReadWrite,
}

impl From<Access> for crate::model::contract::Access {
    fn from(access: Access) -> Self {
        match access {
            Access::ReadOnly => Self::ReadOnly,
            Access::ReadWrite => Self::ReadWrite,
        }
    }
}

/// How to report.
#[derive(Debug, Args)]
#[command(next_help_heading = "Report")]
pub struct Report {
    /// The form on standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Write a page to this file too: one file, with a picture of how Darwin reads each bucket
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Json,
    Markdown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Plain {
    Text,
    Json,
}

impl From<Plain> for Format {
    fn from(plain: Plain) -> Self {
        match plain {
            Plain::Text => Self::Text,
            Plain::Json => Self::Json,
        }
    }
}
