//! What an SDK error means, decided once.
//!
//! Must never put a URL, a header or a signature into a message: only the service's own code and message, or the
//! chain of causes where no answer came.

use crate::model::aws::{AwsError, ErrorClass, Operation};
use crate::model::text::{shortened, without_controls};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;
use aws_smithy_runtime_api::http::Response;

/// Longest message kept, in characters.
const MESSAGE_CHARS: usize = 500;

/// Error codes whose class the status does not tell, or tells wrongly.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>,
/// <https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html>
const DENIED: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "AllAccessDisabled",
    "AuthorizationError",
    "AuthorizationErrorException",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidToken",
    "KMSAccessDenied",
    "KMSAccessDeniedException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "NotAuthorized",
    "OptInRequired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];
const NOT_FOUND: &[&str] = &["NotFound", "NotFoundException", "ResourceNotFoundException"];
const THROTTLED: &[&str] = &[
    "BandwidthLimitExceeded",
    "KMSThrottling",
    "KMSThrottlingException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "Throttled",
    "ThrottledException",
    "TooManyRequests",
    "TooManyRequestsException",
];
const TRANSIENT: &[&str] = &[
    "ConflictException",
    "DependencyTimeout",
    "DependencyTimeoutException",
    "InternalError",
    "InternalErrorException",
    "InternalFailure",
    "InternalServerError",
    "KMSInternalException",
    "KeyUnavailableException",
    "OperationAborted",
    "RequestTimeTooSkewed",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "TransactionConflictException",
    "TransactionInProgressException",
];

/// The class of an answer. A code decides before the status, as several services answer 400 to everything.
pub(crate) fn class_of_answer(code: Option<&str>, status: u16) -> ErrorClass {
    let by_code = code.and_then(|code| {
        let class_of = [
            (DENIED, ErrorClass::Denied),
            (NOT_FOUND, ErrorClass::NotFound),
            (THROTTLED, ErrorClass::Throttled),
            (TRANSIENT, ErrorClass::Transient),
        ];
        let listed = class_of.into_iter().find(|(codes, _)| codes.contains(&code)).map(|(_, class)| class);
        listed.or_else(|| code.starts_with("Throttling").then_some(ErrorClass::Throttled))
    });
    by_code.unwrap_or(match (code, status) {
        (_, 401 | 403) => ErrorClass::Denied,
        (_, 404) => ErrorClass::NotFound,
        // S3 answers 503 for SlowDown, and a HEAD has no body to say so.
        (_, 429) | (None, 503) => ErrorClass::Throttled,
        (_, 408 | 500..) => ErrorClass::Transient,
        _ => ErrorClass::Permanent,
    })
}

/// Puts an SDK error into our terms.
pub(crate) fn failed<E>(operation: Operation, error: &SdkError<E, Response>) -> AwsError
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let response = error.raw_response();
    let status = response.map(|response| response.status().as_u16());
    let metadata = error.as_service_error().map(ProvideErrorMetadata::meta);
    let code = metadata.and_then(|metadata| metadata.code()).map(str::to_owned).or_else(|| unsaid(status));
    let class = match (error, status) {
        // The answer broke off, or came as something else, or not in time: the call may have been made.
        (SdkError::ResponseError(_), Some(200..=299)) | (SdkError::TimeoutError(_), _) => ErrorClass::Transient,
        (SdkError::ServiceError(_) | SdkError::ResponseError(_), Some(status)) => {
            class_of_answer(code.as_deref(), status)
        }
        (SdkError::DispatchFailure(failure), _) if !failure.is_user() => ErrorClass::Transient,
        _ => ErrorClass::Permanent,
    };
    let message = metadata.and_then(|metadata| metadata.message()).map_or_else(|| told(error, status), str::to_owned);
    let request_id = response.and_then(RequestId::request_id).map(str::to_owned);
    AwsError { operation, class, code, status, message: one_line(&message), request_id }
}

/// The code that S3 would have said if the answer had a body, where the status has one meaning only.
fn unsaid(status: Option<u16>) -> Option<String> {
    (status == Some(301)).then(|| "PermanentRedirect".to_owned())
}

/// What went wrong, where the service says nothing: the status alone, or the causes of an answer that never came.
fn told<E>(error: &SdkError<E, Response>, status: Option<u16>) -> String
where
    E: std::error::Error + 'static,
{
    if let (Some(status), SdkError::ServiceError(_)) = (status, error) {
        return format!("answered with status {status} and no message");
    }
    causes(error)
}

/// An error and what it comes from, on one line.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let mut causes = vec![error.to_string()];
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        // Wrappers repeat what they wrap.
        if causes.last().is_none_or(|last| !last.contains(&text)) {
            causes.push(text);
        }
        source = cause.source();
    }
    one_line(&causes.join(": "))
}

fn one_line(message: &str) -> String {
    without_controls(&shortened(message, MESSAGE_CHARS, ""))
}

/// Maps `Err` of an SDK call.
pub(crate) trait Classed<T> {
    fn classed(self, operation: Operation) -> Result<T, AwsError>;
}

impl<T, E> Classed<T> for Result<T, SdkError<E, Response>>
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    fn classed(self, operation: Operation) -> Result<T, AwsError> {
        self.map_err(|error| failed(operation, &error))
    }
}

/// `Ok(None)` for the error code that says that nothing is configured.
pub(crate) fn unless<T>(answer: Result<T, AwsError>, absent: &str) -> Result<Option<T>, AwsError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.has_code(absent) => Ok(None),
        Err(error) => Err(error),
    }
}
