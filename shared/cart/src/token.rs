//! What opens a cart.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::CartNumber;
use crate::ids::half_sha256;

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

    /// The token of a cart that is opened under an idempotency key: a repetition of the request makes the same one.
    ///
    /// Only the `seed` is stored, and the token cannot be computed from it without the client's `key`. So the token is as
    /// hard to guess as the key.
    #[must_use]
    pub fn of_key(key: &str, seed: [u8; 16]) -> Self {
        Self(half_sha256(&[&seed, key.as_bytes()].concat()))
    }

    /// The number of the cart that this token opens: the first 16 bytes of the SHA-256 of the token's 16 bytes.
    ///
    /// The token cannot be computed from the number, so the number opens nothing.
    #[must_use]
    pub fn number(&self) -> CartNumber {
        CartNumber::hash_of(&self.0)
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
}
