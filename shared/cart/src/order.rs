//! What a paid Checkout Session becomes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    CartNumber, Currency, CustomerId, InvoiceId, LineId, Money, OrderNumber, PaymentIntentId, PriceId, ProductId,
    Reference, SessionId, Standing, SubscriptionId, Timestamp,
};

mod answers;
mod charges;
mod within;

pub use answers::{Consent, CustomField, Invoice, TaxId};
pub use charges::{DeliveryEstimate, DeliveryTime, Discount, ShippingOption, Tax};

/// An order: what was bought, by whom, and what became of the money. Amounts are Stripe's, all in one currency.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Order {
    /// The public name.
    pub number: OrderNumber,
    /// What people call it.
    pub reference: Reference,
    /// Whether the money is real.
    pub livemode: bool,
    /// The cart it came from.
    pub cart: CartNumber,
    /// Whose cart it was, as the shop knows its shoppers; `None` for a guest's.
    pub shopper: Option<String>,
    /// The expired session that this one was made after, where the buyer came back to it.
    pub recovered_from: Option<SessionId>,
    /// What became of its money.
    pub standing: Standing,
    /// What was bought, as Stripe sold it.
    pub lines: Vec<OrderLine>,
    /// The sum of the lines before discounts, tax on top and shipping.
    pub subtotal: Money,
    /// What was taken off.
    pub discount: Money,
    /// What took it off.
    pub discounts: Vec<Discount>,
    /// The tax.
    pub tax: Money,
    /// The taxes that it is made of.
    pub taxes: Vec<Tax>,
    /// The shipping.
    pub shipping: Money,
    /// How the goods are shipped.
    pub shipping_option: Option<ShippingOption>,
    /// What was to be paid.
    pub total: Money,
    /// What the buyer saw, where Stripe's page showed another currency.
    pub presentment: Option<Money>,
    /// Who bought.
    pub customer: Customer,
    /// The address on the invoice.
    pub billing_address: Option<Address>,
    /// Who receives the goods.
    pub shipping_name: Option<String>,
    /// Where the goods go.
    pub shipping_address: Option<Address>,
    /// The shop's own questions, with the answers.
    pub custom_fields: Vec<CustomField>,
    /// What the buyer agreed to.
    pub consent: Option<Consent>,
    /// The cart's metadata.
    pub metadata: BTreeMap<String, String>,
    /// Stripe's objects behind the order.
    pub payment: Payment,
    /// What Stripe's invoice says, where one was made.
    pub invoice: Option<Invoice>,
    /// What a person should look at.
    pub marks: Vec<Mark>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When all that tells of the buyer was taken out of it; `None` where it was not.
    pub anonymised_at: Option<Timestamp>,
}

/// One line of an order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OrderLine {
    /// The cart's line; absent where the shopper added it on Stripe's page.
    pub line: Option<LineId>,
    /// The price; absent where Stripe names none, as for an item that was not in the cart.
    pub price: Option<PriceId>,
    /// The product.
    pub product: Option<ProductId>,
    /// The text on Stripe's page, usually the product's name.
    pub name: String,
    /// What the shop calls the price, among those of the product.
    pub nickname: Option<String>,
    /// The line's own text in the cart.
    pub description: Option<String>,
    /// What makes the line another than those of the same price.
    pub attributes: BTreeMap<String, String>,
    /// The price's own keys and values, as the merchant wrote them.
    pub price_metadata: BTreeMap<String, String>,
    /// How many units were bought.
    pub quantity: u64,
    /// Before discounts and tax on top.
    pub subtotal: Money,
    /// What was taken off.
    pub discount: Money,
    /// What took it off.
    pub discounts: Vec<Discount>,
    /// The tax.
    pub tax: Money,
    /// The taxes that it is made of.
    pub taxes: Vec<Tax>,
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
    /// The name of a business.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub business_name: Option<String>,
    /// The numbers under which the buyer pays taxes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tax_ids: Vec<TaxId>,
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
    /// Where the buyer sees Stripe's receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt_url: Option<String>,
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
    /// The most that the metadata of all lines' prices may take in an order, in bytes of keys and values. What is more is
    /// left out altogether: half of it would look like all of it.
    pub const MAX_PRICE_METADATA: usize = 32 * 1024;

    /// Leaves the metadata of prices out where all of it is more than an order takes; returns how many bytes it was then.
    pub fn bound_price_metadata(&mut self) -> Option<usize> {
        let entries = self.lines.iter().flat_map(|line| &line.price_metadata);
        let bytes = entries.map(|(key, value)| key.len() + value.len()).sum();
        if bytes <= Self::MAX_PRICE_METADATA {
            return None;
        }
        self.lines.iter_mut().for_each(|line| line.price_metadata.clear());
        Some(bytes)
    }

    /// The currency of all amounts.
    #[must_use]
    pub fn currency(&self) -> Currency {
        self.total.currency()
    }

    /// The order without what tells of the buyer, and of what they wrote. What was sold, and for how much, stays.
    ///
    /// All fields are named here, so that each new one is decided on.
    #[must_use]
    pub fn anonymised(self, now: Timestamp) -> Self {
        let Self {
            number,
            reference,
            livemode,
            cart,
            shopper: _,
            recovered_from,
            standing,
            lines,
            subtotal,
            discount,
            discounts,
            tax,
            taxes,
            shipping,
            shipping_option,
            total,
            presentment,
            customer: _,
            billing_address: _,
            shipping_name: _,
            shipping_address: _,
            custom_fields: _,
            consent,
            metadata: _,
            payment,
            invoice,
            marks,
            created_at,
            anonymised_at,
        } = self;
        Self {
            number,
            reference,
            livemode,
            cart,
            shopper: None,
            recovered_from,
            standing,
            lines: lines.into_iter().map(OrderLine::anonymised).collect(),
            subtotal,
            discount,
            discounts,
            tax,
            taxes,
            shipping,
            shipping_option,
            total,
            presentment,
            customer: Customer::default(),
            billing_address: None,
            shipping_name: None,
            shipping_address: None,
            custom_fields: Vec::new(),
            consent,
            metadata: BTreeMap::new(),
            // Whoever has such a link sees who bought.
            payment: Payment { receipt_url: None, ..payment },
            invoice: invoice.map(|invoice| Invoice { hosted_url: None, pdf: None, ..invoice }),
            marks,
            created_at,
            anonymised_at: Some(anonymised_at.unwrap_or(now)),
        }
    }
}

impl OrderLine {
    fn anonymised(self) -> Self {
        let Self {
            line,
            price,
            product,
            name,
            nickname,
            description: _,
            attributes: _,
            price_metadata,
            quantity,
            subtotal,
            discount,
            discounts,
            tax,
            taxes,
            total,
        } = self;
        Self {
            line: line.map(LineId::without_attributes),
            price,
            product,
            name,
            nickname,
            description: None,
            attributes: BTreeMap::new(),
            price_metadata,
            quantity,
            subtotal,
            discount,
            discounts,
            tax,
            taxes,
            total,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OrderStatus;

    fn order() -> Order {
        let usd = |minor: i64| Money::new(minor, Currency::USD);
        let text = |text: &str| Some(format!("{text} of Ann"));
        let address = || Some(Address { line1: text("street"), city: text("town"), ..Address::default() });
        let line = OrderLine {
            line: Some(LineId::kept("price_mug~ggJRZYuNkz8")),
            price: Some("price_mug".parse().unwrap()),
            product: Some("prod_mug".parse().unwrap()),
            name: "Mug".to_owned(),
            nickname: Some("blue".to_owned()),
            description: text("text"),
            attributes: BTreeMap::from([("engraving".to_owned(), "Ann".to_owned())]),
            price_metadata: BTreeMap::from([("shelf".to_owned(), "a".to_owned())]),
            quantity: 2,
            subtotal: usd(2400),
            discount: usd(0),
            discounts: Vec::new(),
            tax: usd(0),
            taxes: Vec::new(),
            total: usd(2400),
        };
        Order {
            number: "55a109cdfba5b6648676ee8c21e22322".parse().unwrap(),
            reference: "6JQNSVNNDX".parse().unwrap(),
            livemode: false,
            cart: "be45cb2605bf36bebde684841a28f0fd".parse().unwrap(),
            shopper: text("account"),
            recovered_from: Some("cs_0".parse().unwrap()),
            standing: Standing {
                status: OrderStatus::Paid,
                captured: usd(2400),
                refunded: usd(0),
                refund_is_pending: false,
                dispute: None,
                read_at: None,
            },
            lines: vec![line],
            subtotal: usd(2400),
            discount: usd(0),
            discounts: Vec::new(),
            tax: usd(0),
            taxes: Vec::new(),
            shipping: usd(0),
            shipping_option: None,
            total: usd(2400),
            presentment: None,
            customer: Customer {
                id: Some("cus_of_Ann".parse().unwrap()),
                email: text("address"),
                name: text("name"),
                phone: text("phone"),
                business_name: text("business"),
                tax_ids: vec![TaxId { r#type: "eu_vat".to_owned(), value: text("number") }],
            },
            billing_address: address(),
            shipping_name: text("name"),
            shipping_address: address(),
            custom_fields: vec![CustomField {
                key: "greeting".to_owned(),
                label: None,
                r#type: "text".to_owned(),
                value: text("greeting"),
            }],
            consent: Some(Consent { promotions: Some("opt_in".to_owned()), terms_of_service: None }),
            metadata: BTreeMap::from([("to".to_owned(), "Ann".to_owned())]),
            payment: Payment {
                session: "cs_1".parse().unwrap(),
                payment_intent: Some("pi_1".parse().unwrap()),
                subscription: None,
                invoice: Some("in_1".parse().unwrap()),
                receipt_url: text("receipt"),
            },
            invoice: Some(Invoice { number: Some("A-1".to_owned()), hosted_url: text("page"), pdf: text("file") }),
            marks: vec![Mark::NoShipping],
            created_at: Timestamp::UNIX_EPOCH,
            anonymised_at: None,
        }
    }

    #[test]
    fn an_order_that_is_made_anonymous_says_what_was_sold_and_not_to_whom() {
        let then: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();

        let anonymous = order().anonymised(then);

        let shown = format!("{anonymous:?}");
        assert!(!shown.contains("Ann") && !shown.contains('~'), "{shown}");
        assert_eq!(anonymous.anonymised_at, Some(then));
        assert_eq!(anonymous.lines[0].line, Some(LineId::kept("price_mug")));
        let stays = |order: &Order| {
            let Order { number, reference, cart, standing, total, consent, marks, created_at, .. } = order.clone();
            let line = order.lines[0].clone();
            let of_price = (line.price, line.nickname, line.price_metadata);
            let sold = (of_price, line.product, line.name, line.quantity, line.total);
            let Payment { session, payment_intent, invoice, .. } = order.payment.clone();
            let invoiced = order.invoice.clone().map(|invoice| invoice.number);
            let of_stripe = (session, payment_intent, invoice, invoiced, order.recovered_from.clone());
            (number, reference, cart, standing, total, consent, marks, created_at, sold, of_stripe)
        };
        assert_eq!(stays(&anonymous), stays(&order()));
    }

    #[test]
    fn the_metadata_of_prices_is_there_whole_or_not_at_all() {
        for (bytes, left_out) in
            [(0, None), (Order::MAX_PRICE_METADATA, None), (Order::MAX_PRICE_METADATA + 1, Some(()))]
        {
            let mut order = order();
            order.lines = vec![order.lines[0].clone(); 2];
            order.lines[0].price_metadata = BTreeMap::from([("key".to_owned(), "x".repeat(bytes.saturating_sub(13)))]);
            order.lines[1].price_metadata = BTreeMap::from([("shelf".to_owned(), "below".to_owned())]);
            let before = order.clone();

            let said = order.bound_price_metadata();

            assert_eq!(said, left_out.map(|()| bytes));
            let is_empty = order.lines.iter().all(|line| line.price_metadata.is_empty());
            assert_eq!((is_empty, order == before), (left_out.is_some(), left_out.is_none()));
        }
    }

    #[test]
    fn an_order_stays_as_it_was_made_anonymous_first() {
        let first = order().anonymised(Timestamp::UNIX_EPOCH);

        assert_eq!(first.clone().anonymised("2026-11-22T12:00:00Z".parse().unwrap()), first);
    }
}
