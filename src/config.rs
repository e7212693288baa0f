//! stub
use crate::contract::*;
#[derive(Debug)]
pub struct Config {
    pub contracts: Vec<Contract>,
    pub darwin: Darwin,
    pub mode: Mode,
    pub ceiling: Ceiling,
    pub topic: Option<String>,
    pub table: Option<String>,
    pub enable_event_bridge: bool,
    pub contested_limit: u32,
    pub contested_window_s: u64,
    pub concurrency: usize,
    pub stack_id: Option<String>,
    pub account: Option<String>,
    pub region: String,
}
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct ConfigProblem;
impl Config {
    pub fn from(l: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigProblem> {
        Ok(Self {
            contracts: vec![Contract {
                bucket: "acme-lidar".into(),
                access: Access::ReadWrite,
                read_prefixes: vec![],
                prefix: None,
                scope_writes: false,
                list: false,
            }],
            darwin: Darwin {
                role: "arn:aws:iam::258327614892:role/external_s3".into(),
                account: "258327614892".into(),
                origin: "https://darwin.v7labs.com".into(),
                sid: "DarwinAccess".into(),
                team: l("TEAM_NAME"),
            },
            mode: if l("MODE").as_deref() == Some("repair") { Mode::Repair } else { Mode::Flag },
            ceiling: Ceiling::Flag,
            topic: l("ALERT_TOPIC_ARN"),
            table: None,
            enable_event_bridge: false,
            contested_limit: 3,
            contested_window_s: 3600,
            concurrency: 32,
            stack_id: None,
            account: l("AWS_ACCOUNT_ID"),
            region: "eu-central-1".into(),
        })
    }
    pub fn home(&self, _arn: Option<&str>) -> Result<Home, ConfigProblem> {
        Ok(Home {
            account: self.account.clone().unwrap_or_default(),
            region: self.region.clone(),
            partition: "aws".into(),
        })
    }
}
