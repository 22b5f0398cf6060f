//! Stripe's decimal strings.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Currency;

/// A number with at most twelve decimals, as Stripe writes `unit_amount_decimal`: in minor units, `"0.05"` is a
/// twentieth of a cent.
///
/// Source: <https://docs.stripe.com/api/prices/object#price_object-unit_amount_decimal>
///
/// ```
/// let twentieth: cart::Decimal = "0.05".parse()?;
/// assert_eq!(twentieth.times(10).rounded(), 1); // half a cent rounds up
/// assert_eq!(twentieth.times(9).rounded(), 0);
/// # Ok::<(), cart::MalformedDecimal>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "Text", into = "String")]
pub struct Decimal {
    /// The number times 10¹².
    trillionths: i128,
}

/// The text is not a decimal number with at most twelve decimals.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a decimal number with at most 12 decimals")]
pub struct MalformedDecimal;

const DIGITS: usize = 12;
const ONE: i128 = 10_i128.pow(12);

impl Decimal {
    /// This number, `count` times.
    ///
    /// Exact for every amount that Stripe takes and every quantity that a cart takes; saturates 10¹⁴ times beyond.
    #[must_use]
    pub fn times(self, count: u64) -> Self {
        Self { trillionths: self.trillionths.saturating_mul(i128::from(count)) }
    }

    /// The nearest integer; halves round away from zero, so that half a cent is paid as a whole one.
    ///
    /// Source: <https://docs.stripe.com/billing/subscriptions/decimal-amounts#rounding>
    #[must_use]
    pub fn rounded(self) -> i128 {
        self.trillionths.saturating_add(self.trillionths.signum() * (ONE / 2)) / ONE
    }

    /// This number of minor units of `currency` in major units, as the shortest exact decimal.
    ///
    /// ```
    /// let beads: cart::Decimal = "0.35".parse()?;
    /// assert_eq!(beads.major(cart::Currency::USD), "0.0035");
    /// # Ok::<(), cart::MalformedDecimal>(())
    /// ```
    #[must_use]
    pub fn major(self, currency: Currency) -> String {
        shortest(self.trillionths, DIGITS + usize::from(currency.minor_digits()))
    }
}

/// `number` ÷ 10^`digits` as the shortest exact decimal, printed from integers.
pub(crate) fn shortest(number: i128, digits: usize) -> String {
    let mut text = format!("{:0width$}", number.unsigned_abs(), width = digits + 1);
    if digits > 0 {
        text.insert(text.len() - digits, '.');
        text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
    }
    if number < 0 {
        text.insert(0, '-');
    }
    text
}

impl std::ops::Add for Decimal {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { trillionths: self.trillionths.saturating_add(other.trillionths) }
    }
}

impl From<i64> for Decimal {
    fn from(integer: i64) -> Self {
        Self { trillionths: i128::from(integer) * ONE }
    }
}

impl FromStr for Decimal {
    type Err = MalformedDecimal;

    fn from_str(text: &str) -> Result<Self, MalformedDecimal> {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty()
            || whole.len() > 15
            || fraction.len() > DIGITS
            || !all_digits(whole)
            || !all_digits(fraction)
        {
            return Err(MalformedDecimal);
        }
        let trillionths: i128 = format!("{whole}{fraction:0<DIGITS$}").parse().map_err(|_| MalformedDecimal)?;
        Ok(Self { trillionths: sign * trillionths })
    }
}

/// Stripe sends decimals as strings; older files of sample data hold numbers.
#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Integer(i64),
    Float(f64),
    String(String),
}

impl TryFrom<Text> for Decimal {
    type Error = MalformedDecimal;

    fn try_from(text: Text) -> Result<Self, MalformedDecimal> {
        match text {
            Text::Integer(integer) => Ok(integer.into()),
            Text::Float(float) => float.to_string().parse(),
            Text::String(string) => string.parse(),
        }
    }
}

impl From<Decimal> for String {
    fn from(decimal: Decimal) -> Self {
        decimal.to_string()
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shortest(self.trillionths, DIGITS))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn half_a_minor_unit_rounds_away_from_zero() {
        let cases = [("0.5", 1), ("0.499999999999", 0), ("1.5", 2), ("-0.5", -1), ("2.4", 2), ("3200", 3200)];

        for (text, rounded) in cases {
            assert_eq!(text.parse::<Decimal>().unwrap().rounded(), rounded, "{text}");
        }
    }

    #[test]
    fn fractions_of_a_minor_unit_are_kept_in_major_units() {
        let cases = [
            ("0.35", "usd", "0.0035"),
            ("1200", "usd", "12"),
            ("95.5", "usd", "0.955"),
            ("0.000000000001", "kwd", "0.000000000000001"),
            ("0.5", "jpy", "0.5"),
            ("0", "eur", "0"),
        ];

        for (minor, currency, major) in cases {
            assert_eq!(minor.parse::<Decimal>().unwrap().major(currency.parse().unwrap()), major, "{minor} {currency}");
        }
    }

    #[test]
    fn what_no_amount_reaches_saturates() {
        let largest = Decimal::from(i64::MAX);

        assert_eq!(largest.times(999_999).rounded(), i128::from(i64::MAX) * 999_999);
        assert!(largest.times(u64::MAX).rounded() > 0);
        assert!((largest.times(u64::MAX) + largest.times(u64::MAX)).rounded() > 0);
    }

    #[test]
    fn malformed_decimals_are_refused() {
        for text in ["", ".", ".5", "1e3", "+1", "--1", "1.2.3", "1,5", "0.1234567890123", "٣"] {
            assert_eq!(text.parse::<Decimal>(), Err(MalformedDecimal), "{text}");
        }
    }

    proptest! {
        #[test]
        fn printing_parses_back(trillionths in -(10_i128.pow(26))..10_i128.pow(26)) {
            let decimal = Decimal { trillionths };

            prop_assert_eq!(decimal.to_string().parse(), Ok(decimal));
        }
    }
}
