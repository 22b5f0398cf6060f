//! Orders that no way leads to but their number: those that version 0.1.0 made, and all where the index was lost.

use cart::OrderNumber;

use super::index::OrderIndex;
use super::row::{NUMBER, is_as_found, read};
use super::{Orders, TRIES};
use crate::Error;
use crate::item::text;
use crate::table::Transacted;

impl Orders {
    /// Enters all orders into the index, by a scan, which is made once: it goes on where it was stopped, and is over at its
    /// end. Those that are there stay. Returns how many it entered.
    ///
    /// Of a subscription that was entered before, the payments are not known here: no way leads from these any more where the
    /// index was lost, and Stripe is asked.
    ///
    /// Orders that it makes later, after a rollback, are entered with their first step.
    ///
    /// # Errors
    ///
    /// DynamoDB fails, or an item is corrupt: the next call goes on.
    pub async fn enter_earlier(&self, index: &OrderIndex) -> Result<usize, Error> {
        let mut entered = 0;
        let Some(mut from) = index.scanned().await? else { return Ok(0) };
        loop {
            let start = from.map(|number| [(NUMBER.to_owned(), text(number))].into());
            let scan = self.table.client().scan().table_name(self.table.name()).set_exclusive_start_key(start);
            let page = scan.consistent_read(true).send().await.map_err(|error| Error::from_sdk("Scan", error))?;
            for row in page.items() {
                entered += usize::from(self.enter(read(row)?.number, index).await?);
            }
            let last = page.last_evaluated_key.as_ref().and_then(|key| key.get(NUMBER)?.as_s().ok()?.parse().ok());
            index.set_scanned(last).await?;
            if last.is_none() {
                return Ok(entered);
            }
            from = last;
        }
    }

    /// Enters an order as it stands now.
    async fn enter(&self, number: OrderNumber, index: &OrderIndex) -> Result<bool, Error> {
        for _ in 0..TRIES {
            let Some(order) = self.find(number).await? else { return Ok(false) };
            let mut writes = vec![self.table.check_in_transaction(text(number), is_as_found(&order))?];
            writes.extend(index.enter(&order, &[])?);
            match self.table.transact(writes).await? {
                Transacted::Done => return Ok(true),
                Transacted::Refused(_) | Transacted::Conflict => {}
            }
        }
        Err(Error::Contended)
    }
}
