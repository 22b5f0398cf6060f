//! The table of orders.

use cart::{Cart, Order, OrderNumber, OrderStatus};
use settings::Environment;

use self::row::{EVENT, NUMBER, REFUNDED, STATUS, event, read, write};
use crate::carts::row as cart_row;
use crate::expression::Update;
use crate::item::{number, text};
use crate::table::{OnRefusal, Table, Transacted};
use crate::{Carts, Connection, Error};

mod document;
mod row;

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
        let mut writes = vec![self.table.put_in_transaction(write(order), self.table.absent())?];
        if let Some((before, after)) = cart {
            let update = cart_row::replace(before, after);
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

    /// Moves an order's status and refunded amount forward, never back. Does nothing where there is no such order, or it
    /// is there or further already.
    ///
    /// # Errors
    ///
    /// DynamoDB fails.
    pub async fn advance(&self, order: OrderNumber, status: OrderStatus, refunded: i64) -> Result<(), Error> {
        self.table.update(text(order), forward(status, refunded), OnRefusal::Nothing).await.map(drop)
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
