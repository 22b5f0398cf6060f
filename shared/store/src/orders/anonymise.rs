//! Making orders anonymous.

use cart::{Order, OrderNumber, Timestamp};

use super::index::OrderIndex;
use super::row::anonymise;
use super::{Orders, TRIES};
use crate::item::text;
use crate::table::Transacted;
use crate::{Carts, Error};

/// How many orders of an address were made anonymous.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Anonymised {
    /// Those that were not before.
    pub orders: usize,
    /// Whether there are more.
    pub more: bool,
}

/// The most orders of an address that are made anonymous at once.
const MOST: usize = 100;

impl Orders {
    /// Takes what tells of the buyer out of all that is stored of an order: of itself, its cart, the ways to it, and the notes
    /// about its cart's pages. `None` where there is no such order.
    ///
    /// What was sold stays, and nothing is told. Nothing that arrives later about the order brings any of it back: what happens
    /// to its money is written beside it. Can be repeated at any time. Returns the order, and whether it was not anonymous
    /// before.
    ///
    /// # Errors
    ///
    /// DynamoDB fails, or an item is corrupt: some of it is taken out, and the next call goes on.
    pub async fn anonymise(
        &self,
        number: OrderNumber,
        index: &OrderIndex,
        carts: &Carts,
        now: Timestamp,
    ) -> Result<Option<(Order, bool)>, Error> {
        let Some(mut order) = self.find(number).await? else { return Ok(None) };
        // As it is stored.
        let now = cart::whole_second(now);
        // The order comes last: until it is anonymous, its address leads to what is left.
        carts.anonymise(order.cart, order.recovered_from.as_ref(), now).await?;
        for _ in 0..TRIES {
            if order.anonymised_at.is_some() {
                return Ok(Some((order, false)));
            }
            let anonymous = order.clone().anonymised(now);
            let mut writes = vec![self.table.update_in_transaction(text(number), anonymise(&anonymous, now))?];
            writes.extend(index.leave_buyer(&order)?);
            if self.table.transact(writes).await? == Transacted::Done {
                return Ok(Some((anonymous, true)));
            }
            let Some(found) = self.find(number).await? else { return Ok(None) };
            order = found;
        }
        Err(Error::Contended)
    }

    /// [`Self::anonymise`] for the orders of an e-mail address, a hundred at most.
    ///
    /// # Errors
    ///
    /// DynamoDB fails: the next call goes on. Or an item is corrupt: the others are done.
    pub async fn anonymise_orders_of(
        &self,
        email: &str,
        index: &OrderIndex,
        carts: &Carts,
        now: Timestamp,
    ) -> Result<Anonymised, Error> {
        let mut places = index.of_email(email, MOST + 1).await?;
        // One more than are taken up says that there are more.
        let more = places.len() > MOST;
        places.truncate(MOST);
        let (mut orders, mut corrupt) = (0, None);
        for place in &places {
            let anonymised = match place.number() {
                Some(number) => self.anonymise(number, index, carts, now).await,
                None => Ok(None),
            };
            let anonymised = match anonymised {
                Err(error @ Error::Corrupt { .. }) => {
                    tracing::error!(%error, "an order cannot be made anonymous");
                    corrupt = Some(error);
                    continue;
                }
                anonymised => anonymised?,
            };
            match anonymised {
                Some((_, true)) => orders += 1,
                // The row is left over: it says who bought an order that is anonymous, or gone.
                Some((_, false)) | None => index.leave_email(email, place).await?,
            }
        }
        corrupt.map_or(Ok(Anonymised { orders, more }), Err)
    }
}
