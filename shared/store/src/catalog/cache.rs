//! Offers, kept in memory for a while.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use cart::{Offer, Offers, PriceId};

use super::row::read_offer;
use super::{CatalogTable, keys};
use crate::Error;

/// An offer that was read from the table, and when.
#[derive(Clone, Debug)]
pub(super) struct Remembered {
    offer: Arc<Offer>,
    since: Instant,
}

impl CatalogTable {
    /// The offers of these prices, from memory where they were read not long ago; those that the catalogue does not
    /// know, or knows without their product, are absent.
    ///
    /// No request where all are in memory, else one batch for up to 100 prices.
    ///
    /// # Errors
    ///
    /// DynamoDB fails, or a row is corrupt.
    pub async fn offers<'a>(&self, prices: impl IntoIterator<Item = &'a PriceId>) -> Result<Offers, Error> {
        let mut offers;
        let mut missing = Vec::new();
        {
            let prices = prices.into_iter();
            offers = Offers::with_capacity(prices.size_hint().0);
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            for price in prices {
                match known.get(price).filter(|known| now.duration_since(known.since) < self.keep) {
                    Some(known) => offers.insert(Arc::clone(&known.offer)),
                    None => missing.push(price),
                }
            }
        }
        if !missing.is_empty() {
            offers.extend(self.read_offers(missing, false).await?);
        }
        Ok(offers)
    }

    /// Whether the offers of all these prices are in memory.
    #[must_use]
    pub fn remembers(&self, prices: &[PriceId]) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        prices.iter().all(|price| known.get(price).is_some_and(|known| known.since.elapsed() < self.keep))
    }

    /// The offers of these prices as the table has them now, every write before this call included.
    ///
    /// One batch for up to 100 prices.
    ///
    /// # Errors
    ///
    /// DynamoDB fails, or a row is corrupt.
    pub async fn fresh_offers<'a>(&self, prices: impl IntoIterator<Item = &'a PriceId>) -> Result<Offers, Error> {
        self.read_offers(prices, true).await
    }

    async fn read_offers<'a>(
        &self,
        prices: impl IntoIterator<Item = &'a PriceId>,
        consistent: bool,
    ) -> Result<Offers, Error> {
        // One batch must not name a key twice.
        let keys: BTreeSet<String> = prices.into_iter().map(keys::of_price).collect();
        let rows = self.batch(keys, consistent).await?;
        let mut offers = Offers::default();
        for row in &rows {
            if let Some(offer) = read_offer(row)? {
                offers.insert(Arc::new(offer));
            }
        }
        let since = Instant::now();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, known| known.since.elapsed() < self.keep);
        known.extend(
            offers.iter().map(|offer| (offer.price.id.clone(), Remembered { offer: Arc::clone(offer), since })),
        );
        Ok(offers)
    }
}
