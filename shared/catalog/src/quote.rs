//! The offers that a change needs, from the table and from Stripe.

use std::sync::Arc;

use cart::{Change, Offer, Offers, PriceId, Rejection, Timestamp};
use futures_util::{StreamExt as _, stream};
use shopping::{Changed, Shopper};

use crate::{Catalog, Error};

/// How many prices that the table does not know are asked for at a time.
const FETCHES_AT_A_TIME: usize = 4;

/// What becomes of a change that names a price which is not for sale.
#[derive(Clone, Copy)]
enum Refusal {
    /// It is refused, whatever the cart holds.
    AtOnce,
    /// The rules decide, once they know the cart.
    ByTheRules,
}

impl Catalog {
    /// Applies a change to the shopper's cart at today's prices.
    ///
    /// # Errors
    ///
    /// Those of [`shopping::Shopping::change`], and:
    ///
    /// - [`Rejection::PriceNotFound`] naming a price that is absent, inactive, or of an inactive product.
    /// - [`Rejection::TooManyItems`] if the change names more prices than a cart can hold.
    /// - [`shopping::Error::Upstream`] if Stripe fails.
    pub async fn change(&self, shopper: &Shopper, change: &Change, now: Timestamp) -> Result<Changed, shopping::Error> {
        let prices = change.prices()?;
        // Where prices have to be asked for anyway, all that will be shown are asked for in one batch, and before the write.
        let asks = !self.table.remembers(&prices);
        let shown = if asks { self.shopping.prices_in_cart(shopper, now).await? } else { Vec::new() };
        // A request with a key may have been carried out in this cart before a price went off sale.
        let may_be_repeated = shopper.request.is_some() && !shopper.tokens.is_empty();
        let at_once = change.needs_all_for_sale() && !may_be_repeated;
        let refusal = if at_once { Refusal::AtOnce } else { Refusal::ByTheRules };
        let mut offers = self.offers(&prices, &shown, refusal, now).await?;
        self.table.add_successors(&mut offers).await?;
        self.shopping.change(shopper, change, offers, now).await
    }

    /// The offers of `prices`, and those of the prices `beside` them that the table has, in one batch.
    ///
    /// A price that the table does not know is fetched from Stripe once, and kept. One that Stripe does not know either, or that
    /// cannot be read, is not asked for again for ten seconds, unless the table learns of it.
    ///
    /// # Errors
    ///
    /// - [`Rejection::PriceNotFound`], where that is to be refused at once, naming one of `prices` that cannot be bought: one that
    ///   the table knows before any that Stripe has to be asked for.
    /// - [`Error::Store`], [`Error::Stripe`] if one of them fails.
    async fn offers(
        &self,
        prices: &[PriceId],
        beside: &[PriceId],
        refusal: Refusal,
        now: Timestamp,
    ) -> Result<Offers, Error> {
        let mut offers = self.table.offers(prices.iter().chain(beside)).await?;
        let mut known = prices.iter().filter_map(|price| offers.get(price));
        if let (Refusal::AtOnce, Some(archived)) = (refusal, known.find(|offer| !offer.is_active())) {
            return Err(Rejection::PriceNotFound(archived.price.id.clone()).into());
        }
        let absent: Vec<_> = prices.iter().filter(|price| offers.get(price).is_none()).collect();
        let questions: Vec<_> = absent.into_iter().map(|price| self.fetch(price, now)).collect();
        let mut fetched = stream::iter(questions).buffered(FETCHES_AT_A_TIME);
        while let Some(offer) = fetched.next().await {
            match (offer, refusal) {
                (Ok(offer), _) => offers.insert(Arc::new(offer)),
                (Err(Error::Rejected(Rejection::PriceNotFound(_))), Refusal::ByTheRules) => {}
                (Err(error), _) => return Err(error),
            }
        }
        Ok(offers)
    }

    /// Asks Stripe for a price that the table does not know, and keeps it. It can be bought.
    async fn fetch(&self, id: &PriceId, now: Timestamp) -> Result<Offer, Error> {
        let not_found = || Rejection::PriceNotFound(id.clone());
        if self.unknown.has(id) {
            return Err(not_found().into());
        }
        let read = match self.read_at_stripe(id, now).await {
            Err(Error::Stripe(payments::Error::Unknown { reason })) => {
                tracing::warn!(%id, reason, "Stripe has a price, or a product of one, that this version cannot read: it is not for sale");
                None
            }
            read => read?,
        };
        let Some(offer) = read else {
            self.unknown.add(id);
            return Err(not_found().into());
        };
        if offer.is_active() { Ok(offer) } else { Err(not_found().into()) }
    }
}
