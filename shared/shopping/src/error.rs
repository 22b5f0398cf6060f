//! What goes wrong around a cart.

use std::time::Duration;

use cart::Rejection;

/// Why a shopper's request was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The cart is not at the version that the shopper insists on.
    #[error("the cart has another version")]
    VersionMismatch {
        /// The cart's version, where there is a cart.
        current: Option<u64>,
    },
    /// The shopper gave another request the same idempotency key.
    #[error("another request had the same idempotency key")]
    IdempotencyMismatch,
    /// A rule refused; the cart is unchanged.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The cart was changed too often within a few seconds.
    #[error("too many changes of one cart at once")]
    TooManyRequests {
        /// In how long it can be changed again.
        retry_after: Duration,
    },
    /// DynamoDB failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// What stands behind the table failed, which this crate does not know.
    #[error("{source}")]
    Upstream {
        /// In how long the same request may succeed; `None` where repeating it does not help.
        retry_after: Option<Duration>,
        /// What failed.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The system has no random bytes for a token.
    #[error("no random bytes: {0}")]
    NoRandomness(getrandom::Error),
}

impl From<store::ChangeError> for Error {
    fn from(error: store::ChangeError) -> Self {
        match error {
            store::ChangeError::Absent => Self::Rejected(Rejection::Closed),
            store::ChangeError::Stale { current } => Self::VersionMismatch { current: Some(current) },
            store::ChangeError::IdempotencyMismatch => Self::IdempotencyMismatch,
            store::ChangeError::Rejected(rejection) => Self::Rejected(rejection),
            store::ChangeError::TooManyWrites { retry_after } => Self::TooManyRequests { retry_after },
            store::ChangeError::Store(error) => Self::Store(error),
        }
    }
}
