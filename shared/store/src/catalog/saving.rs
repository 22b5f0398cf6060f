//! Saving what Stripe tells of prices and products.

use std::collections::{BTreeSet, HashMap};

use cart::{Offer, Price, PriceId, Product, ProductId};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::earlier::{self, EarlierRow};
use super::row::{
    HANDED_DOWN, HOLDER, HOLDER_STAMP, ID, Known, PRICE, PRICE_STAMP, PRODUCT, PRODUCT_STAMP, PriceRow, ProductRow,
    TABLE, advance_if_newer, content_of, guard_stamp, register, set_kind,
};
use super::{AsOf, CatalogTable, keys};
use crate::Error;
use crate::expression::Update;
use crate::item::{Item, Reader, json, number, text};
use crate::table::Guarded;

/// How many rows are written at a time.
const WRITES_AT_A_TIME: usize = 8;
/// To how many of its active prices news of a product are handed down at once. A sync brings them to the others.
const MOST_AT_ONCE: usize = 500;
/// How often a row may be written by others between being read and being written.
const ATTEMPTS: usize = 20;

/// How far news of a product are handed down at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// To the product's own row. [`CatalogTable::knows_product`] says that there is more to do, and a sync does it.
    Row,
    /// Also to the rows of its active prices, at most 500 of them.
    ActivePrices,
}

/// What the table knows of a product.
#[derive(Debug, Default)]
struct KnownProduct {
    row: ProductRow,
    earlier: Option<EarlierRow>,
}

impl KnownProduct {
    fn newest(&self) -> Option<Known> {
        let earlier = self.earlier.as_ref().and_then(|earlier| earlier.product.clone());
        Known::later(self.row.product.clone(), earlier)
    }
}

impl CatalogTable {
    /// Saves prices of one product, as they are known as of `stamp`; returns whether the catalogue knows that product.
    ///
    /// Reads all rows in one batch for up to 100 of them, writes each price's row, and the row of its lookup key where it has
    /// one; at last looks whether the product changed meanwhile.
    ///
    /// # Errors
    ///
    /// DynamoDB fails.
    pub async fn save_prices(&self, product: &ProductId, prices: &[&Price], stamp: AsOf) -> Result<bool, Error> {
        let (known, rows) = self.product_with_prices(product, prices.iter().map(|price| &price.id)).await?;
        self.save_beside(product, prices, (known.newest(), rows), stamp).await
    }

    /// Saves a price and its product, as both are known as of `stamp`, in the price's row. Where that is news of the product,
    /// its own row has it too, and its other prices get it by its event or by a sync.
    ///
    /// Reads all rows in one batch, writes one to three, and looks whether the product changed meanwhile.
    ///
    /// # Errors
    ///
    /// DynamoDB fails.
    pub async fn save_offer(&self, Offer { price, product }: &Offer, stamp: AsOf) -> Result<(), Error> {
        let (known, rows) = self.product_with_prices(&product.id, [&price.id]).await?;
        let newest = Known::later(known.newest(), Some(Known::new(json(product), stamp)));
        if !known.newest().is_some_and(|known| says(&known, product)) {
            // Else what the price's row has would be newer than what the product's has, and other than it.
            self.write_product(product, stamp, known).await?;
        }
        self.save_beside(&product.id, &[price], (newest, rows), stamp).await.map(drop)
    }

    /// Saves a product, as it is known as of `stamp`, and hands what is new down as far as it is to `reach`. Changes nothing
    /// where something newer is known.
    ///
    /// One read and one write where nothing changed but the time, or nothing is handed down; else a query for each megabyte
    /// of prices, a write for each of them, and one that says that it is done.
    ///
    /// # Errors
    ///
    /// DynamoDB fails. Saved again, as of a later time, the product is handed down again.
    pub async fn save_product(&self, product: &Product, stamp: AsOf, reach: Reach) -> Result<(), Error> {
        let known = self.known_product(&product.id).await?;
        let earlier = known.earlier.clone().unwrap_or_default();
        let written = self.write_product(product, stamp, known).await?;
        let Some(row) = written.filter(|_| reach == Reach::ActivePrices) else { return Ok(()) };
        if !row.is_handed_down() {
            self.hand_down(product, &row, &earlier.prices).await?;
        }
        self.take_off_list(&product.id, &earlier).await
    }

    /// Whether a price is known as of `time` or later, with its product. One read.
    ///
    /// # Errors
    ///
    /// DynamoDB fails, or the row is corrupt.
    pub async fn knows_price(&self, id: &PriceId, time: AsOf) -> Result<bool, Error> {
        let rows = self.batch([keys::of_price(id)], false).await?;
        let Some(row) = rows.first().filter(|row| row.contains_key(PRODUCT)) else { return Ok(false) };
        Ok(stamp_of(row, PRICE_STAMP)?.is_some_and(|known| known >= time.milliseconds))
    }

    /// Whether a product is known as of `time` or later, and handed down to its prices. One read.
    ///
    /// # Errors
    ///
    /// DynamoDB fails, or the row is corrupt.
    pub async fn knows_product(&self, id: &ProductId, time: AsOf) -> Result<bool, Error> {
        let rows = self.batch([keys::of_product(id)], false).await?;
        let Some(row) = rows.first() else { return Ok(false) };
        let handed_down = ProductRow::read(row).is_handed_down();
        Ok(handed_down && stamp_of(row, PRODUCT_STAMP)?.is_some_and(|known| known >= time.milliseconds))
    }

    /// Takes a price, which Stripe no longer has, off the shelf.
    ///
    /// # Errors
    ///
    /// DynamoDB fails, or the row is corrupt.
    pub async fn retire_price(&self, id: &PriceId, stamp: AsOf) -> Result<(), Error> {
        let rows = self.batch([keys::of_price(id)], true).await?;
        if let Some(price) = rows.first().map(|row| register::<Price>(row, PRICE)).transpose()?.flatten() {
            // It has no lookup key any more: what was its is remembered.
            let price = Price { active: false, lookup_key: None, ..price };
            self.save_prices(&price.product, &[&price], stamp).await?;
        }
        Ok(())
    }

    /// Takes a product, which Stripe no longer has, off the shelf.
    ///
    /// # Errors
    ///
    /// DynamoDB fails, or the row is corrupt.
    pub async fn retire_product(&self, id: &ProductId, stamp: AsOf, reach: Reach) -> Result<(), Error> {
        let known = self.known_product(id).await?.newest();
        let corrupt = |_| Error::Corrupt { table: TABLE, key: keys::of_product(id), attribute: PRODUCT };
        match known.map(|known| serde_json::from_str::<Product>(&known.text)).transpose().map_err(corrupt)? {
            Some(product) => self.save_product(&Product { active: false, ..product }, stamp, reach).await,
            None => Ok(()),
        }
    }

    /// Writes the rows of prices, which are `rows` as far as there are any, beside what is known of their product.
    async fn save_beside(
        &self,
        product: &ProductId,
        prices: &[&Price],
        (known, mut rows): (Option<Known>, HashMap<String, Item>),
        stamp: AsOf,
    ) -> Result<bool, Error> {
        let writes: Vec<_> = prices
            .iter()
            .map(|price| {
                let row = rows.remove(&keys::of_price(&price.id)).unwrap_or_default();
                self.save_price(price, known.as_ref(), row, stamp)
            })
            .collect();
        stream::iter(writes).buffer_unordered(WRITES_AT_A_TIME).try_collect::<()>().await?;

        // A save of the product looks for its prices afterwards. These may not have been among them yet.
        let now = Known::later(known.clone(), self.known_product(product).await?.newest());
        if now != known {
            let keys: Vec<_> = prices.iter().map(|price| keys::of_price(&price.id)).collect();
            let writes: Vec<_> =
                keys.iter().map(|key| self.advance(key, Item::default(), None, now.as_ref())).collect();
            stream::iter(writes).buffer_unordered(WRITES_AT_A_TIME).try_collect::<()>().await?;
        }
        Ok(now.is_some())
    }

    async fn save_price(&self, price: &Price, product: Option<&Known>, row: Item, stamp: AsOf) -> Result<(), Error> {
        // First who has the key. Where the rest fails, the event comes again, and the row is written again.
        if let Some(lookup_key) = &price.lookup_key {
            let mut update = Update::default();
            advance_if_newer(&mut update, HOLDER, HOLDER_STAMP, text(&price.id), stamp);
            self.update(&keys::of_lookup_key(lookup_key), update).await?;
        }
        self.advance(&keys::of_price(&price.id), row, Some(&Known::new(json(price), stamp)), product).await
    }

    /// Moves what a price's row says of it and of its product forward. `row` is the row as it was read, or nothing.
    async fn advance(
        &self,
        key: &str,
        mut row: Item,
        price: Option<&Known>,
        product: Option<&Known>,
    ) -> Result<(), Error> {
        let copy = product.map(Known::copied);
        for _ in 0..ATTEMPTS {
            let before = PriceRow::read(&row);
            let Some(update) = before.update_to(&before.after(price, copy.as_ref())) else { return Ok(()) };
            match self.update(key, update).await? {
                Guarded::Done(_) => return Ok(()),
                Guarded::Refused(now) => row = now.unwrap_or_default(),
            }
        }
        Err(Error::Contended)
    }

    /// Moves what a product's row says forward, of which this was `known`. Returns the row as it was written; `None` where it
    /// says something newer.
    async fn write_product(
        &self,
        product: &Product,
        stamp: AsOf,
        known: KnownProduct,
    ) -> Result<Option<ProductRow>, Error> {
        let KnownProduct { mut row, earlier } = known;
        let new = Known::new(json(product), stamp);
        for _ in 0..ATTEMPTS {
            if row.product.as_ref().is_some_and(|known| known.milliseconds >= new.milliseconds) {
                return Ok(None);
            }
            let mut update = Update::default();
            guard_stamp(&mut update, PRODUCT_STAMP, row.product.as_ref());
            let [name, time] = [PRODUCT, PRODUCT_STAMP].map(|name| update.name(name));
            let [value, stamp] = [text(&new.text), number(new.milliseconds)].map(|value| update.value(value));
            update.set(format_args!("{name} = {value}"));
            update.set(format_args!("{time} = {stamp}"));
            set_kind(&mut update, product.active.then_some(keys::LISTED));
            // Where the prices have all that the row said, and it says nothing else now, they have that, too.
            if row.is_handed_down() && row.product.as_ref().is_some_and(|known| says(known, product)) {
                let handed_down = update.name(HANDED_DOWN);
                update.set(format_args!("{handed_down} = {stamp}"));
            }
            match self.update(&keys::of_product(&product.id), update).await? {
                Guarded::Done(now) => {
                    if let Some(earlier) = earlier.filter(|_| !product.active) {
                        self.take_off_list(&product.id, &earlier).await?;
                    }
                    return Ok(Some(ProductRow::read(&now)));
                }
                Guarded::Refused(now) => row = ProductRow::read(&now.unwrap_or_default()),
            }
        }
        Err(Error::Contended)
    }

    /// Copies what a product's row says to the rows of its active prices, and says in it that this is done. `earlier` are
    /// prices that only a row of 0.1.0 knows to be the product's.
    async fn hand_down(&self, product: &Product, row: &ProductRow, earlier: &[String]) -> Result<(), Error> {
        let Some(known) = &row.product else { return Ok(()) };
        let mut rows = self.price_rows(&product.id).await?;
        let found: BTreeSet<&str> = rows.iter().filter_map(|row| id_of(row)).collect();
        let others: Vec<_> = earlier.iter().filter(|id| !found.contains(id.as_str())).take(MOST_AT_ONCE).collect();
        let others = self.batch(others, true).await?;
        rows.extend(others);

        let rows = rows.into_iter().filter_map(|row| Some((id_of(&row)?.to_owned(), row)));
        let writes: Vec<_> =
            rows.map(|(key, row)| async move { self.advance(&key, row, None, Some(known)).await }).collect();
        stream::iter(writes).buffer_unordered(WRITES_AT_A_TIME).try_collect::<()>().await?;

        let mut update = Update::default();
        guard_stamp(&mut update, PRODUCT_STAMP, row.product.as_ref());
        let name = update.name(HANDED_DOWN);
        let time = update.value(number(known.milliseconds));
        update.set(format_args!("{name} = {time}"));
        // A newer product that was written meanwhile is handed down by its own write.
        self.update(&keys::of_product(&product.id), update).await.map(drop)
    }

    /// The rows of a product's active prices, by the index: not more than are written at once.
    async fn price_rows(&self, product: &ProductId) -> Result<Vec<Item>, Error> {
        let kind = keys::kind_of_prices(product.as_str());
        let mut rows = Vec::new();
        let mut start = None;
        loop {
            let page = self.query(&kind, start, MOST_AT_ONCE - rows.len(), None).await?;
            rows.extend(page.items.unwrap_or_default());
            start = page.last_evaluated_key;
            if start.is_none() || rows.len() >= MOST_AT_ONCE {
                return Ok(rows);
            }
        }
    }

    async fn known_product(&self, id: &ProductId) -> Result<KnownProduct, Error> {
        Ok(self.product_with_prices(id, []).await?.0)
    }

    /// What the table knows of a product, and the rows of prices by their keys, as they are now.
    async fn product_with_prices<'a>(
        &self,
        id: &ProductId,
        prices: impl IntoIterator<Item = &'a PriceId>,
    ) -> Result<(KnownProduct, HashMap<String, Item>), Error> {
        let (own, earlier) = (keys::of_product(id), earlier::key_of(id));
        // One batch must not name a key twice, and 0.1.0 gave a product and a price of one id the same.
        let mut keys: BTreeSet<String> = prices.into_iter().map(keys::of_price).collect();
        keys.extend(earlier.map(str::to_owned));
        keys.insert(own.clone());
        let rows = self.batch(keys, true).await?;
        let rows = rows.into_iter().filter_map(|row| Some((id_of(&row)?.to_owned(), row)));
        let mut rows: HashMap<_, _> = rows.collect();
        let row = rows.remove(&own).map(|row| ProductRow::read(&row)).unwrap_or_default();
        let earlier = earlier.and_then(|key| EarlierRow::read(rows.get(key)?));
        Ok((KnownProduct { row, earlier }, rows))
    }
}

/// Whether what is known of a product says all that the rows of its prices would have of `product`.
fn says(known: &Known, product: &Product) -> bool {
    serde_json::from_str(&known.text).is_ok_and(|known: Product| content_of(&known) == content_of(product))
}

fn id_of(row: &Item) -> Option<&str> {
    Reader { table: TABLE, item: row }.text(ID)
}

fn stamp_of(row: &Item, stamp: &'static str) -> Result<Option<i64>, Error> {
    Reader { table: TABLE, item: row }.parsed_if_there(stamp)
}
