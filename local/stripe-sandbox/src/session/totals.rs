//! What a session comes to.

use serde_json::Value;

use super::{LineAmounts, Mode, Session};
use crate::money::amounts::Amounts;
use crate::money::currency;
use crate::money::discount::Off;
use crate::money::sum;
use crate::money::tax::{Rate, taxes};
use crate::protocol::refusal::Refusal;

/// What a session comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) subtotal: i64,
    pub(crate) discount: i64,
    pub(crate) shipping: i64,
    pub(crate) tax: i64,
    pub(crate) total: i64,
}

impl Session {
    /// The shipping rate that is chosen, and its amount in the session's currency.
    pub(crate) fn shipping_choice(&self) -> Option<(&Value, i64)> {
        let rate = self.shipping.get(self.chosen_shipping)?;
        Some((rate, shipping_amount(rate, &self.currency).unwrap_or(0)))
    }

    /// Computes the amounts of every line.
    pub(crate) fn reprice(&mut self) {
        let trial = self.has_trial();
        for line in &mut self.lines {
            let later = line.recurring && trial;
            let quantity = line.quantity.filter(|_| !later).unwrap_or(0);
            line.amounts.subtotal = line.pricing.amount_at(quantity, line.chosen_unit);
        }
        let discounts = self.spread_discount();
        let fallback = if self.automatic_tax() { self.automatic_rates.clone() } else { self.default_rates.clone() };
        for (line, discount) in self.lines.iter_mut().zip(discounts) {
            let rates = if line.rates.is_empty() { fallback.clone() } else { line.rates.clone() };
            let percentages: Vec<Rate> = rates.iter().map(Rate::of).collect();
            line.amounts.discount = discount;
            line.amounts.taxes = taxes(line.amounts.subtotal - discount, &percentages);
            line.amounts.rates = rates;
        }
    }

    fn spread_discount(&self) -> Vec<i64> {
        let nothing = vec![0; self.lines.len()];
        let Some(discount) = &self.discount else { return nothing };
        let Some(off) = Off::of(&discount.coupon, &self.currency) else { return nothing };
        let only = discount.coupon["applies_to"]["products"].as_array();
        let amounts: Vec<i64> = self
            .lines
            .iter()
            .map(|line| {
                let applies = only.is_none_or(|products| products.iter().any(|product| *product == line.product));
                if applies { line.amounts.subtotal } else { 0 }
            })
            .collect();
        off.spread(&amounts)
    }

    pub(crate) fn totals(&self) -> Totals {
        let sum = |of: fn(&LineAmounts) -> i64| sum(self.lines.iter().map(|line| of(&line.amounts)));
        let shipping = self.shipping_choice().map_or(0, |(_, amount)| amount);
        Totals {
            subtotal: sum(|amounts| amounts.subtotal),
            discount: sum(|amounts| amounts.discount),
            shipping,
            tax: sum(LineAmounts::tax),
            total: sum(LineAmounts::total).saturating_add(shipping),
        }
    }

    /// Refuses totals that Stripe would not charge.
    pub(crate) fn check_total(&self) -> Result<(), Refusal> {
        /// Eight digits (<https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts>).
        const MOST: i64 = 99_999_999;
        let total = self.totals().total;
        if total > MOST {
            let most = currency::format(MOST, &self.currency);
            let message = format!("The Checkout Session's total amount due must be no more than {most}.");
            return Err(Refusal::coded("amount_too_large", "line_items", message));
        }
        let least = currency::minimum(&self.currency);
        if self.mode == Mode::Payment && total > 0 && total < least {
            let least = currency::format(least, &self.currency);
            let message = format!("The Checkout Session's total amount due must add up to at least {least}.");
            return Err(Refusal::coded("amount_too_small", "line_items", message));
        }
        Ok(())
    }
}

/// The amount of a shipping rate in a currency it knows.
pub(crate) fn shipping_amount(rate: &Value, currency: &str) -> Option<i64> {
    Amounts::of_shipping_rate(rate).amount("amount", currency)
}
