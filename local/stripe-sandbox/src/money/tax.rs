//! What tax rates add or hold (<https://docs.stripe.com/api/tax_rates/object>).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::decimal::Decimal;
use super::sum;

/// A tax of a fixed percentage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rate {
    pub(crate) percentage: Decimal,
    pub(crate) inclusive: bool,
}

impl Rate {
    /// Reads a tax rate object.
    #[expect(clippy::expect_used, reason = "a tax of zero in the place of one that cannot be read would go unnoticed")]
    pub(crate) fn of(rate: &Value) -> Self {
        let percentage = rate["percentage"].to_string();
        Self {
            percentage: percentage.parse().expect("the catalogue has only tax rates whose percentage is a decimal"),
            inclusive: rate["inclusive"] == true,
        }
    }
}

/// The taxes of one line.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Taxes {
    /// The amount of each rate, in the order given.
    pub(crate) amounts: Vec<i64>,
    /// What the taxes are computed on.
    pub(crate) taxable: i64,
    /// How much the taxes add to the price: the exclusive ones.
    pub(crate) added: i64,
}

/// Computes the taxes of an amount after discounts, each rounded once, a half away from zero.
///
/// Inclusive rates are taken out of the amount together; exclusive rates are added to what is left.
pub(crate) fn taxes(amount: i64, rates: &[Rate]) -> Taxes {
    let inclusive = rates.iter().filter(|rate| rate.inclusive);
    let gross = inclusive.fold(Decimal::HUNDRED, |sum, rate| sum.plus(rate.percentage));
    let within = |rate: &Rate| rate.percentage.share_of(amount, gross);
    let taxable = amount.saturating_sub(sum(rates.iter().filter(|rate| rate.inclusive).map(within)));
    let on_top = |rate: &Rate| rate.percentage.share_of(taxable, Decimal::HUNDRED);
    Taxes {
        amounts: rates.iter().map(|rate| if rate.inclusive { within(rate) } else { on_top(rate) }).collect(),
        taxable,
        added: sum(rates.iter().filter(|rate| !rate.inclusive).map(on_top)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(percentage: &str, inclusive: bool) -> Rate {
        Rate { percentage: percentage.parse().unwrap(), inclusive }
    }

    #[test]
    fn taxes_are_within_or_on_top_of_the_price() {
        let cases = [
            (1000, vec![rate("20", false)], vec![200], 1000, 200),
            (1200, vec![rate("20", true)], vec![200], 1000, 0),
            (1000, vec![rate("19", true)], vec![160], 840, 0),
            (1234, vec![rate("8.875", false)], vec![110], 1234, 110),
            (10, vec![rate("5", false)], vec![1], 10, 1),
            (1150, vec![rate("10", true), rate("5", true)], vec![100, 50], 1000, 0),
            (1100, vec![rate("10", true), rate("5", false)], vec![100, 50], 1000, 50),
            (0, vec![rate("20", false)], vec![0], 0, 0),
            (500, vec![], vec![], 500, 0),
        ];
        for (amount, rates, amounts, taxable, added) in cases {
            assert_eq!(taxes(amount, &rates), Taxes { amounts, taxable, added }, "{amount} {rates:?}");
        }
    }
}
