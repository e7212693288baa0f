//! Who asks, and from where: credentials, account and Region as the AWS CLI finds them.
//!
//! Must never print a credential.

use crate::model::arn::{AccountId, is_region};
use crate::shell::aws::caller::Caller;
use crate::shell::aws::client::{Clients, Patience};
use crate::shell::aws::reach::{Wanted, client};
use crate::shell::environment::variable;
use crate::shell::tool::guarded::Place;

/// AWS, with who asks.
#[derive(Debug)]
pub struct Session {
    pub clients: Clients,
    pub caller: Caller,
    /// Where the clients are, and where a bucket is looked for first.
    pub region: String,
}

impl Session {
    /// Finds the credentials, and asks STS whose they are.
    ///
    /// # Errors
    /// What to do about it.
    pub async fn open(wanted: &Wanted) -> Result<Self, String> {
        if let Some(region) = wanted.region.as_deref().filter(|region| !is_region(region)) {
            return Err(format!("--region is `{region}`, wanted a Region's name, e.g. `eu-central-1`"));
        }
        let (clients, region) = client(wanted, Patience::default()).await?;
        clients.find_credentials().await?;
        let caller = clients.caller().await?;
        if let Some(account) = variable("AWS_ACCOUNT_ID").filter(|account| !account.is_empty())
            && account != *caller.account
        {
            return Err(format!(
                "AWS_ACCOUNT_ID is {account}, but the credentials are of account {} ({})",
                caller.account, caller.arn
            ));
        }
        Ok(Self { clients, caller, region })
    }

    pub fn place(&self) -> Place<'_> {
        Place { account: &self.caller.account, region: &self.region }
    }

    pub fn account(&self) -> &AccountId {
        &self.caller.account
    }
}
