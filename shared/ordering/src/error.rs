//! What goes wrong between a cart and its order.

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
}

impl Error {
    /// Whether the same request may succeed in a moment.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Store(error) => error.is_transient(),
            Self::Stripe(error) => error.is_transient(),
            Self::Catalog(error) => error.is_transient(),
        }
    }
}
