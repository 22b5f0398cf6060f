//! The table of orders.

use cart::{Cart, Order, OrderNumber, OrderStatus};
use settings::Environment;

use crate::cart_item;
use crate::expression::Update;
use crate::item::{Item, Reader, number, text};
use crate::table::{Guarded, OnRefusal, Table, Transacted};
use crate::{Carts, Connection, Error};

const NUMBER: &str = "number";
const FORMAT: &str = "f";
const STATUS: &str = "status";
const REFUNDED: &str = "refunded";
const DOCUMENT: &str = "order";
/// The type of the event that tells of the order as it is; absent while there is only the order to tell of.
const EVENT: &str = "event";
const TABLE: &str = "orders";

/// The orders.
#[derive(Clone, Debug)]
pub struct Orders {
    table: Table,
}

/// What became of an order that was to be placed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Placed {
    /// The order is stored, and the cart with it.
    New,
    /// The order had been stored before.
    Existing,
    /// The cart changed in between: nothing is written, and the caller decides again.
    CartChanged,
}

impl Orders {
    /// The orders in `ORDERS_TABLE`.
    ///
    /// # Errors
    ///
    /// The setting is missing.
    pub fn new(connection: &Connection, environment: &Environment) -> Result<Self, settings::Error> {
        Ok(Self { table: Table::new(connection, environment.required("ORDERS_TABLE")?, NUMBER) })
    }

    /// The order with this number. One strongly consistent read.
    ///
    /// # Errors
    ///
    /// DynamoDB fails, or the item is corrupt.
    pub async fn find(&self, number: OrderNumber) -> Result<Option<Order>, Error> {
        let row = self.table.get(text(number)).await?;
        row.as_ref().map(read).transpose()
    }

    /// Stores a new order, and the cart that it came from as it is afterwards, in one transaction.
    ///
    /// `cart` holds the cart as it was read, and as it shall be; `None` where it does not exist any more.
    ///
    /// # Errors
    ///
    /// DynamoDB fails; nothing is written, or all is, in which case the next call finds the order.
    pub async fn place(&self, order: &Order, carts: &Carts, cart: Option<(&Cart, &Cart)>) -> Result<Placed, Error> {
        let mut absent = Update::default();
        let key = absent.name(NUMBER);
        absent.guard(format!("attribute_not_exists({key})"));
        let mut writes = vec![self.table.put_in_transaction(write(order), absent)?];
        if let Some((before, after)) = cart {
            let update = cart_item::replace(before, after);
            writes.push(carts.table().update_in_transaction(text(before.number()), update)?);
        }

        Ok(match self.table.transact(writes).await? {
            Transacted::Done => Placed::New,
            // The order is the first of the writes.
            Transacted::Refused(0) => Placed::Existing,
            // A conflict means that another transaction is writing the same order or cart right now.
            Transacted::Refused(_) | Transacted::Conflict => Placed::CartChanged,
        })
    }

    /// Moves an order's status and refunded amount forward, never back; `None` where there is no such order, or it is
    /// there or further already.
    ///
    /// # Errors
    ///
    /// DynamoDB fails, or the item is corrupt.
    pub async fn advance(
        &self,
        order: OrderNumber,
        status: OrderStatus,
        refunded: i64,
    ) -> Result<Option<Order>, Error> {
        let update = forward(status, refunded);
        match self.table.update(text(order), update, OnRefusal::Nothing).await? {
            Guarded::Done(row) => read(&row).map(Some),
            Guarded::Refused(_) => Ok(None),
        }
    }
}

/// Sets an order's status and refunded amount, provided that neither moves back and one moves forward.
fn forward(status: OrderStatus, refunded: i64) -> Update {
    let mut update = Update::default();
    let [status_name, refunded_name] = [STATUS, REFUNDED].map(|name| update.name(name));
    let earlier: Vec<_> = OrderStatus::ALL
        .into_iter()
        .filter(|earlier| *earlier < status)
        .map(|earlier| update.value(text(earlier.as_str())))
        .collect();
    let [new_status, amount] = [text(status.as_str()), number(refunded)].map(|value| update.value(value));
    let same = format!("{status_name} = {new_status} AND {refunded_name} < {amount}");
    update.guard(if earlier.is_empty() {
        same
    } else {
        format!("{status_name} IN ({}) OR {same}", earlier.join(", "))
    });
    update.set(format!("{status_name} = {new_status}"));
    update.set(format!("{refunded_name} = {amount}"));
    if let Some(event) = event(status) {
        let [name, event] = [update.name(EVENT), update.value(text(event))];
        update.set(format!("{name} = {event}"));
    }
    update
}

/// The document holds what never changes; status and refunds stand beside it, where they can be moved forward.
fn write(order: &Order) -> Item {
    let mut item = Item::from([
        (NUMBER.to_owned(), text(order.number)),
        (FORMAT.to_owned(), number(1)),
        (STATUS.to_owned(), text(order.status.as_str())),
        (REFUNDED.to_owned(), number(order.refunded)),
        ("cart".to_owned(), text(order.cart)),
        ("session".to_owned(), text(&order.payment.session)),
        ("currency".to_owned(), text(order.currency)),
        ("total".to_owned(), number(order.total)),
        ("created".to_owned(), number(order.created_at.as_second())),
        // An order is plain data: it always serialises.
        (DOCUMENT.to_owned(), text(serde_json::to_string(order).unwrap_or_default())),
    ]);
    if let Some(event) = event(order.status) {
        item.insert(EVENT.to_owned(), text(event));
    }
    item
}

/// What there is to tell once an order comes to have this status, beside that there is one.
fn event(status: OrderStatus) -> Option<&'static str> {
    match status {
        OrderStatus::AwaitingPayment => None,
        OrderStatus::PaymentFailed => Some("payment.failed"),
        OrderStatus::Paid => Some("order.paid"),
        OrderStatus::PartiallyRefunded | OrderStatus::Refunded => Some("order.refunded"),
    }
}

fn read(item: &Item) -> Result<Order, Error> {
    let reader = Reader { table: TABLE, item };
    let json = reader.text(DOCUMENT).ok_or_else(|| reader.corrupt(DOCUMENT))?;
    let mut order: Order = serde_json::from_str(json).map_err(|_| reader.corrupt(DOCUMENT))?;
    let status = reader.text(STATUS).unwrap_or_default();
    order.status =
        OrderStatus::ALL.into_iter().find(|known| known.as_str() == status).ok_or_else(|| reader.corrupt(STATUS))?;
    order.refunded = reader.parsed(REFUNDED)?;
    Ok(order)
}
