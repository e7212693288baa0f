//! A deployed guard: its configuration for an audit from here, and the guard itself for a repair.

use crate::app::config::Config;
use crate::model::arn::Arn;
use crate::report::answer::Answer;
use crate::shell::aws::client::Clients;
use crate::shell::aws::deployed::Deployed;
use crate::shell::tool::args::Guarded;
use crate::shell::tool::guarded::{Place, of_function};
use crate::shell::tool::guards::add;
use crate::shell::tool::session::Session;
use serde_json::{Value, json};

#[derive(Debug)]
pub struct Stack {
    /// In the function's Region.
    pub clients: Clients,
    deployed: Deployed,
}

impl Stack {
    /// Looks the stack up.
    ///
    /// # Errors
    /// There is none, or it is not the guard's, or another account's.
    pub async fn open(session: &Session, name: &str) -> Result<Self, String> {
        let deployed = session.clients.deployed(name).await?;
        if deployed.function.account != **session.account() {
            let (of, account) = (&deployed.function.account, session.account());
            return Err(format!("the stack `{name}` is of account {of}, the credentials are of {account}"));
        }
        let here = deployed.function.region == session.region;
        let clients = if here { session.clients.clone() } else { session.clients.in_region(&deployed.function.region) };
        Ok(Self { clients, deployed })
    }

    /// What the function is configured with; of its buckets those that were named, if any were.
    ///
    /// # Errors
    /// The configuration is wrong, or a bucket is not one of its.
    pub fn configuration(&self, guarded: &Guarded) -> Result<Config, String> {
        if guarded.contract.is_given() {
            return Err("options of a bucket with --stack, whose own configuration says them".to_owned());
        }
        let place = Place { account: &self.deployed.function.account, region: &self.deployed.function.region };
        let mut config = of_function(&self.deployed.variables, place)?;
        let known = |bucket: &&String| config.contracts.iter().any(|contract| contract.bucket == **bucket);
        if let Some(other) = guarded.buckets.iter().find(|bucket| !known(bucket)) {
            return Err(format!("BUCKET is `{other}`, wanted one that the stack guards"));
        }
        if !guarded.buckets.is_empty() {
            config.contracts.retain(|contract| guarded.buckets.contains(&contract.bucket));
        }
        Ok(config)
    }

    /// The function's own answers about these buckets, as one.
    ///
    /// # Errors
    /// It could not be asked, or failed.
    pub async fn repair(&self, config: &Config, dry_run: bool) -> Result<Answer, String> {
        let mut whole = Answer::default();
        for contract in &config.contracts {
            let event = json!({ "action": "repair", "bucket": contract.bucket, "dry_run": dry_run });
            let answer: Value = self.clients.invoke(&self.deployed, &event).await?;
            let answer = serde_json::from_value(answer);
            add(&mut whole, answer.map_err(|error| format!("the function's answer is of another version ({error})"))?);
        }
        Ok(whole)
    }

    /// Tells the function which KMS keys a bucket's objects are under, each with objects to look at: what it answers.
    ///
    /// # Errors
    /// It could not be asked, or failed.
    pub async fn known_keys(&self, bucket: &str, keys: &[(&str, &str)]) -> Result<Answer, String> {
        let keys: Vec<Value> = keys.iter().map(|(key, sample)| json!({ "kms_key": key, "sample": sample })).collect();
        let event = json!({ "action": "known-keys", "bucket": bucket, "keys": keys });
        let answer = serde_json::from_value(self.clients.invoke(&self.deployed, &event).await?);
        answer.map_err(|error| format!("the function's answer is of another version ({error})"))
    }

    pub fn function(&self) -> &Arn {
        &self.deployed.function
    }

    /// The role of S3 Batch Operations jobs, where the stack has one.
    pub fn batch_job_role(&self) -> Option<&Arn> {
        self.deployed.batch_job_role.as_ref()
    }

    pub fn region(&self) -> &str {
        &self.deployed.function.region
    }
}
