//! The table of orders.

use cart::{Cart, News, Order, OrderNumber, Reading};
use settings::Environment;

use self::row::{NUMBER, read, take, write};
use crate::carts::row as cart_row;
use crate::item::text;
use crate::table::{Guarded, OnRefusal, Table, Transacted};
use crate::{Carts, Connection, Error};

mod document;
mod row;

/// The orders.
#[derive(Clone, Debug)]
pub struct Orders {
    table: Table,
}

/// How often a step is tried again that lost a race: each time another reading got through.
const TRIES: usize = 50;

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

    /// Stores a new order with what there is to tell of it, and the cart that it came from as it is afterwards, in one
    /// transaction.
    ///
    /// `cart` holds the cart as it was read, and as it shall be; `None` where it does not exist any more.
    ///
    /// # Errors
    ///
    /// DynamoDB fails; nothing is written, or all is, in which case the next call finds the order.
    pub async fn place(
        &self,
        order: &Order,
        news: Option<News>,
        carts: &Carts,
        cart: Option<(&Cart, &Cart)>,
    ) -> Result<Placed, Error> {
        let mut writes = vec![self.table.put_in_transaction(write(order, news), self.table.absent())?];
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

    /// Has an order follow a reading, one write for each step; does nothing where there is no such order, or it knows a later
    /// reading.
    ///
    /// # Errors
    ///
    /// DynamoDB fails, or the item is corrupt: the steps that are taken stay, and the next reading goes on.
    pub async fn follow(&self, number: OrderNumber, reading: &Reading) -> Result<(), Error> {
        let mut row = self.table.get(text(number)).await?;
        for _ in 0..TRIES {
            let Some(order) = row.as_ref().map(read).transpose()? else { return Ok(()) };
            let Some(step) = order.standing.next(reading) else { return Ok(()) };
            row = match self.table.update(text(number), take(&order.standing, &step), OnRefusal::Row).await? {
                Guarded::Done(row) => Some(row),
                // Another reading arrived in between.
                Guarded::Refused(row) => row,
            };
        }
        Err(Error::Contended)
    }
}
