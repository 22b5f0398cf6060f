//! What goes wrong between a function and DynamoDB.

use std::time::Duration;

use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::http::StatusCode;

/// A request to DynamoDB that failed, after the retries that were worth it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// DynamoDB is overloaded, unreachable or slow: the same call may succeed in a moment.
    #[error("DynamoDB {operation}: {reason}")]
    Unavailable {
        /// The operation.
        operation: &'static str,
        /// What DynamoDB or the connection said.
        reason: String,
    },
    /// DynamoDB refused the request: a missing table, a missing permission, or a defect of ours.
    #[error("DynamoDB {operation} was refused: {reason}")]
    Refused {
        /// The operation.
        operation: &'static str,
        /// What DynamoDB said.
        reason: String,
    },
    /// Other writes to the same item were first at every try.
    #[error("too many concurrent writes to one item")]
    Contended,
    /// An item is not what this version wrote.
    #[error("{table} item {key}: attribute {attribute} is missing or malformed")]
    Corrupt {
        /// The table's role.
        table: &'static str,
        /// The item's key, where it has one.
        key: String,
        /// The attribute.
        attribute: &'static str,
    },
}

/// In how long another attempt may help: DynamoDB does not say.
const SOON: Duration = Duration::from_secs(1);

impl Error {
    /// In how long the same call may succeed; `None` where repeating it does not help.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { .. } | Self::Contended => Some(SOON),
            Self::Refused { .. } | Self::Corrupt { .. } => None,
        }
    }

    pub(crate) fn from_sdk<E>(operation: &'static str, error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        match error {
            SdkError::ServiceError(context) => Self::from_service(operation, context.raw().status(), context.err()),
            error => Self::Unavailable { operation, reason: DisplayErrorContext(&error).to_string() },
        }
    }

    pub(crate) fn from_service(operation: &'static str, status: StatusCode, error: &impl ProvideErrorMetadata) -> Self {
        let reason = match error.code() {
            Some(code) => format!("{code}: {}", error.message().unwrap_or_default()),
            // What stands between may answer in DynamoDB's place.
            None => format!("{} without a code", status.as_u16()),
        };
        if passes(status) || error.code().is_some_and(is_transient) {
            Self::Unavailable { operation, reason }
        } else {
            Self::Refused { operation, reason }
        }
    }
}

/// Whether what a status reports passes by itself, whatever the code says: DynamoDB's own troubles are 5xx.
///
/// Source: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html>
fn passes(status: StatusCode) -> bool {
    status.is_server_error() || status.as_u16() == 429
}

/// DynamoDB's error codes after which a retry may help.
///
/// Source: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html>
fn is_transient(code: &str) -> bool {
    matches!(
        code,
        "InternalServerError"
            | "InternalFailure"
            | "LimitExceededException"
            | "ProvisionedThroughputExceededException"
            | "RequestLimitExceeded"
            | "ServiceUnavailable"
            | "ThrottlingException"
            | "TransactionConflictException"
            | "TransactionInProgressException"
    )
}
