//! Ids: Stripe's for its objects, ours for carts and orders.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The text cannot be the id of a Stripe object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id of Stripe's")]
pub struct MalformedId;

/// The text is not 32 lower-case hex digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not 32 lower-case hexadecimal digits")]
pub struct MalformedNumber;

/// Declares an id as a type of its own, which is read from text and written as text.
///
/// - `stripe` ids are those that Stripe makes itself: 1 to 255 letters, digits, `_` and `-`.
/// - `chosen` ids are those that merchants chose too: 1 to 255 printable ASCII characters, with spaces inside, but no
///   `~`. That sign is kept free for what Cartwright puts behind an id, as a cart's line does. Nor are they `.` or `..`, which
///   would name another place in a path, however they are escaped.
/// - `number` ids are 128 bits, written as 32 lower-case hex digits.
///
/// Products and prices that were made before 2018-05-21 may have ids with dots, colons, spaces and slashes.
///
/// Source: <https://docs.stripe.com/upgrades#2018-05-21>
macro_rules! id {
    ($(#[$doc:meta])* stripe $name:ident) => {
        id! {
            $(#[$doc])*
            ///
            /// 1 to 255 letters, digits, `_` and `-`.
            text $name, is_stripe_id
        }
    };
    ($(#[$doc:meta])* chosen $name:ident) => {
        id! {
            $(#[$doc])*
            ///
            /// 1 to 255 printable ASCII characters but `~`. In a path, a key or JSON it has to be escaped.
            text $name, is_chosen_id
        }
    };
    ($(#[$doc:meta])* text $name:ident, $is_id:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "Cow<'_, str>", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The id as Stripe writes it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<Cow<'_, str>> for $name {
            type Error = MalformedId;

            fn try_from(text: Cow<'_, str>) -> Result<Self, MalformedId> {
                if $is_id(&text) { Ok(Self(text.into_owned())) } else { Err(MalformedId) }
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        id! { both $name, MalformedId }
    };
    ($(#[$doc:meta])* number $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "Cow<'_, str>", into = "String")]
        pub struct $name([u8; 16]);

        impl $name {
            /// The first 16 bytes of the SHA-256 of `bytes`.
            pub(crate) fn hash_of(bytes: &[u8]) -> Self {
                Self(half_sha256(bytes))
            }
        }

        impl TryFrom<Cow<'_, str>> for $name {
            type Error = MalformedNumber;

            fn try_from(text: Cow<'_, str>) -> Result<Self, MalformedNumber> {
                let mut bytes = [0; 16];
                if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
                    return Err(MalformedNumber);
                }
                hex::decode_to_slice(text.as_bytes(), &mut bytes).map_err(|_| MalformedNumber)?;
                Ok(Self(bytes))
            }
        }

        impl From<$name> for String {
            fn from(number: $name) -> Self {
                number.to_string()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        id! { both $name, MalformedNumber }
    };
    (both $name:ident, $error:ident) => {
        impl FromStr for $name {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                Cow::Borrowed(text).try_into()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

id! {
    /// The public name of a cart: safe to show and to log.
    number CartNumber
}

id! {
    /// The public name of an order.
    ///
    /// Derived from the Checkout Session that paid for it, so that fulfilling the same session twice names the same
    /// order, without any lookup.
    number OrderNumber
}

id! {
    /// The id of a Stripe Price.
    chosen PriceId
}

id! {
    /// The id of a Stripe Product.
    chosen ProductId
}

id! {
    /// The id of a Checkout Session.
    stripe SessionId
}

id! {
    /// The id of a payment intent: Stripe's object for one payment.
    stripe PaymentIntentId
}

id! {
    /// The id of a subscription.
    stripe SubscriptionId
}

id! {
    /// The id of an invoice.
    stripe InvoiceId
}

id! {
    /// The id of a customer.
    chosen CustomerId
}

impl SessionId {
    /// Reads an id that a visitor of the landing page sent, who can send any text. `None` unless it is `cs_` and, behind it,
    /// letters, digits and `_`, as all of Stripe's are.
    #[must_use]
    pub fn from_visitor(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("cs_")?;
        let plain = !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        text.parse().ok().filter(|_| plain)
    }

    /// Whether its money is real: Stripe's ids say so.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.0.starts_with("cs_live_")
    }
}

impl OrderNumber {
    /// The number of the order that the Checkout Session `session` makes: the first 16 bytes of its SHA-256.
    #[must_use]
    pub fn of_session(session: &SessionId) -> Self {
        Self::hash_of(session.as_str().as_bytes())
    }

    pub(crate) fn bytes(self) -> [u8; 16] {
        self.0
    }
}

/// The first half of a SHA-256.
pub(crate) fn half_sha256(bytes: &[u8]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&Sha256::digest(bytes)[..16]);
    half
}

fn is_chosen_id(text: &str) -> bool {
    let is_place = matches!(text, "." | "..");
    // `~` is the last printable character of ASCII, and left out.
    (1..=255).contains(&text.len())
        && text.bytes().all(|byte| (b' '..b'~').contains(&byte))
        && !text.starts_with(' ')
        && !text.ends_with(' ')
        && !is_place
}

fn is_stripe_id(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_numbers_are_refused() {
        for text in ["", "xyz", "BE45CB2605BF36BEBDE684841A28F0FD", "be45cb2605bf36bebde684841a28f0f"] {
            assert_eq!(text.parse::<OrderNumber>(), Err(MalformedNumber), "{text}");
        }
    }

    #[test]
    fn ids_survive_being_written_and_read() {
        let number = OrderNumber::hash_of(b"a");
        let price: PriceId = "price_1OaB-c".parse().unwrap();

        assert_eq!(serde_json::from_str::<OrderNumber>(&serde_json::to_string(&number).unwrap()).unwrap(), number);
        assert_eq!(serde_json::from_str::<PriceId>(&serde_json::to_string(&price).unwrap()).unwrap(), price);
    }

    #[test]
    fn what_cannot_be_an_id_of_stripes_is_refused() {
        let too_long = "p".repeat(256);

        for text in ["", ".", "..", "price_ä", "price_a~x", "a\tb", "a\n", " ", " a", "a ", "a\u{7f}", &too_long] {
            assert_eq!(text.parse::<PriceId>(), Err(MalformedId), "{text}");
        }
        for text in ["", "a/b", "a b", "price_ä", &too_long] {
            assert_eq!(text.parse::<SessionId>(), Err(MalformedId), "{text}");
        }
    }

    #[test]
    fn merchants_chose_ids_of_any_printable_ascii() {
        let longest = "p".repeat(255);
        let all: String = (b'!'..b'~').map(char::from).collect();

        for text in ["gold:1.5", "gold / silver", "../prices", "\"\\", "50%", "a#b?c", &all, &longest] {
            assert_eq!(text.parse::<PriceId>().unwrap().as_str(), text);
            let read: ProductId = serde_json::from_value(serde_json::json!(text)).unwrap();
            assert_eq!(serde_json::to_value(read).unwrap(), text);
        }
    }

    #[test]
    fn a_visitor_names_a_session_or_nothing() {
        for good in ["cs_test_a1", "cs_live_B_2"] {
            assert_eq!(SessionId::from_visitor(good).unwrap().as_str(), good);
        }
        for bad in ["", "cs_", "cs_a-b", "cs_../..", "pi_1", "cs_a b"] {
            assert_eq!(SessionId::from_visitor(bad), None, "{bad}");
        }
    }
}
