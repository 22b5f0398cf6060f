//! The table of prices and products.
//!
//! A row holds two registers, the price and the product, each with the time of the news it came with; a register only
//! moves forward in time. A price's row carries its product's register too, so that a cart is priced by one batch of
//! its price ids. A product's row lists its prices, so that news of a product reaches them.
//!
//! Because both registers only move forward, prices and products may arrive in any order, repeatedly and at the same
//! time, and the rows end up the same.
//!
//! Rows carry no version of their format: a sync rewrites every row whose content differs.
//!
//! Only rows of products that are for sale have a kind, and so stand in the index from which products are listed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use cart::{Price, PriceId, Product, ProductId};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use settings::{CATALOG_CACHE_SECONDS, Environment};

use self::cache::Known;
use self::row::{
    ID, KIND, PRICE, PRICE_REGISTER, PRICE_STAMP, PRICES, PRODUCT, PRODUCT_REGISTER, PRODUCT_STAMP, TABLE,
    advance_if_newer, register,
};
use crate::expression::Update;
use crate::item::{Item, Reader, json, number, text};
use crate::table::{Guarded, OnRefusal, Table};
use crate::{Connection, Error};

mod cache;
mod freshness;
mod inventory;
mod listing;
mod row;

pub use freshness::{AsOf, Saved};
pub use inventory::{Digest, Inventory};
pub use listing::Listing;

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
