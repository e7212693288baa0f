//! What a DynamoDB error means.
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html>

use crate::incident::life::StoreError;
use crate::model::aws::{AwsError, ErrorClass, Operation};
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

/// A call that failed, or whose condition did not hold.
#[derive(Debug)]
pub(super) enum Failed {
    Condition,
    Error(Box<AwsError>),
}

impl From<Failed> for StoreError {
    fn from(failed: Failed) -> Self {
        Self::Aws(match failed {
            Failed::Error(error) => *error,
            // Only writes with a condition fail so, and those take it for an answer.
            Failed::Condition => AwsError {
                operation: Operation::UpdateItem,
                class: ErrorClass::Permanent,
                code: Some("ConditionalCheckFailedException".to_owned()),
                status: None,
                message: "a condition failed where none was set".to_owned(),
                request_id: None,
            },
        })
    }
}

pub(super) fn failed<E>(operation: Operation, error: &SdkError<E, HttpResponse>) -> Failed
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let error = crate::shell::aws::error::failed(operation, error);
    if error.has_code("ConditionalCheckFailedException") {
        return Failed::Condition;
    }
    Failed::Error(Box::new(error))
}
