//! What coupons take off (<https://docs.stripe.com/api/coupons/object>).

use serde_json::Value;

use super::amounts::Amounts;
use super::decimal::Decimal;

/// What a coupon takes off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Off {
    Percent(Decimal),
    Amount(i64),
}

impl Off {
    /// Reads a coupon object; `None` when it has no amount in `currency`.
    pub(crate) fn of(coupon: &Value, currency: &str) -> Option<Self> {
        if coupon["percent_off"].is_number() {
            return coupon["percent_off"].to_string().parse().ok().map(Self::Percent);
        }
        Amounts::of(coupon).amount("amount_off", currency).map(Self::Amount)
    }

    /// The discount of each amount: a percentage of each, or one amount shared out in proportion, whole minor units
    /// going first to the lines that lost most by rounding down. Never more than there is.
    pub(crate) fn spread(self, amounts: &[i64]) -> Vec<i64> {
        match self {
            Self::Percent(percent) => {
                amounts.iter().map(|amount| percent.share_of(*amount, Decimal::HUNDRED).clamp(0, *amount)).collect()
            }
            Self::Amount(off) => share_out(off, amounts),
        }
    }
}

fn share_out(off: i64, amounts: &[i64]) -> Vec<i64> {
    let total: i128 = amounts.iter().map(|amount| i128::from(*amount)).sum();
    let off = i128::from(off).clamp(0, total);
    if off == 0 {
        return vec![0; amounts.len()];
    }
    let mut shares: Vec<i128> = amounts.iter().map(|amount| i128::from(*amount) * off / total).collect();
    let mut losers: Vec<usize> = (0..amounts.len()).collect();
    losers.sort_by_key(|line| std::cmp::Reverse(i128::from(amounts[*line]) * off % total));
    let missing = off - shares.iter().sum::<i128>();
    for line in losers.into_iter().take(usize::try_from(missing).unwrap_or(0)) {
        shares[line] += 1;
    }
    shares.into_iter().map(|share| i64::try_from(share).unwrap_or(i64::MAX)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn discounts_are_spread_over_the_lines() {
        let percent = |text: &str| Off::Percent(text.parse().unwrap());
        let cases = [
            (percent("10"), vec![1000, 205], vec![100, 21]),
            (percent("33.33"), vec![100, 100], vec![33, 33]),
            (percent("100"), vec![999, 1], vec![999, 1]),
            (Off::Amount(100), vec![100, 100, 100], vec![34, 33, 33]),
            (Off::Amount(500), vec![1000, 3000], vec![125, 375]),
            (Off::Amount(5000), vec![1000, 3000], vec![1000, 3000]),
            (Off::Amount(500), vec![0, 0], vec![0, 0]),
            (Off::Amount(1), vec![1, 2], vec![0, 1]),
        ];
        for (off, amounts, discounts) in cases {
            assert_eq!(off.spread(&amounts), discounts, "{off:?} of {amounts:?}");
        }
    }

    #[test]
    fn a_coupon_counts_only_in_its_currencies() {
        let coupon = json!({
            "percent_off": null, "amount_off": 500, "currency": "usd",
            "currency_options": { "eur": { "amount_off": 450 } },
        });

        assert_eq!(Off::of(&coupon, "usd"), Some(Off::Amount(500)));
        assert_eq!(Off::of(&coupon, "eur"), Some(Off::Amount(450)));
        assert_eq!(Off::of(&coupon, "jpy"), None);
        assert_eq!(Off::of(&json!({ "percent_off": 25.5 }), "jpy"), Some(Off::Percent("25.5".parse().unwrap())));
    }
}
