//! What the table holds, for a sync to compare.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher as _};

use cart::{PriceId, ProductId};

use super::row::{ID, PRICE, PRICE_STAMP, PRODUCT, PRODUCT_STAMP, TABLE};
use super::{AsOf, CatalogTable};
use crate::Error;
use crate::expression::Update;
use crate::item::{Item, Reader, json, number};

/// What a table holds: a digest of each register, so that thousands of rows fit into memory.
#[derive(Debug, Default)]
pub struct Inventory {
    products: HashMap<String, Held>,
    /// Each with the copy of its product that its row holds.
    prices: HashMap<String, (Held, Option<Digest>)>,
    misdated: Vec<Misdated>,
}

/// A register that is said to be known as of a time that had not come when its row was read.
#[derive(Debug)]
struct Misdated {
    row: String,
    stamp: &'static str,
    milliseconds: i64,
    read: AsOf,
}

/// A register that a row holds.
#[derive(Clone, Copy, Debug)]
struct Held {
    digest: Digest,
    active: bool,
}

/// Tells contents of registers apart. Not kept anywhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Digest(u64);

impl Digest {
    /// The digest of a product or a price.
    #[must_use]
    pub fn of(object: &impl serde::Serialize) -> Self {
        Self::of_text(&json(object))
    }

    fn of_text(text: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(text.as_bytes());
        Self(hasher.finish())
    }
}

impl Inventory {
    /// A row, `read` at that time. One that cannot be read is left out, so that a sync rewrites it.
    fn add_row(&mut self, row: &Item, read: AsOf) {
        #[derive(serde::Deserialize)]
        struct Status {
            active: bool,
        }
        let reader = Reader { table: TABLE, item: row };
        let held = |name| {
            let text = reader.text(name)?;
            let Status { active } = serde_json::from_str(text).ok()?;
            Some(Held { digest: Digest::of_text(text), active })
        };
        let Some(id) = reader.text(ID).map(str::to_owned) else { return };
        for stamp in [PRICE_STAMP, PRODUCT_STAMP] {
            let known: Option<i64> = reader.parsed_if_there(stamp).ok().flatten();
            if let Some(milliseconds) = known.filter(|known| *known >= read.milliseconds) {
                self.misdated.push(Misdated { row: id.clone(), stamp, milliseconds, read });
            }
        }
        let product = held(PRODUCT);
        if row.contains_key(PRICE) {
            if let Some(price) = held(PRICE) {
                self.prices.insert(id, (price, product.map(|held| held.digest)));
            }
        } else if let Some(product) = product {
            self.products.insert(id, product);
        }
    }

    /// How many prices and products are said to be known as of a time to come.
    #[must_use]
    pub fn misdated(&self) -> usize {
        self.misdated.len()
    }

    /// Crosses a product off; returns whether the table holds it with this content.
    pub fn check_off_product(&mut self, id: &ProductId, content: Digest) -> bool {
        self.products.remove(id.as_str()).is_some_and(|held| held.digest == content)
    }

    /// Crosses a price off; returns whether the table holds it with this content, and beside it this copy of its product.
    pub fn check_off_price(&mut self, id: &PriceId, content: Digest, product: Option<Digest>) -> bool {
        let held = self.prices.remove(id.as_str());
        held.is_some_and(|(held, copied)| held.digest == content && copied == product)
    }

    /// Crosses a product or a price off, whatever the table holds of it.
    pub fn skip(&mut self, id: &str) {
        self.products.remove(id);
        self.prices.remove(id);
    }

    /// The products that are for sale and were not crossed off.
    pub fn products_left(&self) -> impl Iterator<Item = ProductId> {
        let left = self.products.iter().filter(|(_, held)| held.active);
        left.filter_map(|(id, _)| id.parse().ok())
    }

    /// The prices that are for sale and were not crossed off.
    pub fn prices_left(&self) -> impl Iterator<Item = PriceId> {
        let left = self.prices.iter().filter(|(_, (held, _))| held.active);
        left.filter_map(|(id, _)| id.parse().ok())
    }
}

impl CatalogTable {
    /// What the whole table holds, by one scan: half a read unit for each 4 KB. `now` is the time of each page.
    ///
    /// # Errors
    ///
    /// DynamoDB fails.
    pub async fn inventory(&self, now: impl Fn() -> AsOf) -> Result<Inventory, Error> {
        let mut inventory = Inventory::default();
        let mut start = None;
        loop {
            let scan = self.table.client().scan().table_name(self.table.name()).set_exclusive_start_key(start);
            let page = scan.send().await.map_err(|error| Error::from_sdk("Scan", error))?;
            let read = now();
            for row in page.items.unwrap_or_default() {
                inventory.add_row(&row, read);
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(inventory);
            }
        }
    }

    /// Dates prices and products that are said to be known as of a time to come back to just before the inventory, so that
    /// all that is read from now on is newer. One write for each; none for one that was written meanwhile.
    ///
    /// Until version 0.1.0, events brought such times: of a clock that was wrong, or of whoever had the signing secret.
    ///
    /// # Errors
    ///
    /// DynamoDB fails.
    pub async fn date_back(&self, inventory: &Inventory) -> Result<(), Error> {
        for Misdated { row, stamp, milliseconds, read } in &inventory.misdated {
            let mut update = Update::default();
            let name = update.name(stamp);
            let [found, before] = [*milliseconds, read.milliseconds - 1].map(|time| update.value(number(time)));
            update.guard(format!("{name} = {found}"));
            update.set(format!("{name} = {before}"));
            self.update(row, update).await?;
        }
        Ok(())
    }
}
