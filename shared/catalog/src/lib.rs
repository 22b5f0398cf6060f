//! What is for sale: the table, and Stripe behind it.
//!
//! Changes at Stripe reach the table by events, which say what to read at Stripe, and by the sync. A price that neither has brought yet is fetched when it is
//! first asked for.

mod error;
mod events;
mod policy;
mod quote;
mod sync;
mod unknown;

use std::sync::Arc;

use cart::{Offer, Offers, PriceId, Product, ProductId, Timestamp};
use payments::Stripe;
use services::Services;
use shopping::Shopping;
use store::{AsOf, CatalogTable, Reach};
use tokio::sync::Mutex;

pub use error::Error;
pub use sync::Progress;

use crate::policy::Policy;
use crate::unknown::Unknown;

/// The catalogue, with Stripe to ask for what the table does not know.
#[derive(Clone, Debug)]
pub struct Catalog {
    shopping: Shopping,
    table: CatalogTable,
    stripe: Stripe,
    policy: Policy,
    unknown: Arc<Unknown>,
    /// Held while an event is taken.
    turn: Arc<Mutex<()>>,
}

impl Catalog {
    /// The catalogue as the settings of `services` describe it.
    ///
    /// # Errors
    ///
    /// A setting is missing or malformed.
    pub fn new(services: &Services) -> Result<Self, settings::Error> {
        Self::with_stripe(services, &Stripe::new(&services.environment, &services.secrets, &services.https)?)
    }

    /// The same, with a client of Stripe's that others use too.
    ///
    /// # Errors
    ///
    /// A setting is missing or malformed.
    pub fn with_stripe(services: &Services, stripe: &Stripe) -> Result<Self, settings::Error> {
        let shopping = Shopping::new(services)?;
        Ok(Self {
            table: shopping.catalog().clone(),
            shopping,
            stripe: stripe.clone(),
            policy: Policy::new(&services.environment)?,
            unknown: Arc::default(),
            turn: Arc::default(),
        })
    }

    /// The offers of these prices as the table has them now, with the successors of those that are archived.
    ///
    /// # Errors
    ///
    /// DynamoDB fails.
    pub async fn fresh_offers<'a>(&self, prices: impl IntoIterator<Item = &'a PriceId>) -> Result<Offers, Error> {
        let mut offers = self.table.fresh_offers(prices).await?;
        let successors = self.table.fresh_successors(&offers).await?;
        offers.extend_successors(successors);
        Ok(offers)
    }

    /// Reads a price at Stripe that it refused to sell although the table has it for sale, and saves what it says of the
    /// price and of its product.
    ///
    /// # Errors
    ///
    /// DynamoDB or Stripe fails.
    pub async fn refresh(&self, price: &PriceId, now: Timestamp) -> Result<(), Error> {
        match self.read_at_stripe(price, now).await? {
            Some(offer) => self.table.save_product(&offer.product, AsOf::fetched(now), Reach::Row).await?,
            None => self.table.retire_price(price, AsOf::fetched(now)).await?,
        }
        Ok(())
    }

    /// Reads a price and its product at Stripe and saves both for this price; `None` where Stripe has no such price.
    async fn read_at_stripe(&self, id: &PriceId, now: Timestamp) -> Result<Option<Offer>, Error> {
        let Some((price, product)) = found(self.stripe.price_with_product(id).await)? else { return Ok(None) };
        let offer = Offer { price, product: self.as_sold(&product) };
        self.table.save_offer(&offer, AsOf::fetched(now)).await?;
        Ok(Some(offer))
    }

    /// Reads a price at Stripe, and its product where the table does not know it, and saves what Stripe says. The shop no
    /// longer sells what Stripe no longer has.
    async fn read_price_again(&self, stripe: &Stripe, id: &PriceId, reach: Reach) -> Result<(), Error> {
        let stamp = fetched_now();
        let Some(price) = found(stripe.price(id).await)? else {
            return Ok(self.table.retire_price(id, stamp).await?);
        };
        if !self.table.save_prices(&price.product, &[&price], stamp).await? {
            self.read_product_again(stripe, &price.product, reach).await?;
            // The index may not have this price yet, so that the product was not handed down to it.
            self.table.save_prices(&price.product, &[&price], stamp).await?;
        }
        Ok(())
    }

    /// The same for a product.
    async fn read_product_again(&self, stripe: &Stripe, id: &ProductId, reach: Reach) -> Result<(), Error> {
        let stamp = fetched_now();
        match found(stripe.product(id).await)? {
            Some(product) => self.table.save_product(&self.as_sold(&product), stamp, reach).await?,
            None => self.table.retire_product(id, stamp, reach).await?,
        }
        Ok(())
    }

    /// The product as the shop sells it: one that the shop does not sell is kept as inactive.
    ///
    /// So a product that loses its tag is no longer for sale, and is for sale again when it gets the tag back, in any order of
    /// the events.
    fn as_sold(&self, product: &Product) -> Product {
        Product { active: product.active && self.policy.admits(product), ..product.clone() }
    }
}

/// What Stripe has, if it has it.
fn found<T>(answer: Result<T, payments::Error>) -> Result<Option<T>, payments::Error> {
    match answer {
        Ok(object) => Ok(Some(object)),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error),
    }
}

/// What a request that begins now will bring. Waiting for a turn or a run takes long, so that its beginning says too little.
#[expect(clippy::disallowed_methods, reason = "the time of each request is its own")]
fn fetched_now() -> AsOf {
    AsOf::fetched(Timestamp::now())
}
