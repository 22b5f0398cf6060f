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
    /// Products compared.
    pub products: usize,
    /// Prices compared.
    pub prices: usize,
    /// Products and prices that were new or different.
    pub written: usize,
    /// Products and prices that Stripe no longer has.
    pub retired: usize,
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
        let Progress { products, prices, written, retired } = self
            .catalogue
            .sync(|Progress { products, prices, written, retired }| {
                tracing::info!(products, prices, written, retired, "syncing");
            })
            .await?;
        Ok(Report { products, prices, written, retired })
    }
}
