//! `v7`: what V7 has connected against what is guarded.
//!
//! Must never write, on either side.

use crate::app::config::Config;
use crate::model::contract::Contract;
use crate::proposal::storage::{Held, connections, differences};
use crate::report::storage::{Comparison, sheet};
use crate::shell::aws::reach::Wanted;
use crate::shell::tool::args::{Guarded, Plain, V7};
use crate::shell::tool::files::read_json;
use crate::shell::tool::guarded::{Place, configuration, is_named};
use crate::shell::tool::guards::regions_of;
use crate::shell::tool::session::Session;
use crate::shell::tool::stack::Stack;
use crate::shell::tool::{print, storage};

/// Compares, and gives the exit status: 1 where something differs.
///
/// # Errors
/// One side can't be read.
pub async fn v7(v7: V7, wanted: &Wanted) -> Result<u8, String> {
    let list = if let Some(file) = &v7.storage {
        read_json(file)?
    } else {
        let team = v7.guarded.contract.team.as_deref().filter(|team| !team.is_empty());
        storage::fetch(team.ok_or("no --team: the team's name as Darwin's addresses have it")?).await?
    };
    let source = v7.storage.as_ref().map_or_else(|| "V7".to_owned(), |file| format!("`{}`", file.display()));
    let connections = connections(&list).map_err(|why| format!("{source} has {why}"))?;
    let guarded = guarded(&v7.guarded, wanted).await?;
    let held: Vec<Held<'_>> =
        guarded.iter().map(|(contract, region)| Held { contract, region: region.as_deref() }).collect();
    let differences = differences(&connections, &held);
    let status = u8::from(!differences.is_empty());
    let comparison = Comparison { connections, differences };
    match v7.format {
        Plain::Text => print::painted(&sheet(&comparison))?,
        Plain::Json => print::json(&comparison)?,
    }
    Ok(status)
}

/// The guarded buckets, each with the Region it is in where that can be asked.
async fn guarded(guarded: &Guarded, wanted: &Wanted) -> Result<Vec<(Contract, Option<String>)>, String> {
    if !is_named(guarded) {
        print::remark("No bucket is named, by argument, --stack or environment: none counts as guarded.");
        return Ok(Vec::new());
    }
    let session = match (Session::open(wanted).await, &guarded.stack) {
        (Ok(session), None) => session,
        (Ok(session), Some(stack)) => {
            let stack = Stack::open(&session, stack).await?;
            let Config { contracts, region, .. } = stack.configuration(guarded)?;
            return Ok(contracts.into_iter().map(|contract| (contract, region.clone())).collect());
        }
        (Err(problem), Some(_)) => return Err(problem),
        (Err(problem), None) => {
            print::remark(&format!("Regions are not compared: {problem}"));
            let contracts = configuration(guarded, Place::ANY)?.contracts;
            return Ok(contracts.into_iter().map(|contract| (contract, None)).collect());
        }
    };
    let contracts = configuration(guarded, session.place())?.contracts;
    let regions = regions_of(&session, &contracts).await;
    Ok(contracts.into_iter().zip(regions).collect())
}
