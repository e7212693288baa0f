//! The Allows of a bucket's policy that stood when the contract last held: one note a bucket.
//!
//! Must never be written from what an audit or a dry run saw, nor while the contract does not hold.

use crate::app::ports::{Leases, World};
use crate::app::reconcile::Reconciler;
use crate::app::reconcile::job::{Job, Permit};
use crate::app::reconcile::report::BucketReport;
use crate::incident::life::StoreResult;
use crate::model::evidence::{Doubt, Evidence};
use std::collections::BTreeSet;

impl<W: World> Reconciler<'_, W> {
    /// What is remembered; none if nothing is.
    pub(super) async fn stood(&self, job: Job<'_>) -> StoreResult<Option<BTreeSet<String>>> {
        let kept = self.store.recall(&note(job)).await?;
        Ok(kept.map(|kept| kept.split(' ').filter(|digest| !digest.is_empty()).map(str::to_owned).collect()))
    }

    /// Remembers what stands if the contract holds and that is something else than is remembered. Where a table that
    /// does not answer made a finding, it is told beside it, and what may pass is tried again.
    pub(super) async fn keep_standing(
        &self,
        job: Job<'_>,
        report: &mut BucketReport,
        stood: &StoreResult<Option<BTreeSet<String>>>,
    ) {
        let came = |evidence: &Evidence| {
            matches!(evidence, Evidence::Uncertain(Doubt::ConditionalAllow { about_darwin: false, .. }))
        };
        match (stood, &report.allows) {
            (Err(error), _) if report.findings.iter().any(|finding| came(&finding.evidence)) => {
                report.table_unreachable(error, &[]);
            }
            (Ok(stood), Some(allows)) if job.permit == Permit::Live && stood.as_ref() != Some(allows) => {
                let kept: Vec<&str> = allows.iter().map(String::as_str).collect();
                // What could not be kept now is kept by the next look.
                let _ = self.store.put_down(&note(job), &kept.join(" ")).await;
            }
            _ => {}
        }
    }
}

fn note(job: Job<'_>) -> String {
    format!("allows/{}", job.contract.bucket)
}
