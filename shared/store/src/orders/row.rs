//! An order as an item.

use cart::{Mark, Money, Order, OrderStatus};

use super::document::OrderDocument;
use crate::Error;
use crate::item::{Item, Reader, json, number, text};

pub(super) const NUMBER: &str = "number";
const FORMAT: &str = "f";
pub(super) const STATUS: &str = "status";
pub(super) const REFUNDED: &str = "refunded";
const DOCUMENT: &str = "order";
/// The marks that the document does not hold, as JSON; absent where there are none.
const MARKS: &str = "marks";
/// The type of the event that tells of the status; absent where the event of the new order says it all.
pub(super) const EVENT: &str = "event";
const TABLE: &str = "orders";

/// The document stays as it is; status and refunds stand beside it, where they can be moved forward.
///
/// What version 0.1.0 does not know stands in attributes of its own, which that version ignores. It would not read a document
/// with such a mark, and neither show the order nor get past it in a sync.
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
    let marks: Vec<_> = order.marks.iter().filter(|mark| !is_in_document(**mark)).collect();
    if !marks.is_empty() {
        item.insert(MARKS.to_owned(), text(json(&marks)));
    }
    item
}

/// Whether version 0.1.0 knows the mark.
pub(super) fn is_in_document(mark: Mark) -> bool {
    match mark {
        Mark::CartPaidTwice | Mark::UnexpectedAmount => true,
        Mark::NoShipping => false,
    }
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
    if let Some(marks) = reader.text(MARKS) {
        let marks: Vec<serde_json::Value> = serde_json::from_str(marks).map_err(|_| reader.corrupt(MARKS))?;
        // A later version may know more of them.
        order.marks.extend(marks.into_iter().filter_map(|mark| serde_json::from_value::<Mark>(mark).ok()));
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An order in the form that version 0.1.0 wrote, which bears one of its marks.
    const DOCUMENT_0_1_0: &str = concat!(
        r#"{"number":"55a109cdfba5b6648676ee8c21e22322","cart":"be45cb2605bf36bebde684841a28f0fd","status":"paid","#,
        r#""lines":[],"currency":"usd","subtotal":0,"discount":0,"tax":0,"shipping":0,"total":0,"refunded":0,"#,
        r#""customer":{"id":null,"email":null,"name":null,"phone":null},"billing_address":null,"shipping_name":null,"#,
        r#""shipping_address":null,"metadata":{},"payment":{"session":"cs_test_1","payment_intent":null,"#,
        r#""subscription":null,"invoice":null},"marks":["unexpected_amount"],"created_at":"1970-01-01T00:00:00Z"}"#,
    );

    fn order() -> Order {
        Order::from(serde_json::from_str::<OrderDocument>(DOCUMENT_0_1_0).unwrap())
    }

    #[test]
    fn a_mark_of_a_later_version_stands_beside_the_document() {
        let mut order = order();
        order.marks.push(Mark::NoShipping);

        let item = write(&order);

        assert_eq!(item[DOCUMENT], text(DOCUMENT_0_1_0));
        assert_eq!(item[MARKS], text(r#"["no_shipping"]"#));
        assert_eq!(read(&item).unwrap(), order);
    }

    #[test]
    fn an_order_without_such_a_mark_is_written_as_before() {
        let item = write(&order());

        assert_eq!(item[DOCUMENT], text(DOCUMENT_0_1_0));
        assert!(!item.contains_key(MARKS));
    }

    #[test]
    fn a_mark_that_this_version_does_not_know_does_not_hide_the_order() {
        let mut item = write(&order());
        item.insert(MARKS.to_owned(), text(r#"["made_on_the_moon","no_shipping"]"#));

        assert_eq!(read(&item).unwrap().marks, [Mark::UnexpectedAmount, Mark::NoShipping]);
    }
}
