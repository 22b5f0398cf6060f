//! Exact amounts of money.

use std::fmt;

use crate::Currency;

/// An amount in one currency, counted in the integer unit Stripe uses for it.
///
/// Wide enough that no cart can overflow it: 100 lines of 999,999 units at any price Stripe takes.
///
/// ```
/// use cart::{Currency, Money};
///
/// let usd = Currency::USD;
/// assert_eq!(Money::new(6450, usd).major(), "64.5");
/// assert_eq!(Money::new(6400, usd).major(), "64");
/// assert_eq!(Money::new(1500, "jpy".parse()?).major(), "1500");
/// # Ok::<(), cart::UnknownCurrency>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Money {
    minor: i128,
    currency: Currency,
}

impl Money {
    /// An amount of `minor` units of `currency`.
    #[must_use]
    pub fn new(minor: impl Into<i128>, currency: Currency) -> Self {
        Self { minor: minor.into(), currency }
    }

    /// The amount in the currency's minor unit, as Stripe's API writes it.
    #[must_use]
    pub fn minor(self) -> i128 {
        self.minor
    }

    /// The currency.
    #[must_use]
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// The amount in major units as the shortest exact decimal: `64`, `64.5`, `-0.05`.
    ///
    /// A valid JSON number, printed from integers.
    #[must_use]
    pub fn major(self) -> String {
        let digits = usize::from(self.currency.minor_digits());
        let mut text = format!("{:0width$}", self.minor.unsigned_abs(), width = digits + 1);
        if digits > 0 {
            text.insert(text.len() - digits, '.');
            text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
        }
        if self.minor < 0 {
            text.insert(0, '-');
        }
        text
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.major(), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn major_units_are_exact_and_shortest() {
        let cases = [
            (0, "usd", "0"),
            (5, "usd", "0.05"),
            (50, "usd", "0.5"),
            (100, "usd", "1"),
            (-5, "usd", "-0.05"),
            (1500, "jpy", "1500"),
            (10, "jpy", "10"),
            (1_234_500, "kwd", "1234.5"),
            (100_000, "ugx", "1000"),
            (1_000_000_000_000_000_000_001_i128, "usd", "10000000000000000000.01"),
        ];

        for (minor, currency, expected) in cases {
            assert_eq!(Money::new(minor, currency.parse().unwrap()).major(), expected);
        }
    }
}
