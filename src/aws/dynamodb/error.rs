//! What a DynamoDB error means.
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html>

use crate::incident::StoreError;
use crate::ports::{AwsError, ErrorClass, Operation};
use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::RequestId;
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
    let code = error.code().map(str::to_owned);
    if code.as_deref() == Some("ConditionalCheckFailedException") {
        return Failed::Condition;
    }
    let status = error.raw_response().map(|response| response.status().as_u16());
    let message = error.message().map_or_else(|| DisplayErrorContext(error).to_string(), str::to_owned);
    Failed::Error(Box::new(AwsError {
        operation,
        class: class(code.as_deref(), status),
        code,
        status,
        message,
        request_id: error.request_id().map(str::to_owned),
    }))
}

fn class(code: Option<&str>, status: Option<u16>) -> ErrorClass {
    match (code, status) {
        (
            Some(
                "ProvisionedThroughputExceededException"
                | "ThrottlingException"
                | "RequestLimitExceeded"
                | "TransactionConflictException",
            ),
            _,
        )
        | (_, Some(429)) => ErrorClass::Throttled,
        (Some("ResourceNotFoundException"), _) => ErrorClass::NotFound,
        (
            Some(
                "AccessDeniedException"
                | "UnrecognizedClientException"
                | "MissingAuthenticationTokenException"
                | "IncompleteSignatureException"
                | "ExpiredTokenException",
            ),
            _,
        )
        | (_, Some(401 | 403)) => ErrorClass::Denied,
        // No answer at all: timeout, connection refused or lost.
        (_, None | Some(500..)) => ErrorClass::Transient,
        _ => ErrorClass::Permanent,
    }
}
