//! What events about an order say.

use std::collections::BTreeMap;

use cart::{
    Address, CartNumber, Consent, Currency, CustomField, Customer, Invoice, Mark, Money, Order, OrderLine, OrderNumber,
    OrderStatus, PaymentIntentId, Reference, SessionId, SubscriptionId, Timestamp,
};
use serde::Serialize;
use web::Shop;

use super::parts::{DiscountDetail, DisputeDetail, LineDetail, PresentmentDetail, ShippingDetail, TaxDetail};
use super::{Head, text};

/// The most bytes of a detail. EventBridge takes 256 KB, with all that is around it.
const MOST_BYTES: usize = 200_000;

/// The longest text of a line in a detail that would be too large, in characters.
const SHORT: usize = 250;
/// What is left of them where that is not enough: a hundred lines of such names have 100 KB in any script.
const SHORTEST: usize = 60;

/// How much of an order's contents is told in one text, in characters.
const MOST_CONTENTS: usize = 1000;

/// The detail of an event about an order.
///
/// Amounts are in the currency's minor unit; beside each stands how people write it.
#[derive(Serialize)]
pub(crate) struct OrderDetail<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    livemode: bool,
    order: OrderNumber,
    reference: Reference,
    cart: CartNumber,
    session: &'a SessionId,
    payment_intent: Option<&'a PaymentIntentId>,
    subscription: Option<&'a SubscriptionId>,
    recovered_from: Option<&'a SessionId>,
    shopper: Option<&'a str>,
    status: OrderStatus,
    currency: Currency,
    subtotal: i128,
    subtotal_with_currency: String,
    discount: i128,
    discount_with_currency: String,
    discounts: Vec<DiscountDetail<'a>>,
    shipping: i128,
    shipping_with_currency: String,
    shipping_option: Option<ShippingDetail<'a>>,
    tax: i128,
    tax_with_currency: String,
    taxes: Vec<TaxDetail<'a>>,
    total: i128,
    total_with_currency: String,
    captured: i128,
    captured_with_currency: String,
    refunded: i128,
    refunded_with_currency: String,
    presentment: Option<PresentmentDetail>,
    dispute: Option<DisputeDetail<'a>>,
    marks: &'a [Mark],
    /// What was bought, in one text.
    contents: String,
    lines: Vec<LineDetail<'a>>,
    /// Who bought, in one text.
    buyer: String,
    customer: &'a Customer,
    billing_address: Option<&'a Address>,
    shipping_name: Option<&'a str>,
    shipping_address: Option<&'a Address>,
    custom_fields: &'a [CustomField],
    consent: Option<&'a Consent>,
    metadata: &'a BTreeMap<String, String>,
    receipt_url: Option<&'a str>,
    invoice: Option<&'a Invoice>,
    created_at: Timestamp,
}

impl<'a> OrderDetail<'a> {
    pub(crate) fn new(head: Head<'a>, order: &'a Order, shop: &Shop) -> Self {
        let written = |money: Money| shop.written(money);
        let standing = &order.standing;
        Self {
            head,
            livemode: order.livemode,
            order: order.number,
            reference: order.reference,
            cart: order.cart,
            session: &order.payment.session,
            payment_intent: order.payment.payment_intent.as_ref(),
            subscription: order.payment.subscription.as_ref(),
            recovered_from: order.recovered_from.as_ref(),
            shopper: order.shopper.as_deref(),
            status: standing.status,
            currency: order.currency(),
            subtotal: order.subtotal.minor(),
            subtotal_with_currency: written(order.subtotal),
            discount: order.discount.minor(),
            discount_with_currency: written(order.discount),
            discounts: DiscountDetail::all(&order.discounts, shop),
            shipping: order.shipping.minor(),
            shipping_with_currency: written(order.shipping),
            shipping_option: order.shipping_option.as_ref().map(|option| ShippingDetail::new(option, shop)),
            tax: order.tax.minor(),
            tax_with_currency: written(order.tax),
            taxes: TaxDetail::all(&order.taxes, shop),
            total: order.total.minor(),
            total_with_currency: written(order.total),
            captured: standing.captured.minor(),
            captured_with_currency: written(standing.captured),
            refunded: standing.refunded.minor(),
            refunded_with_currency: written(standing.refunded),
            presentment: order.presentment.map(|amount| PresentmentDetail::new(amount, shop)),
            dispute: standing.dispute.as_ref().map(|dispute| DisputeDetail::new(dispute, shop)),
            marks: &order.marks,
            contents: contents(&order.lines),
            lines: order.lines.iter().map(|line| LineDetail::new(line, shop)).collect(),
            buyer: buyer(&order.customer),
            customer: &order.customer,
            billing_address: order.billing_address.as_ref(),
            shipping_name: order.shipping_name.as_deref(),
            shipping_address: order.shipping_address.as_ref(),
            custom_fields: &order.custom_fields,
            consent: order.consent.as_ref(),
            metadata: &order.metadata,
            receipt_url: order.payment.receipt_url.as_deref(),
            invoice: order.invoice.as_ref(),
            created_at: order.created_at,
        }
    }

    /// The detail as JSON. What would make it too large goes, as much of it as is needed: first what prices say of
    /// themselves and what the shop's own front-end wrote into the order, then the texts of lines, at last the end of long
    /// names.
    pub(crate) fn bounded(self) -> String {
        let shorten: [fn(&mut OrderDetail<'_>); 7] = [
            |detail| detail.lines.iter_mut().for_each(LineDetail::without_price_metadata),
            |detail| detail.metadata = const { &BTreeMap::new() },
            |detail| detail.lines.iter_mut().for_each(LineDetail::without_attributes),
            |detail| detail.lines.iter_mut().for_each(LineDetail::without_texts),
            |detail| detail.lines.iter_mut().for_each(|line| line.shorten(SHORT)),
            |detail| detail.lines.iter_mut().for_each(LineDetail::without_parts),
            |detail| detail.lines.iter_mut().for_each(|line| line.shorten(SHORTEST)),
        ];
        let mut detail = self;
        let mut json = text(&detail);
        for shorten in shorten {
            if json.len() <= MOST_BYTES {
                break;
            }
            shorten(&mut detail);
            json = text(&detail);
        }
        json
    }
}

/// What was bought in one text: `2 × Mug, 1 × Poster`.
fn contents(lines: &[OrderLine]) -> String {
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        let separator = if index == 0 { "" } else { ", " };
        let name = line.name.as_str();
        let part = format!("{separator}{} × {name}", line.quantity);
        if text.chars().count() + part.chars().count() > MOST_CONTENTS {
            return format!("{text}{separator}… ({} more)", lines.len() - index);
        }
        text.push_str(&part);
    }
    text
}

/// Who bought in one text: `Ann Lee, ann@example.com`.
fn buyer(customer: &Customer) -> String {
    let known = [&customer.name, &customer.email].into_iter().flatten();
    known.map(String::as_str).collect::<Vec<_>>().join(", ")
}
