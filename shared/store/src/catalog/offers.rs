//! What is for sale.

use std::collections::HashMap;
use std::sync::Arc;

use cart::{Offer, PriceId};

/// Offers by the ids of their prices.
#[derive(Clone, Debug, Default)]
pub struct Offers(pub(super) HashMap<PriceId, Arc<Offer>>);

impl Offers {
    /// The offer of a price; `None` where the catalogue has none.
    #[must_use]
    pub fn get(&self, price: &PriceId) -> Option<&Offer> {
        self.0.get(price).map(Arc::as_ref)
    }

    /// Adds an offer.
    pub fn insert(&mut self, offer: Offer) {
        self.0.insert(offer.price().id.clone(), Arc::new(offer));
    }

    /// Adds all offers of `others`.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }
}
