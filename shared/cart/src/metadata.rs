//! What a shop attaches to a cart.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{CheckoutMetadata, Rejection};

/// Keys and values that travel with the cart into the Checkout Session and the order.
///
/// Bounded as Stripe bounds a session's metadata, less the keys that Cartwright adds: at most 40 keys of 1 to 40
/// characters without brackets, values of at most 500 characters, without control characters. Keys that begin with
/// `stripe_payments_` are Cartwright's own ([`CheckoutMetadata`]). A key whose value is blank is not there, as Stripe keeps none
/// either.
///
/// Bounds are checked on what a client sends, never on what was stored under wider ones.
///
/// Source: <https://docs.stripe.com/metadata#data>
///
/// ```
/// let metadata = cart::Metadata::new([("is_gift".to_owned(), "yes".to_owned())])?;
/// assert_eq!(metadata.get("is_gift"), Some("yes"));
/// assert!(cart::Metadata::new([("a[b]".to_owned(), "x".to_owned())]).is_err());
/// # Ok::<(), cart::Rejection>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Metadata(BTreeMap<String, String>);

impl Metadata {
    /// The most keys.
    pub const MAX_KEYS: usize = 50 - CheckoutMetadata::MAX_KEYS;
    /// The longest key, in characters.
    pub const MAX_KEY: usize = 40;
    /// The longest value, in characters.
    pub const MAX_VALUE: usize = 500;

    /// Metadata as a client sent them.
    ///
    /// # Errors
    ///
    /// [`Rejection::TooMuchMetadata`], or [`Rejection::Metadata`] naming the key, where a bound is exceeded.
    pub fn new(entries: impl IntoIterator<Item = (String, String)>) -> Result<Self, Rejection> {
        let entries = entries_with_a_value(entries);
        if entries.len() > Self::MAX_KEYS {
            return Err(Rejection::TooMuchMetadata);
        }
        for (key, value) in &entries {
            if let Some(reason) = problem_of_entry(key, value, CheckoutMetadata::is_reserved) {
                return Err(Rejection::Metadata { key: shown(key), reason });
            }
        }
        Ok(Self(entries))
    }

    /// Metadata as they were stored, perhaps under wider bounds than today's.
    #[must_use]
    pub fn stored(entries: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(entries.into_iter().collect())
    }

    /// Makes sure that a Checkout Session can take them.
    ///
    /// # Errors
    ///
    /// [`Rejection::TooMuchMetadata`] where too many are stored.
    pub fn check_for_checkout(&self) -> Result<(), Rejection> {
        if self.0.len() > Self::MAX_KEYS { Err(Rejection::TooMuchMetadata) } else { Ok(()) }
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All entries, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

/// The entries but for those whose value is blank: Stripe keeps no empty one, and white space looks the same.
pub(crate) fn entries_with_a_value(entries: impl IntoIterator<Item = (String, String)>) -> BTreeMap<String, String> {
    entries.into_iter().filter(|(_, value)| !value.trim().is_empty()).collect()
}

/// What is wrong with a key and its value as an entry of metadata at Stripe, if anything is. The keys that Cartwright writes
/// are reserved.
///
/// Source: <https://docs.stripe.com/metadata#data>
pub(crate) fn problem_of_entry(key: &str, value: &str, is_reserved: impl Fn(&str) -> bool) -> Option<String> {
    if key.is_empty() {
        Some("is empty".to_owned())
    } else if key.chars().count() > Metadata::MAX_KEY {
        Some(format!("is longer than {} characters", Metadata::MAX_KEY))
    } else if key.contains(['[', ']']) {
        Some("contains a square bracket".to_owned())
    } else if is_reserved(key) {
        Some("is reserved".to_owned())
    } else if value.chars().count() > Metadata::MAX_VALUE {
        Some(format!("has a value longer than {} characters", Metadata::MAX_VALUE))
    } else if key.contains(crate::line::is_unprintable) || value.contains(crate::line::is_unprintable) {
        Some("contains control characters".to_owned())
    } else {
        None
    }
}

/// As much of a key as an error shows.
pub(crate) fn shown(key: &str) -> String {
    key.chars().take(Metadata::MAX_KEY).collect()
}
