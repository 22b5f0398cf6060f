//! What events say: the details that docs/schemas describes.

use std::collections::BTreeMap;

use cart::{
    Address, CartNumber, Currency, Dispute, Mark, Money, Order, OrderLine, OrderNumber, OrderStatus, PriceId,
    ProductId, SessionId, Timestamp,
};
use serde::Serialize;
use store::Abandoned;
use web::Shop;

/// The version of the schemas. A field that comes to them leaves it as it is.
const SCHEMA: u32 = 1;

/// The most bytes of a detail. EventBridge takes 256 KB, with all that is around it.
const MOST_BYTES: usize = 200_000;

/// The longest name of a line in a detail that would be too large, in characters.
const SHORT_NAME: usize = 250;

/// How much of an order's contents is told in one text, in characters.
const MOST_CONTENTS: usize = 1000;

/// What all details begin with.
#[derive(Serialize)]
pub(crate) struct Head<'a> {
    schema: u32,
    /// The same at each delivery of the event.
    id: &'a str,
}

impl<'a> Head<'a> {
    pub(crate) fn new(id: &'a str) -> Self {
        Self { schema: SCHEMA, id }
    }
}

/// The detail of `cart.abandoned`.
#[derive(Serialize)]
pub(crate) struct CartDetail<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    livemode: bool,
    cart: CartNumber,
    session: &'a SessionId,
    /// Blank where there is none.
    recovery_url: &'a str,
}

impl<'a> CartDetail<'a> {
    pub(crate) fn new(head: Head<'a>, abandoned: &'a Abandoned) -> Self {
        Self {
            head,
            livemode: is_live(&abandoned.session),
            cart: abandoned.cart,
            session: &abandoned.session,
            recovery_url: abandoned.recovery_url.as_deref().unwrap_or_default(),
        }
    }
}

/// The detail of an event about an order.
///
/// Amounts are in the currency's minor unit; beside each stands how people write it.
#[derive(Serialize)]
pub(crate) struct OrderDetail<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    livemode: bool,
    order: OrderNumber,
    cart: CartNumber,
    session: &'a SessionId,
    recovered_from: Option<&'a SessionId>,
    status: OrderStatus,
    currency: Currency,
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
    dispute: Option<DisputeDetail<'a>>,
    marks: &'a [Mark],
    /// What was bought, in one text.
    contents: String,
    lines: Vec<LineDetail<'a>>,
    /// Who bought, in one text.
    buyer: String,
    customer: CustomerDetail<'a>,
    billing_address: Option<&'a Address>,
    shipping_name: Option<&'a str>,
    shipping_address: Option<&'a Address>,
    metadata: &'a BTreeMap<String, String>,
    created_at: Timestamp,
}

#[derive(Serialize)]
struct LineDetail<'a> {
    price: Option<&'a PriceId>,
    product: Option<&'a ProductId>,
    name: &'a str,
    description: Option<&'a str>,
    quantity: u64,
    subtotal: i128,
    subtotal_with_currency: String,
    discount: i128,
    discount_with_currency: String,
    tax: i128,
    tax_with_currency: String,
    total: i128,
    total_with_currency: String,
}

#[derive(Serialize)]
struct CustomerDetail<'a> {
    name: Option<&'a str>,
    email: Option<&'a str>,
    phone: Option<&'a str>,
}

#[derive(Serialize)]
struct DisputeDetail<'a> {
    status: &'a str,
    reason: &'a str,
    amount: i64,
    /// Null where the amount is in a currency that no shop has.
    amount_with_currency: Option<String>,
    currency: &'a str,
    due_by: Option<Timestamp>,
}

impl<'a> OrderDetail<'a> {
    pub(crate) fn new(head: Head<'a>, order: &'a Order, shop: &Shop) -> Self {
        let written = |money: Money| shop.written(money);
        let standing = &order.standing;
        let customer = &order.customer;
        Self {
            head,
            livemode: is_live(&order.payment.session),
            order: order.number,
            cart: order.cart,
            session: &order.payment.session,
            recovered_from: recovered_from(order),
            status: standing.status,
            currency: order.currency(),
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
            captured: standing.captured.minor(),
            captured_with_currency: written(standing.captured),
            refunded: standing.refunded.minor(),
            refunded_with_currency: written(standing.refunded),
            dispute: standing.dispute.as_ref().map(|dispute| DisputeDetail::new(dispute, shop)),
            marks: &order.marks,
            contents: contents(&order.lines),
            lines: order.lines.iter().map(|line| LineDetail::new(line, shop)).collect(),
            buyer: buyer(customer.name.as_deref(), customer.email.as_deref()),
            customer: CustomerDetail {
                name: customer.name.as_deref(),
                email: customer.email.as_deref(),
                phone: customer.phone.as_deref(),
            },
            billing_address: order.billing_address.as_ref(),
            shipping_name: order.shipping_name.as_deref(),
            shipping_address: order.shipping_address.as_ref(),
            metadata: &order.metadata,
            created_at: order.created_at,
        }
    }

    /// The detail as JSON. What would make it too large is left out: first what the shop's own pages wrote into the order, then
    /// texts of lines, at last what is beyond the beginning of their names.
    pub(crate) fn bounded(self) -> String {
        let nothing = BTreeMap::new();
        let shorten: [fn(&mut OrderDetail<'_>); 2] = [
            |detail| detail.lines.iter_mut().for_each(|line| line.description = None),
            |detail| detail.lines.iter_mut().for_each(|line| line.name = beginning(line.name, SHORT_NAME)),
        ];
        let mut text = text(&self);
        if text.len() > MOST_BYTES {
            let mut detail = OrderDetail { metadata: &nothing, ..self };
            text = self::text(&detail);
            for shorten in shorten {
                if text.len() > MOST_BYTES {
                    shorten(&mut detail);
                    text = self::text(&detail);
                }
            }
        }
        text
    }
}

impl<'a> LineDetail<'a> {
    fn new(line: &'a OrderLine, shop: &Shop) -> Self {
        Self {
            price: line.price.as_ref(),
            product: line.product.as_ref(),
            name: &line.name,
            description: line.description.as_deref(),
            quantity: line.quantity,
            subtotal: line.subtotal.minor(),
            subtotal_with_currency: shop.written(line.subtotal),
            discount: line.discount.minor(),
            discount_with_currency: shop.written(line.discount),
            tax: line.tax.minor(),
            tax_with_currency: shop.written(line.tax),
            total: line.total.minor(),
            total_with_currency: shop.written(line.total),
        }
    }
}

impl<'a> DisputeDetail<'a> {
    fn new(dispute: &'a Dispute, shop: &Shop) -> Self {
        let currency = dispute.currency.parse().ok();
        Self {
            status: &dispute.status,
            reason: &dispute.reason,
            amount: dispute.amount,
            amount_with_currency: currency.map(|currency| shop.written(Money::new(dispute.amount, currency))),
            currency: &dispute.currency,
            due_by: dispute.due_by.and_then(|due_by| Timestamp::from_second(due_by).ok()),
        }
    }
}

/// The detail as JSON.
#[expect(clippy::expect_used, reason = "an event without its detail would be worse")]
pub(crate) fn text(detail: &impl Serialize) -> String {
    serde_json::to_string(detail).expect("details are plain data with text keys, which JSON can hold")
}

/// The abandoned session after which the order's was made.
pub(crate) fn recovered_from(_: &Order) -> Option<&SessionId> {
    None
}

/// Stripe's ids say so.
fn is_live(session: &SessionId) -> bool {
    session.as_str().starts_with("cs_live_")
}

/// What was bought in one text: `2 × Mug, 1 × Poster`.
fn contents(lines: &[OrderLine]) -> String {
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        let part = format!("{} × {}", line.quantity, line.name);
        if text.chars().count() + part.chars().count() > MOST_CONTENTS {
            let rest = lines.len() - index;
            return format!("{text}{}… ({rest} more)", if text.is_empty() { "" } else { ", " });
        }
        if index > 0 {
            text.push_str(", ");
        }
        text.push_str(&part);
    }
    text
}

/// Who bought in one text: `Ann Lee, ann@example.com`.
fn buyer(name: Option<&str>, email: Option<&str>) -> String {
    [name, email].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn beginning(text: &str, characters: usize) -> &str {
    text.char_indices().nth(characters).map_or(text, |(end, _)| &text[..end])
}
