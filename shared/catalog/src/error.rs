//! What goes wrong while looking for what is for sale.

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
    /// Whether the same request may succeed in a moment.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Rejected(_) => false,
            Self::Store(error) => error.is_transient(),
            Self::Stripe(error) => error.is_transient(),
        }
    }
}

impl From<Error> for shopping::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Rejected(rejection) => Self::Rejected(rejection),
            Error::Store(error) => Self::Store(error),
            Error::Stripe(error) => Self::Upstream { transient: error.is_transient(), source: Box::new(error) },
        }
    }
}
