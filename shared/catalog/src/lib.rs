//! What is for sale: the catalogue in DynamoDB, and Stripe behind it.
//!
//! News reaches the table by Stripe's events and by the sync. A price that neither has brought yet is fetched when it
//! is first asked for.

mod sync;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use cart::{Offer, Offers, Price, PriceId, Product, Rejection, Timestamp};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use payments::{Event, Stripe};
use settings::Environment;
use store::{AsOf, Connection, Saved};

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

pub use sync::Progress;

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
    table: store::CatalogTable,
    stripe: Stripe,
    policy: Policy,
    unknown: Arc<Unknown>,
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
    pub fn new(connection: &Connection, stripe: &Stripe, environment: &Environment) -> Result<Self, settings::Error> {
        let policy = match environment.get("SYNC_MODE").unwrap_or("all") {
            "all" => Policy::All,
            "tagged" => Policy::Tagged(normalised(environment.get("SYNC_TAG").unwrap_or("enupal-sync"))),
            _ => return Err(settings::Error::malformed("SYNC_MODE", "all or tagged")),
        };
        Ok(Self {
            table: store::CatalogTable::new(connection, environment)?,
            stripe: stripe.clone(),
            policy,
            unknown: Arc::default(),
        })
    }

    /// The offers of prices that a shopper wants to put into a cart. All can be bought.
    ///
    /// A price that the table does not know is fetched from Stripe once, and kept. One that Stripe does not know either
    /// is not asked for again for ten seconds, unless the table learns of it.
    ///
    /// The offers of the prices `beside` them, as they are known, come in the same batch.
    ///
    /// # Errors
    ///
    /// - [`Rejection::PriceNotFound`] for the first price that is absent, inactive, or of an inactive product.
    /// - [`Error::Store`], [`Error::Stripe`] if one of them fails.
    pub async fn for_sale(&self, prices: &[PriceId], beside: &[PriceId], now: Timestamp) -> Result<Offers, Error> {
        let mut offers = self.table.offers(prices.iter().chain(beside)).await?;
        let mut known = prices.iter().filter_map(|price| offers.get(price));
        if let Some(archived) = known.find(|offer| !offer.is_active()) {
            return Err(Rejection::PriceNotFound(archived.price.id.clone()).into());
        }
        let absent: Vec<_> = prices.iter().filter(|price| offers.get(price).is_none()).collect();
        let questions: Vec<_> = absent.into_iter().map(|price| self.fetch(price, now)).collect();
        let mut fetched = stream::iter(questions).buffered(FETCHES_AT_A_TIME);
        while let Some(offer) = fetched.try_next().await? {
            offers.insert(Arc::new(offer));
        }
        Ok(offers)
    }

    /// Whether all these prices can be offered without asking the table.
    #[must_use]
    pub fn remembers(&self, prices: &[PriceId]) -> bool {
        self.table.remembers(prices)
    }

    /// Adds to `offers` those of these prices that it lacks, as they were known not long ago.
    ///
    /// # Errors
    ///
    /// DynamoDB fails.
    pub async fn complete<'a>(
        &self,
        offers: &mut Offers,
        prices: impl IntoIterator<Item = &'a PriceId>,
    ) -> Result<(), Error> {
        let absent: Vec<_> = prices.into_iter().filter(|price| offers.get(price).is_none()).collect();
        offers.extend(self.table.offers(absent).await?);
        Ok(())
    }

    /// The offers of these prices as the table has them now.
    ///
    /// # Errors
    ///
    /// DynamoDB fails.
    pub async fn fresh_offers<'a>(&self, prices: impl IntoIterator<Item = &'a PriceId>) -> Result<Offers, Error> {
        Ok(self.table.fresh_offers(prices).await?)
    }

    /// Asks Stripe how prices are that it just refused to sell, although the table has them for sale.
    ///
    /// # Errors
    ///
    /// DynamoDB or Stripe fails.
    pub async fn refresh(&self, prices: &[PriceId], now: Timestamp) -> Result<(), Error> {
        let stamp = AsOf::fetched(now);
        for id in prices {
            match found(self.stripe.price_with_product(id).await)? {
                Some((price, product)) => {
                    self.save_product(&product, stamp).await?;
                    self.table.save_prices(&product.id, &[&price], stamp).await?;
                }
                None => self.table.retire_price(id, stamp).await?,
            }
        }
        Ok(())
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
        let stamp = if deleted { AsOf::deleted(event.created) } else { AsOf::event(event.created) };
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
                if saved == Saved::SameSecond
                    && !deleted
                    && let Some(current) = found(self.stripe.product(&product.id).await)?
                {
                    self.save_product(&current, AsOf::fetched(now)).await?;
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    async fn apply_price(&self, price: &Price, deleted: bool, stamp: AsOf, now: Timestamp) -> Result<(), Error> {
        if self.table.knows_newer(&price.id, stamp).await? {
            return Ok(());
        }
        // An event leaves out tiers and other currencies: only a request brings them.
        let current = if deleted { None } else { found(self.stripe.price(&price.id).await)? };
        let knows_product = match current {
            Some(current) => self.table.save_prices(&current.product, &[&current], AsOf::fetched(now)).await?,
            None => self.table.save_prices(&price.product, &[price], stamp).await?,
        };
        // A price may be heard of before its product.
        if !knows_product && let Some(product) = found(self.stripe.product(&price.product).await)? {
            self.save_product(&product, AsOf::fetched(now)).await?;
        }
        Ok(())
    }

    /// Asks Stripe for a price that the table does not know, and keeps it. It can be bought.
    async fn fetch(&self, id: &PriceId, now: Timestamp) -> Result<Offer, Error> {
        let not_found = || Rejection::PriceNotFound(id.clone());
        if self.unknown.has(id) {
            return Err(not_found().into());
        }
        let Some((price, product)) = found(self.stripe.price_with_product(id).await)? else {
            self.unknown.note(id);
            return Err(not_found().into());
        };
        let product = self.as_sold(&product);
        let stamp = AsOf::fetched(now);
        self.table.save_product(&product, stamp).await?;
        self.table.save_prices(&product.id, &[&price], stamp).await?;
        let offer = Offer { price, product };
        if offer.is_active() { Ok(offer) } else { Err(not_found().into()) }
    }

    async fn save_product(&self, product: &Product, stamp: AsOf) -> Result<Saved, store::Error> {
        self.table.save_product(&self.as_sold(product), stamp).await
    }

    /// A product that the shop does not sell is kept as inactive, so that losing its tag takes it off the shelf, and
    /// getting it back brings it back, in whichever order the news arrives.
    fn as_sold(&self, product: &Product) -> Product {
        Product { active: product.active && self.policy.admits(product), ..product.clone() }
    }
}

/// How many prices that the table does not know are asked for at a time.
const FETCHES_AT_A_TIME: usize = 4;

/// The prices that Stripe did not know a moment ago, so that asking for them again and again costs it nothing.
#[derive(Debug, Default)]
struct Unknown(Mutex<HashMap<PriceId, Instant>>);

impl Unknown {
    /// How long Stripe's word is taken for granted.
    const KEEP: Duration = Duration::from_secs(10);
    /// How many prices are remembered.
    const MOST: usize = 1000;

    fn has(&self, price: &PriceId) -> bool {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.get(price).is_some_and(|since| since.elapsed() < Self::KEEP)
    }

    fn note(&self, price: &PriceId) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() >= Self::MOST {
            noted.retain(|_, since| since.elapsed() < Self::KEEP);
        }
        if noted.len() < Self::MOST {
            noted.insert(price.clone(), Instant::now());
        }
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
