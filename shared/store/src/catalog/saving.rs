//! Saving what Stripe tells of prices and products.

use aws_sdk_dynamodb::types::AttributeValue;
use cart::{Price, PriceId, Product, ProductId};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::row::{
    KIND, PRICE, PRICE_REGISTER, PRICE_STAMP, PRICES, PRODUCT, PRODUCT_REGISTER, PRODUCT_STAMP, TABLE,
    advance_if_newer, register,
};
use super::{AsOf, CatalogTable};
use crate::Error;
use crate::expression::Update;
use crate::item::{Reader, json, number, text};
use crate::table::Guarded;

/// How many rows of one product are written at a time.
const WRITES_AT_A_TIME: usize = 8;

impl CatalogTable {
    /// Saves prices of one product, as they are known as of `stamp`; returns whether the catalogue knows that product.
    ///
    /// One write for the product's row and one for each price.
    ///
    /// # Errors
    ///
    /// DynamoDB fails.
    pub async fn save_prices(&self, product: &ProductId, prices: &[&Price], stamp: AsOf) -> Result<bool, Error> {
        // First the product's row lists the prices. From then on whatever is saved of the product reaches their rows.
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

    /// Saves a product, as it is known as of `stamp`, also in the rows of its prices. Changes nothing where something newer is
    /// known.
    ///
    /// One write for the product's row and one for each price.
    ///
    /// # Errors
    ///
    /// DynamoDB fails.
    pub async fn save_product(&self, product: &Product, stamp: AsOf) -> Result<(), Error> {
        let mut update = Update::default();
        advance_if_newer(&mut update, PRODUCT_REGISTER, &text(json(product)), &number(stamp.milliseconds), "<");
        let kind = update.name(KIND);
        if product.active {
            let listed = update.value(text(PRODUCT));
            update.set(format!("{kind} = {listed}"));
        } else {
            update.remove(kind);
        }
        let row = self.update(product.id.as_str(), update).await?.into_row();
        if let Some(register) = row.get(PRODUCT).zip(row.get(PRODUCT_STAMP)) {
            let prices = row.get(PRICES).and_then(|set| set.as_ss().ok()).map(Vec::as_slice).unwrap_or_default();
            let writes: Vec<_> = prices.iter().map(|price| self.copy_product_to_price(price, register)).collect();
            stream::iter(writes).buffer_unordered(WRITES_AT_A_TIME).try_collect::<()>().await?;
        }
        Ok(())
    }

    /// Whether a price is known as of `time` or later. One read.
    ///
    /// # Errors
    ///
    /// DynamoDB fails, or the row is corrupt.
    pub async fn knows_price(&self, id: &PriceId, time: AsOf) -> Result<bool, Error> {
        self.knows(id.as_str(), PRICE_STAMP, time).await
    }

    /// Whether a product is known as of `time` or later. One read.
    ///
    /// # Errors
    ///
    /// DynamoDB fails, or the row is corrupt.
    pub async fn knows_product(&self, id: &ProductId, time: AsOf) -> Result<bool, Error> {
        self.knows(id.as_str(), PRODUCT_STAMP, time).await
    }

    async fn knows(&self, id: &str, stamp: &'static str, time: AsOf) -> Result<bool, Error> {
        let rows = self.batch([id], false).await?;
        let Some(row) = rows.first() else { return Ok(false) };
        let known: Option<i64> = Reader { table: TABLE, item: row }.parsed_if_there(stamp)?;
        Ok(known.is_some_and(|known| known >= time.milliseconds))
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
}
