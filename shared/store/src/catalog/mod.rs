//! The table of prices and products.
//!
//! A row holds registers, such as a price or a product, each with the time as of which it is known; a register only moves
//! forward in time. A price's row carries its product's register too, so that a cart is priced by one batch of its price
//! ids. A product's active prices stand together in the index, so that what is saved of a product reaches them.
//!
//! Because registers only move forward, prices and products may arrive in any order, repeatedly and at the same time, and
//! the rows end up the same. The index is behind the table by a moment: a sync repairs what an event missed because of that.
//!
//! Rows carry no version of their format: a sync rewrites every row whose content differs. Where rows stand, [`keys`] says;
//! what is left of version 0.1.0, [`earlier`].

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::operation::query::QueryOutput;
use cart::PriceId;
use foldhash::fast::RandomState;
use settings::{CATALOG_CACHE_SECONDS, Environment};

use self::cache::Remembered;
use self::row::{ID, KIND};
use crate::expression::{Expression, Update};
use crate::item::{Item, text};
use crate::table::{Guarded, OnRefusal, Table};
use crate::{Connection, Error};

mod cache;
mod earlier;
mod freshness;
mod inventory;
mod keys;
mod listing;
mod row;
mod saving;
mod succession;

pub use freshness::AsOf;
pub use inventory::{Digest, Inventory};
pub use listing::{ListedProduct, Listing};
pub use saving::Reach;

/// The prices and products that the shop sells.
#[derive(Clone, Debug)]
pub struct CatalogTable {
    table: Table,
    known: Arc<Mutex<HashMap<PriceId, Remembered, RandomState>>>,
    keep: Duration,
    /// Whether no row of 0.1.0 was in the list any more when it was last looked for.
    earlier_is_gone: Arc<AtomicBool>,
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
            earlier_is_gone: Arc::default(),
        })
    }

    async fn update(&self, id: &str, update: Update) -> Result<Guarded<Item>, Error> {
        self.table.update(text(id), update, OnRefusal::Row).await
    }

    async fn batch(&self, keys: impl IntoIterator<Item = impl ToString>, consistent: bool) -> Result<Vec<Item>, Error> {
        self.table.get_many(keys.into_iter().map(text), consistent).await
    }

    /// A page of the rows of a kind, by their keys: at most `limit`, and with one attribute only where that is `wanted`.
    async fn query(
        &self,
        kind: &str,
        start: Option<Item>,
        limit: usize,
        wanted: Option<&str>,
    ) -> Result<QueryOutput, Error> {
        let mut query = Update::default();
        let (name, kind) = (query.name(KIND), query.value(text(kind)));
        let projection = wanted.map(|wanted| query.name(wanted));
        let Expression { names, values, .. } = query.into_expression();
        self.table
            .client()
            .query()
            .table_name(self.table.name())
            .index_name("by_kind")
            .key_condition_expression(format!("{name} = {kind}"))
            .set_projection_expression(projection)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .set_exclusive_start_key(start)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(|error| Error::from_sdk("Query", error))
    }
}
