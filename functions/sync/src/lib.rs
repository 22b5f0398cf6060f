//! Copies all products and prices from Stripe and repairs missed webhooks: on a schedule, or by hand.

use std::time::Duration;

use cart::Timestamp;
use catalog::{Catalogue, Progress};
use fulfilment::Fulfilment;
use payments::Stripe;
use serde::Serialize;
use web::{Log, Setup};

/// The function.
#[derive(Debug)]
pub struct Sync {
    catalogue: Catalogue,
    fulfilment: Fulfilment,
    log: Log,
}

/// How far back paid sessions are looked for, in hours: a day longer than Stripe repeats a webhook.
///
/// Source: <https://docs.stripe.com/webhooks#automatic-retries>
const REPAIRED_HOURS: u64 = 4 * 24;

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
    /// Finished sessions whose order was missing or out of date.
    pub repaired: usize,
}

/// What goes wrong in a run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The catalogue could not be copied.
    #[error(transparent)]
    Catalogue(#[from] catalog::Error),
    /// Orders could not be repaired.
    #[error(transparent)]
    Fulfilment(#[from] fulfilment::Error),
}

impl Sync {
    /// Begins to open the connection to Stripe, before the key is known.
    pub fn prepare(setup: &Setup) {
        Stripe::open(&setup.environment, &setup.https);
    }

    /// The function as its settings want it.
    ///
    /// # Errors
    ///
    /// A setting is missing or malformed.
    pub fn new(setup: &Setup) -> Result<Self, settings::Error> {
        let Setup { environment, https, database } = setup;
        let stripe = Stripe::new(environment, https)?;
        Ok(Self {
            catalogue: Catalogue::new(database, &stripe, environment)?,
            fulfilment: Fulfilment::new(database, &stripe, environment)?,
            log: Log::new(environment),
        })
    }

    /// Makes the orders that no webhook brought, then copies everything, telling the log how far it is and, in one line
    /// at the end, what came of it.
    ///
    /// # Errors
    ///
    /// DynamoDB or Stripe fails: run it again.
    pub async fn run(&self, request_id: &str) -> Result<Report, Error> {
        web::invocation("sync", &self.log, request_id, self.repair_and_copy()).await
    }

    async fn repair_and_copy(&self) -> Result<Report, Error> {
        let now = Timestamp::now();
        let since = now - Duration::from_hours(REPAIRED_HOURS);
        let repaired = self.fulfilment.repair(since, now).await?;
        tracing::info!(repaired, "repaired");
        let Progress { products, prices, written, retired } = self
            .catalogue
            .sync(|Progress { products, prices, written, retired }| {
                tracing::info!(products, prices, written, retired, "syncing");
            })
            .await?;
        Ok(Report { products, prices, written, retired, repaired })
    }
}
