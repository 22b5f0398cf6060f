//! The table of orders.

use cart::{Cart, CartNumber, News, Order, OrderNumber, Reading, Standing, Step};
use settings::Environment;

use self::row::{NUMBER, read, stands, take, take_and_enter, write};
use crate::carts::row as cart_row;
use crate::item::text;
use crate::table::{Guarded, OnRefusal, Read, Table, Transacted};
use crate::{Carts, Connection, Error};

mod anonymise;
mod document;
mod earlier;
mod index;
mod landed;
mod list;
pub(crate) mod row;

pub use anonymise::Anonymised;
pub use index::{Found, OrderIndex, Place};
pub use landed::{Landed, LandedCart};
pub use list::{Listed, Wanted};

/// The orders.
#[derive(Clone, Debug)]
pub struct Orders {
    table: Table,
}

/// How often a step is tried again that lost a race: each time another reading got through.
const TRIES: usize = 50;

/// An order that is to be placed.
#[derive(Clone, Copy, Debug)]
pub struct NewOrder<'a> {
    /// The order.
    pub order: &'a Order,
    /// What there is to tell besides that it was made.
    pub news: Option<News>,
    /// The ids of the payments behind it.
    pub payments: &'a [String],
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

    /// What the landing page needs to know of an order, and of the row of `cart`, expired or not. One request with a strongly
    /// consistent read of each.
    ///
    /// # Errors
    ///
    /// DynamoDB fails, or an item is corrupt.
    pub async fn find_landed(
        &self,
        order: OrderNumber,
        carts: &Carts,
        cart: Option<CartNumber>,
    ) -> Result<Landed, Error> {
        let of_order = Read { table: &self.table, key: text(order), wanted: &landed::OF_ORDER };
        let [order, cart] = match cart {
            None => {
                let [order] = Table::get_together([of_order]).await?;
                [order, None]
            }
            Some(cart) => {
                let of_cart = Read { table: carts.table(), key: text(cart), wanted: &landed::OF_CART };
                Table::get_together([of_order, of_cart]).await?
            }
        };
        Landed::read(order.as_ref(), cart.as_ref())
    }

    /// Stores a new order with what there is to tell of it, the ways to it, and the cart that it came from as it is afterwards,
    /// in one transaction.
    ///
    /// `cart` holds the cart as it was read, and as it shall be; `None` where it does not exist any more.
    ///
    /// # Errors
    ///
    /// DynamoDB fails; nothing is written, or all is, in which case the next call finds the order.
    pub async fn place(
        &self,
        NewOrder { order, news, payments }: NewOrder<'_>,
        index: &OrderIndex,
        carts: &Carts,
        cart: Option<(&Cart, &Cart)>,
    ) -> Result<Placed, Error> {
        let mut writes = vec![self.table.put_in_transaction(write(order, news), self.table.absent())?];
        if let Some((before, after)) = cart {
            let update = cart_row::replace(before, after);
            writes.push(carts.table().update_in_transaction(text(before.number()), update)?);
        }
        writes.extend(index.enter(order, payments)?);

        Ok(match self.table.transact(writes).await? {
            Transacted::Done => Placed::New,
            // The order is the first of the writes.
            Transacted::Refused(0) => Placed::Existing,
            // A conflict means that another transaction is writing the same order or cart right now.
            Transacted::Refused(_) | Transacted::Conflict => Placed::CartChanged,
        })
    }

    /// Has an order follow a reading, one write for each step; does nothing where it knows a later reading. `false` if there is no
    /// such order.
    ///
    /// An order that version 0.1.0 made is entered into the index with its first step.
    ///
    /// # Errors
    ///
    /// DynamoDB fails, or the item is corrupt: the steps that are taken stay, and the next reading goes on.
    pub async fn follow(
        &self,
        number: OrderNumber,
        reading: &Reading,
        index: &OrderIndex,
        payments: &[String],
    ) -> Result<bool, Error> {
        for _ in 0..TRIES {
            let Some(row) = self.table.get(text(number)).await? else { return Ok(false) };
            let mut order = read(&row)?;
            let mut dispute = row::written_dispute(&row).map(str::to_owned);
            loop {
                let Some(step) = order.standing.next(reading) else { return Ok(true) };
                let before = std::mem::replace(&mut order.standing, step.standing.clone());
                if !self.take(&order, &before, dispute.as_deref(), &step, index, payments).await? {
                    // Another reading arrived in between.
                    break;
                }
                dispute = row::write_dispute(&order.standing);
            }
        }
        Err(Error::Contended)
    }

    /// Takes an order off the way of the open ones that is not open, unless it has changed meanwhile.
    ///
    /// Version 0.1.0 closes orders and leaves them there.
    ///
    /// # Errors
    ///
    /// DynamoDB fails.
    pub async fn leave_open(&self, order: &Order, index: &OrderIndex) -> Result<(), Error> {
        let unchanged = self.table.check_in_transaction(text(order.number), stands(&order.standing))?;
        self.table.transact(vec![unchanged, index.set_open(order, false)?]).await.map(drop)
    }

    /// Takes one step of an order, which has taken it here; `false` if it is not as it was `before` any more, with its dispute
    /// as it was written.
    async fn take(
        &self,
        order: &Order,
        before: &Standing,
        dispute: Option<&str>,
        step: &Step,
        index: &OrderIndex,
        payments: &[String],
    ) -> Result<bool, Error> {
        let (update, ways) = if before.read_at.is_none() {
            (take_and_enter(order, before, dispute, step), index.enter(order, payments)?)
        } else if before.is_open() != order.standing.is_open() {
            (take(before, dispute, step), vec![index.set_open(order, order.standing.is_open())?])
        } else {
            let update = take(before, dispute, step);
            let taken = self.table.update(text(order.number), update, OnRefusal::Nothing).await?;
            return Ok(matches!(taken, Guarded::Done(_)));
        };
        let mut writes = vec![self.table.update_in_transaction(text(order.number), update)?];
        writes.extend(ways);
        Ok(self.table.transact(writes).await? == Transacted::Done)
    }
}
