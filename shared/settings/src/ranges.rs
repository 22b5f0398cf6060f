//! Which values settings may have: each range stands here once.
//!
//! Checks and messages follow from it. A test holds template.yaml and README.md to it.

use crate::Error;

/// A setting that is a whole number within a range. `D` is `()` where it has no default.
#[derive(Clone, Copy, Debug)]
pub struct WholeNumber<D = u64> {
    /// The setting.
    pub name: &'static str,
    /// The smallest value.
    pub min: u64,
    /// The largest value.
    pub max: u64,
    /// What counts where it is not set.
    pub default: D,
}

/// A setting that is a comma-separated list of bounded length.
#[derive(Clone, Copy, Debug)]
pub struct List {
    /// The setting.
    pub name: &'static str,
    /// The most parts.
    pub max: usize,
    /// What its parts are.
    pub parts: &'static str,
}

/// How many days a cart lives after its last change.
pub const CART_TTL_DAYS: WholeNumber = WholeNumber { name: "CART_TTL_DAYS", min: 1, max: 365, default: 7 };

/// For how many seconds a function believes what it read of the catalogue.
pub const CATALOG_CACHE_SECONDS: WholeNumber =
    WholeNumber { name: "CATALOG_CACHE_SECONDS", min: 0, max: 3600, default: 60 };

/// After how many minutes a Checkout Session expires. Stripe takes 24 hours where none is sent.
///
/// Source: <https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-expires_at>
pub const CHECKOUT_EXPIRES_AFTER_MINUTES: WholeNumber<()> =
    WholeNumber { name: "CHECKOUT_EXPIRES_AFTER_MINUTES", min: 30, max: 1440, default: () };

/// Which shipping rates a Checkout Session offers: as many as Stripe takes.
///
/// Source: <https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-shipping_options>
pub const CHECKOUT_SHIPPING_RATES: List =
    List { name: "CHECKOUT_SHIPPING_RATES", max: 5, parts: "ids of shipping rates" };

/// The most milliseconds that one attempt at DynamoDB may take.
///
/// DynamoDB answers within milliseconds; two attempts fit the five seconds of the shortest functions.
pub const DYNAMODB_TIMEOUT_MS: WholeNumber =
    WholeNumber { name: "DYNAMODB_TIMEOUT_MS", min: 50, max: 10_000, default: 2000 };

/// The most milliseconds that one attempt at Stripe may take.
///
/// Creating a session takes Stripe about a second. Three attempts fit a function's 28 seconds.
pub const STRIPE_TIMEOUT_MS: WholeNumber =
    WholeNumber { name: "STRIPE_TIMEOUT_MS", min: 50, max: 20_000, default: 5000 };

impl<D> WholeNumber<D> {
    /// The error of a value outside the range.
    #[must_use]
    pub fn out_of_range(&self) -> Error {
        Error::malformed(self.name, self.range())
    }

    /// The range in words, such as `1 to 365`.
    pub(crate) fn range(&self) -> String {
        format!("{} to {}", self.min, self.max)
    }
}

impl List {
    /// The error of a list with too many parts.
    pub(crate) fn too_long(&self) -> Error {
        Error::malformed(self.name, format!("at most {} {}", self.max, self.parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Environment;

    #[test]
    fn a_number_is_within_its_range_or_is_named_with_it() {
        let read = |text: &str| Environment::from_iter([("CART_TTL_DAYS", text)]).number(&CART_TTL_DAYS);

        for (text, days) in [("1", 1), (" 365 ", 365), ("", 7)] {
            assert_eq!(read(text).unwrap(), days, "{text}");
        }
        for text in ["0", "366", "-1", "1.5", "a week", "99999999999999999999"] {
            let error = read(text).unwrap_err().to_string();
            assert_eq!(error, "CART_TTL_DAYS is malformed: expected 1 to 365", "{text}");
        }
    }

    #[test]
    fn a_number_without_default_may_be_absent() {
        let read = |text: &str| {
            let environment = Environment::from_iter([("CHECKOUT_EXPIRES_AFTER_MINUTES", text)]);
            environment.optional_number(&CHECKOUT_EXPIRES_AFTER_MINUTES)
        };

        assert_eq!(read("").unwrap(), None);
        assert_eq!(read("30").unwrap(), Some(30));
        let error = read("29").unwrap_err().to_string();
        assert_eq!(error, "CHECKOUT_EXPIRES_AFTER_MINUTES is malformed: expected 30 to 1440");
    }

    #[test]
    fn a_list_has_a_longest_length() {
        let read = |text: &str| {
            Environment::from_iter([("CHECKOUT_SHIPPING_RATES", text)]).short_list(&CHECKOUT_SHIPPING_RATES)
        };

        assert_eq!(read("a, b,,c").unwrap(), ["a", "b", "c"]);
        assert_eq!(read("a,b,c,d,e").unwrap().len(), 5);
        let error = read("a,b,c,d,e,f").unwrap_err().to_string();
        assert_eq!(error, "CHECKOUT_SHIPPING_RATES is malformed: expected at most 5 ids of shipping rates");
    }
}
