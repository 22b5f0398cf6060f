//! The prices that took the place of archived ones.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cart::{Offer, Offers, PriceId, successor};

use super::row::{HOLDER, ID, TABLE};
use super::{CatalogTable, keys};
use crate::Error;
use crate::item::{Item, Reader};

impl CatalogTable {
    /// The successors of those of these offers whose price is archived, by the archived price's id.
    ///
    /// No request where none is. Else one batch for the rows of the lookup keys that archived prices had, and one for offers
    /// that are not in memory.
    ///
    /// A lookup key has a row of its own, which says which price was last seen with it. It costs a price with a lookup key
    /// one write more when it is saved, and finds a successor by a key, at once and consistently. An index by lookup keys
    /// would cost every price's row as much and lag behind.
    ///
    /// # Errors
    ///
    /// DynamoDB fails, or a row is corrupt.
    pub async fn successors(&self, offers: &Offers) -> Result<BTreeMap<PriceId, Arc<Offer>>, Error> {
        self.successors_of(offers, false).await
    }

    /// The same as the table has it now, every write before this call included.
    ///
    /// # Errors
    ///
    /// DynamoDB fails, or a row is corrupt.
    pub async fn fresh_successors(&self, offers: &Offers) -> Result<BTreeMap<PriceId, Arc<Offer>>, Error> {
        self.successors_of(offers, true).await
    }

    /// Adds the successors of those offers whose price is archived, as [`CatalogTable::successors`] finds them.
    ///
    /// # Errors
    ///
    /// DynamoDB fails, or a row is corrupt.
    pub async fn add_successors(&self, offers: &mut Offers) -> Result<(), Error> {
        let successors = self.successors(offers).await?;
        offers.extend_successors(successors);
        Ok(())
    }

    async fn successors_of(&self, offers: &Offers, fresh: bool) -> Result<BTreeMap<PriceId, Arc<Offer>>, Error> {
        let archived: Vec<_> = offers.iter().filter(|offer| !offer.price.active).collect();
        if archived.is_empty() {
            return Ok(BTreeMap::new());
        }
        let lookup_keys = archived.iter().filter_map(|offer| offer.price.last_lookup_key.as_deref());
        let rows: BTreeSet<String> = lookup_keys.map(keys::of_lookup_key).collect();
        let holders = if rows.is_empty() { Vec::new() } else { self.batch(rows, fresh).await? };
        let holders = holders.iter().filter_map(|row| holder(row).map(|(_, id)| id));
        let defaults = archived.iter().filter_map(|offer| offer.product.default_price.clone());
        let asked: BTreeSet<PriceId> = holders.chain(defaults).collect();

        let candidates = if fresh { self.fresh_offers(&asked).await? } else { self.offers(&asked).await? };
        let found = archived
            .iter()
            .filter_map(|offer| Some((offer.price.id.clone(), Arc::clone(successor(offer, &candidates)?))));
        Ok(found.collect())
    }
}

/// The lookup key that a row is about, and the price that was last seen with it; `None` for another row.
pub(super) fn holder(row: &Item) -> Option<(&str, PriceId)> {
    let reader = Reader { table: TABLE, item: row };
    Some((keys::lookup_key_at(reader.text(ID)?)?, reader.text(HOLDER)?.parse().ok()?))
}
