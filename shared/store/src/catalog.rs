//! The table of prices and products.
//!
//! A row holds two registers, the price and the product, each with the time of the news it came with; a register only
//! moves forward in time. A price's row carries its product's register too, so that a cart is priced by one batch of
//! its price ids. A product's row lists its prices, so that news of a product reaches them.
//!
//! Because both registers only move forward, prices and products may arrive in any order, repeatedly and at the same
//! time, and the rows end up the same.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnValue, ReturnValuesOnConditionCheckFailure};
use cart::{Offer, Price, PriceId, Product, ProductId, Timestamp};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use settings::Environment;

use crate::expression::Update;
use crate::item::{Item, Reader, number, text};
use crate::{Connection, Error};

const ID: &str = "id";
const KIND: &str = "kind";
const PRICE: &str = "price";
const PRICE_STAMP: &str = "price_ms";
const PRODUCT: &str = "product";
const PRODUCT_STAMP: &str = "product_ms";
const PRICES: &str = "prices";
const TABLE: &str = "catalogue";

/// The most keys one `BatchGetItem` takes.
///
/// Source: <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html>
const BATCH: usize = 100;
/// How long, in seconds, an offer may be older than the table says.
const DEFAULT_KEEP: u64 = 60;
/// How many rows of one product are written at a time.
const WRITES_AT_A_TIME: usize = 8;

/// The prices and products that the shop sells.
#[derive(Clone, Debug)]
pub struct Catalog {
    connection: Connection,
    table: String,
    known: Arc<Mutex<HashMap<PriceId, Known>>>,
    keep: Duration,
}

/// An offer that was read from the table, and when.
#[derive(Clone, Debug)]
struct Known {
    offer: Arc<Offer>,
    since: Instant,
}

/// Offers by the ids of their prices.
#[derive(Clone, Debug, Default)]
pub struct Offers(HashMap<PriceId, Arc<Offer>>);

impl Offers {
    /// The offer of a price; `None` where the catalogue has none.
    #[must_use]
    pub fn get(&self, price: &PriceId) -> Option<&Offer> {
        self.0.get(price).map(Arc::as_ref)
    }

    /// Adds an offer.
    pub fn insert(&mut self, offer: Offer) {
        self.0.insert(offer.price.id.clone(), Arc::new(offer));
    }

    /// Adds all offers of `others`.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }
}

/// How old a piece of news is, in milliseconds since 1970.
///
/// Stripe's events tell whole seconds, what is fetched is known to the millisecond.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Stamp {
    milliseconds: i64,
    /// The first millisecond that is certainly later.
    until: i64,
}

impl Stamp {
    /// An object fetched from Stripe by a request begun at `time`.
    #[must_use]
    pub fn fetched(time: Timestamp) -> Self {
        let milliseconds = time.as_millisecond();
        Self { milliseconds, until: milliseconds + 1 }
    }

    /// An object that an event of this second says is deleted: the last news of it.
    #[must_use]
    pub fn deleted(second: i64) -> Self {
        Self { milliseconds: second * 1000 + 999, until: (second + 1) * 1000 }
    }

    /// An object in an event created in this second.
    #[must_use]
    pub fn event(second: i64) -> Self {
        Self { milliseconds: second * 1000, until: (second + 1) * 1000 }
    }
}

/// What became of news.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Saved {
    /// It is the newest and was saved.
    Newer,
    /// Something newer is known already.
    Older,
    /// Something of the same second is known: only Stripe can tell which is newer.
    Tie,
}

/// One page of products that are for sale, each with its prices.
#[derive(Debug, Default)]
pub struct Listing {
    /// The products with their active prices, by product id.
    pub products: Vec<(Product, Vec<Price>)>,
    /// Where the next page starts.
    pub next: Option<ProductId>,
}

impl Catalog {
    /// The catalogue in `CATALOG_TABLE`. What was read is kept for `CATALOG_CACHE_SECONDS` (0 to 3600, default 60).
    ///
    /// # Errors
    ///
    /// A setting is missing or malformed.
    pub fn new(connection: &Connection, environment: &Environment) -> Result<Self, settings::Error> {
        let name = "CATALOG_CACHE_SECONDS";
        let seconds = environment.parse(name, "0 to 3600")?.unwrap_or(DEFAULT_KEEP);
        if seconds > 3600 {
            return Err(settings::Error::malformed(name, "0 to 3600"));
        }
        Ok(Self {
            connection: connection.clone(),
            table: environment.required("CATALOG_TABLE")?.to_owned(),
            known: Arc::default(),
            keep: Duration::from_secs(seconds),
        })
    }

    /// The offers of these prices, from memory where they were read not long ago; those that the catalogue does not
    /// know, or knows without their product, are absent.
    ///
    /// No request where all are in memory, else one batch for up to 100 prices.
    ///
    /// # Errors
    ///
    /// DynamoDB fails, or a row is corrupt.
    pub async fn offers<'a>(&self, prices: impl IntoIterator<Item = &'a PriceId>) -> Result<Offers, Error> {
        let mut offers = Offers::default();
        let mut missing = Vec::new();
        {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            for price in prices {
                match known.get(price).filter(|known| known.since.elapsed() < self.keep) {
                    Some(known) => {
                        offers.0.insert(price.clone(), known.offer.clone());
                    }
                    None => missing.push(price),
                }
            }
        }
        if !missing.is_empty() {
            offers.extend(self.fresh_offers(missing).await?);
        }
        Ok(offers)
    }

    /// The offers of these prices as the table has them now.
    ///
    /// One batch for up to 100 prices.
    ///
    /// # Errors
    ///
    /// DynamoDB fails, or a row is corrupt.
    pub async fn fresh_offers<'a>(&self, prices: impl IntoIterator<Item = &'a PriceId>) -> Result<Offers, Error> {
        // One batch must not name a key twice.
        let ids: BTreeSet<&str> = prices.into_iter().map(PriceId::as_str).collect();
        let rows = self.batch(ids).await?;
        let mut offers = Offers::default();
        for row in &rows {
            if let Some(offer) = read_offer(row)? {
                offers.insert(offer);
            }
        }
        let since = Instant::now();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, known| known.since.elapsed() < self.keep);
        known.extend(offers.0.iter().map(|(id, offer)| (id.clone(), Known { offer: offer.clone(), since })));
        Ok(offers)
    }

    /// Saves news of a price.
    ///
    /// # Errors
    ///
    /// DynamoDB fails.
    pub async fn save_price(&self, price: &Price, stamp: Stamp) -> Result<Saved, Error> {
        // First the product's row learns of the price. From then on news of the product reaches the price's row.
        let mut known = Update::default();
        let [prices, kind] = [PRICES, KIND].map(|name| known.name(name));
        let [id, product_kind] =
            [AttributeValue::Ss(vec![price.id.to_string()]), text(PRODUCT)].map(|value| known.value(value));
        known.set(format!("{kind} = {product_kind}"));
        known.add(format!("{prices} {id}"));
        let product = self.write(price.product.as_str(), known).await?.unwrap_or_default();

        let (saved, row) = self.advance(price.id.as_str(), PRICE, PRICE_STAMP, &json(price), stamp).await?;
        if let (Some(json), Some(stamp)) = (product.get(PRODUCT), product.get(PRODUCT_STAMP)) {
            let behind = row.get(PRODUCT_STAMP).is_none_or(|known| known != stamp);
            if behind {
                self.hand_down(price.id.as_str(), json, stamp).await?;
            }
        }
        Ok(saved)
    }

    /// Saves news of a product, also in the rows of its prices.
    ///
    /// # Errors
    ///
    /// DynamoDB fails.
    pub async fn save_product(&self, product: &Product, stamp: Stamp) -> Result<Saved, Error> {
        let (saved, row) = self.advance(product.id.as_str(), PRODUCT, PRODUCT_STAMP, &json(product), stamp).await?;
        if let (Some(json), Some(stamp)) = (row.get(PRODUCT), row.get(PRODUCT_STAMP)) {
            let prices = row.get(PRICES).and_then(|set| set.as_ss().ok()).map(Vec::as_slice).unwrap_or_default();
            let writes: Vec<_> = prices.iter().map(|price| self.hand_down(price, json, stamp)).collect();
            stream::iter(writes).buffer_unordered(WRITES_AT_A_TIME).try_collect::<()>().await?;
        }
        Ok(saved)
    }

    /// The product, if the catalogue knows it.
    ///
    /// # Errors
    ///
    /// DynamoDB fails, or the row is corrupt.
    pub async fn product(&self, id: &ProductId) -> Result<Option<Product>, Error> {
        let rows = self.batch([id.as_str()]).await?;
        rows.first().map(|row| register(row, PRODUCT)).transpose().map(Option::flatten)
    }

    /// A page of at most `limit` products, starting after `after`. Only products and prices that are active are listed.
    ///
    /// # Errors
    ///
    /// DynamoDB fails, or a row is corrupt.
    pub async fn list(&self, after: Option<&ProductId>, limit: usize) -> Result<Listing, Error> {
        let mut listing = Listing::default();
        let mut rows = Vec::new();
        let mut start = after.cloned();
        loop {
            let mut query = Update::default();
            let kind = query.name(KIND);
            let product = query.value(text(PRODUCT));
            let start_key =
                start.as_ref().map(|id| Item::from([(ID.to_owned(), text(id)), (KIND.to_owned(), text(PRODUCT))]));
            let output = self
                .connection
                .client()
                .query()
                .table_name(&self.table)
                .index_name("by_kind")
                .key_condition_expression(format!("{kind} = {product}"))
                .set_expression_attribute_names(Some(query.names))
                .set_expression_attribute_values(Some(query.values))
                .set_exclusive_start_key(start_key)
                .limit(i32::try_from(limit + 1).unwrap_or(i32::MAX))
                .send()
                .await
                .map_err(|error| Error::from_sdk("Query", error))?;
            for row in output.items.unwrap_or_default() {
                if let Some(product) = register::<Product>(&row, PRODUCT)?.filter(|product| product.active) {
                    rows.push((product, row));
                }
            }
            let last = output.last_evaluated_key.and_then(|key| key.get(ID)?.as_s().ok()?.parse().ok());
            if last.is_none() || rows.len() > limit {
                break;
            }
            start = last;
        }
        if rows.len() > limit {
            rows.truncate(limit);
            listing.next = rows.last().map(|(product, _)| product.id.clone());
        }

        let mut ids = Vec::new();
        for (_, row) in &rows {
            ids.extend(row.get(PRICES).and_then(|set| set.as_ss().ok()).into_iter().flatten().map(String::as_str));
        }
        let prices = self.batch(ids).await?;
        let mut prices: Vec<Price> =
            prices.iter().filter_map(|row| register(row, PRICE).transpose()).collect::<Result<_, _>>()?;
        prices.retain(|price| price.active);
        prices.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        for (product, _) in rows {
            let own = prices.iter().filter(|price| price.product == product.id).cloned().collect();
            listing.products.push((product, own));
        }
        Ok(listing)
    }

    /// Moves a register of a row forward, and returns the row as it is then.
    async fn advance(
        &self,
        id: &str,
        register: &str,
        stamp_name: &str,
        json: &str,
        stamp: Stamp,
    ) -> Result<(Saved, Item), Error> {
        let mut update = Update::default();
        let [value_name, stamp_attribute, kind] = [register, stamp_name, KIND].map(|name| update.name(name));
        let [value, time, register_kind] =
            [text(json), number(stamp.milliseconds), text(register)].map(|value| update.value(value));
        update.guard(format!("attribute_not_exists({stamp_attribute}) OR {stamp_attribute} < {time}"));
        update.set(format!("{value_name} = {value}"));
        update.set(format!("{stamp_attribute} = {time}"));
        update.set(format!("{kind} = {register_kind}"));
        match self.try_write(id, update).await? {
            Ok(row) => Ok((Saved::Newer, row)),
            Err(row) => {
                let reader = Reader { table: TABLE, item: &row };
                let known: i64 = match stamp_name {
                    PRICE_STAMP => reader.parsed(PRICE_STAMP)?,
                    _ => reader.parsed(PRODUCT_STAMP)?,
                };
                Ok((if known < stamp.until { Saved::Tie } else { Saved::Older }, row))
            }
        }
    }

    /// Moves the product's register of a price's row forward, if it is behind.
    async fn hand_down(&self, price: &str, product: &AttributeValue, stamp: &AttributeValue) -> Result<(), Error> {
        let mut update = Update::default();
        let [name, stamp_name] = [PRODUCT, PRODUCT_STAMP].map(|name| update.name(name));
        let [value, time] = [product.clone(), stamp.clone()].map(|value| update.value(value));
        update.guard(format!("attribute_not_exists({stamp_name}) OR {stamp_name} < {time}"));
        update.set(format!("{name} = {value}"));
        update.set(format!("{stamp_name} = {time}"));
        self.try_write(price, update).await.map(drop)
    }

    async fn write(&self, id: &str, update: Update) -> Result<Option<Item>, Error> {
        Ok(self.try_write(id, update).await?.ok())
    }

    /// Writes a row; `Err` holds the row as it is where the guard did not hold.
    async fn try_write(&self, id: &str, update: Update) -> Result<Result<Item, Item>, Error> {
        let condition = update.condition();
        let result = self
            .connection
            .client()
            .update_item()
            .table_name(&self.table)
            .key(ID, text(id))
            .update_expression(update.expression())
            .set_condition_expression(Some(condition).filter(|condition| !condition.is_empty()))
            .set_expression_attribute_names(Some(update.names))
            .set_expression_attribute_values(Some(update.values))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match result {
            Ok(output) => Ok(Ok(output.attributes.unwrap_or_default())),
            Err(SdkError::ServiceError(context)) => match context.into_err() {
                UpdateItemError::ConditionalCheckFailedException(failed) => Ok(Err(failed.item.unwrap_or_default())),
                error => Err(Error::from_service("UpdateItem", &error)),
            },
            Err(error) => Err(Error::from_sdk("UpdateItem", error)),
        }
    }

    async fn batch<'a>(&self, ids: impl IntoIterator<Item = &'a str>) -> Result<Vec<Item>, Error> {
        let mut keys: Vec<Item> = ids.into_iter().map(|id| Item::from([(ID.to_owned(), text(id))])).collect();
        let mut rows = Vec::with_capacity(keys.len());
        // DynamoDB may leave keys over when it is busy; the SDK's own retries bound how often the call fails outright.
        let mut rounds = 0;
        while !keys.is_empty() {
            let rest = keys.split_off(keys.len().min(BATCH));
            let asked = KeysAndAttributes::builder()
                .set_keys(Some(keys))
                .build()
                .map_err(|error| Error::Refused { operation: "BatchGetItem", reason: error.to_string() })?;
            let output = self
                .connection
                .client()
                .batch_get_item()
                .request_items(&self.table, asked)
                .send()
                .await
                .map_err(|error| Error::from_sdk("BatchGetItem", error))?;
            rows.extend(output.responses.into_iter().flatten().flat_map(|(_, rows)| rows));
            keys = output.unprocessed_keys.into_iter().flatten().flat_map(|(_, left)| left.keys).collect();
            rounds += usize::from(!keys.is_empty());
            if rounds > 10 {
                return Err(Error::Unavailable { operation: "BatchGetItem", reason: "keys left over".to_owned() });
            }
            keys.extend(rest);
        }
        Ok(rows)
    }
}

fn json(value: &impl serde::Serialize) -> String {
    // Prices and products are plain data: they always serialise.
    serde_json::to_string(value).unwrap_or_default()
}

fn register<T: serde::de::DeserializeOwned>(row: &Item, name: &'static str) -> Result<Option<T>, Error> {
    let reader = Reader { table: TABLE, item: row };
    reader.text(name).map(|json| serde_json::from_str(json).map_err(|_| reader.corrupt(name))).transpose()
}

fn read_offer(row: &Item) -> Result<Option<Offer>, Error> {
    let (Some(price), Some(product)) = (register(row, PRICE)?, register(row, PRODUCT)?) else {
        return Ok(None);
    };
    Ok(Some(Offer { price, product }))
}
