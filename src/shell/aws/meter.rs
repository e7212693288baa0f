//! Counts what the SDK really sends: calls, and the attempts beyond the first.
//!
//! An interceptor of every client, so that no adapter can forget to count. Must never change a request.

use crate::app::ports::Meter;
use crate::model::aws::{Operation, Usage};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Counters by operation, shared by every client of a process.
#[derive(Debug, Clone, Default)]
pub struct SdkMeter {
    counts: Arc<Mutex<BTreeMap<Operation, Counts>>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    calls: u64,
    attempts: u64,
}

impl SdkMeter {
    fn count(&self, config: &ConfigBag, add: impl FnOnce(&mut Counts)) {
        let operation = config.load::<Metadata>().and_then(|metadata| Operation::named(metadata.name()));
        if let Some(operation) = operation {
            let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            add(counts.entry(operation).or_default());
        }
    }
}

impl Meter for SdkMeter {
    fn take(&self) -> Vec<Usage> {
        let taken = std::mem::take(&mut *self.counts.lock().unwrap_or_else(PoisonError::into_inner));
        taken
            .into_iter()
            .map(|(operation, counts)| Usage {
                operation,
                calls: counts.calls,
                retries: counts.attempts.saturating_sub(counts.calls),
            })
            .collect()
    }
}

#[dyn_dispatch_hint]
impl Intercept for SdkMeter {
    fn name(&self) -> &'static str {
        "SdkMeter"
    }

    /// Once a call; earlier hooks don't know the operation yet.
    fn read_before_serialization(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.count(config, |counts| counts.calls += 1);
        Ok(())
    }

    fn read_before_attempt(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.count(config, |counts| counts.attempts += 1);
        Ok(())
    }
}
