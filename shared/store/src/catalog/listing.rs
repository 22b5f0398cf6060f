//! Products that are for sale, page by page, and alone.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use cart::{Price, Product, ProductId};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::earlier::{self, EarlierRow};
use super::row::{ID, KIND, Known, PRICE, ProductRow, TABLE, register};
use super::{CatalogTable, keys};
use crate::Error;
use crate::item::{Item, Reader, sent, text};

/// How many active prices of a product are listed.
const MOST_PRICES: usize = 500;
/// How large a page becomes, and one product on it, in bytes as Lambda sends them: of these it takes 6 MB.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const MOST_BYTES: usize = 4_000_000;
/// What the answer may have for each product and each price beside the stored text, in bytes: a name, an amount for people.
const BESIDE: usize = 150;
/// The prices of how many products are read at a time. Each takes a connection, and a function that has just begun opens it.
const QUERIES_AT_A_TIME: usize = 4;

/// One page of products that are for sale, each with its prices.
#[derive(Debug, Default)]
pub struct Listing {
    /// The products, by their ids.
    pub products: Vec<ListedProduct>,
    /// Whether another page follows.
    pub has_more: bool,
}

/// A product that is for sale.
#[derive(Debug)]
pub struct ListedProduct {
    /// The product.
    pub product: Product,
    /// Its active prices, oldest first: at most 500, and together with the product at most 4 MB.
    pub prices: Vec<Price>,
    /// Whether it has more active prices than these.
    pub has_more_prices: bool,
    bytes: usize,
}

/// A product, and where its prices are to be found beside the index.
struct Found {
    product: Product,
    milliseconds: i64,
    bytes: usize,
    earlier_prices: Vec<String>,
}

impl Found {
    fn read(known: &Known, earlier_prices: Vec<String>) -> Option<Self> {
        let product = serde_json::from_str(&known.text).ok()?;
        Some(Self { product, milliseconds: known.milliseconds, bytes: sent(&known.text) + BESIDE, earlier_prices })
    }

    /// The newer of two, with the prices of both.
    fn or(self, other: Self) -> Self {
        let (mut newer, older) = if other.milliseconds > self.milliseconds { (other, self) } else { (self, other) };
        newer.earlier_prices.extend(older.earlier_prices);
        newer
    }
}

impl CatalogTable {
    /// A page of at most `limit` products, starting after `after`. Only products and prices that are active are listed. It is
    /// shorter where it would be larger than 4 MB, and then has more.
    ///
    /// One query for the products, and for each product one more, four of them at a time.
    ///
    /// # Errors
    ///
    /// DynamoDB fails, or a row is corrupt.
    pub async fn list(&self, after: Option<&ProductId>, limit: usize) -> Result<Listing, Error> {
        let mut found = self.listed(keys::LISTED, after.map(keys::of_product), limit + 1).await?;
        if !self.earlier_is_gone.load(Ordering::Relaxed) {
            let before = self.listed(earlier::KIND_OF_PRODUCTS, after.map(ToString::to_string), limit + 1).await?;
            // For as long as this function lives, so that it costs nothing afterwards.
            self.earlier_is_gone.store(after.is_none() && before.is_empty(), Ordering::Relaxed);
            for (id, product) in before {
                let both = match found.remove(&id) {
                    Some(other) => other.or(product),
                    None => product,
                };
                found.insert(id, both);
            }
        }
        let is_longer = found.len() > limit;

        let questions: Vec<_> = found.into_values().take(limit).map(|found| self.with_prices(found)).collect();
        let mut answers = stream::iter(questions).buffered(QUERIES_AT_A_TIME);
        let mut listing = Listing { products: Vec::new(), has_more: is_longer };
        let mut bytes = 0;
        while let Some(listed) = answers.try_next().await? {
            bytes += listed.bytes;
            if bytes > MOST_BYTES && !listing.products.is_empty() {
                return Ok(Listing { has_more: true, ..listing });
            }
            listing.products.push(listed);
        }
        Ok(listing)
    }

    /// A product that is for sale, with its active prices; `None` where there is none, or it is archived.
    ///
    /// One read, and one query for each megabyte of prices.
    ///
    /// # Errors
    ///
    /// DynamoDB fails, or a row is corrupt.
    pub async fn listed_product(&self, id: &ProductId) -> Result<Option<ListedProduct>, Error> {
        let own = keys::of_product(id);
        let asked = earlier::key_of(id).map(str::to_owned).into_iter().chain([own.clone()]);
        let mut found: Option<Found> = None;
        for row in self.batch(asked, false).await? {
            let is_own = Reader { table: TABLE, item: &row }.text(ID) == Some(own.as_str());
            if let Some(read) = read(&row, is_own)? {
                found = Some(match found {
                    Some(other) => other.or(read),
                    None => read,
                });
            }
        }
        match found.filter(|found| found.product.active) {
            Some(found) => self.with_prices(found).await.map(Some),
            None => Ok(None),
        }
    }

    /// The products of a kind that are for sale, after the row with the key `after`: at most `wanted`.
    async fn listed(
        &self,
        kind: &str,
        after: Option<String>,
        wanted: usize,
    ) -> Result<BTreeMap<ProductId, Found>, Error> {
        let mut found = BTreeMap::new();
        let mut start = after.map(|key| Item::from([(ID.to_owned(), text(key)), (KIND.to_owned(), text(kind))]));
        loop {
            let page = self.query(kind, start, wanted - found.len(), None).await?;
            for row in page.items.unwrap_or_default() {
                if let Some(read) = read(&row, kind == keys::LISTED)?.filter(|found| found.product.active) {
                    found.insert(read.product.id.clone(), read);
                }
            }
            start = page.last_evaluated_key;
            if start.is_none() || found.len() >= wanted {
                return Ok(found);
            }
        }
    }

    /// The product with its active prices, as many as are listed.
    async fn with_prices(&self, found: Found) -> Result<ListedProduct, Error> {
        let Found { product, mut bytes, earlier_prices, .. } = found;
        let kind = keys::kind_of_prices(product.id.as_str());
        let mut prices = BTreeMap::new();
        let mut has_more_prices = false;
        let mut start = None;
        let mut earlier_prices = Some(earlier_prices).filter(|ids| !ids.is_empty());
        'pages: loop {
            let page = self.query(&kind, start, MOST_PRICES + 1, Some(PRICE)).await?;
            start = page.last_evaluated_key;
            let mut rows = page.items.unwrap_or_default();
            if start.is_none() {
                rows.extend(self.batch(earlier_prices.take().unwrap_or_default(), false).await?);
            }
            for row in rows {
                let size = Reader { table: TABLE, item: &row }.text(PRICE).map_or(0, sent);
                let Some(price) = register::<Price>(&row, PRICE)?.filter(|price| price.active) else { continue };
                if price.product != product.id || prices.contains_key(&price.id) {
                    continue;
                }
                let size = size + price.id.as_str().len() + BESIDE;
                if prices.len() == MOST_PRICES || bytes + size > MOST_BYTES {
                    has_more_prices = true;
                    break 'pages;
                }
                bytes += size;
                prices.insert(price.id.clone(), price);
            }
            if start.is_none() {
                break;
            }
        }
        let mut prices: Vec<Price> = prices.into_values().collect();
        prices.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        Ok(ListedProduct { product, prices, has_more_prices, bytes })
    }
}

/// The product of a row of the present form, or of one of before.
fn read(row: &Item, is_present: bool) -> Result<Option<Found>, Error> {
    let reader = Reader { table: TABLE, item: row };
    let corrupt = || reader.corrupt(super::row::PRODUCT);
    let (known, prices) = if is_present {
        (ProductRow::read(row).product, Vec::new())
    } else {
        let earlier = EarlierRow::read(row);
        earlier.map_or((None, Vec::new()), |earlier| (earlier.product, earlier.prices))
    };
    known.map(|known| Found::read(&known, prices).ok_or_else(corrupt)).transpose()
}
