//! The table of prices and products.
//!
//! A row holds two registers, the price and the product, each with the time of the news it came with; a register only
//! moves forward in time. A price's row carries its product's register too, so that a cart is priced by one batch of
//! its price ids. A product's row lists its prices, so that news of a product reaches them.
//!
//! Because both registers only move forward, prices and products may arrive in any order, repeatedly and at the same
//! time, and the rows end up the same.
//!
//! Rows carry no version of their format: a sync writes every row anew that is not just what it would write.
//!
//! Only rows of products that are for sale have a kind, and so stand in the index from which products are listed.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use cart::{Offer, Offers, Price, PriceId, Product, ProductId};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use settings::{CATALOG_CACHE_SECONDS, Environment};

use crate::expression::{Expression, Update};
use crate::item::{Item, Reader, number, text};
use crate::table::{Guarded, OnRefusal, Table};
use crate::{Connection, Error};

mod freshness;
mod inventory;

pub use freshness::{AsOf, Saved};
pub use inventory::{Digest, Inventory};

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
/// How many rows of one product are written at a time.
const WRITES_AT_A_TIME: usize = 8;

/// The prices and products that the shop sells.
#[derive(Clone, Debug)]
pub struct CatalogTable {
    table: Table,
    known: Arc<Mutex<HashMap<PriceId, Known>>>,
    keep: Duration,
}

/// An offer that was read from the table, and when.
#[derive(Clone, Debug)]
struct Known {
    offer: Arc<Offer>,
    since: Instant,
}

/// One page of products that are for sale, each with its prices.
#[derive(Debug, Default)]
pub struct Listing {
    /// The products with their active prices, by product id.
    pub products: Vec<(Product, Vec<Price>)>,
    /// Where the next page starts.
    pub next: Option<ProductId>,
}

impl CatalogTable {
    /// The catalogue in `CATALOG_TABLE`. What was read is kept for [`CATALOG_CACHE_SECONDS`].
    ///
    /// # Errors
    ///
    /// A setting is missing or malformed.
    pub fn new(connection: &Connection, environment: &Environment) -> Result<Self, settings::Error> {
        Ok(Self {
            table: Table::new(connection, environment.required("CATALOG_TABLE")?, ID),
            known: Arc::default(),
            keep: Duration::from_secs(environment.number(&CATALOG_CACHE_SECONDS)?),
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
        let ids: BTreeSet<&str> = prices.into_iter().map(PriceId::as_str).collect();
        let rows = self.batch(ids, consistent).await?;
        let mut offers = Offers::default();
        for row in &rows {
            if let Some(offer) = read_offer(row)? {
                offers.insert(Arc::new(offer));
            }
        }
        let since = Instant::now();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, known| known.since.elapsed() < self.keep);
        known.extend(offers.iter().map(|offer| (offer.price.id.clone(), Known { offer: Arc::clone(offer), since })));
        Ok(offers)
    }

    /// Saves news of prices of one product; returns whether the catalogue knows that product.
    ///
    /// One write for the product's row and one for each price.
    ///
    /// # Errors
    ///
    /// DynamoDB fails.
    pub async fn save_prices(&self, product: &ProductId, prices: &[&Price], stamp: AsOf) -> Result<bool, Error> {
        // First the product's row learns of the prices. From then on news of the product reaches their rows.
        let mut known = Update::default();
        let name = known.name(PRICES);
        let ids = known.value(AttributeValue::Ss(prices.iter().map(|price| price.id.to_string()).collect()));
        known.add(format!("{name} {ids}"));
        let row = self.update(product.as_str(), known).await?.into_row();
        let product = row.get(PRODUCT).zip(row.get(PRODUCT_STAMP));

        let writes: Vec<_> = prices.iter().map(|price| self.save_price_row(price, product, stamp)).collect();
        stream::iter(writes).buffer_unordered(WRITES_AT_A_TIME).try_collect::<()>().await?;
        Ok(product.is_some())
    }

    /// Saves news of a product, also in the rows of its prices.
    ///
    /// # Errors
    ///
    /// DynamoDB fails.
    pub async fn save_product(&self, product: &Product, stamp: AsOf) -> Result<Saved, Error> {
        let mut update = Update::default();
        advance_if_newer(&mut update, PRODUCT_REGISTER, &text(json(product)), &number(stamp.milliseconds), "<");
        let kind = update.name(KIND);
        if product.active {
            let listed = update.value(text(PRODUCT));
            update.set(format!("{kind} = {listed}"));
        } else {
            update.remove(kind);
        }
        let (saved, row) = match self.update(product.id.as_str(), update).await? {
            Guarded::Done(row) => (Saved::Newer, row),
            Guarded::Refused(row) => {
                let row = row.unwrap_or_default();
                let known: i64 = Reader { table: TABLE, item: &row }.parsed(PRODUCT_STAMP)?;
                (if known < stamp.until { Saved::SameSecond } else { Saved::Older }, row)
            }
        };
        if let Some(register) = row.get(PRODUCT).zip(row.get(PRODUCT_STAMP)) {
            let prices = row.get(PRICES).and_then(|set| set.as_ss().ok()).map(Vec::as_slice).unwrap_or_default();
            let writes: Vec<_> = prices.iter().map(|price| self.copy_product_to_price(price, register)).collect();
            stream::iter(writes).buffer_unordered(WRITES_AT_A_TIME).try_collect::<()>().await?;
        }
        Ok(saved)
    }

    /// Whether what is known of a price is certainly newer than `stamp`.
    ///
    /// # Errors
    ///
    /// DynamoDB fails, or the row is corrupt.
    pub async fn knows_newer(&self, price: &PriceId, stamp: AsOf) -> Result<bool, Error> {
        let rows = self.batch([price.as_str()], false).await?;
        let Some(row) = rows.first() else { return Ok(false) };
        let known: Option<i64> = Reader { table: TABLE, item: row }.parsed_if_there(PRICE_STAMP)?;
        Ok(known.is_some_and(|known| known >= stamp.until))
    }

    /// Takes a price, which Stripe no longer has, off the shelf.
    ///
    /// # Errors
    ///
    /// DynamoDB fails, or the row is corrupt.
    pub async fn retire_price(&self, id: &PriceId, stamp: AsOf) -> Result<(), Error> {
        let rows = self.batch([id.as_str()], true).await?;
        if let Some(price) = rows.first().map(|row| register::<Price>(row, PRICE)).transpose()?.flatten() {
            let price = Price { active: false, ..price };
            self.save_prices(&price.product, &[&price], stamp).await?;
        }
        Ok(())
    }

    /// Takes a product, which Stripe no longer has, off the shelf.
    ///
    /// # Errors
    ///
    /// DynamoDB fails, or the row is corrupt.
    pub async fn retire_product(&self, id: &ProductId, stamp: AsOf) -> Result<(), Error> {
        let rows = self.batch([id.as_str()], true).await?;
        if let Some(product) = rows.first().map(|row| register::<Product>(row, PRODUCT)).transpose()?.flatten() {
            self.save_product(&Product { active: false, ..product }, stamp).await?;
        }
        Ok(())
    }

    /// What the whole table holds, by one scan: half a read unit for each 4 KB.
    ///
    /// # Errors
    ///
    /// DynamoDB fails.
    pub async fn inventory(&self) -> Result<Inventory, Error> {
        let mut inventory = Inventory::default();
        let mut start = None;
        loop {
            let scan = self.table.client().scan().table_name(self.table.name()).set_exclusive_start_key(start);
            let page = scan.send().await.map_err(|error| Error::from_sdk("Scan", error))?;
            for row in page.items.unwrap_or_default() {
                inventory.add_row(&row);
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(inventory);
            }
        }
    }

    /// A page of at most `limit` products, starting after `after`. Only products and prices that are active are listed.
    ///
    /// One query, and one batch for every 100 prices.
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
            let Expression { names, values, .. } = query.into_expression();
            let start_key =
                start.as_ref().map(|id| Item::from([(ID.to_owned(), text(id)), (KIND.to_owned(), text(PRODUCT))]));
            let output = self
                .table
                .client()
                .query()
                .table_name(self.table.name())
                .index_name("by_kind")
                .key_condition_expression(format!("{kind} = {product}"))
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values)
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
        let prices = self.batch(ids, false).await?;
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

    /// Moves the price's register of a row forward, and its product's register where it is behind.
    async fn save_price_row(
        &self,
        price: &Price,
        product: Option<(&AttributeValue, &AttributeValue)>,
        stamp: AsOf,
    ) -> Result<(), Error> {
        let id = price.id.as_str();
        let (value, time) = (text(json(price)), number(stamp.milliseconds));
        if let Some((product, product_time)) = product {
            // Almost always neither register is ahead of what is written.
            let mut both = Update::default();
            advance_if_newer(&mut both, PRICE_REGISTER, &value, &time, "<");
            advance_if_newer(&mut both, PRODUCT_REGISTER, product, product_time, "<=");
            if let Guarded::Done(_) = self.update(id, both).await? {
                return Ok(());
            }
        }
        let mut update = Update::default();
        advance_if_newer(&mut update, PRICE_REGISTER, &value, &time, "<");
        // Either the register is moved forward, or it is ahead.
        let row = self.update(id, update).await?.into_row();
        match product {
            Some(register) if row.get(PRODUCT_STAMP) != Some(register.1) => {
                self.copy_product_to_price(id, register).await
            }
            _ => Ok(()),
        }
    }

    /// Moves the product's register of a price's row forward, if it is behind.
    async fn copy_product_to_price(
        &self,
        price: &str,
        (product, time): (&AttributeValue, &AttributeValue),
    ) -> Result<(), Error> {
        let mut update = Update::default();
        advance_if_newer(&mut update, PRODUCT_REGISTER, product, time, "<");
        self.update(price, update).await.map(drop)
    }

    async fn update(&self, id: &str, update: Update) -> Result<Guarded<Item>, Error> {
        self.table.update(text(id), update, OnRefusal::Row).await
    }

    async fn batch<'a>(&self, ids: impl IntoIterator<Item = &'a str>, consistent: bool) -> Result<Vec<Item>, Error> {
        let mut keys: Vec<Item> = ids.into_iter().map(|id| Item::from([(ID.to_owned(), text(id))])).collect();
        let mut rows = Vec::with_capacity(keys.len());
        // DynamoDB may leave keys over when it is busy; the SDK's own retries bound how often the call fails outright.
        let mut rounds = 0;
        while !keys.is_empty() {
            let rest = keys.split_off(keys.len().min(BATCH));
            let asked = KeysAndAttributes::builder()
                .set_keys(Some(keys))
                .consistent_read(consistent)
                .build()
                .map_err(|error| Error::Refused { operation: "BatchGetItem", reason: error.to_string() })?;
            let output = self
                .table
                .client()
                .batch_get_item()
                .request_items(self.table.name(), asked)
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

/// A register of a row: the attribute with its value, and the one with the time of the news that brought it.
type Register = (&'static str, &'static str);
const PRICE_REGISTER: Register = (PRICE, PRICE_STAMP);
const PRODUCT_REGISTER: Register = (PRODUCT, PRODUCT_STAMP);

/// Moves a register forward, where the time that is known `precedes` (`<` or `<=`) the new one.
fn advance_if_newer(
    update: &mut Update,
    register: Register,
    value: &AttributeValue,
    time: &AttributeValue,
    precedes: &str,
) {
    let [name, stamp] = [register.0, register.1].map(|name| update.name(name));
    let [value, time] = [value, time].map(|value| update.value(value.clone()));
    update.guard(format!("attribute_not_exists({stamp}) OR {stamp} {precedes} {time}"));
    update.set(format!("{name} = {value}"));
    update.set(format!("{stamp} = {time}"));
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
