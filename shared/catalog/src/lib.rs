//! What is for sale: the catalogue in DynamoDB, and Stripe behind it.
//!
//! News reaches the table by Stripe's events and by the sync. A price that neither has brought yet is fetched when it
//! is first asked for.

use cart::{Offer, Price, PriceId, Product, Rejection, Timestamp};
use futures_util::{StreamExt as _, TryStreamExt as _, future, stream};
use payments::{Event, Stripe};
use settings::Environment;
use store::{Connection, Offers, Saved, Stamp};

/// What goes wrong while looking for what is for sale.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A rule refused.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// DynamoDB failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Stripe failed.
    #[error(transparent)]
    Stripe(#[from] payments::Error),
}

/// How far a sync is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Progress {
    /// Products copied so far.
    pub products: usize,
    /// Prices copied so far.
    pub prices: usize,
}

/// Which of the account's products the shop sells.
#[derive(Clone, Debug)]
enum Policy {
    All,
    /// Those whose metadata have this key, written with `-` or `_`.
    Tagged(String),
}

/// The catalogue, with Stripe to ask for what it does not know.
#[derive(Clone, Debug)]
pub struct Catalogue {
    table: store::Catalog,
    stripe: Stripe,
    policy: Policy,
}

impl Error {
    /// Whether trying again may help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Rejected(_) => false,
            Self::Store(error) => error.is_transient(),
            Self::Stripe(error) => error.is_transient(),
        }
    }
}

impl Catalogue {
    /// The catalogue as `environment` says: its table, Stripe, `SYNC_MODE` and `SYNC_TAG`.
    ///
    /// # Errors
    ///
    /// A setting is missing or malformed.
    pub fn new(connection: &Connection, environment: &Environment) -> Result<Self, settings::Error> {
        let policy = match environment.get("SYNC_MODE").unwrap_or("all") {
            "all" => Policy::All,
            "tagged" => Policy::Tagged(normalised(environment.get("SYNC_TAG").unwrap_or("enupal-sync"))),
            _ => return Err(settings::Error::malformed("SYNC_MODE", "all or tagged")),
        };
        Ok(Self { table: store::Catalog::new(connection, environment)?, stripe: Stripe::new(environment)?, policy })
    }

    /// The offers of prices that a shopper wants to put into a cart. All can be bought.
    ///
    /// A price that the table does not know is fetched from Stripe once, and kept.
    ///
    /// # Errors
    ///
    /// - [`Rejection::PriceNotFound`] for the first price that is absent, inactive, or of an inactive product.
    /// - [`Error::Store`], [`Error::Stripe`] if one of them fails.
    pub async fn for_sale(&self, prices: &[PriceId], now: Timestamp) -> Result<Offers, Error> {
        let mut offers = self.table.offers(prices).await?;
        for price in prices {
            if offers.get(price).is_none()
                && let Some(offer) = self.fetch(price, now).await?
            {
                offers.insert(offer);
            }
            if !offers.get(price).is_some_and(Offer::is_active) {
                return Err(Rejection::PriceNotFound(price.clone()).into());
            }
        }
        Ok(offers)
    }

    /// The offers of these prices, as they were known not long ago.
    ///
    /// # Errors
    ///
    /// DynamoDB fails.
    pub async fn offers<'a>(&self, prices: impl IntoIterator<Item = &'a PriceId>) -> Result<Offers, Error> {
        Ok(self.table.offers(prices).await?)
    }

    /// The offers of these prices as the table has them now.
    ///
    /// # Errors
    ///
    /// DynamoDB fails.
    pub async fn fresh_offers<'a>(&self, prices: impl IntoIterator<Item = &'a PriceId>) -> Result<Offers, Error> {
        Ok(self.table.fresh_offers(prices).await?)
    }

    /// Takes in an event about a price or a product; `false` if it is about something else.
    ///
    /// An event that is older than what is known changes nothing. One of the same second is settled by asking Stripe.
    ///
    /// # Errors
    ///
    /// DynamoDB or Stripe fails: Stripe will deliver the event again.
    pub async fn apply(&self, event: &Event, now: Timestamp) -> Result<bool, Error> {
        let Some((subject, change)) = event.kind.split_once('.') else { return Ok(false) };
        if !matches!(change, "created" | "updated" | "deleted") {
            return Ok(false);
        }
        let deleted = change == "deleted";
        let stamp = if deleted { Stamp::deleted(event.created) } else { Stamp::event(event.created) };
        match subject {
            "price" => {
                let Some(mut price) = event.object::<Price>() else { return Ok(false) };
                price.active &= !deleted;
                self.apply_price(&price, deleted, stamp, now).await?;
            }
            "product" => {
                let Some(mut product) = event.object::<Product>() else { return Ok(false) };
                product.active &= !deleted;
                let saved = self.save_product(&product, stamp).await?;
                if saved == Saved::Older {
                    tally::count(tally::Metric::StaleEvents);
                }
                if saved == Saved::Tie
                    && !deleted
                    && let Some(current) = found(self.stripe.product(&product.id).await)?
                {
                    self.save_product(&current, Stamp::fetched(now)).await?;
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Copies all products and all prices from Stripe; `progress` is told after each page.
    ///
    /// Can be stopped and run again at any time: what is copied twice stays the same, and nothing older overwrites
    /// anything newer.
    ///
    /// # Errors
    ///
    /// DynamoDB or Stripe fails, after retries.
    pub async fn sync(&self, mut progress: impl FnMut(Progress)) -> Result<Progress, Error> {
        let mut done = Progress::default();
        let mut after = None;
        loop {
            let stamp = Stamp::fetched(Timestamp::now());
            let page = self.stripe.products(after.as_ref()).await?;
            all(page.data.iter().map(|product| self.save_product(product, stamp)).collect()).await?;
            done.products += page.data.len();
            progress(done);
            after = page.data.last().map(|product| product.id.clone());
            if !page.has_more || after.is_none() {
                break;
            }
        }
        let mut after = None;
        loop {
            let stamp = Stamp::fetched(Timestamp::now());
            let page = self.stripe.prices(after.as_ref()).await?;
            all(page.data.iter().map(|price| self.table.save_price(price, stamp)).collect()).await?;
            done.prices += page.data.len();
            progress(done);
            after = page.data.last().map(|price| price.id.clone());
            if !page.has_more || after.is_none() {
                return Ok(done);
            }
        }
    }

    async fn apply_price(&self, price: &Price, deleted: bool, stamp: Stamp, now: Timestamp) -> Result<(), Error> {
        // An event leaves out tiers and other currencies: only a request brings them.
        let current = if deleted { None } else { found(self.stripe.price(&price.id).await)? };
        match current {
            Some(current) => self.table.save_price(&current, Stamp::fetched(now)).await?,
            None => self.table.save_price(price, stamp).await?,
        };
        // A price may be heard of before its product.
        if self.table.product(&price.product).await?.is_none()
            && let Some(product) = found(self.stripe.product(&price.product).await)?
        {
            self.save_product(&product, Stamp::fetched(now)).await?;
        }
        Ok(())
    }

    /// Asks Stripe for a price that the table does not know, and keeps it.
    async fn fetch(&self, id: &PriceId, now: Timestamp) -> Result<Option<Offer>, Error> {
        let Some(price) = found(self.stripe.price(id).await)? else { return Ok(None) };
        let Some(product) = found(self.stripe.product(&price.product).await)? else {
            return Ok(None);
        };
        if !self.policy.admits(&product) {
            return Ok(None);
        }
        let stamp = Stamp::fetched(now);
        self.table.save_product(&product, stamp).await?;
        self.table.save_price(&price, stamp).await?;
        Ok(Some(Offer { price, product }))
    }

    /// A product that the shop does not sell is kept as inactive, so that losing its tag takes it off the shelf.
    async fn save_product(&self, product: &Product, stamp: Stamp) -> Result<Saved, store::Error> {
        let product = Product { active: product.active && self.policy.admits(product), ..product.clone() };
        self.table.save_product(&product, stamp).await
    }
}

impl Policy {
    fn admits(&self, product: &Product) -> bool {
        match self {
            Self::All => true,
            Self::Tagged(tag) => product.metadata.keys().any(|key| normalised(key) == *tag),
        }
    }
}

/// How many rows a sync writes at a time.
const WRITES_AT_A_TIME: usize = 16;

async fn all(writes: Vec<impl Future<Output = Result<Saved, store::Error>>>) -> Result<(), store::Error> {
    stream::iter(writes).buffer_unordered(WRITES_AT_A_TIME).try_for_each(|_| future::ready(Ok(()))).await
}

/// What Stripe has, if it has it.
fn found<T>(answer: Result<T, payments::Error>) -> Result<Option<T>, payments::Error> {
    match answer {
        Ok(object) => Ok(Some(object)),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Enupal's plugin reads `enupal-sync` and `enupal_sync` alike.
fn normalised(key: &str) -> String {
    key.replace('_', "-")
}
