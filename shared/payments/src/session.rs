//! Checkout Sessions.

use std::collections::BTreeMap;

use cart::{Address, CheckoutMetadata, Currency, Decimal, LineMetadata, Money, PriceId, SessionId, Timestamp};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::Error;
use crate::products::Page;

mod asked;
mod calls;
mod payment;
mod reading;
mod sale;

pub use asked::SessionInvoice;
use asked::{
    AppliedDiscount, AppliedTax, AskedField, DiscountSource, PresentmentDetails, ShippingCost, readable, readable_ones,
};
pub use payment::{Charge, PaymentIntent};
pub use reading::Expandable;
pub(crate) use reading::IdOnly;
use reading::{CollectedInformation, CustomerDetails, Shipping, TotalDetails, lenient, line_metadata, parsed};
pub use sale::SaleReader;

/// A Checkout Session, as far as a cart and an order need it.
///
/// Read leniently: a field that another version of Stripe's API lacks, or sends as null, counts as its default, a word that
/// this version does not know as the default word, and an older place of an address or of a refund is looked into where the
/// present one has none. What the session and its lines come to is never guessed: [`Session::amounts`], [`LineItem`].
///
/// Source: <https://docs.stripe.com/api/checkout/sessions/object>
#[derive(Debug, Clone, Deserialize)]
pub struct Session {
    /// The session's id.
    pub id: SessionId,
    /// Where it stands.
    #[serde(default, deserialize_with = "lenient")]
    pub status: SessionStatus,
    /// Whether it is paid.
    #[serde(default, deserialize_with = "lenient")]
    pub payment_status: PaymentStatus,
    /// What is paid.
    #[serde(default, deserialize_with = "lenient")]
    pub mode: Mode,
    /// `None` where it is none that money of this shop can have.
    #[serde(default, deserialize_with = "parsed")]
    currency: Option<Currency>,
    #[serde(default)]
    amount_subtotal: Option<i64>,
    #[serde(default)]
    amount_total: Option<i64>,
    /// When it was made, in seconds since 1970.
    #[serde(default, deserialize_with = "lenient")]
    created: i64,
    /// When it expires, in seconds since 1970.
    #[serde(default, deserialize_with = "lenient")]
    pub expires_at: i64,
    /// The merchant's and our own keys and values.
    #[serde(default, deserialize_with = "lenient")]
    pub metadata: BTreeMap<String, String>,
    /// The payment intent, in payment mode.
    #[serde(default)]
    pub payment_intent: Option<Expandable<PaymentIntent>>,
    /// The subscription, in subscription mode.
    #[serde(default)]
    pub subscription: Option<Expandable<IdOnly>>,
    /// The invoice, where one was made.
    #[serde(default)]
    pub invoice: Option<Expandable<SessionInvoice>>,
    /// The customer, where one was made.
    #[serde(default)]
    pub customer: Option<Expandable<IdOnly>>,
    #[serde(default, deserialize_with = "lenient")]
    optional_items: Vec<OptionalItem>,
    #[serde(default)]
    customer_details: Option<CustomerDetails>,
    #[serde(default)]
    customer_email: Option<String>,
    #[serde(default)]
    total_details: Option<TotalDetails>,
    #[serde(default)]
    shipping_cost: Option<ShippingCost>,
    #[serde(default)]
    collected_information: Option<CollectedInformation>,
    /// Until 2025.
    #[serde(default)]
    shipping_details: Option<Shipping>,
    /// Until 2022.
    #[serde(default)]
    shipping: Option<Shipping>,
    #[serde(default)]
    livemode: Option<bool>,
    #[serde(default, deserialize_with = "readable_ones")]
    discounts: Vec<DiscountSource>,
    #[serde(default, deserialize_with = "readable_ones")]
    custom_fields: Vec<AskedField>,
    #[serde(default, deserialize_with = "readable")]
    consent: Option<cart::Consent>,
    #[serde(default, deserialize_with = "readable")]
    presentment_details: Option<PresentmentDetails>,
    /// The expired session that this one was made after, where the buyer came back to it.
    #[serde(default, deserialize_with = "parsed")]
    pub recovered_from: Option<SessionId>,
    #[serde(default, deserialize_with = "readable")]
    line_items: Option<Page<LineItem>>,
    /// When Stripe was asked for it.
    #[serde(skip)]
    read_at: Timestamp,
}

/// What a session comes to, in minor units of one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionAmounts {
    /// The currency of all amounts of the session and of its lines.
    pub currency: Currency,
    /// The sum of the lines.
    pub subtotal: i64,
    /// What is to be paid.
    pub total: i64,
}

impl SessionAmounts {
    /// The sum of the lines, before discounts, tax on top and shipping.
    #[must_use]
    pub fn subtotal(&self) -> Money {
        Money::new(self.subtotal, self.currency)
    }
}

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionStatus {
    /// The shopper can still pay.
    Open,
    /// The shopper is through; the payment may be under way.
    Complete,
    /// It can no longer be paid.
    Expired,
    /// Something newer than this version.
    #[default]
    #[serde(other)]
    Unknown,
}

/// Whether a session is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// The money is in.
    Paid,
    /// There was nothing to pay.
    NoPaymentRequired,
    /// The money is not in.
    #[default]
    #[serde(other)]
    Unpaid,
}

/// What a session is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// One-time payment.
    #[default]
    Payment,
    /// Subscription, maybe with one-time items.
    Subscription,
    /// Something a cart does not make.
    #[serde(other)]
    Other,
}

impl Session {
    /// What the session says of the cart that it was made from; `None` for sessions of other integrations.
    #[must_use]
    pub fn checkout(&self) -> Option<CheckoutMetadata> {
        CheckoutMetadata::read(&self.metadata)
    }

    /// What the session comes to.
    ///
    /// # Errors
    ///
    /// [`Error::Unreadable`] where the session does not say: an order of another amount would be worse than none.
    pub fn amounts(&self) -> Result<SessionAmounts, Error> {
        let missing = |name: &str| Error::Unreadable { reason: format!("session {} has no {name}", self.id) };
        Ok(SessionAmounts {
            currency: self.currency.ok_or_else(|| missing("currency"))?,
            subtotal: self.amount_subtotal.ok_or_else(|| missing("amount_subtotal"))?,
            total: self.amount_total.ok_or_else(|| missing("amount_total"))?,
        })
    }

    /// Whether Stripe's page offers this price beside the lines.
    #[must_use]
    pub fn offers(&self, price: &LinePrice) -> bool {
        self.optional_items.iter().any(|item| item.price == price.stripe_id)
    }

    /// A time after which it was finished: that of its payment, or else that of the session.
    #[must_use]
    pub fn finished_after(&self) -> Timestamp {
        let charged = self.payment().and_then(PaymentIntent::charge).and_then(|charge| charge.created);
        Timestamp::from_second(charged.unwrap_or(self.created)).unwrap_or(Timestamp::MIN)
    }

    /// When it can no longer be paid.
    #[must_use]
    pub fn expiry(&self) -> Timestamp {
        Timestamp::from_second(self.expires_at).unwrap_or(Timestamp::MIN)
    }

    /// Who bought.
    #[must_use]
    pub fn buyer(&self) -> cart::Customer {
        let details = || self.customer_details.iter().chain(self.billing_details());
        cart::Customer {
            id: self.customer.as_ref().and_then(|customer| customer.id().parse().ok()),
            email: details().find_map(|details| details.email.clone()).or_else(|| self.customer_email.clone()),
            name: details().find_map(|details| details.name.clone()),
            phone: details().find_map(|details| details.phone.clone()),
            business_name: details()
                .find_map(|details| details.business_name.clone())
                .or_else(|| self.collected_information.as_ref()?.business_name.clone()),
            tax_ids: details().flat_map(|details| details.tax_ids.clone()).collect(),
        }
    }

    /// The address on the invoice.
    #[must_use]
    pub fn billing_address(&self) -> Option<Address> {
        let mut details = self.customer_details.iter().chain(self.billing_details());
        details.find_map(|details| details.address.clone())
    }

    /// What the payment says of who paid: sessions have said less until 2022.
    fn billing_details(&self) -> Option<&CustomerDetails> {
        self.payment()?.charge()?.billing_details.as_ref()
    }

    /// The payment, in payment mode and where Stripe sent it along.
    #[must_use]
    pub fn payment(&self) -> Option<&PaymentIntent> {
        self.payment_intent.as_ref()?.object()
    }

    /// Who receives the goods, and where, from wherever this version of the API has it.
    #[must_use]
    pub fn ship_to(&self) -> (Option<String>, Option<Address>) {
        let shipping = self
            .collected_information
            .as_ref()
            .and_then(|collected| collected.shipping_details.as_ref())
            .or(self.shipping_details.as_ref())
            .or(self.shipping.as_ref());
        shipping.map(|shipping| (shipping.name.clone(), shipping.address.clone())).unwrap_or_default()
    }

    /// What was taken off.
    #[must_use]
    pub fn discount(&self) -> i64 {
        self.total_details.as_ref().map_or(0, |details| details.discount)
    }

    /// The tax, within the lines or on top.
    #[must_use]
    pub fn tax(&self) -> i64 {
        self.total_details.as_ref().map_or(0, |details| details.tax)
    }

    /// The shipping.
    #[must_use]
    pub fn shipping_amount(&self) -> i64 {
        let detailed = self.total_details.as_ref().and_then(|details| details.shipping);
        detailed.or(self.shipping_cost.as_ref().map(|cost| cost.amount_subtotal)).unwrap_or(0)
    }

    /// When Stripe was asked for it; long ago where it came in another way.
    #[must_use]
    pub fn read_at(&self) -> Timestamp {
        self.read_at
    }
}

/// What Stripe sold as one line. Its amounts are in minor units of the session's currency.
#[derive(Debug, Clone, Deserialize)]
pub struct LineItem {
    id: String,
    /// The price.
    #[serde(default)]
    pub price: Option<LinePrice>,
    /// The product's name.
    #[serde(default)]
    pub description: Option<String>,
    /// The cart's line that it was made from; `None` where the shopper added it on Stripe's page, and in sessions that were
    /// made before lines said so.
    #[serde(default, rename = "metadata", deserialize_with = "line_metadata")]
    pub made_from: Option<LineMetadata>,
    /// How many units.
    #[serde(default)]
    pub quantity: Option<u64>,
    /// Before discounts and tax on top.
    pub amount_subtotal: i64,
    /// What was taken off.
    pub amount_discount: i64,
    /// The tax.
    pub amount_tax: i64,
    /// What the line came to.
    pub amount_total: i64,
    #[serde(default, deserialize_with = "readable_ones")]
    discounts: Vec<AppliedDiscount>,
    #[serde(default, deserialize_with = "readable_ones")]
    taxes: Vec<AppliedTax>,
}

/// The price of a line.
#[derive(Debug, Clone, Deserialize)]
pub struct LinePrice {
    #[serde(rename = "id")]
    stripe_id: String,
    /// What the shop calls it, among those of the product.
    #[serde(default, deserialize_with = "readable")]
    pub nickname: Option<String>,
    /// The merchant's own keys and values.
    #[serde(default, deserialize_with = "readable")]
    pub metadata: BTreeMap<String, String>,
    /// The product.
    #[serde(default)]
    pub product: Option<Expandable<IdOnly>>,
    #[serde(default)]
    billing_scheme: Option<String>,
    #[serde(default)]
    unit_amount: Option<i64>,
    #[serde(default, deserialize_with = "parsed")]
    unit_amount_decimal: Option<Decimal>,
    #[serde(default)]
    custom_unit_amount: Option<IgnoredAny>,
    #[serde(default)]
    recurring: Option<Recurring>,
}

impl LinePrice {
    /// The price's id; `None` for one that no cart can hold.
    #[must_use]
    pub fn id(&self) -> Option<PriceId> {
        self.stripe_id.parse().ok()
    }

    /// Whether the shopper chose the amount.
    #[must_use]
    pub fn is_custom(&self) -> bool {
        self.custom_unit_amount.is_some()
    }

    /// Whether usage is billed afterwards.
    #[must_use]
    pub fn is_metered(&self) -> bool {
        self.recurring.as_ref().and_then(|recurring| recurring.usage_type.as_deref()) == Some("metered")
    }

    /// What one unit costs in the price's own currency; `None` where no single amount says it.
    #[must_use]
    pub fn unit(&self) -> Option<Decimal> {
        let is_tiered = self.billing_scheme.as_deref() == Some("tiered");
        self.unit_amount_decimal.or(self.unit_amount.map(Decimal::from)).filter(|_| !is_tiered)
    }
}

#[derive(Debug, Clone, Deserialize)]
struct Recurring {
    #[serde(default)]
    usage_type: Option<String>,
}

/// What Stripe's page offers beside the lines.
#[derive(Debug, Clone, Deserialize)]
struct OptionalItem {
    price: String,
}
