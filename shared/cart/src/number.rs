//! What opens a cart, and what names one.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// 128 random bits that open one cart.
///
/// Travels as 22 characters of base64url in the cookie or in `Cart-Token`. It is never stored and never printed: its
/// `Debug` shows nothing.
///
/// ```
/// let token: cart::Token = "AAECAwQFBgcICQoLDA0ODw".parse()?;
/// assert_eq!(token.number().to_string(), "be45cb2605bf36bebde684841a28f0fd");
/// # Ok::<(), cart::MalformedToken>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Token([u8; 16]);

/// The text is not 16 bytes in base64url without padding.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a cart token")]
pub struct MalformedToken;

impl Token {
    /// A token of these bytes, which the caller draws from the system's random source.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The token that a client which may repeat its request, and brings no token yet, opens a cart with.
    ///
    /// Whoever does not know the client's `key` cannot compute it from the `salt`, which is all that is stored. It is as
    /// hard to guess as the key is.
    #[must_use]
    pub fn of_key(key: &str, salt: [u8; 16]) -> Self {
        Self(half_sha256(&[&salt, key.as_bytes()].concat()))
    }

    /// The number of the cart that this token opens: the first 16 bytes of the SHA-256 of the token's 16 bytes.
    ///
    /// One way: whoever knows a number can open nothing.
    #[must_use]
    pub fn number(&self) -> CartNumber {
        CartNumber(half_sha256(&self.0))
    }

    /// The form in which the token travels.
    #[must_use]
    pub fn reveal(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

impl FromStr for Token {
    type Err = MalformedToken;

    fn from_str(text: &str) -> Result<Self, MalformedToken> {
        let mut bytes = [0; 16];
        match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
            Ok(16) => Ok(Self(bytes)),
            _ => Err(MalformedToken),
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The text is not 32 lower-case hex digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not 32 lower-case hexadecimal digits")]
pub struct MalformedNumber;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "std::borrow::Cow<'_, str>", into = "String")]
        pub struct $name([u8; 16]);

        impl FromStr for $name {
            type Err = MalformedNumber;

            fn from_str(text: &str) -> Result<Self, MalformedNumber> {
                let mut bytes = [0; 16];
                if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
                    return Err(MalformedNumber);
                }
                hex::decode_to_slice(text, &mut bytes).map_err(|_| MalformedNumber)?;
                Ok(Self(bytes))
            }
        }

        impl TryFrom<std::borrow::Cow<'_, str>> for $name {
            type Error = MalformedNumber;

            fn try_from(text: std::borrow::Cow<'_, str>) -> Result<Self, MalformedNumber> {
                text.parse()
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

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

number! {
    /// The public name of a cart: 32 hex digits, safe to show and to log.
    CartNumber
}

number! {
    /// The public name of an order: 32 hex digits.
    ///
    /// Derived from the Checkout Session that paid for it, so that fulfilling the same session twice names the same
    /// order, without any lookup.
    OrderNumber
}

impl OrderNumber {
    /// The number of the order that the Checkout Session `session` makes: the first 16 bytes of its SHA-256.
    #[must_use]
    pub fn of_session(session: &str) -> Self {
        Self(half_sha256(session.as_bytes()))
    }
}

fn half_sha256(bytes: &[u8]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&Sha256::digest(bytes)[..16]);
    half
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_its_journey_and_shows_nothing_in_debug_output() {
        let token = Token::from_bytes([0xA5; 16]);

        assert_eq!(token.reveal().parse(), Ok(token.clone()));
        assert_eq!(token.reveal().len(), 22);
        assert_eq!(format!("{token:?}"), "Token(…)");
    }

    #[test]
    fn malformed_tokens_are_refused() {
        for text in ["", "short", "AAECAwQFBgcICQoLDA0ODw==", "AAECAwQFBgcICQoLDA0OD", "AAECAwQFBgcICQoLDA0ODx", "ä"] {
            assert_eq!(text.parse::<Token>(), Err(MalformedToken), "{text}");
        }
    }

    #[test]
    fn malformed_numbers_are_refused() {
        for text in ["", "xyz", "BE45CB2605BF36BEBDE684841A28F0FD", "be45cb2605bf36bebde684841a28f0f"] {
            assert_eq!(text.parse::<OrderNumber>(), Err(MalformedNumber), "{text}");
        }
    }
}
