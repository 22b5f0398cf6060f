//! An order as an item.

use cart::{Dispute, Mark, Money, News, Order, OrderStatus, Standing, Step, Timestamp};

use super::document::{OrderDocument, written};
use crate::Error;
use crate::expression::Update;
use crate::item::{Item, Reader, json, number, seconds, text};
use crate::stream::Written;

pub(crate) const NUMBER: &str = "number";
const FORMAT: &str = "f";
pub(super) const STATUS: &str = "status";
/// What was taken; absent in rows of version 0.1.0.
const CAPTURED: &str = "captured";
const REFUNDED: &str = "refunded";
/// Whether money is on its way back to the buyer; absent where none is.
const REFUND_PENDING: &str = "refund_pending";
/// The dispute, as JSON; absent where there is none.
const DISPUTE: &str = "dispute";
/// When Stripe was asked, in milliseconds since 1970; absent in rows of version 0.1.0.
const READ: &str = "read";
const DOCUMENT: &str = "order";
/// The marks that the document does not hold, as JSON; absent where there are none.
const MARKS: &str = "marks";
/// The type of the event that tells of the last write; absent where that has nothing to tell, and where the event of the new
/// order says it all.
///
/// [`told`] reads it. Version 0.1.0 knows `payment.failed` by this name, and has pipes that look for it.
const EVENT: &str = "event";
/// When what tells of the buyer was taken out, in seconds since 1970; absent where it was not.
const ANONYMISED: &str = "anonymised";
/// When the order was copied back from a backup; absent where it was not.
const RESTORED: &str = "restored";
const TABLE: &str = "orders";

/// The document stays as it is; what becomes of the money stands beside it, where it can change.
///
/// What version 0.1.0 does not know stands in attributes of its own, which that version ignores. It would not read a document
/// with such a mark, and neither show the order nor get past it in a sync.
pub(super) fn write(order: &Order, news: Option<News>) -> Item {
    let standing = &order.standing;
    let mut item = Item::from([
        (NUMBER.to_owned(), text(order.number)),
        (FORMAT.to_owned(), number(1)),
        (STATUS.to_owned(), text(standing.status.as_str())),
        (CAPTURED.to_owned(), number(standing.captured.minor())),
        (REFUNDED.to_owned(), number(standing.refunded.minor())),
        ("cart".to_owned(), text(order.cart)),
        ("session".to_owned(), text(&order.payment.session)),
        ("currency".to_owned(), text(order.currency())),
        ("total".to_owned(), number(order.total.minor())),
        ("created".to_owned(), number(order.created_at.as_second())),
        (DOCUMENT.to_owned(), text(written(order))),
    ]);
    let optional = [
        (REFUND_PENDING, standing.refund_is_pending.then(|| number(1))),
        (DISPUTE, write_dispute(standing).map(text)),
        (READ, standing.read_at.map(|at| number(at.as_millisecond()))),
        (EVENT, news.map(|news| text(event(news)))),
    ];
    item.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    let marks: Vec<_> = order.marks.iter().filter(|mark| place(**mark) == Place::Row).collect();
    if !marks.is_empty() {
        item.insert(MARKS.to_owned(), text(json(&marks)));
    }
    item
}

/// Where a mark is stored.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the document: version 0.1.0 knows it.
    Document,
    /// In the row.
    Row,
    /// Nowhere: it follows from something else.
    Nowhere,
}

fn place(mark: Mark) -> Place {
    match mark {
        Mark::CartPaidTwice | Mark::UnexpectedAmount => Place::Document,
        Mark::NoShipping => Place::Row,
        Mark::Disputed => Place::Nowhere,
    }
}

/// Whether the document holds the mark.
pub(super) fn is_in_document(mark: Mark) -> bool {
    place(mark) == Place::Document
}

/// The type of the event that tells this.
fn event(news: News) -> &'static str {
    match news {
        News::Authorized => "order.authorized",
        News::Paid => "order.paid",
        News::PaymentFailed => "payment.failed",
        News::Canceled => "order.canceled",
        News::Refunded => "order.refunded",
        News::RefundFailed => "order.refund_failed",
        News::Disputed => "order.disputed",
        News::DisputeClosed => "order.dispute_closed",
    }
}

/// What a write of this item tells; `None` where that is nothing.
///
/// What is copied back from a backup is no news. What became of its money afterwards is.
pub(crate) fn told(item: &Item, is_new: bool) -> Result<Option<Written>, Error> {
    let reader = Reader { table: TABLE, item };
    let named = |name: &str| News::ALL.into_iter().find(|news| event(*news) == name);
    let news = reader.text(EVENT).map(|name| named(name).ok_or_else(|| reader.corrupt(EVENT))).transpose()?;
    if if is_new { item.contains_key(RESTORED) } else { news.is_none() } {
        return Ok(None);
    }
    Ok(Some(Written::Order { order: Box::new(read(item)?), is_new, news }))
}

/// The condition that an order stands as it was found, and is as anonymous, so that no way by its address comes back.
pub(super) fn is_as_found(order: &Order) -> Update {
    and_stands(is_as_personal(order), &order.standing)
}

/// The condition that an order was not made anonymous since it was read as `order`.
fn is_as_personal(order: &Order) -> Update {
    if order.anonymised_at.is_some() { Update::default() } else { is_personal() }
}

/// The condition that an order stands as it did.
pub(super) fn stands(standing: &Standing) -> Update {
    and_stands(Update::default(), standing)
}

fn and_stands(mut update: Update, standing: &Standing) -> Update {
    for (name, value) in [(STATUS, text(standing.status.as_str())), (REFUNDED, number(standing.refunded.minor()))] {
        let [name, value] = [update.name(name), update.value(value)];
        update.guard(format_args!("{name} = {value}"));
    }
    let read = update.name(READ);
    match standing.read_at {
        Some(at) => {
            let at = update.value(number(at.as_millisecond()));
            update.guard(format_args!("{read} = {at}"));
        }
        None => update.guard(format_args!("attribute_not_exists({read})")),
    }
    update
}

/// The dispute of an item as it is written there, which other versions may do otherwise.
pub(super) fn written_dispute(item: &Item) -> Option<&str> {
    item.get(DISPUTE)?.as_s().ok().map(String::as_str)
}

/// The dispute of a standing as this version writes it.
pub(super) fn write_dispute(standing: &Standing) -> Option<String> {
    standing.dispute.as_ref().map(json)
}

/// Takes a step of an order's standing, provided that it is as it was `before`, and its `dispute` as it was written.
///
/// Two readings may be of the same millisecond: then the time alone does not tell that one of them was first.
pub(super) fn take(before: &Standing, dispute: Option<&str>, step: &Step) -> Update {
    taken(stands(before), dispute, step)
}

/// The same, provided also that the order was not made anonymous since it was read as `order`.
pub(super) fn take_and_enter(order: &Order, before: &Standing, dispute: Option<&str>, step: &Step) -> Update {
    taken(and_stands(is_as_personal(order), before), dispute, step)
}

fn taken(mut update: Update, dispute: Option<&str>, step: &Step) -> Update {
    let name = update.name(DISPUTE);
    match dispute {
        Some(written) => {
            let written = update.value(text(written));
            update.guard(format_args!("{name} = {written}"));
        }
        None => update.guard(format_args!("attribute_not_exists({name})")),
    }
    let Step { standing, news } = step;
    for (name, value) in [
        (STATUS, Some(text(standing.status.as_str()))),
        (CAPTURED, Some(number(standing.captured.minor()))),
        (REFUNDED, Some(number(standing.refunded.minor()))),
        (REFUND_PENDING, standing.refund_is_pending.then(|| number(1))),
        (DISPUTE, write_dispute(standing).map(text)),
        (READ, standing.read_at.map(|at| number(at.as_millisecond()))),
        (EVENT, news.map(|news| text(event(news)))),
    ] {
        let name = update.name(name);
        match value {
            Some(value) => {
                let value = update.value(value);
                update.set(format_args!("{name} = {value}"));
            }
            None => update.remove(name),
        }
    }
    update
}

/// Says of an order that it is anonymous now, provided that it was not.
///
/// Its document is written anew, and nothing is told: the event of an earlier write would be told again with this one.
pub(super) fn anonymise(order: &Order, at: Timestamp) -> Update {
    let mut update = is_personal();
    let number = update.name(NUMBER);
    update.guard(format_args!("attribute_exists({number})"));
    for (name, value) in [(DOCUMENT, text(json(&OrderDocument::from(order)))), (ANONYMISED, seconds(at))] {
        let [name, value] = [update.name(name), update.value(value)];
        update.set(format_args!("{name} = {value}"));
    }
    let event = update.name(EVENT);
    update.remove(event);
    update
}

/// The condition that an order is not anonymous.
pub(super) fn is_personal() -> Update {
    let mut guard = Update::default();
    let anonymised = guard.name(ANONYMISED);
    guard.guard(format!("attribute_not_exists({anonymised})"));
    guard
}

pub(super) fn read(item: &Item) -> Result<Order, Error> {
    let reader = Reader { table: TABLE, item };
    let json = reader.text(DOCUMENT).ok_or_else(|| reader.corrupt(DOCUMENT))?;
    let document: OrderDocument = serde_json::from_str(json).map_err(|_| reader.corrupt(DOCUMENT))?;
    let standing = standing(&reader, document.total())?;
    let is_disputed = standing.dispute.is_some();
    let mut order = document.into_order(standing);
    if let Some(marks) = reader.text(MARKS) {
        let marks: Vec<serde_json::Value> = serde_json::from_str(marks).map_err(|_| reader.corrupt(MARKS))?;
        // A later version may know more of them.
        order.marks.extend(marks.into_iter().filter_map(|mark| serde_json::from_value::<Mark>(mark).ok()));
    }
    order.marks.extend(is_disputed.then_some(Mark::Disputed));
    if item.contains_key(ANONYMISED) {
        order.anonymised_at = Some(reader.time(ANONYMISED)?);
    }
    Ok(order)
}

/// How many bytes an order comes to as it is stored, about.
pub(super) fn size(item: &Item) -> usize {
    item.values().filter_map(|value| value.as_s().ok()).map(String::len).sum()
}

pub(super) fn read_status(item: &Item) -> Result<OrderStatus, Error> {
    let reader = Reader { table: TABLE, item };
    let status = reader.text(STATUS).unwrap_or_default();
    OrderStatus::ALL.into_iter().find(|known| known.as_str() == status).ok_or_else(|| reader.corrupt(STATUS))
}

/// What the row says of the money of an order that came to `total`.
fn standing(reader: &Reader, total: Money) -> Result<Standing, Error> {
    let money = |minor: i64| Money::new(minor, total.currency());
    let status = read_status(reader.item)?;
    let captured = match reader.parsed_if_there::<i64>(CAPTURED)? {
        Some(minor) => money(minor),
        None if status.is_settled() => total,
        None => money(0),
    };
    let dispute = reader.text(DISPUTE).map(serde_json::from_str::<Dispute>).transpose();
    let read_at = reader.parsed_if_there(READ)?.map(Timestamp::from_millisecond).transpose();
    Ok(Standing {
        status,
        captured,
        refunded: money(reader.parsed(REFUNDED)?),
        refund_is_pending: reader.item.contains_key(REFUND_PENDING),
        dispute: dispute.map_err(|_| reader.corrupt(DISPUTE))?,
        read_at: read_at.map_err(|_| reader.corrupt(READ))?,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An order in the form that version 0.1.0 wrote, which bears one of its marks; with the status that all documents bear.
    const DOCUMENT_0_1_0: &str = concat!(
        r#"{"number":"55a109cdfba5b6648676ee8c21e22322","cart":"be45cb2605bf36bebde684841a28f0fd","#,
        r#""status":"awaiting_payment","#,
        r#""lines":[],"currency":"usd","subtotal":0,"discount":0,"tax":0,"shipping":0,"total":0,"refunded":0,"#,
        r#""customer":{"id":null,"email":null,"name":null,"phone":null},"billing_address":null,"shipping_name":null,"#,
        r#""shipping_address":null,"metadata":{},"payment":{"session":"cs_test_1","payment_intent":null,"#,
        r#""subscription":null,"invoice":null},"marks":["unexpected_amount"],"created_at":"1970-01-01T00:00:00Z"}"#,
    );

    pub(crate) fn order() -> Order {
        let document: OrderDocument = serde_json::from_str(DOCUMENT_0_1_0).unwrap();
        let nothing = document.total();
        let read_at = Some(Timestamp::UNIX_EPOCH);
        let status = OrderStatus::Paid;
        document.into_order(Standing {
            status,
            captured: nothing,
            refunded: nothing,
            refund_is_pending: false,
            dispute: None,
            read_at,
        })
    }

    /// The same, as this version writes it: what is new stands behind.
    fn document() -> String {
        let new = r#","schema":2,"reference":"APGGKKFVMP","livemode":false}"#;
        DOCUMENT_0_1_0.strip_suffix('}').unwrap().to_owned() + new
    }

    #[test]
    fn a_mark_of_a_later_version_stands_beside_the_document() {
        let mut order = order();
        order.marks.push(Mark::NoShipping);

        let item = write(&order, None);

        assert_eq!(item[DOCUMENT], text(document()));
        assert_eq!(item[MARKS], text(r#"["no_shipping"]"#));
        assert_eq!(read(&item).unwrap(), order);
    }

    #[test]
    fn an_order_without_such_a_mark_is_written_as_before() {
        let item = write(&order(), None);

        assert_eq!(item[DOCUMENT], text(document()));
        assert!(!item.contains_key(MARKS));
    }

    #[test]
    fn a_mark_that_this_version_does_not_know_does_not_hide_the_order() {
        let mut item = write(&order(), None);
        item.insert(MARKS.to_owned(), text(r#"["made_on_the_moon","no_shipping"]"#));

        assert_eq!(read(&item).unwrap().marks, [Mark::UnexpectedAmount, Mark::NoShipping]);
    }

    #[test]
    fn a_row_of_version_0_1_0_has_taken_all_that_was_paid() {
        for (status, captured) in [("awaiting_payment", 0), ("payment_failed", 0), ("paid", 7), ("refunded", 7)] {
            let mut item = write(&order(), None);
            item.insert(STATUS.to_owned(), text(status));
            item.insert(DOCUMENT.to_owned(), text(DOCUMENT_0_1_0.replace(r#""total":0"#, r#""total":7"#)));
            item.retain(|name, _| ![CAPTURED, READ].contains(&name.as_str()));

            let Standing { captured: read, read_at, .. } = read(&item).unwrap().standing;

            assert_eq!((read.minor(), read_at), (captured, None), "{status}");
        }
    }

    #[test]
    fn what_became_of_the_money_is_read_as_it_was_written() {
        let mut order = order();
        let dispute = r#"{"status":"lost","amount":5,"currency":"usd","reason":"general","due_by":null}"#;
        order.standing.dispute = Some(serde_json::from_str(dispute).unwrap());
        order.standing.status = OrderStatus::Authorized;
        order.standing.refund_is_pending = true;

        let item = write(&order, Some(News::Disputed));

        assert_eq!((&item[DISPUTE], &item[EVENT]), (&text(dispute), &text("order.disputed")));
        order.marks.push(Mark::Disputed);
        assert_eq!(read(&item).unwrap(), order);
    }
}
