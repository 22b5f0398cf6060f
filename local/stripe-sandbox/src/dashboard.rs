//! What a shop sets in Stripe's dashboard instead of sending it.

/// What a shop sets in Stripe's dashboard.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dashboard {
    /// The payment methods that are switched on (<https://dashboard.stripe.com/settings/payment_methods>).
    ///
    /// The sandbox knows those in `data/payment_methods.json`; it offers no other to a shopper.
    pub payment_methods: Vec<String>,
}

impl Default for Dashboard {
    fn default() -> Self {
        Self { payment_methods: ["card", "sepa_debit"].map(str::to_owned).into() }
    }
}
