//! `GET /orders/{number}`: what a thank-you page needs, and nothing about who bought.

use cart::{Currency, Money, Order, OrderLine, OrderStatus, Timestamp};
use serde::Serialize;
use services::Services;
use web::{Answer, Endpoint, Error, Request, Shop};

/// The endpoint.
#[derive(Debug)]
pub struct Orders {
    shop: Shop,
    orders: store::Orders,
}

impl Endpoint for Orders {
    const NAME: &str = env!("CARGO_PKG_NAME");

    fn new(services: &Services) -> Result<Self, settings::Error> {
        let Services { environment, database, .. } = services;
        Ok(Self { shop: Shop::new(environment)?, orders: store::Orders::new(database, environment)? })
    }

    async fn handle(&self, request: &Request) -> Result<Answer, Error> {
        let number = request.last_segment().parse().map_err(|_| Error::OrderNotFound)?;

        let found = self.orders.find(number).await;

        let order = found.map_err(|error| web::upstream(error.retry_after(), error))?.ok_or(Error::OrderNotFound)?;
        Ok(Answer::json(&OrderView::new(&order, &self.shop)))
    }
}

/// An order as everyone with its number sees it: no name, no e-mail, no address, no metadata.
///
/// Amounts are in the currency's minor unit; beside each stands how people write it.
#[derive(Serialize)]
struct OrderView<'a> {
    number: cart::OrderNumber,
    status: OrderStatus,
    currency: Currency,
    item_count: u64,
    subtotal: i128,
    subtotal_with_currency: String,
    discount: i128,
    discount_with_currency: String,
    shipping: i128,
    shipping_with_currency: String,
    tax: i128,
    tax_with_currency: String,
    total: i128,
    total_with_currency: String,
    captured: i128,
    captured_with_currency: String,
    refunded: i128,
    refunded_with_currency: String,
    lines: Vec<LineView<'a>>,
    created_at: Timestamp,
}

#[derive(Serialize)]
struct LineView<'a> {
    price: Option<&'a cart::PriceId>,
    product: Option<&'a cart::ProductId>,
    name: &'a str,
    description: Option<&'a str>,
    quantity: u64,
    subtotal: i128,
    total: i128,
    total_with_currency: String,
}

impl<'a> OrderView<'a> {
    fn new(order: &'a Order, shop: &Shop) -> Self {
        let written = |money: Money| shop.written(money);
        let line = |line: &'a OrderLine| LineView {
            price: line.price.as_ref(),
            product: line.product.as_ref(),
            name: &line.name,
            description: line.description.as_deref(),
            quantity: line.quantity,
            subtotal: line.subtotal.minor(),
            total: line.total.minor(),
            total_with_currency: written(line.total),
        };
        Self {
            number: order.number,
            status: order.standing.status,
            currency: order.currency(),
            item_count: order.lines.iter().map(|line| line.quantity).sum(),
            subtotal: order.subtotal.minor(),
            subtotal_with_currency: written(order.subtotal),
            discount: order.discount.minor(),
            discount_with_currency: written(order.discount),
            shipping: order.shipping.minor(),
            shipping_with_currency: written(order.shipping),
            tax: order.tax.minor(),
            tax_with_currency: written(order.tax),
            total: order.total.minor(),
            total_with_currency: written(order.total),
            captured: order.standing.captured.minor(),
            captured_with_currency: written(order.standing.captured),
            refunded: order.standing.refunded.minor(),
            refunded_with_currency: written(order.standing.refunded),
            lines: order.lines.iter().map(line).collect(),
            created_at: order.created_at,
        }
    }
}
