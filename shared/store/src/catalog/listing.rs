//! Products that are for sale, page by page.

use aws_sdk_dynamodb::operation::query::QueryOutput;
use cart::{Price, Product, ProductId};

use super::CatalogTable;
use super::row::{ID, KIND, PRICE, PRICES, PRODUCT, register};
use crate::Error;
use crate::expression::{Expression, Update};
use crate::item::{Item, text};

/// One page of products that are for sale, each with its prices.
#[derive(Debug, Default)]
pub struct Listing {
    /// The products with their active prices, by product id.
    pub products: Vec<(Product, Vec<Price>)>,
    /// Where the next page starts.
    pub next: Option<ProductId>,
}

impl CatalogTable {
    /// A page of at most `limit` products, starting after `after`. Only products and prices that are active are listed.
    ///
    /// One query, and one batch for every 100 prices.
    ///
    /// # Errors
    ///
    /// DynamoDB fails, or a row is corrupt.
    pub async fn list(&self, after: Option<&ProductId>, limit: usize) -> Result<Listing, Error> {
        let mut rows = self.products(after, limit).await?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|(product, _)| product.id.clone());

        let prices = self.prices(&rows).await?;
        let products = rows.into_iter().map(|(product, _)| {
            let own = prices.iter().filter(|price| price.product == product.id).cloned().collect();
            (product, own)
        });
        Ok(Listing { products: products.collect(), next })
    }

    /// The products after `after` that are for sale, with their rows: more than `limit`, where there are more.
    async fn products(&self, after: Option<&ProductId>, limit: usize) -> Result<Vec<(Product, Item)>, Error> {
        let mut rows = Vec::new();
        let mut start = after.cloned();
        loop {
            let output = self.query(start.as_ref(), limit + 1).await?;
            for row in output.items.unwrap_or_default() {
                if let Some(product) = register::<Product>(&row, PRODUCT)?.filter(|product| product.active) {
                    rows.push((product, row));
                }
            }
            start = output.last_evaluated_key.and_then(|key| key.get(ID)?.as_s().ok()?.parse().ok());
            if start.is_none() || rows.len() > limit {
                return Ok(rows);
            }
        }
    }

    async fn query(&self, after: Option<&ProductId>, limit: usize) -> Result<QueryOutput, Error> {
        let mut query = Update::default();
        let kind = query.name(KIND);
        let product = query.value(text(PRODUCT));
        let Expression { names, values, .. } = query.into_expression();
        let start_key = after.map(|id| Item::from([(ID.to_owned(), text(id)), (KIND.to_owned(), text(PRODUCT))]));
        self.table
            .client()
            .query()
            .table_name(self.table.name())
            .index_name("by_kind")
            .key_condition_expression(format!("{kind} = {product}"))
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .set_exclusive_start_key(start_key)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(|error| Error::from_sdk("Query", error))
    }

    /// The active prices of these products, oldest first.
    async fn prices(&self, rows: &[(Product, Item)]) -> Result<Vec<Price>, Error> {
        let mut ids = Vec::new();
        for (_, row) in rows {
            ids.extend(row.get(PRICES).and_then(|set| set.as_ss().ok()).into_iter().flatten().map(String::as_str));
        }
        let prices = self.batch(ids, false).await?;
        let prices = prices.iter().filter_map(|row| register(row, PRICE).transpose());
        let mut prices: Vec<Price> = prices.collect::<Result<_, _>>()?;
        prices.retain(|price| price.active);
        prices.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        Ok(prices)
    }
}
