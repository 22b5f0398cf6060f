//! Currencies as Stripe writes them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An ISO 4217 code in lower case, as Stripe's API writes it.
///
/// ```
/// let yen: cart::Currency = "JPY".parse()?;
/// assert_eq!(yen.as_str(), "jpy");
/// assert_eq!(yen.minor_digits(), 0);
/// # Ok::<(), cart::UnknownCurrency>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "std::borrow::Cow<'_, str>", into = "String")]
pub struct Currency([u8; 3]);

/// The text is not three letters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a three-letter currency code")]
pub struct UnknownCurrency;

impl Currency {
    /// US dollars, the default of a shop that sets none.
    pub const USD: Self = Self(*b"usd");

    /// The code in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only ASCII letters get in.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// How many decimals of the major unit Stripe's integer amounts carry.
    ///
    /// Zero for Stripe's zero-decimal currencies, three for its three-decimal ones, two for all others. ISK and UGX
    /// have no cents, yet Stripe keeps sending them as two-decimal amounts.
    ///
    /// Source: <https://docs.stripe.com/currencies#zero-decimal>, "Special cases" and "Three-decimal currencies".
    #[must_use]
    pub fn minor_digits(self) -> u8 {
        match &self.0 {
            b"bif" | b"clp" | b"djf" | b"gnf" | b"jpy" | b"kmf" | b"krw" | b"mga" | b"pyg" | b"rwf" | b"vnd"
            | b"vuv" | b"xaf" | b"xof" | b"xpf" => 0,
            b"bhd" | b"jod" | b"kwd" | b"omr" | b"tnd" => 3,
            _ => 2,
        }
    }
}

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(text: &str) -> Result<Self, UnknownCurrency> {
        let code: [u8; 3] = text.as_bytes().try_into().map_err(|_| UnknownCurrency)?;
        if !code.iter().all(u8::is_ascii_alphabetic) {
            return Err(UnknownCurrency);
        }
        Ok(Self(code.map(|letter| letter.to_ascii_lowercase())))
    }
}

impl TryFrom<std::borrow::Cow<'_, str>> for Currency {
    type Error = UnknownCurrency;

    fn try_from(text: std::borrow::Cow<'_, str>) -> Result<Self, UnknownCurrency> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.as_str().to_owned()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
