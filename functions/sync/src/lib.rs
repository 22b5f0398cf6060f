//! Copies all products and prices from Stripe: on a schedule, or by hand.

use catalog::{Catalogue, Progress};
use serde::Serialize;
use settings::Environment;
use store::Connection;

/// The function.
#[derive(Debug)]
pub struct Sync {
    catalogue: Catalogue,
}

/// What a run did.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Products copied.
    pub products: usize,
    /// Prices copied.
    pub prices: usize,
}

impl Sync {
    /// The function as its settings want it.
    ///
    /// # Errors
    ///
    /// A setting is missing or malformed.
    pub fn new(environment: &Environment) -> Result<Self, settings::Error> {
        let connection = Connection::new(environment)?;
        Ok(Self { catalogue: Catalogue::new(&connection, environment)? })
    }

    /// Copies everything, telling the log how far it is.
    ///
    /// # Errors
    ///
    /// DynamoDB or Stripe fails: run it again.
    pub async fn run(&self) -> Result<Report, catalog::Error> {
        let Progress { products, prices } =
            self.catalogue.sync(|Progress { products, prices }| tracing::info!(products, prices, "syncing")).await?;
        Ok(Report { products, prices })
    }
}
