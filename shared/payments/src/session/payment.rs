//! The payments behind a session.

use serde::Deserialize;

use super::asked::readable;
use super::reading::{CustomerDetails, Expandable, lenient};

/// A payment.
#[derive(Debug, Clone, Deserialize)]
pub struct PaymentIntent {
    pub(super) id: String,
    /// Stripe's word for where the payment stands.
    #[serde(default, deserialize_with = "lenient")]
    pub status: String,
    /// The last attempt to take the money.
    #[serde(default)]
    latest_charge: Option<Expandable<Charge>>,
    /// Until 2022.
    #[serde(default)]
    charges: Option<Charges>,
}

/// An attempt to take money. Amounts are in minor units.
#[derive(Debug, Clone, Deserialize)]
pub struct Charge {
    pub(super) id: String,
    /// When it was made, in seconds since 1970.
    #[serde(default)]
    pub(super) created: Option<i64>,
    #[serde(default)]
    amount: Option<i64>,
    #[serde(default)]
    amount_captured: Option<i64>,
    #[serde(default, deserialize_with = "lenient")]
    amount_refunded: i64,
    #[serde(default, deserialize_with = "lenient")]
    disputed: bool,
    #[serde(default)]
    pub(super) billing_details: Option<CustomerDetails>,
    #[serde(default, deserialize_with = "readable")]
    receipt_url: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct Charges {
    #[serde(default)]
    data: Vec<Charge>,
}

impl PaymentIntent {
    /// The payment's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The attempt that counts, where Stripe sent it along.
    #[must_use]
    pub fn charge(&self) -> Option<&Charge> {
        let latest = self.latest_charge.as_ref().and_then(Expandable::object);
        latest.or_else(|| self.charges.as_ref()?.data.first())
    }
}

impl Charge {
    /// What was taken; `None` where this version of the API does not say.
    #[must_use]
    pub fn captured(&self) -> Option<i64> {
        self.amount_captured
    }

    /// What was paid back of what was taken. Stripe counts what was held and never taken as paid back too.
    #[must_use]
    pub fn refunded(&self) -> i64 {
        let never_taken =
            self.amount.zip(self.amount_captured).map_or(0, |(amount, captured)| amount.saturating_sub(captured));
        self.amount_refunded.saturating_sub(never_taken).max(0)
    }

    /// Where the buyer sees Stripe's receipt.
    #[must_use]
    pub fn receipt_url(&self) -> Option<&str> {
        self.receipt_url.as_deref()
    }

    /// Whether the buyer's bank has or had a dispute about it.
    #[must_use]
    pub fn is_disputed(&self) -> bool {
        self.disputed
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Sources: <https://docs.stripe.com/api/charges/object>,
    /// <https://github.com/solidusio/solidus_stripe/issues/268> for what was never taken.
    #[test]
    fn what_was_held_and_never_taken_is_not_paid_back() {
        for (case, charge, refunded) in [
            ("captured", json!({ "amount": 2400, "amount_captured": 2400, "amount_refunded": 0 }), 0),
            ("refunded", json!({ "amount": 2400, "amount_captured": 2400, "amount_refunded": 400 }), 400),
            ("captured in part", json!({ "amount": 2400, "amount_captured": 1000, "amount_refunded": 1400 }), 0),
            ("and refunded", json!({ "amount": 2400, "amount_captured": 1000, "amount_refunded": 1700 }), 300),
            (
                "if Stripe counted otherwise",
                json!({ "amount": 2400, "amount_captured": 1000, "amount_refunded": 0 }),
                0,
            ),
            ("voided", json!({ "amount": 2400, "amount_captured": 0, "amount_refunded": 2400 }), 0),
            ("before 2020", json!({ "amount": 2400, "amount_refunded": 400 }), 400),
            ("nothing", json!({ "amount_refunded": null, "disputed": null }), 0),
        ] {
            let mut charge = charge;
            charge["id"] = json!("ch_1");
            assert_eq!(serde_json::from_value::<Charge>(charge).unwrap().refunded(), refunded, "{case}");
        }
    }
}
