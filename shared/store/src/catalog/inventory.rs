//! What the table holds, for a sync to compare.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher as _};
use std::mem;

use cart::{Price, PriceId, Product, ProductId};

use super::earlier::{self, EarlierRow};
use super::row::{ID, Known, PRICE, PRODUCT, PRODUCT_STAMP, PriceRow, STAMPS, TABLE, as_copied, content_of};
use super::succession::holder;
use super::{AsOf, CatalogTable, keys};
use crate::Error;
use crate::expression::Update;
use crate::item::{Item, Reader, json, number};

/// What a table holds: a digest of each register, so that thousands of rows fit into memory.
#[derive(Debug, Default)]
pub struct Inventory {
    products: HashMap<String, HeldProduct>,
    prices: HashMap<String, HeldPrice>,
    /// Which price was last seen with a lookup key.
    holders: HashMap<String, PriceId>,
    /// The keys of rows that 0.1.0 wrote of products.
    earlier: Vec<String>,
    /// What other rows than a product's own say of it, by its id. None are left once all rows are in.
    copies: Vec<(String, Copied)>,
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

/// What a product's row holds.
#[derive(Debug)]
struct HeldProduct {
    product: Held,
    /// What its copies should be.
    copy: Copied,
}

/// A product's register in another row than its own.
#[derive(Clone, Copy, Debug)]
struct Copied {
    /// `None` where it is written otherwise than this version writes it.
    digest: Option<Digest>,
    milliseconds: i64,
}

/// What a price's row holds.
#[derive(Debug)]
struct HeldPrice {
    id: PriceId,
    price: Held,
    /// The copy of its product.
    copy: Option<Copied>,
    /// Whether it stands in the index where it belongs, and remembers the lookup key that it has.
    is_complete: bool,
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

    /// The digest of a product as the rows of its prices have it.
    #[must_use]
    pub fn of_copy(product: &Product) -> Self {
        Self::of_text(&content_of(product))
    }

    /// The same of a copy's text. One that is written otherwise than this version writes it is another.
    fn of_copied_text(text: &str) -> Option<Self> {
        let product: Product = serde_json::from_str(text).ok()?;
        (as_copied(&json(&product)) == text).then(|| Self::of_copy(&product))
    }

    /// That of no object.
    fn of_nothing() -> Self {
        Self::of_text("")
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
        let reader = Reader { table: TABLE, item: row };
        let Some(key) = reader.text(ID) else { return };
        for stamp in STAMPS {
            let known: Option<i64> = reader.parsed_if_there(stamp).ok().flatten();
            if let Some(milliseconds) = known.filter(|known| *known >= read.milliseconds) {
                self.misdated.push(Misdated { row: key.to_owned(), stamp, milliseconds, read });
            }
        }
        if let Some((lookup_key, price)) = holder(row) {
            self.holders.insert(lookup_key.to_owned(), price);
        } else if let Some(id) = keys::product_at(key) {
            if let Some(product) = HeldProduct::read(row) {
                self.products.insert(id.to_owned(), product);
            }
        } else if row.contains_key(PRICE) {
            if let Some((product, price)) = HeldPrice::read(row) {
                self.copies.extend(price.copy.map(|copy| (product.to_string(), copy)));
                self.prices.insert(price.id.to_string(), price);
            }
        } else if let Some(earlier) = EarlierRow::read(row) {
            self.earlier.push(key.to_owned());
            if let Some((known, product)) = earlier.product.as_ref().zip(earlier::product_of(&earlier)) {
                let copy = Copied { digest: Some(Digest::of_copy(&product)), milliseconds: known.milliseconds };
                self.copies.push((product.id.to_string(), copy));
                // As it has to be written under its present key, its content is another, whatever it is.
                let held = Held { digest: Digest::of_nothing(), active: product.active };
                self.products.entry(product.id.to_string()).or_insert(HeldProduct { product: held, copy });
            }
        }
    }

    /// Takes a product for different where another row says something else of it that would outlive what its own row says:
    /// functions of 0.1.0 do not write that one. Written again, it is newer than all of them.
    fn compare_copies(&mut self) {
        for (id, copy) in mem::take(&mut self.copies) {
            let held = self.products.get_mut(&id);
            let overtaken =
                held.filter(|held| copy.digest != held.copy.digest && copy.milliseconds >= held.copy.milliseconds);
            if let Some(held) = overtaken {
                held.product.digest = Digest::of_nothing();
            }
        }
    }

    /// How many prices and products are said to be known as of a time to come.
    #[must_use]
    pub fn misdated(&self) -> usize {
        self.misdated.len()
    }

    /// Crosses a product off; returns whether the table holds it with this content.
    pub fn check_off_product(&mut self, id: &ProductId, content: Digest) -> bool {
        self.products.remove(id.as_str()).is_some_and(|held| held.product.digest == content)
    }

    /// Crosses a price off; returns whether the table holds it with this content, and all that belongs to it: beside it this
    /// copy of its product, and that it has its lookup key.
    pub fn check_off_price(&mut self, price: &Price, product: Option<Digest>) -> bool {
        let has_key = price.lookup_key.as_ref().is_none_or(|key| self.holders.get(key) == Some(&price.id));
        let held = self.prices.remove(price.id.as_str());
        held.is_some_and(|held| {
            let copy = held.copy.and_then(|copy| copy.digest);
            held.is_complete && has_key && held.price.digest == Digest::of(price) && copy == product
        })
    }

    /// Crosses a product or a price off, whatever the table holds of it.
    pub fn skip(&mut self, id: &str) {
        self.products.remove(id);
        self.prices.remove(id);
        self.earlier.retain(|earlier| earlier != id);
    }

    /// The products that are for sale and were not crossed off.
    pub fn products_left(&self) -> impl Iterator<Item = ProductId> {
        let left = self.products.iter().filter(|(_, held)| held.product.active);
        left.filter_map(|(id, _)| id.parse().ok())
    }

    /// The prices that are for sale and were not crossed off.
    pub fn prices_left(&self) -> impl Iterator<Item = PriceId> {
        self.prices.values().filter(|held| held.price.active).map(|held| held.id.clone())
    }
}

impl HeldProduct {
    fn read(row: &Item) -> Option<Self> {
        let known = Known::read(row, PRODUCT, PRODUCT_STAMP)?;
        let product: Product = serde_json::from_str(&known.text).ok()?;
        Some(Self {
            product: Held { digest: Digest::of_text(&known.text), active: product.active },
            copy: Copied { digest: Some(Digest::of_copy(&product)), milliseconds: known.milliseconds },
        })
    }
}

impl HeldPrice {
    /// With the product that it is of.
    fn read(row: &Item) -> Option<(ProductId, Self)> {
        let before = PriceRow::read(row);
        let price = before.price.as_ref()?;
        let digest = Digest::of_text(&price.text);
        let Price { id, active, lookup_key, product, .. } = serde_json::from_str(&price.text).ok()?;
        let remembers =
            lookup_key.is_none() || before.lookup_key.as_ref().map(|known| &known.text) == lookup_key.as_ref();
        let copy = before
            .product
            .as_ref()
            .map(|copy| Copied { digest: Digest::of_copied_text(&copy.text), milliseconds: copy.milliseconds });
        let held = Self {
            id,
            price: Held { digest, active },
            copy,
            is_complete: remembers
                && before == PriceRow { lookup_key: before.lookup_key.clone(), ..before.after(None, None) },
        };
        Some((product, held))
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
                inventory.compare_copies();
                return Ok(inventory);
            }
        }
    }

    /// Empties the rows that 0.1.0 wrote of products: the present ones say all that they did, now that the sync is done.
    ///
    /// # Errors
    ///
    /// DynamoDB fails.
    pub async fn empty_earlier_rows(&self, inventory: &Inventory) -> Result<(), Error> {
        for key in &inventory.earlier {
            self.empty_earlier(key).await?;
        }
        Ok(())
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
            update.guard(format_args!("{name} = {found}"));
            update.set(format_args!("{name} = {before}"));
            self.update(row, update).await?;
        }
        Ok(())
    }
}
