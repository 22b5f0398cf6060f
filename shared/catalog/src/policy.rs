//! Which of the account's products the shop sells.

use cart::Product;
use settings::{Environment, Error};

/// Which of the account's products the shop sells: `SYNC_MODE` and `SYNC_TAG`.
#[derive(Clone, Debug)]
pub(crate) enum Policy {
    All,
    /// Those whose metadata have this key, written with `-` or `_`.
    Tagged(String),
}

impl Policy {
    pub(crate) fn new(environment: &Environment) -> Result<Self, Error> {
        match environment.get("SYNC_MODE").unwrap_or("all") {
            "all" => Ok(Self::All),
            "tagged" => Ok(Self::Tagged(normalised(environment.get("SYNC_TAG").unwrap_or("enupal-sync")))),
            _ => Err(Error::malformed("SYNC_MODE", "all or tagged")),
        }
    }

    pub(crate) fn admits(&self, product: &Product) -> bool {
        match self {
            Self::All => true,
            Self::Tagged(tag) => product.metadata.keys().any(|key| normalised(key) == *tag),
        }
    }
}

/// Enupal's plugin reads `enupal-sync` and `enupal_sync` alike.
fn normalised(key: &str) -> String {
    key.replace('_', "-")
}
