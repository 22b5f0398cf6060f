//! Copies all products and prices from Stripe, repairs what missed webhooks left undone, and looks whether Stripe sends all of
//! them: on a schedule, or by hand.

use std::fmt::Display;
use std::time::Duration;

use cart::Timestamp;
use catalog::{Catalog, Progress};
use ordering::{Endpoints, Events, Fulfilment};
use payments::Stripe;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use services::Services;
use web::Log;

/// The function.
#[derive(Debug)]
pub struct Sync {
    catalog: Catalog,
    fulfilment: Fulfilment,
    events: Events,
    endpoints: Endpoints,
    log: Log,
}

/// How far back paid sessions are looked for: a day longer than Stripe repeats a webhook.
///
/// Source: <https://docs.stripe.com/webhooks#automatic-retries>
const REPAIRED_DAYS: u64 = 4;

/// How far back they can be looked for.
const MOST_DAYS: u64 = 30;

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
    /// Orders that were missing or out of date.
    pub repaired: usize,
    /// The types of events that an endpoint of this shop should get from Stripe and does not; empty also where that is not
    /// known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing_events: Vec<&'static str>,
}

/// What a run is asked for besides the usual, when it is invoked by hand.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// How many days back paid sessions are looked for.
    days: Option<u64>,
    /// Whether all orders are entered into the index again, as after a rollback, or where it was lost.
    index: bool,
}

impl Asked {
    /// Reads the event that invokes the function. The schedule's, and what else it holds, asks for nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Asked`] where one of the fields is not what it can be.
    pub fn read(event: Value) -> Result<Self, Error> {
        if !event.is_object() {
            return Ok(Self::default());
        }
        let asked: Self = serde_json::from_value(event).map_err(|error| Error::Asked(error.to_string()))?;
        match asked.days {
            Some(days) if !(1..=MOST_DAYS).contains(&days) => {
                Err(Error::Asked(format!("days must be between 1 and {MOST_DAYS}")))
            }
            _ => Ok(asked),
        }
    }
}

/// What goes wrong in a run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The run was asked for something that it cannot do.
    #[error("the event is malformed: {0}")]
    Asked(String),
    /// These parts of the run failed, each with its reason. The others were carried out.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Failed(Vec<Failure>),
}

/// A part of a run that failed.
#[derive(Debug, thiserror::Error)]
#[error("{part}: {reason}")]
pub struct Failure {
    part: &'static str,
    reason: String,
}

impl Error {
    /// Whether the catalogue was copied all the same, so that the shop has something to sell.
    #[must_use]
    pub fn spared_catalogue(&self) -> bool {
        match self {
            Self::Asked(_) => false,
            Self::Failed(parts) => parts.iter().all(|failure| failure.part != CATALOGUE),
        }
    }
}

/// The part of a run that copies products and prices.
const CATALOGUE: &str = "catalogue";

/// The parts of a run that failed so far.
#[derive(Default)]
struct Failed(Vec<Failure>);

impl Failed {
    /// What a part came to, or nothing where it failed.
    fn note<T: Default, E: Display>(&mut self, part: &'static str, result: Result<T, E>) -> T {
        result.unwrap_or_else(|error| {
            tracing::error!(part, %error, "a part of the sync failed; the others go on");
            self.0.push(Failure { part, reason: error.to_string() });
            T::default()
        })
    }
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
            events: Events::with_stripe(services, &stripe)?,
            endpoints: Endpoints::new(&stripe),
            log: Log::new(&services.environment),
        })
    }

    /// Makes the orders that no webhook brought, has those follow whose money is not where it stays, copies everything, and
    /// looks whether Stripe sends all events, logging its progress and, in one line at the end, its result.
    ///
    /// Its parts do not depend on each other: where one fails, the others are carried out.
    ///
    /// # Errors
    ///
    /// DynamoDB or Stripe fails in some part: run it again.
    pub async fn run(&self, request_id: &str, asked: &Asked) -> Result<Report, Error> {
        self.run_at(request_id, asked, web::now()).await
    }

    /// The same at another time: what is due, and how far back it looks, is judged by `at`. What is stored, and when Stripe
    /// was asked, keeps the clock's time. For the local stack, where nobody waits for days.
    ///
    /// # Errors
    ///
    /// Those of [`Sync::run`].
    pub async fn run_at(&self, request_id: &str, asked: &Asked, at: Timestamp) -> Result<Report, Error> {
        web::invocation("sync", &self.log, request_id, self.carry_out(asked, at)).await
    }

    async fn carry_out(&self, asked: &Asked, at: Timestamp) -> Result<Report, Error> {
        let mut failed = Failed::default();
        let now = web::now();
        let since = at - Duration::from_hours(24 * asked.days.unwrap_or(REPAIRED_DAYS));
        let missing = failed.note("paid sessions", self.fulfilment.repair(since, at, now).await);
        let followed = failed.note("open orders", self.fulfilment.follow_open(now).await);
        let entered = failed.note("index of orders", self.fulfilment.enter_earlier(asked.index).await);
        let copied = self
            .catalog
            .sync(|Progress { products, prices, written, retired }| {
                tracing::info!(products, prices, written, retired, "syncing");
            })
            .await;
        let Progress { products, prices, written, retired } = failed.note(CATALOGUE, copied);
        // Last, since it takes longest: Stripe is asked about payments that are no business of the shop's.
        let unheard = failed.note("events", self.events.repair(since, at, now).await);
        let repaired = missing + followed + unheard;
        tracing::info!(repaired, entered, "orders");
        let missing_events = self.endpoints.missing_events().await;
        match failed {
            Failed(parts) if parts.is_empty() => {
                Ok(Report { products, prices, written, retired, repaired, missing_events })
            }
            Failed(parts) => Err(Error::Failed(parts)),
        }
    }
}
