//! What a session comes to, as its object shows it.

use serde_json::{Value, json};

use crate::money::currency;
use crate::protocol::template::Template;
use crate::session::{Session, shipping_amount};

static DISCOUNT: Template = Template::new(include_str!("../../../data/objects/discount.json"));

impl Session {
    pub(super) fn amounts(&self) -> Value {
        let totals = self.totals();
        json!({
            "amount_subtotal": totals.subtotal,
            "amount_total": totals.total,
            "discounts": self.discounts(),
            "shipping_cost": self.shipping_cost(),
            "shipping_options": self.shipping_options(),
            "total_details": {
                "amount_discount": totals.discount,
                "amount_shipping": totals.shipping,
                "amount_tax": totals.tax,
                "breakdown": { "discounts": self.discount_breakdown(), "taxes": self.tax_breakdown() },
            },
        })
    }

    fn discounts(&self) -> Value {
        self.discount
            .iter()
            .map(|discount| {
                let code = discount.promotion_code.as_ref().map(|code| code["id"].clone());
                // A discount that came from a promotion code names only the code.
                let coupon = if code.is_none() { discount.coupon["id"].clone() } else { Value::Null };
                json!({ "coupon": coupon, "promotion_code": code })
            })
            .collect()
    }

    /// The discount object behind the session's discount.
    pub(super) fn discount_object(&self) -> Option<Value> {
        let discount = self.discount.as_ref()?;
        Some(DISCOUNT.with(json!({
            "id": discount.id,
            "checkout_session": self.id,
            "customer": self.customer,
            "promotion_code": discount.promotion_code.as_ref().map(|code| &code["id"]),
            "source": { "coupon": discount.coupon["id"] },
            "start": self.created,
            "subscription": self.subscription,
        })))
    }

    fn discount_breakdown(&self) -> Value {
        self.discount_object()
            .into_iter()
            .map(|discount| json!({ "amount": self.totals().discount, "discount": discount }))
            .collect()
    }

    fn tax_breakdown(&self) -> Value {
        let mut sums: Vec<(Value, i64, i64)> = Vec::new();
        for line in &self.lines {
            let taxes = &line.amounts.taxes;
            for (rate, amount) in line.amounts.rates.iter().zip(&taxes.amounts) {
                match sums.iter_mut().find(|(known, ..)| known["id"] == rate["id"]) {
                    Some((_, sum, taxable)) => {
                        *sum += amount;
                        *taxable += taxes.taxable;
                    }
                    None => sums.push((rate.clone(), *amount, taxes.taxable)),
                }
            }
        }
        sums.into_iter().map(|(rate, amount, taxable)| tax(&rate, amount, taxable)).collect()
    }

    fn shipping_cost(&self) -> Value {
        let Some((rate, amount)) = self.shipping_choice() else { return Value::Null };
        json!({
            "amount_subtotal": amount,
            "amount_tax": 0,
            "amount_total": amount,
            "shipping_rate": rate["id"],
            "taxes": [],
        })
    }

    /// What the shopper saw, in another currency.
    ///
    /// Source: <https://docs.stripe.com/api/checkout/sessions/object#checkout_session_object-presentment_details>
    pub(super) fn presentment_details(&self) -> Option<Value> {
        let currency = self.presentment_currency.as_ref().filter(|_| !self.is_open())?;
        Some(json!({
            "presentment_amount": currency::converted(self.totals().total, &self.currency, currency),
            "presentment_currency": currency,
        }))
    }

    fn shipping_options(&self) -> Value {
        self.shipping
            .iter()
            .map(|rate| {
                let amount = shipping_amount(rate, &self.currency).unwrap_or(0);
                json!({ "shipping_amount": amount, "shipping_rate": rate["id"] })
            })
            .collect()
    }
}

/// A tax in a breakdown.
pub(super) fn tax(rate: &Value, amount: i64, taxable: i64) -> Value {
    json!({ "amount": amount, "rate": rate, "taxability_reason": "standard_rated", "taxable_amount": taxable })
}
