//! What goes wrong while looking for what is for sale.

use std::time::Duration;

use cart::Rejection;

/// Why the catalogue has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A rule refused.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// DynamoDB failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Stripe failed.
    #[error(transparent)]
    Stripe(#[from] payments::Error),
}

impl Error {
    /// In how long the same request may succeed; `None` where repeating it does not help.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Rejected(_) => None,
            Self::Store(error) => error.retry_after(),
            Self::Stripe(error) => error.retry_after(),
        }
    }
}

impl From<Error> for shopping::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Rejected(rejection) => Self::Rejected(rejection),
            Error::Store(error) => Self::Store(error),
            Error::Stripe(error) => Self::Upstream { retry_after: error.retry_after(), source: Box::new(error) },
        }
    }
}
