//! The table of prices and products.
//!
//! A row holds two registers, the price and the product, each with the time as of which it is known; a register only
//! moves forward in time. A price's row carries its product's register too, so that a cart is priced by one batch of
//! its price ids. A product's row lists its prices, so that what is saved of a product reaches them.
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

use cart::PriceId;
use settings::{CATALOG_CACHE_SECONDS, Environment};

use self::cache::Known;
use self::row::ID;
use crate::expression::Update;
use crate::item::{Item, text};
use crate::table::{Guarded, OnRefusal, Table};
use crate::{Connection, Error};

mod cache;
mod freshness;
mod inventory;
mod listing;
mod row;
mod saving;

pub use freshness::AsOf;
pub use inventory::{Digest, Inventory};
pub use listing::Listing;

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

    async fn update(&self, id: &str, update: Update) -> Result<Guarded<Item>, Error> {
        self.table.update(text(id), update, OnRefusal::Row).await
    }

    async fn batch<'a>(&self, ids: impl IntoIterator<Item = &'a str>, consistent: bool) -> Result<Vec<Item>, Error> {
        self.table.get_many(ids.into_iter().map(text), consistent).await
    }
}
