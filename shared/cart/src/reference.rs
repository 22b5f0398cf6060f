//! What people call an order.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::OrderNumber;

/// A short name of an order, which people can say on the telephone: 50 bits as 10 characters.
///
/// Two orders may have the same: it finds an order, and proves nothing. It is read in either case, with hyphens and blanks in
/// between, and with the letters that look like the digits 0 and 1 in their place.
///
/// Source: <https://www.crockford.com/base32.html>
///
/// ```
/// use cart::Reference;
///
/// let reference = Reference::of_key("be45cb2605bf36bebde684841a28f0fd-3-0123456789abcdef");
///
/// assert_eq!(reference.to_string(), "6JQNSVNNDX");
/// assert_eq!("6jqns-vnndx".parse(), Ok(reference));
/// assert_eq!("O1234-5678I".parse::<Reference>(), "0123456781".parse());
/// assert!("6JQNSVNNDU".parse::<Reference>().is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Reference(u64);

/// The text is no order's reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not 10 digits and letters without U")]
pub struct MalformedReference;

/// Digits and letters without I, L, O and U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 10;
const BITS_OF_CHARACTER: usize = 5;
const BITS: usize = LENGTH * BITS_OF_CHARACTER;

impl Reference {
    /// The reference of the order of a session that is made under this idempotency key: the first 50 bits of its SHA-256.
    #[must_use]
    pub fn of_key(key: &str) -> Self {
        Self::of_bytes(&Sha256::digest(key))
    }

    /// The reference of an order whose session has none: the first 50 bits of its number.
    #[must_use]
    pub fn of_number(number: OrderNumber) -> Self {
        Self::of_bytes(&number.bytes())
    }

    fn of_bytes(bytes: &[u8]) -> Self {
        let first = bytes.iter().take(size_of::<u64>()).fold(0, |bits, byte| bits << u8::BITS | u64::from(*byte));
        Self(first >> (u64::BITS as usize - BITS))
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for place in (0..LENGTH).rev() {
            let digit = self.0 >> (place * BITS_OF_CHARACTER) & 0b1_1111;
            let character = usize::try_from(digit).ok().and_then(|digit| ALPHABET.get(digit));
            write!(f, "{}", char::from(*character.ok_or(fmt::Error)?))?;
        }
        Ok(())
    }
}

impl FromStr for Reference {
    type Err = MalformedReference;

    fn from_str(text: &str) -> Result<Self, MalformedReference> {
        let characters: Vec<char> = text.chars().filter(|character| !matches!(character, '-' | ' ')).collect();
        if characters.len() != LENGTH {
            return Err(MalformedReference);
        }
        characters.into_iter().try_fold(Self(0), |Self(bits), character| {
            let meant = match character.to_ascii_uppercase() {
                'I' | 'L' => '1',
                'O' => '0',
                other => other,
            };
            let digit = ALPHABET.iter().position(|known| char::from(*known) == meant).ok_or(MalformedReference)?;
            Ok(Self(bits << BITS_OF_CHARACTER | digit as u64))
        })
    }
}

impl TryFrom<String> for Reference {
    type Error = MalformedReference;

    fn try_from(text: String) -> Result<Self, MalformedReference> {
        text.parse()
    }
}

impl From<Reference> for String {
    fn from(reference: Reference) -> Self {
        reference.to_string()
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_order_without_one_has_the_first_fifty_bits_of_its_number() {
        for (number, reference) in [
            ("00000000000000000000000000000000", "0000000000"),
            ("ffffffffffffffffffffffffffffffff", "ZZZZZZZZZZ"),
            // 00001 00010 00011 and so on, and then what does not count.
            ("08864298e84abfffffffffffffffffff", "123456789A"),
        ] {
            assert_eq!(Reference::of_number(number.parse().unwrap()).to_string(), reference, "{number}");
        }
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        for text in ["", "123456789", "123456789AB", "12345678U9", "12345678ä9", "123456789_"] {
            assert_eq!(text.parse::<Reference>(), Err(MalformedReference), "{text}");
        }
    }

    proptest! {
        #[test]
        fn writing_reads_back(bits in 0_u64..1 << 50) {
            let reference = Reference(bits);

            prop_assert_eq!(reference.to_string().parse(), Ok(reference));
            prop_assert_eq!(reference.to_string().to_lowercase().parse(), Ok(reference));
        }
    }
}
