//! Carts, catalogue and orders in DynamoDB.
//!
//! The one crate that knows what an item looks like and what an expression says. Rules are decided in [`cart`]; where
//! an expression guards a write, the guard is sufficient for the rules to accept, never a substitute for them.

mod carts;
mod catalog;
mod connection;
mod error;
mod expression;
mod idempotency;
mod item;
mod orders;
mod stream;
mod table;

pub use carts::{
    Abandoned, Carts, ChangeError, Changed, Count, Counted, FoundCart, Hour, Hourly, Preconditions, Recorded,
};
pub use catalog::{AsOf, CatalogTable, Digest, Inventory, ListedProduct, Listing, Reach};
pub use connection::Connection;
pub use error::Error;
pub use idempotency::IdempotencyKey;
pub use orders::{Anonymised, Found, Landed, LandedCart, Listed, NewOrder, OrderIndex, Orders, Place, Placed, Wanted};
pub use stream::{StreamRecord, Streams, Written};
