//! What a shop sets in Stripe's dashboard instead of sending it.

/// What a shop sets in Stripe's dashboard.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dashboard {
    /// The payment methods that are switched on (<https://dashboard.stripe.com/settings/payment_methods>).
    ///
    /// The sandbox knows those in `data/payment_methods.json`; it offers no other to a shopper.
    pub payment_methods: Vec<String>,
    /// The country of the account, in two letters.
    pub country: String,
    /// Where the shop's terms of service are (<https://dashboard.stripe.com/settings/public>).
    pub terms_of_service_url: Option<String>,
    /// How far Stripe Tax is set up.
    pub tax: TaxSettings,
    /// Whether the account has the money for refunds; without it they are `pending` (<https://docs.stripe.com/refunds>).
    pub balance_covers_refunds: bool,
    /// What the endpoint for webhooks gets, if there is one.
    pub webhook: WebhookSettings,
}

/// What the endpoint for webhooks gets (<https://dashboard.stripe.com/webhooks>).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookSettings {
    /// Whether it gets events at all.
    pub is_enabled: bool,
    /// The types of the events that it gets; `*` stands for all.
    pub enabled_events: Vec<String>,
}

/// How far Stripe Tax is set up (<https://dashboard.stripe.com/settings/tax>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaxSettings {
    /// Whether Stripe Tax is switched on.
    pub is_active: bool,
    /// Whether the address that the goods come from is known.
    pub has_origin_address: bool,
    /// Whether prices without a `tax_behavior` have a default.
    pub has_default_behavior: bool,
}

impl Default for Dashboard {
    fn default() -> Self {
        Self {
            payment_methods: ["card", "sepa_debit"].map(str::to_owned).into(),
            country: "US".to_owned(),
            terms_of_service_url: Some("https://shop.example/terms".to_owned()),
            tax: TaxSettings { is_active: true, has_origin_address: true, has_default_behavior: true },
            balance_covers_refunds: true,
            webhook: WebhookSettings { is_enabled: true, enabled_events: vec!["*".to_owned()] },
        }
    }
}
