//! Exact amounts of money.

use std::fmt;

use crate::Currency;
use crate::decimal::shortest;

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
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
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

    /// This amount and `other`; `None` where they are of different currencies, which nothing adds up, or where the sum
    /// would be beyond all bounds.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let minor = self.minor.checked_add(other.minor).filter(|_| self.currency == other.currency)?;
        Some(Self { minor, ..self })
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
        shortest(self.minor, self.currency.minor_digits().into())
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.major(), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_amounts_of_one_currency_add_up() {
        let usd = |minor: i128| Money::new(minor, Currency::USD);
        let yen = Money::new(1, "jpy".parse().unwrap());

        assert_eq!(usd(1).checked_add(usd(2)), Some(usd(3)));
        assert_eq!(usd(1).checked_add(yen), None);
        assert_eq!(usd(i128::MAX).checked_add(usd(1)), None);
    }

    proptest! {
        #[test]
        fn major_units_parse_back(minor in any::<i64>(), code in "usd|jpy|kwd") {
            let money = Money::new(minor, code.parse().unwrap());
            let digits = usize::from(money.currency().minor_digits());

            let major = money.major();
            let (whole, fraction) = major.split_once('.').unwrap_or((&major, ""));

            prop_assert!(serde_json::from_str::<serde_json::Number>(&major).is_ok());
            prop_assert!(fraction.len() <= digits && !fraction.ends_with('0'));
            prop_assert_eq!(format!("{whole}{fraction:0<digits$}").parse::<i64>(), Ok(minor));
        }
    }

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
