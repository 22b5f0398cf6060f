//! `GET /orders/{number}`: what a thank-you page needs, and nothing about who bought.

use std::collections::BTreeMap;

use cart::{
    Currency, DeliveryEstimate, Discount, Money, Order, OrderLine, OrderStatus, Reference, ShippingOption, Tax,
    Timestamp,
};
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
    reference: Reference,
    livemode: bool,
    status: OrderStatus,
    currency: Currency,
    item_count: u64,
    subtotal: i128,
    subtotal_with_currency: String,
    discount: i128,
    discount_with_currency: String,
    discounts: Vec<DiscountView<'a>>,
    shipping: i128,
    shipping_with_currency: String,
    shipping_option: Option<ShippingOptionView<'a>>,
    tax: i128,
    tax_with_currency: String,
    taxes: Vec<TaxView<'a>>,
    total: i128,
    total_with_currency: String,
    presentment: Option<PresentmentView>,
    captured: i128,
    captured_with_currency: String,
    refunded: i128,
    refunded_with_currency: String,
    lines: Vec<LineView<'a>>,
    created_at: Timestamp,
}

#[derive(Serialize)]
struct LineView<'a> {
    line: Option<&'a str>,
    price: Option<&'a cart::PriceId>,
    product: Option<&'a cart::ProductId>,
    name: &'a str,
    nickname: Option<&'a str>,
    description: Option<&'a str>,
    attributes: &'a BTreeMap<String, String>,
    price_metadata: &'a BTreeMap<String, String>,
    quantity: u64,
    subtotal: i128,
    subtotal_with_currency: String,
    discount: i128,
    discount_with_currency: String,
    tax: i128,
    tax_with_currency: String,
    taxes: Vec<TaxView<'a>>,
    total: i128,
    total_with_currency: String,
}

/// What was taken off. Ids of Stripe's objects are the merchant's business.
#[derive(Serialize)]
struct DiscountView<'a> {
    amount: i128,
    amount_with_currency: String,
    code: Option<&'a str>,
}

/// A tax, without the place that it is due at: that is where the buyer lives.
#[derive(Serialize)]
struct TaxView<'a> {
    amount: i128,
    amount_with_currency: String,
    name: Option<&'a str>,
    percentage: Option<cart::Decimal>,
    inclusive: bool,
}

#[derive(Serialize)]
struct ShippingOptionView<'a> {
    name: Option<&'a str>,
    amount: i128,
    amount_with_currency: String,
    tax: i128,
    tax_with_currency: String,
    delivery_estimate: Option<&'a DeliveryEstimate>,
}

/// What the shopper saw, in the currency that Stripe's page showed.
#[derive(Serialize)]
struct PresentmentView {
    currency: Currency,
    amount: i128,
    amount_with_currency: String,
}

impl<'a> OrderView<'a> {
    fn new(order: &'a Order, shop: &Shop) -> Self {
        let written = |money: Money| shop.written(money);
        let tax = |tax: &'a Tax| TaxView {
            amount: tax.amount.minor(),
            amount_with_currency: written(tax.amount),
            name: tax.name.as_deref(),
            percentage: tax.percentage,
            inclusive: tax.inclusive,
        };
        let discount = |discount: &'a Discount| DiscountView {
            amount: discount.amount.minor(),
            amount_with_currency: written(discount.amount),
            code: discount.code.as_deref(),
        };
        let shipping_option = |option: &'a ShippingOption| ShippingOptionView {
            name: option.name.as_deref(),
            amount: option.amount.minor(),
            amount_with_currency: written(option.amount),
            tax: option.tax.minor(),
            tax_with_currency: written(option.tax),
            delivery_estimate: option.delivery_estimate.as_ref(),
        };
        let presentment = |money: Money| PresentmentView {
            currency: money.currency(),
            amount: money.minor(),
            amount_with_currency: written(money),
        };
        let line = |line: &'a OrderLine| LineView {
            line: line.line.as_ref().map(cart::LineId::as_str),
            price: line.price.as_ref(),
            product: line.product.as_ref(),
            name: &line.name,
            nickname: line.nickname.as_deref(),
            description: line.description.as_deref(),
            attributes: &line.attributes,
            price_metadata: &line.price_metadata,
            quantity: line.quantity,
            subtotal: line.subtotal.minor(),
            subtotal_with_currency: written(line.subtotal),
            discount: line.discount.minor(),
            discount_with_currency: written(line.discount),
            tax: line.tax.minor(),
            tax_with_currency: written(line.tax),
            taxes: line.taxes.iter().map(tax).collect(),
            total: line.total.minor(),
            total_with_currency: written(line.total),
        };
        Self {
            number: order.number,
            reference: order.reference,
            livemode: order.livemode,
            status: order.standing.status,
            currency: order.currency(),
            item_count: order.lines.iter().map(|line| line.quantity).sum(),
            subtotal: order.subtotal.minor(),
            subtotal_with_currency: written(order.subtotal),
            discount: order.discount.minor(),
            discount_with_currency: written(order.discount),
            discounts: order.discounts.iter().map(discount).collect(),
            shipping: order.shipping.minor(),
            shipping_with_currency: written(order.shipping),
            shipping_option: order.shipping_option.as_ref().map(shipping_option),
            tax: order.tax.minor(),
            tax_with_currency: written(order.tax),
            taxes: order.taxes.iter().map(tax).collect(),
            total: order.total.minor(),
            total_with_currency: written(order.total),
            presentment: order.presentment.map(presentment),
            captured: order.standing.captured.minor(),
            captured_with_currency: written(order.standing.captured),
            refunded: order.standing.refunded.minor(),
            refunded_with_currency: written(order.standing.refunded),
            lines: order.lines.iter().map(line).collect(),
            created_at: order.created_at,
        }
    }
}
