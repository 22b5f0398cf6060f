//! Decimal numbers with twelve decimal places, the precision of Stripe's decimal amounts.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The digits after the point.
const PLACES: usize = 12;
const ONE: i128 = 10_i128.pow(12);
/// Digits before the point; products with a quantity then stay far below the limits of the arithmetic.
const WHOLE_DIGITS: usize = 12;

/// An exact decimal number: a count of millionths of millionths.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Decimal(i128);

#[derive(Debug, thiserror::Error)]
#[error("not a decimal number with up to {WHOLE_DIGITS} digits before and {PLACES} after the point")]
pub(crate) struct NotDecimal;

impl Decimal {
    pub(crate) const HUNDRED: Self = Self(100 * ONE);

    pub(crate) fn whole(number: i64) -> Self {
        Self(i128::from(number) * ONE)
    }

    pub(crate) fn times(self, count: u64) -> Self {
        Self(self.0 * i128::from(count))
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }

    /// The nearest whole number; a half is rounded away from zero.
    pub(crate) fn round(self) -> i64 {
        saturate(nearest(self.0, ONE))
    }

    /// The whole number this is, unless it has a fraction.
    pub(crate) fn exact(self) -> Option<i64> {
        if self.0 % ONE == 0 { i64::try_from(self.0 / ONE).ok() } else { None }
    }

    /// `amount × self ÷ whole`, rounded to the nearest whole number, a half away from zero.
    pub(crate) fn share_of(self, amount: i64, whole: Self) -> i64 {
        if whole.0 == 0 {
            return 0;
        }
        saturate(nearest(i128::from(amount) * self.0, whole.0))
    }
}

/// The nearest whole number, a half away from zero; the denominator is positive.
fn nearest(numerator: i128, denominator: i128) -> i128 {
    let nearest = (2 * numerator.abs() + denominator) / (2 * denominator);
    nearest * numerator.signum()
}

fn saturate(number: i128) -> i64 {
    i64::try_from(number).unwrap_or(if number < 0 { i64::MIN } else { i64::MAX })
}

impl FromStr for Decimal {
    type Err = NotDecimal;

    fn from_str(text: &str) -> Result<Self, NotDecimal> {
        let (sign, digits) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let only_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !only_digits(whole) || !only_digits(fraction) {
            return Err(NotDecimal);
        }
        let fraction = fraction.trim_end_matches('0');
        if whole.len() > WHOLE_DIGITS || fraction.len() > PLACES {
            return Err(NotDecimal);
        }
        let whole: i128 = whole.parse().map_err(|_| NotDecimal)?;
        let places: i128 = format!("{fraction:0<PLACES$}").parse().map_err(|_| NotDecimal)?;
        Ok(Self(sign * (whole * ONE + places)))
    }
}

impl TryFrom<String> for Decimal {
    type Error = NotDecimal;

    fn try_from(text: String) -> Result<Self, NotDecimal> {
        text.parse()
    }
}

impl From<Decimal> for String {
    fn from(decimal: Decimal) -> Self {
        decimal.to_string()
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, fraction) = (self.0.abs() / ONE, self.0.abs() % ONE);
        if fraction == 0 {
            return write!(formatter, "{sign}{whole}");
        }
        let fraction = format!("{fraction:0PLACES$}");
        write!(formatter, "{sign}{whole}.{}", fraction.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_exactly_and_written_shortest() {
        for (text, written) in
            [("0", "0"), ("12.50", "12.5"), ("0.000000000001", "0.000000000001"), ("-1.25", "-1.25"), ("7.", "")]
        {
            let read = text.parse::<Decimal>().map(|decimal| decimal.to_string()).unwrap_or_default();

            assert_eq!(read, written, "{text}");
        }
        for text in ["", ".5", "1e3", "0.0000000000001", "1,5", "1234567890123"] {
            assert!(text.parse::<Decimal>().is_err(), "{text}");
        }
    }

    #[test]
    fn halves_are_rounded_away_from_zero() {
        for (text, rounded) in
            [("0.4999", 0), ("0.5", 1), ("1.5", 2), ("2.5", 3), ("-0.4999", 0), ("-0.5", -1), ("-1.5", -2)]
        {
            assert_eq!(text.parse::<Decimal>().unwrap().round(), rounded, "{text}");
        }
    }
}
