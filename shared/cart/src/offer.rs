//! What is for sale.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::{Price, PriceId, Product};

/// A price with its product.
#[derive(Clone, PartialEq, Debug)]
pub struct Offer {
    /// The price.
    pub price: Price,
    /// The product that it is a price of.
    pub product: Product,
}

impl Offer {
    /// Whether the price can be bought: neither it nor its product is archived, and it says what it costs.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.price.active && self.product.active && self.price.sells_in(self.price.currency)
    }
}

/// Offers by the ids of their prices, and which price took the place of an archived one. They are shared with whatever
/// remembers them.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Offers {
    offers: HashMap<PriceId, Arc<Offer>, RandomState>,
    successors: BTreeMap<PriceId, PriceId>,
}

impl Offers {
    /// None yet, with room for this many.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { offers: HashMap::with_capacity_and_hasher(capacity, RandomState::default()), ..Self::default() }
    }

    /// The offer of a price; `None` where the catalogue has none.
    #[must_use]
    pub fn get(&self, price: &PriceId) -> Option<&Arc<Offer>> {
        self.offers.get(price)
    }

    /// The offer of a price that can be bought; `None` for one that cannot, or that the catalogue does not have.
    #[must_use]
    pub fn for_sale(&self, price: &PriceId) -> Option<&Arc<Offer>> {
        self.get(price).filter(|offer| offer.is_active())
    }

    /// Adds an offer.
    pub fn insert(&mut self, offer: Arc<Offer>) {
        self.offers.insert(offer.price.id.clone(), offer);
    }

    /// The offer of the price that took the place of an archived one; `None` where none did, as far as is known here.
    #[must_use]
    pub fn successor(&self, archived: &PriceId) -> Option<&Arc<Offer>> {
        self.for_sale(self.successors.get(archived)?)
    }

    /// Adds which prices took the place of archived ones.
    pub fn extend_successors(&mut self, successors: impl IntoIterator<Item = (PriceId, Arc<Offer>)>) {
        for (archived, offer) in successors {
            self.successors.insert(archived, offer.price.id.clone());
            self.insert(offer);
        }
    }

    /// All offers, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Offer>> {
        self.offers.values()
    }
}

impl Extend<Arc<Offer>> for Offers {
    fn extend<I: IntoIterator<Item = Arc<Offer>>>(&mut self, offers: I) {
        let offers = offers.into_iter();
        self.offers.reserve(offers.size_hint().0);
        self.offers.extend(offers.map(|offer| (offer.price.id.clone(), offer)));
    }
}

impl IntoIterator for Offers {
    type Item = Arc<Offer>;
    type IntoIter = std::collections::hash_map::IntoValues<PriceId, Arc<Offer>>;

    fn into_iter(self) -> Self::IntoIter {
        self.offers.into_values()
    }
}

impl FromIterator<Offer> for Offers {
    fn from_iter<I: IntoIterator<Item = Offer>>(offers: I) -> Self {
        let mut all = Self::default();
        all.extend(offers.into_iter().map(Arc::new));
        all
    }
}
