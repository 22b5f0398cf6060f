//! What a Checkout Session is asked for with, under Stripe's names.
//!
//! Its tree is the one form of a session's parameters: a merchant's overrides are merged over it, a hook is handed it, it
//! is hashed, and it is sent. A test of `api` holds it to async-stripe's typed parameters.
//!
//! Source: <https://docs.stripe.com/api/checkout/sessions/create>

use std::collections::BTreeMap;
use std::fmt::Display;

use cart::{Currency, LineMetadata, Metadata, PriceId, PricedLine, Totals};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// What a buyer brings to the checkout.
#[derive(Clone, Debug, Default)]
pub struct Buyer {
    /// Fills in the e-mail field.
    pub email: Option<String>,
    /// The id of a promotion code to apply.
    pub promotion_code: Option<String>,
}

/// The parameters of a session, before a merchant changes them. What is absent is not sent.
#[derive(Serialize)]
pub(crate) struct SessionParameters<'a> {
    #[serde(flatten)]
    pub(crate) mode: ModeParameters<'a>,
    pub(crate) line_items: Vec<LineItemParameters<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) currency: Option<Currency>,
    pub(crate) metadata: &'a Metadata,
    pub(crate) success_url: String,
    pub(crate) cancel_url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) customer_email: Option<&'a str>,
    #[serde(flatten)]
    pub(crate) promotion: Option<Promotion<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) locale: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) submit_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) billing_address_collection: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) shipping_address_collection: Option<AllowedCountries<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) phone_number_collection: Option<Switch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tax_id_collection: Option<Switch>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(crate) allowed_payment_method_types: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) automatic_tax: Option<Switch>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) shipping_options: Vec<ShippingOption<'a>>,
}

/// What a session is for, and the parameters that only sessions of this mode take.
#[derive(Serialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub(crate) enum ModeParameters<'a> {
    Payment { payment_intent_data: PaymentIntentData<'a> },
    Subscription { subscription_data: SubscriptionData<'a> },
}

/// Cartwright's own metadata, for what a session makes: for a person at Stripe's dashboard, and for the events of a payment
/// or a subscription.
pub(crate) type OwnMetadata<'a> = BTreeMap<&'static str, &'a str>;

#[derive(Serialize)]
pub(crate) struct PaymentIntentData<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) capture_method: Option<&'a str>,
    pub(crate) metadata: OwnMetadata<'a>,
}

#[derive(Serialize)]
pub(crate) struct SubscriptionData<'a> {
    pub(crate) metadata: OwnMetadata<'a>,
}

#[derive(Serialize)]
pub(crate) struct ShippingOption<'a> {
    pub(crate) shipping_rate: &'a str,
}

#[derive(Serialize)]
pub(crate) struct LineItemParameters<'a> {
    price: &'a PriceId,
    #[serde(skip_serializing_if = "Option::is_none")]
    quantity: Option<Text<u32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    adjustable_quantity: Option<AdjustableQuantity>,
    metadata: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct AdjustableQuantity {
    enabled: Text<bool>,
    minimum: Text<u32>,
    maximum: Text<u32>,
}

/// A promotion code, applied or to be asked for. Stripe refuses the field for codes beside a discount that is applied.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Promotion<'a> {
    Applied { discounts: [Discount<'a>; 1] },
    AskedFor { allow_promotion_codes: Text<bool> },
}

#[derive(Serialize)]
pub(crate) struct Discount<'a> {
    promotion_code: &'a str,
}

#[derive(Serialize)]
pub(crate) struct AllowedCountries<'a> {
    pub(crate) allowed_countries: &'a [String],
}

/// What is on or off.
#[derive(Serialize)]
pub(crate) struct Switch {
    enabled: Text<bool>,
}

/// A value that the tree holds as text, as a form does. Overrides and hooks of merchants, and digests that carts have
/// stored, expect it so.
pub(crate) struct Text<T>(T);

impl SessionParameters<'_> {
    /// The parameters as a tree, whose leaves are text.
    #[expect(clippy::expect_used, reason = "it has no key that is not text and no value that can fail")]
    #[expect(clippy::unreachable, reason = "a struct becomes an object")]
    pub(crate) fn tree(&self) -> Map<String, Value> {
        match serde_json::to_value(self).expect("session parameters are JSON") {
            Value::Object(tree) => tree,
            _ => unreachable!("session parameters are an object"),
        }
    }
}

impl<'a> From<&PricedLine<'a>> for LineItemParameters<'a> {
    fn from(priced: &PricedLine<'a>) -> Self {
        let PricedLine { line, offer, .. } = priced;
        let metadata = LineMetadata::from(*line).entries();
        // Stripe takes no quantity for usage that is metered.
        if offer.is_some_and(|offer| offer.price.is_metered()) {
            return Self { price: &line.price, quantity: None, adjustable_quantity: None, metadata };
        }
        // Nor any but one unit where the shopper chooses the amount.
        let adjustable = line.adjustable_quantity.as_ref().filter(|_| !priced.is_custom());
        let adjustable = adjustable.filter(|adjustable| adjustable.enabled());
        let adjustable_quantity = adjustable.map(|_| {
            let (minimum, maximum) = priced.bounds().holding(line.quantity);
            AdjustableQuantity { enabled: Text(true), minimum: Text(minimum), maximum: Text(maximum) }
        });
        Self { price: &line.price, quantity: Some(Text(line.quantity.get())), adjustable_quantity, metadata }
    }
}

impl<'a> Promotion<'a> {
    pub(crate) fn new(buyer: &'a Buyer, asked_for: Option<bool>) -> Option<Self> {
        match &buyer.promotion_code {
            Some(promotion_code) => Some(Self::Applied { discounts: [Discount { promotion_code }] }),
            None => asked_for.map(|asked_for| Self::AskedFor { allow_promotion_codes: Text(asked_for) }),
        }
    }
}

impl From<bool> for Switch {
    fn from(enabled: bool) -> Self {
        Self { enabled: Text(enabled) }
    }
}

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// The cart's currency, where a price has several or another one. A session that names none goes by the shopper's location
/// where all prices have the local currency, and would come to something else than the cart.
///
/// Source: <https://docs.stripe.com/payments/checkout/localize-prices/manual-currency-prices>
pub(crate) fn session_currency(totals: &Totals<'_>) -> Option<Currency> {
    let currency = totals.total.currency();
    let mut offers = totals.lines.iter().filter_map(|priced| priced.offer);
    let is_open = |price: &cart::Price| price.currency != currency || price.has_several_currencies();
    offers.any(|offer| is_open(&offer.price)).then_some(currency)
}
