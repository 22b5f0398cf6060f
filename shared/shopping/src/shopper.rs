//! Who sends a request, and on which conditions.

use cart::Token;

use crate::KeyedRequest;

/// A shopper's request about their cart: what opens the cart, and on which conditions the request is to be carried out.
#[derive(Debug, Default)]
pub struct Shopper {
    /// What may open the cart: the first one that opens one counts. Often there is one, and it may open nothing.
    pub tokens: Vec<Token>,
    /// The request's key, if repeats of it must have no further effect.
    pub request: Option<KeyedRequest>,
    /// The cart that the shopper insists on.
    pub expected: Expected,
}

/// Which cart a shopper insists on.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Expected {
    /// None: a new one will do.
    #[default]
    Anything,
    /// An existing one, at any version.
    AnyCart,
    /// An existing one, at this version.
    Version(u64),
    /// An existing one, at one of these versions.
    OneOf(Vec<u64>),
}

impl Expected {
    /// Whether a cart at this version will do.
    #[must_use]
    pub fn allows(&self, version: u64) -> bool {
        match self {
            Self::Anything | Self::AnyCart => true,
            Self::Version(expected) => *expected == version,
            Self::OneOf(versions) => versions.contains(&version),
        }
    }
}
