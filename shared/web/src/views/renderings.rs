//! The JSON of offers, written once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use cart::{Offer, Price, PriceId};
use foldhash::fast::RandomState;

use crate::json;

/// Remembers the JSON of offers for as long as the offers themselves are in memory.
///
/// Carts show an offer far more often than it changes. An offer that is read again is another value, and is rendered again.
#[derive(Debug, Default)]
pub(crate) struct Renderings(Mutex<Written>);

#[derive(Debug, Default)]
struct Written {
    by_price: HashMap<PriceId, Known, RandomState>,
    /// From this many entries on, those of forgotten offers are dropped.
    sweep_from: usize,
}

/// The weak reference keeps the offer's address from being used again, so that the address tells offers apart.
#[derive(Debug)]
struct Known {
    offer: Weak<Offer>,
    rendering: Arc<Rendering>,
}

/// An offer on the wire.
#[derive(Debug)]
pub(crate) struct Rendering {
    /// The price, a JSON object.
    pub(crate) price: String,
    /// The product, a JSON object.
    pub(crate) product: String,
}

impl Rendering {
    fn new(offer: &Offer) -> Self {
        Self { price: json::text(&offer.price), product: json::text(&offer.product) }
    }

    /// The JSON of an offer, whose price is shown under another id.
    pub(crate) fn under(id: &PriceId, offer: &Offer) -> Self {
        let price = Price { id: id.clone(), ..offer.price.clone() };
        Self { price: json::text(&price), product: json::text(&offer.product) }
    }
}

impl Renderings {
    /// The JSON of these offers, in their order.
    pub(crate) fn of<'a>(&self, offers: impl Iterator<Item = Option<&'a Arc<Offer>>>) -> Vec<Option<Arc<Rendering>>> {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        offers.map(|offer| offer.map(|offer| written.rendering(offer))).collect()
    }
}

impl Written {
    fn rendering(&mut self, offer: &Arc<Offer>) -> Arc<Rendering> {
        if let Some(known) = self.by_price.get(&offer.price.id)
            && known.offer.as_ptr() == Arc::as_ptr(offer)
        {
            return Arc::clone(&known.rendering);
        }
        if self.by_price.len() >= self.sweep_from {
            self.by_price.retain(|_, known| known.offer.strong_count() > 0);
            self.sweep_from = 2 * self.by_price.len() + 100;
        }
        let rendering = Arc::new(Rendering::new(offer));
        let known = Known { offer: Arc::downgrade(offer), rendering: Arc::clone(&rendering) };
        self.by_price.insert(offer.price.id.clone(), known);
        rendering
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(price: &str) -> Arc<Offer> {
        let price = format!(r#"{{"id":"{price}","product":"prod_a","currency":"usd","unit_amount":100}}"#);
        let product = r#"{"id":"prod_a","name":"A"}"#;
        Arc::new(Offer {
            price: serde_json::from_str(&price).unwrap(),
            product: serde_json::from_str(product).unwrap(),
        })
    }

    fn rendered(renderings: &Renderings, offer: &Arc<Offer>) -> Arc<Rendering> {
        renderings.of(std::iter::once(Some(offer))).remove(0).unwrap()
    }

    #[test]
    fn an_offer_is_written_once_and_its_successor_again() {
        let renderings = Renderings::default();
        let first = offer("price_a");
        let second = Arc::new(Offer {
            product: cart::Product { name: "B".to_owned(), ..first.product.clone() },
            ..(*first).clone()
        });

        assert!(Arc::ptr_eq(&rendered(&renderings, &first), &rendered(&renderings, &first)));
        assert!(rendered(&renderings, &second).product.contains(r#""name":"B""#));
    }

    #[test]
    fn forgotten_offers_are_swept() {
        let renderings = Renderings::default();

        for index in 0..1000 {
            rendered(&renderings, &offer(&format!("price_{index}")));
        }

        assert!(renderings.0.lock().unwrap().by_price.len() <= 101);
    }
}
