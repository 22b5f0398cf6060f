//! Rows of products as 0.1.0 wrote them: under the product's id, with a set of all its prices, and of the kind `product`.
//!
//! They are read for as long as there are any. Events add rows of the present form beside them, and a sync empties those
//! of before. The functions of 0.1.0 that run beside during an update may write them again: then the next sync does.

use cart::{Product, ProductId};

use super::CatalogTable;
use super::row::{KIND, Known, PRICE, PRODUCT, PRODUCT_STAMP, TABLE, set_kind};
use crate::Error;
use crate::expression::Update;
use crate::item::{Item, Reader};

/// The ids of a product's prices.
pub(super) const PRICES: &str = "prices";
/// The kind of products that are for sale.
pub(super) const KIND_OF_PRODUCTS: &str = "product";

/// What a row of before says of a product.
#[derive(Clone, Debug, Default)]
pub(super) struct EarlierRow {
    pub(super) product: Option<Known>,
    pub(super) prices: Vec<String>,
    pub(super) is_listed: bool,
}

impl EarlierRow {
    /// `None` for a row of the present form, or one that says nothing of a product.
    pub(super) fn read(row: &Item) -> Option<Self> {
        let is_product = row.contains_key(PRODUCT) || row.contains_key(PRICES);
        if !is_product || row.contains_key(PRICE) {
            return None;
        }
        Some(Self {
            product: Known::read(row, PRODUCT, PRODUCT_STAMP),
            prices: row.get(PRICES).and_then(|set| set.as_ss().ok()).cloned().unwrap_or_default(),
            is_listed: Reader { table: TABLE, item: row }.text(KIND) == Some(KIND_OF_PRODUCTS),
        })
    }
}

/// The key under which 0.1.0 kept a product; `None` for an id that it did not take.
pub(super) fn key_of(product: &ProductId) -> Option<&str> {
    let id = product.as_str();
    let was_taken = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    was_taken.then_some(id)
}

impl CatalogTable {
    /// Takes a product's row of before out of the list, if it is in it: because the product is archived, or its present row
    /// is in the list and all of its prices are in the index.
    pub(super) async fn take_off_list(&self, product: &ProductId, earlier: &EarlierRow) -> Result<(), Error> {
        let Some(key) = key_of(product).filter(|_| earlier.is_listed) else { return Ok(()) };
        let mut update = Update::default();
        guard_earlier(&mut update);
        set_kind(&mut update, None);
        self.update(key, update).await.map(drop)
    }

    /// Empties a product's row of before.
    pub(super) async fn empty_earlier(&self, key: &str) -> Result<(), Error> {
        let mut update = Update::default();
        guard_earlier(&mut update);
        for name in [KIND, PRICES, PRODUCT, PRODUCT_STAMP] {
            let name = update.name(name);
            update.remove(name);
        }
        self.update(key, update).await.map(drop)
    }
}

/// The condition that the row is no price's.
fn guard_earlier(update: &mut Update) {
    let price = update.name(PRICE);
    update.guard(format_args!("attribute_not_exists({price})"));
}

/// The product that a row of before has, where it can be read.
pub(super) fn product_of(row: &EarlierRow) -> Option<Product> {
    serde_json::from_str(&row.product.as_ref()?.text).ok()
}
