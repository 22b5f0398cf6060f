//! What goes wrong between a cart and its order.

use std::time::Duration;

use cart::SessionId;

/// A failure of what ordering depends on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// DynamoDB failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Stripe failed.
    #[error(transparent)]
    Stripe(#[from] payments::Error),
    /// The catalogue failed.
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
    /// Stripe does not know a session of this shop.
    #[error("Stripe does not know the session {0} of this shop")]
    SessionUnknown(SessionId),
}

impl Error {
    /// In how long the same request may succeed; `None` where repeating it does not help.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Store(error) => error.retry_after(),
            Self::Stripe(error) => error.retry_after(),
            Self::Catalog(error) => error.retry_after(),
            Self::SessionUnknown(_) => None,
        }
    }
}
