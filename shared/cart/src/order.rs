//! What a paid Checkout Session becomes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    CartNumber, Currency, CustomerId, InvoiceId, Money, OrderNumber, PaymentIntentId, PriceId, ProductId, SessionId,
    Standing, SubscriptionId, Timestamp,
};

/// An order: what was bought, by whom, and what became of the money. Amounts are Stripe's, all in one currency.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Order {
    /// The public name.
    pub number: OrderNumber,
    /// The cart it came from.
    pub cart: CartNumber,
    /// What became of its money.
    pub standing: Standing,
    /// What was bought, as Stripe sold it.
    pub lines: Vec<OrderLine>,
    /// The sum of the lines before discounts, tax on top and shipping.
    pub subtotal: Money,
    /// What was taken off.
    pub discount: Money,
    /// The tax.
    pub tax: Money,
    /// The shipping.
    pub shipping: Money,
    /// What was to be paid.
    pub total: Money,
    /// Who bought.
    pub customer: Customer,
    /// The address on the invoice.
    pub billing_address: Option<Address>,
    /// Who receives the goods.
    pub shipping_name: Option<String>,
    /// Where the goods go.
    pub shipping_address: Option<Address>,
    /// The cart's metadata.
    pub metadata: BTreeMap<String, String>,
    /// Stripe's objects behind the order.
    pub payment: Payment,
    /// What a person should look at.
    pub marks: Vec<Mark>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// One line of an order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OrderLine {
    /// The price; absent where Stripe names none, as for an item that was not in the cart.
    pub price: Option<PriceId>,
    /// The product.
    pub product: Option<ProductId>,
    /// The text on Stripe's page, usually the product's name.
    pub name: String,
    /// The line's own text in the cart.
    pub description: Option<String>,
    /// How many units were bought.
    pub quantity: u64,
    /// Before discounts and tax on top.
    pub subtotal: Money,
    /// What was taken off.
    pub discount: Money,
    /// The tax.
    pub tax: Money,
    /// What the line came to.
    pub total: Money,
}

/// Who bought.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Customer {
    /// The customer's id at Stripe, where one was made.
    pub id: Option<CustomerId>,
    /// E-mail address.
    pub email: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
}

/// A postal address.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Address {
    /// First line.
    #[serde(default)]
    pub line1: Option<String>,
    /// Second line.
    #[serde(default)]
    pub line2: Option<String>,
    /// Town.
    #[serde(default)]
    pub city: Option<String>,
    /// State, county or province.
    #[serde(default)]
    pub state: Option<String>,
    /// Postal code.
    #[serde(default)]
    pub postal_code: Option<String>,
    /// Two-letter country code.
    #[serde(default)]
    pub country: Option<String>,
}

/// The ids of Stripe's objects behind an order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Payment {
    /// The Checkout Session.
    pub session: SessionId,
    /// The payment intent, in payment mode.
    pub payment_intent: Option<PaymentIntentId>,
    /// The subscription, in subscription mode.
    pub subscription: Option<SubscriptionId>,
    /// The invoice, where one was made.
    pub invoice: Option<InvoiceId>,
}

/// What a person should look at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// The same cart had been paid before: maybe the shopper paid twice.
    CartPaidTwice,
    /// The amount is not what the cart came to when it was checked out.
    UnexpectedAmount,
    /// The shop's settings name shipping rates, and the session offered none: what was bought may have been shipped for
    /// nothing.
    NoShipping,
    /// The buyer's bank has or had a dispute about it. Follows from the order's standing.
    Disputed,
}

impl Mark {
    /// Whether it is the payment that a person should look at.
    #[must_use]
    pub fn doubts_payment(self) -> bool {
        match self {
            Self::CartPaidTwice | Self::UnexpectedAmount => true,
            Self::NoShipping | Self::Disputed => false,
        }
    }
}

impl Order {
    /// The currency of all amounts.
    #[must_use]
    pub fn currency(&self) -> Currency {
        self.total.currency()
    }
}
