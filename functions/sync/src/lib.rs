//! Copies all products and prices from Stripe, repairs missed webhooks, and looks whether Stripe sends all of them: on a
//! schedule, or by hand.

use std::time::Duration;

use catalog::{Catalog, Progress};
use ordering::{Endpoints, Fulfilment};
use payments::Stripe;
use serde::Serialize;
use services::Services;
use web::Log;

/// The function.
#[derive(Debug)]
pub struct Sync {
    catalog: Catalog,
    fulfilment: Fulfilment,
    endpoints: Endpoints,
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
    /// The types of events that an endpoint of this shop should get from Stripe and does not; empty also where that is not
    /// known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing_events: Vec<&'static str>,
}

/// What goes wrong in a run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The catalogue could not be copied.
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
    /// Orders could not be repaired.
    #[error(transparent)]
    Ordering(#[from] ordering::Error),
}

impl Sync {
    /// Begins to open the connection to Stripe, before the key is known.
    pub fn prepare(services: &Services) {
        Stripe::open(&services.environment, &services.https);
    }

    /// The function as its settings want it.
    ///
    /// # Errors
    ///
    /// A setting is missing or malformed.
    pub fn new(services: &Services) -> Result<Self, settings::Error> {
        let stripe = Stripe::new(&services.environment, &services.secrets, &services.https)?;
        Ok(Self {
            catalog: Catalog::with_stripe(services, &stripe)?,
            fulfilment: Fulfilment::with_stripe(services, &stripe)?,
            endpoints: Endpoints::new(&stripe),
            log: Log::new(&services.environment),
        })
    }

    /// Makes the orders that no webhook brought, copies everything, and looks whether Stripe sends all events, logging its
    /// progress and, in one line at the end, its result.
    ///
    /// # Errors
    ///
    /// DynamoDB or Stripe fails: run it again.
    pub async fn run(&self, request_id: &str) -> Result<Report, Error> {
        web::invocation("sync", &self.log, request_id, self.repair_copy_and_look()).await
    }

    async fn repair_copy_and_look(&self) -> Result<Report, Error> {
        let now = web::now();
        let since = now - Duration::from_hours(REPAIRED_HOURS);
        let repaired = self.fulfilment.repair(since, now).await?;
        tracing::info!(repaired, "repaired");
        let Progress { products, prices, written, retired } = self
            .catalog
            .sync(|Progress { products, prices, written, retired }| {
                tracing::info!(products, prices, written, retired, "syncing");
            })
            .await?;
        let missing_events = self.endpoints.missing_events().await;
        Ok(Report { products, prices, written, retired, repaired, missing_events })
    }
}
