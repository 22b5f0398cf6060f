//! An order as it was when it was placed, as JSON in its row.
//!
//! What became of its money stands in the row's own attributes, which change. Version 0.1.0 does not read a document without
//! status and refunded amount, so it holds some, which nothing reads.
//!
//! Amounts are in the minor unit of the order's currency, which stands there once.

use std::collections::BTreeMap;

use cart::{
    Address, CartNumber, Currency, Customer, Mark, Money, Order, OrderLine, OrderNumber, OrderStatus, Payment, PriceId,
    ProductId, Standing, Timestamp,
};
use serde::{Deserialize, Serialize};

use super::row::is_in_document;

/// An order as it is stored.
#[derive(Serialize, Deserialize)]
pub(super) struct OrderDocument {
    number: OrderNumber,
    cart: CartNumber,
    status: String,
    lines: Vec<LineDocument>,
    currency: Currency,
    subtotal: i128,
    discount: i128,
    tax: i128,
    shipping: i128,
    total: i128,
    refunded: i128,
    customer: Customer,
    billing_address: Option<Address>,
    shipping_name: Option<String>,
    shipping_address: Option<Address>,
    metadata: BTreeMap<String, String>,
    payment: Payment,
    marks: Vec<Mark>,
    created_at: Timestamp,
}

/// A line of an order as it is stored.
#[derive(Serialize, Deserialize)]
struct LineDocument {
    price: Option<PriceId>,
    product: Option<ProductId>,
    name: String,
    description: Option<String>,
    quantity: u64,
    subtotal: i128,
    discount: i128,
    tax: i128,
    total: i128,
}

impl From<&Order> for OrderDocument {
    fn from(order: &Order) -> Self {
        Self {
            number: order.number,
            cart: order.cart,
            status: known_to_0_1_0(order.standing.status).to_owned(),
            lines: order.lines.iter().map(LineDocument::from).collect(),
            currency: order.currency(),
            subtotal: order.subtotal.minor(),
            discount: order.discount.minor(),
            tax: order.tax.minor(),
            shipping: order.shipping.minor(),
            total: order.total.minor(),
            refunded: order.standing.refunded.minor(),
            customer: order.customer.clone(),
            billing_address: order.billing_address.clone(),
            shipping_name: order.shipping_name.clone(),
            shipping_address: order.shipping_address.clone(),
            metadata: order.metadata.clone(),
            payment: order.payment.clone(),
            marks: order.marks.iter().copied().filter(|mark| is_in_document(*mark)).collect(),
            created_at: order.created_at,
        }
    }
}

impl OrderDocument {
    /// What was to be paid.
    pub(super) fn total(&self) -> Money {
        Money::new(self.total, self.currency)
    }

    /// The order, with what the row says of its money.
    pub(super) fn into_order(self, standing: Standing) -> Order {
        let document = self;
        let currency = document.currency;
        let money = |minor: i128| Money::new(minor, currency);
        Order {
            number: document.number,
            cart: document.cart,
            standing,
            lines: document.lines.into_iter().map(|line| line.into_line(currency)).collect(),
            subtotal: money(document.subtotal),
            discount: money(document.discount),
            tax: money(document.tax),
            shipping: money(document.shipping),
            total: money(document.total),
            customer: document.customer,
            billing_address: document.billing_address,
            shipping_name: document.shipping_name,
            shipping_address: document.shipping_address,
            metadata: document.metadata,
            payment: document.payment,
            marks: document.marks,
            created_at: document.created_at,
        }
    }
}

/// The word of version 0.1.0 for a status.
fn known_to_0_1_0(status: OrderStatus) -> &'static str {
    match status {
        OrderStatus::Authorized => OrderStatus::AwaitingPayment.as_str(),
        OrderStatus::Canceled => OrderStatus::PaymentFailed.as_str(),
        known => known.as_str(),
    }
}

impl From<&OrderLine> for LineDocument {
    fn from(line: &OrderLine) -> Self {
        Self {
            price: line.price.clone(),
            product: line.product.clone(),
            name: line.name.clone(),
            description: line.description.clone(),
            quantity: line.quantity,
            subtotal: line.subtotal.minor(),
            discount: line.discount.minor(),
            tax: line.tax.minor(),
            total: line.total.minor(),
        }
    }
}

impl LineDocument {
    fn into_line(self, currency: Currency) -> OrderLine {
        let money = |minor: i128| Money::new(minor, currency);
        OrderLine {
            price: self.price,
            product: self.product,
            name: self.name,
            description: self.description,
            quantity: self.quantity,
            subtotal: money(self.subtotal),
            discount: money(self.discount),
            tax: money(self.tax),
            total: money(self.total),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In the form that version 0.1.0 wrote.
    const STORED: &str = concat!(
        r#"{"number":"55a109cdfba5b6648676ee8c21e22322","cart":"be45cb2605bf36bebde684841a28f0fd","status":"paid","#,
        r#""lines":[{"price":"price_mug","product":"prod_mug","name":"Mug","description":"blue","quantity":2,"#,
        r#""subtotal":2400,"discount":200,"tax":90,"total":2290}],"currency":"jpy","subtotal":2400,"discount":200,"#,
        r#""tax":90,"shipping":500,"total":2790,"refunded":100,"#,
        r#""customer":{"id":"cus_1","email":"ann@example.com","name":"Ann","phone":null},"#,
        r#""billing_address":{"line1":"1 Main St","line2":null,"city":null,"state":null,"postal_code":null,"#,
        r#""country":"US"},"shipping_name":null,"shipping_address":null,"metadata":{"is_gift":"yes"},"#,
        r#""payment":{"session":"cs_test_1","payment_intent":"pi_1","subscription":null,"invoice":null},"#,
        r#""marks":["cart_paid_twice"],"created_at":"1970-01-01T00:00:00Z"}"#,
    );

    #[test]
    fn a_stored_order_is_read_and_written_byte_by_byte_as_it_was() {
        let yen = |minor: i64| Money::new(minor, "jpy".parse().unwrap());
        let document: OrderDocument = serde_json::from_str(STORED).unwrap();
        let standing = Standing {
            status: OrderStatus::Paid,
            captured: document.total(),
            refunded: yen(100),
            refund_is_pending: false,
            dispute: None,
            read_at: None,
        };

        let order = document.into_order(standing);

        assert_eq!((order.total, order.lines[0].discount), (yen(2790), yen(200)));
        assert_eq!(serde_json::to_string(&OrderDocument::from(&order)).unwrap(), STORED);
    }

    #[test]
    fn a_documents_status_is_one_that_version_0_1_0_reads() {
        for status in OrderStatus::ALL {
            let known = ["awaiting_payment", "payment_failed", "paid", "partially_refunded", "refunded"];
            assert!(known.contains(&known_to_0_1_0(status)), "{status:?}");
        }
    }
}
