//! The environment, read and validated once: docs/configuration.md has every variable.
//!
//! Reads through a lookup: the shell alone touches the environment. Must never fill in what is wrong with a default: a wrong value is told and the
//! guard does not start.

use crate::app::config::problem::{ConfigProblem, ConfigProblems};
use crate::model::arn::{AccountId, Arn, is_account_id, is_region, partition_of};
use crate::model::contract::{Access, Ceiling, Contract, Darwin, Home, Mode};
use crate::policy::rcp::ResourceControlPolicy;
use std::time::Duration;
mod buckets;
mod lists;
pub mod problem;
mod reader;
mod values;

use reader::{Lookup, Reader};
use values::{cut, exact_arn};

/// V7's role, origin and Sid.
const ROLE: &str = "arn:aws:iam::258327614892:role/external_s3";
const ORIGIN: &str = "https://darwin.v7labs.com";
const SID: &str = "DarwinAccess";

/// Everything that the guard is told about its deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// One contract per guarded bucket; not empty, no bucket twice.
    pub contracts: Vec<Contract>,
    pub darwin: Darwin,
    pub mode: Mode,
    pub ceiling: Ceiling,
    /// ARN of the SNS topic; none: an alert is a log line.
    pub topic: Option<String>,
    /// Name of the DynamoDB table; none: state lives in the process.
    pub table: Option<String>,
    /// Turn EventBridge delivery on where it is off.
    pub enable_event_bridge: bool,
    /// Repairs of a bucket within the window before it is contested.
    pub contested_limit: u32,
    /// The window: how far back repairs are counted.
    pub contested_window: Duration,
    /// HeadObject calls at the same time.
    pub concurrency: usize,
    /// The guard's own CloudFormation stack.
    pub stack_id: Option<String>,
    /// `AWS_ACCOUNT_ID`: counts only where no function ARN says it.
    pub account: Option<String>,
    /// `AWS_REGION`, else `AWS_DEFAULT_REGION`: counts only where no function ARN says it.
    pub region: Option<String>,
    /// What the tool was given; the function has none.
    pub rcps: Vec<ResourceControlPolicy>,
}

impl Config {
    /// Reads the variables through `lookup`.
    ///
    /// # Errors
    /// Every variable whose value is wrong.
    #[expect(clippy::too_many_lines, reason = "a row a variable")]
    pub fn from(lookup: Lookup<'_>) -> Result<Self, ConfigProblems> {
        let mut reader = Reader { lookup, problems: Vec::new() };
        let region = reader.region();
        let config = Self {
            contracts: reader.contracts(),
            darwin: reader.darwin(),
            mode: reader.choice(
                "MODE",
                Mode::Flag,
                &[("repair", Mode::Repair), ("flag", Mode::Flag)],
                "`repair` or `flag`",
            ),
            ceiling: reader.choice(
                "CEILING",
                Ceiling::Flag,
                &[("flag", Ceiling::Flag), ("enforce", Ceiling::Enforce)],
                "`flag` or `enforce`",
            ),
            topic: reader.topic(region.as_deref()),
            table: reader.checked(
                "INCIDENT_TABLE",
                values::is_table_name,
                "the name of a DynamoDB table: 3 to 255 letters, digits, `_`, `-`, `.`",
            ),
            enable_event_bridge: reader.choice(
                "ENABLE_EVENTBRIDGE",
                false,
                &[("true", true), ("false", false)],
                "`true` or `false`",
            ),
            contested_limit: reader.number("CONTESTED_LIMIT", 3, 1, 100, "repairs"),
            contested_window: Duration::from_secs(reader.number("CONTESTED_WINDOW_S", 3_600, 60, 604_800, "seconds")),
            concurrency: reader.concurrency(),
            stack_id: reader.checked(
                "STACK_ID",
                |text| Arn::parse(text).is_some_and(|arn| arn.name_in_region("cloudformation", "stack/").is_some()),
                "the ARN of a CloudFormation stack (`AWS::StackId`)",
            ),
            account: reader.checked("AWS_ACCOUNT_ID", is_account_id, "an account id of 12 digits"),
            region,
            rcps: Vec::new(),
        };
        let from = reader.of_region();
        if let Some(region) = &config.region
            && let Err(problem) = config.principals_stay_in(partition_of(region), from, region)
        {
            reader.problems.push(problem);
        }
        if let Some(account) = &config.account
            && let Err(problem) = config.role_is_not_of(account)
        {
            reader.problems.push(problem);
        }
        if reader.problems.is_empty() { Ok(config) } else { Err(ConfigProblems(reader.problems)) }
    }

    /// The same for these buckets, all of one Region.
    #[cfg(feature = "cli")]
    #[must_use]
    pub fn of(&self, contracts: Vec<Contract>, region: String) -> Self {
        Self { contracts, region: Some(region), ..self.clone() }
    }

    /// Where the guard runs: from the ARN of its own function, else from the environment, as where a tool runs the
    /// function on somebody's machine.
    ///
    /// # Errors
    /// The ARN is none of a Lambda function, account or Region is not known, or the role is of another partition or of that account.
    pub fn home(&self, function_arn: Option<&str>) -> Result<Home, ConfigProblem> {
        let problem = |variable: &str, saw: &str, want: &str| ConfigProblem {
            variable: variable.to_owned(),
            saw: saw.to_owned(),
            want: want.to_owned(),
        };
        let home = if let Some(text) = function_arn.filter(|text| !is_local(text)) {
            let function = Arn::parse(text).filter(|arn| arn.name_in_region("lambda", "function:").is_some());
            match function.and_then(|arn| Some((AccountId::parse(&arn.account)?, arn))) {
                Some((account, Arn { region, partition, resource, .. })) => {
                    let function = resource.split(':').nth(1).map(str::to_owned);
                    Home { account, region, partition, function }
                }
                None => return Err(problem("the invoked function's ARN", &cut(text), "the ARN of a Lambda function")),
            }
        } else {
            let unset = |variable, want| problem(variable, "not set", want);
            let account = self.account.as_deref().and_then(AccountId::parse);
            let region = self.region.clone();
            Home {
                account: account
                    .ok_or_else(|| unset("AWS_ACCOUNT_ID", "the account of the buckets, outside Lambda"))?,
                partition: region.as_deref().map(partition_of).unwrap_or_default().to_owned(),
                region: region.ok_or_else(|| unset("AWS_REGION", "the Region of the buckets, outside Lambda"))?,
                function: None,
            }
        };
        let from = if home.function.is_some() { "the invoked function's ARN" } else { "AWS_REGION" };
        self.principals_stay_in(&home.partition, from, &home.region)?;
        self.role_is_not_of(&home.account)?;
        Ok(home)
    }

    /// What is allowed and hardly meant. Frames, segments and thumbnails of read-only buckets are put into `prefix` by the
    /// customer's own tools (darwin-py), and Darwin reads them there.
    pub fn warnings(&self) -> Vec<String> {
        let hardly = |contract: &&Contract| {
            let Contract { access, read_prefixes, prefix, .. } = contract;
            *access == Access::ReadOnly && !read_prefixes.is_empty() && prefix.is_none()
        };
        let buckets: Vec<&str> =
            self.contracts.iter().filter(hardly).map(|contract| contract.bucket.as_str()).collect();
        let warn = || {
            format!(
                "{} {} read prefixes and no prefix: thumbnails, frames and video segments that your own tools \
                 (darwin-py) put beside the images are not read, unless they are under a read prefix",
                buckets.join(", "),
                if buckets.len() == 1 { "has" } else { "have" },
            )
        };
        (!buckets.is_empty()).then(warn).into_iter().collect()
    }

    /// An IAM policy of its own account could let such a role in, whatever the bucket's policy says.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>
    fn role_is_not_of(&self, account: &str) -> Result<(), ConfigProblem> {
        if *self.darwin.account != *account {
            return Ok(());
        }
        let want = "the ARN of V7's role: this one is of the buckets' own account".to_owned();
        Err(ConfigProblem { variable: "DARWIN_ROLE_ARN".to_owned(), saw: cut(&self.darwin.role), want })
    }

    /// V7's role is in the partition `aws`, and principals don't cross partitions: a bucket policy in China can't name it.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>
    /// `from`: what the Region was read from.
    fn principals_stay_in(&self, partition: &str, from: &str, region: &str) -> Result<(), ConfigProblem> {
        let of_role = exact_arn(&self.darwin.role).map_or_else(|| "aws".to_owned(), |arn| arn.partition);
        let wrong = |variable: &str, saw: String, want: &str| {
            let want = format!("{want} the partition `aws`, where V7's role is: principals don't cross partitions");
            Err(ConfigProblem { variable: variable.to_owned(), saw, want })
        };
        match (of_role.as_str(), partition) {
            ("aws", "aws") => Ok(()),
            ("aws", other) => wrong(from, format!("{}, of the partition `{other}`", cut(region)), "a Region of"),
            _ => wrong("DARWIN_ROLE_ARN", cut(&self.darwin.role), "the ARN of a role of"),
        }
    }
}

/// What `cargo lambda watch` and `sam local invoke` give as the function's ARN: of no account, or of one that is not the user's.
/// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-sam-cli-using-invoke.html>
fn is_local(function_arn: &str) -> bool {
    function_arn == "function-arn" || Arn::parse(function_arn).is_some_and(|arn| arn.account == "012345678912")
}

impl Reader<'_> {
    /// 64 from 512 MB of memory on, else 32: more gains nothing there.
    fn concurrency(&mut self) -> usize {
        let memory_mb = self.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").and_then(|text| text.parse::<u32>().ok());
        let default = if memory_mb.is_some_and(|memory_mb| memory_mb >= 512) { 64 } else { 32 };
        self.number("CONCURRENCY", default, 1, 256, "calls at the same time")
    }

    /// The variable that says the Region.
    fn of_region(&self) -> &'static str {
        if self.get("AWS_REGION").is_some() { "AWS_REGION" } else { "AWS_DEFAULT_REGION" }
    }

    fn region(&mut self) -> Option<String> {
        let name = self.of_region();
        self.checked(name, is_region, "a Region's name, e.g. `eu-central-1`")
    }

    fn topic(&mut self, region: Option<&str>) -> Option<String> {
        let topic = self.checked(
            "ALERT_TOPIC_ARN",
            |text| exact_arn(text).is_some_and(|arn| arn.service == "sns" && values::is_topic_name(&arn.resource)),
            "the ARN of a standard SNS topic (`arn:aws:sns:REGION:ACCOUNT:NAME`)",
        )?;
        let of_topic = exact_arn(&topic).map(|arn| arn.region);
        if let (Some(region), Some(of_topic)) = (region, of_topic)
            && region != of_topic
        {
            self.wrong("ALERT_TOPIC_ARN", cut(&topic), format!("a topic of the guard's own Region, `{region}`"));
        }
        Some(topic)
    }

    fn darwin(&mut self) -> Darwin {
        let role = self.checked(
            "DARWIN_ROLE_ARN",
            values::is_role_arn,
            "the ARN of an IAM role (`arn:aws:iam::ACCOUNT:role/NAME`), without wildcards",
        );
        let role = role.unwrap_or_else(|| ROLE.to_owned());
        let account = exact_arn(&role).map(|arn| arn.account).unwrap_or_default();
        let origin = self.checked(
            "DARWIN_ORIGIN",
            values::is_origin,
            "an origin as a browser sends it: `https://HOST` or `https://HOST:PORT`, lower-case, without path or wildcard",
        );
        let sid = self.checked("DARWIN_SID", values::is_sid, "1 to 64 ASCII letters and digits");
        let team = self.checked("TEAM_NAME", values::is_team, "at most 100 characters on one line");
        Darwin {
            role,
            account,
            origin: origin.unwrap_or_else(|| ORIGIN.to_owned()),
            sid: sid.unwrap_or_else(|| SID.to_owned()),
            team,
        }
    }

    fn contracts(&mut self) -> Vec<Contract> {
        let Some(text) = self.get("GUARDED_BUCKETS") else {
            return lists::read(self).unwrap_or_else(|| {
                let lists = "or names, comma-separated, in `READ_ONLY_BUCKETS` or `READ_WRITE_BUCKETS`";
                self.wrong("GUARDED_BUCKETS", "not set", format!("{}, {lists}", buckets::WANTED));
                Vec::new()
            });
        };
        lists::refuse(self);
        match buckets::read(&text) {
            Ok(contracts) => contracts,
            Err(problems) => {
                self.problems.extend(problems);
                Vec::new()
            }
        }
    }
}
