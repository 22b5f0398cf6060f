//! An order as an item.

use cart::{Money, Order, OrderStatus};

use super::document::OrderDocument;
use crate::Error;
use crate::item::{Item, Reader, json, number, text};

pub(super) const NUMBER: &str = "number";
const FORMAT: &str = "f";
pub(super) const STATUS: &str = "status";
pub(super) const REFUNDED: &str = "refunded";
const DOCUMENT: &str = "order";
/// The type of the event that tells of the status; absent where the event of the new order says it all.
pub(super) const EVENT: &str = "event";
const TABLE: &str = "orders";

/// The document stays as it is; status and refunds stand beside it, where they can be moved forward.
pub(super) fn write(order: &Order) -> Item {
    let mut item = Item::from([
        (NUMBER.to_owned(), text(order.number)),
        (FORMAT.to_owned(), number(1)),
        (STATUS.to_owned(), text(order.status.as_str())),
        (REFUNDED.to_owned(), number(order.refunded.minor())),
        ("cart".to_owned(), text(order.cart)),
        ("session".to_owned(), text(&order.payment.session)),
        ("currency".to_owned(), text(order.currency())),
        ("total".to_owned(), number(order.total.minor())),
        ("created".to_owned(), number(order.created_at.as_second())),
        (DOCUMENT.to_owned(), text(json(&OrderDocument::from(order)))),
    ]);
    if let Some(event) = event(order.status) {
        item.insert(EVENT.to_owned(), text(event));
    }
    item
}

/// The type of the event that tells of this status; `None` where the event of the new order says it all.
pub(super) fn event(status: OrderStatus) -> Option<&'static str> {
    match status {
        OrderStatus::AwaitingPayment => None,
        OrderStatus::PaymentFailed => Some("payment.failed"),
        OrderStatus::Paid => Some("order.paid"),
        OrderStatus::PartiallyRefunded | OrderStatus::Refunded => Some("order.refunded"),
    }
}

pub(super) fn read(item: &Item) -> Result<Order, Error> {
    let reader = Reader { table: TABLE, item };
    let json = reader.text(DOCUMENT).ok_or_else(|| reader.corrupt(DOCUMENT))?;
    let document: OrderDocument = serde_json::from_str(json).map_err(|_| reader.corrupt(DOCUMENT))?;
    let mut order = Order::from(document);
    let status = reader.text(STATUS).unwrap_or_default();
    order.status =
        OrderStatus::ALL.into_iter().find(|known| known.as_str() == status).ok_or_else(|| reader.corrupt(STATUS))?;
    order.refunded = Money::new(reader.parsed::<i64>(REFUNDED)?, order.currency());
    Ok(order)
}
