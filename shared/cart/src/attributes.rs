//! What a line is, besides its price.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::metadata::{entries_with_a_value, problem_of_entry};
use crate::{CheckoutMetadata, Rejection};

/// What tells a line from others of the same price: an engraving, a size that is no price of its own.
///
/// They travel in the metadata of a session's line, beside Cartwright's own keys ([`crate::LineMetadata`]), and are bounded as
/// Stripe bounds metadata: keys of 1 to 40 characters without brackets, values of at most 500 characters, without control
/// characters. At most 20 keys. A key whose value is blank is not there, as Stripe keeps none either.
///
/// Bounds are checked on what a client sends, never on what was stored.
///
/// Source: <https://docs.stripe.com/metadata#data>
///
/// ```
/// let attributes = cart::Attributes::new([("engraving".to_owned(), "Ann".to_owned())])?;
/// assert_eq!(attributes.iter().next(), Some(("engraving", "Ann")));
/// assert!(cart::Attributes::new([("a[b]".to_owned(), "x".to_owned())]).is_err());
/// # Ok::<(), cart::Rejection>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Attributes(BTreeMap<String, String>);

impl Attributes {
    /// The most keys.
    pub const MAX_KEYS: usize = 20;

    /// Attributes as a client sent them.
    ///
    /// # Errors
    ///
    /// [`Rejection::TooManyAttributes`], or [`Rejection::Attribute`] naming the key, where a bound is exceeded.
    pub fn new(entries: impl IntoIterator<Item = (String, String)>) -> Result<Self, Rejection> {
        let entries = entries_with_a_value(entries);
        if entries.len() > Self::MAX_KEYS {
            return Err(Rejection::TooManyAttributes);
        }
        for (key, value) in &entries {
            if let Some(reason) = problem_of_entry(key, value, CheckoutMetadata::is_reserved) {
                return Err(Rejection::Attribute { key: crate::metadata::shown(key), reason });
            }
        }
        Ok(Self(entries))
    }

    /// Attributes as they were stored.
    #[must_use]
    pub fn stored(entries: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(entries.into_iter().collect())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, in the byte order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

impl From<Attributes> for BTreeMap<String, String> {
    fn from(attributes: Attributes) -> Self {
        attributes.0
    }
}
