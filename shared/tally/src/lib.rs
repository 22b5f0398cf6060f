//! What happened while a request was answered.
//!
//! A tally belongs to the task that answers one request, so code counts where something happens without threading a counter
//! through every signature. Outside of such a task, counting does nothing.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let (answer, tally) = tally::of(async {
//!     tally::database_request();
//!     tally::count(tally::Metric::Orders);
//!     200
//! })
//! .await;
//!
//! assert_eq!((answer, tally.database_requests()), (200, 1));
//! assert_eq!(tally.counted().collect::<Vec<_>>(), [("Orders", 1)]);
//! # }
//! ```

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Something that an operator wants to know the number of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Metric {
    /// An order was stored.
    Orders,
    /// An order was stored with a mark that doubts its payment: a person should look at it.
    DoubtfulOrders,
    /// An order was stored whose session offered none of the shipping rates that the settings name.
    NoShipping,
    /// An order was stored without something that Stripe's key may not read.
    OrderIncomplete,
    /// An order that no webhook and no landing page had made was found by a repair.
    OrderMissed,
    /// A shopper was sent to the thank-you page before it was known whether there is a payment.
    LandingsUnconfirmed,
    /// A payment was reported again after its order was stored.
    DuplicatesSuppressed,
    /// A Checkout Session was made.
    SessionsCreated,
    /// A Checkout Session was returned again.
    SessionsReused,
    /// A Checkout Session was closed because its cart had changed, or was paid on another page.
    SessionsExpired,
    /// A write lost a race against another write.
    Conflicts,
    /// An event about a product or a price was older than the stored data.
    StaleEvents,
    /// A setting asked for something that a Checkout Session cannot have, and it was made without.
    SettingLeftOut,
    /// An event was refused, since none of the signing secrets made its signature.
    SignatureRefused,
    /// An event of Stripe's was sent back, since no signing secret could be used.
    WebhookSecretUnusable,
    /// An event was sent back, since Stripe does not know the session of this shop that it is about.
    SessionUnknown,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::Orders,
        Self::DoubtfulOrders,
        Self::NoShipping,
        Self::OrderIncomplete,
        Self::OrderMissed,
        Self::LandingsUnconfirmed,
        Self::DuplicatesSuppressed,
        Self::SessionsCreated,
        Self::SessionsReused,
        Self::SessionsExpired,
        Self::Conflicts,
        Self::StaleEvents,
        Self::SettingLeftOut,
        Self::SignatureRefused,
        Self::WebhookSecretUnusable,
        Self::SessionUnknown,
    ];

    /// The name under which it is reported.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Orders => "Orders",
            Self::DoubtfulOrders => "DoubtfulOrders",
            Self::NoShipping => "NoShipping",
            Self::OrderIncomplete => "OrderIncomplete",
            Self::OrderMissed => "OrderMissed",
            Self::LandingsUnconfirmed => "LandingsUnconfirmed",
            Self::DuplicatesSuppressed => "DuplicatesSuppressed",
            Self::SessionsCreated => "SessionsCreated",
            Self::SessionsReused => "SessionsReused",
            Self::SessionsExpired => "SessionsExpired",
            Self::Conflicts => "Conflicts",
            Self::StaleEvents => "StaleEvents",
            Self::SettingLeftOut => "SettingLeftOut",
            Self::SignatureRefused => "SignatureRefused",
            Self::WebhookSecretUnusable => "WebhookSecretUnusable",
            Self::SessionUnknown => "SessionUnknown",
        }
    }
}

/// What happened while one request was answered.
#[derive(Debug, Default)]
pub struct Tally {
    database_requests: AtomicU32,
    counts: [AtomicU32; Metric::ALL.len()],
}

tokio::task_local! {
    static CURRENT: Arc<Tally>;
}

/// Runs a future to its end and returns what was counted meanwhile. Tasks that it spawns are not counted.
pub async fn of<F: Future>(future: F) -> (F::Output, Arc<Tally>) {
    let tally = Arc::new(Tally::default());
    let output = CURRENT.scope(Arc::clone(&tally), future).await;
    (output, tally)
}

/// Counts something that happened.
pub fn count(metric: Metric) {
    // An error means that no task counts.
    let _ = CURRENT.try_with(|tally| tally.counts[metric as usize].fetch_add(1, Relaxed));
}

/// Counts a request to DynamoDB; each retry counts as one.
pub fn database_request() {
    let _ = CURRENT.try_with(|tally| tally.database_requests.fetch_add(1, Relaxed));
}

impl Tally {
    /// How many requests DynamoDB was sent.
    #[must_use]
    pub fn database_requests(&self) -> u32 {
        self.database_requests.load(Relaxed)
    }

    /// What happened at least once, by name.
    pub fn counted(&self) -> impl Iterator<Item = (&'static str, u32)> {
        let counts = Metric::ALL.into_iter().map(|metric| (metric.name(), self.counts[metric as usize].load(Relaxed)));
        counts.filter(|(_, count)| *count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_has_a_place_of_its_own() {
        for (index, metric) in Metric::ALL.into_iter().enumerate() {
            assert_eq!(metric as usize, index);
        }
    }

    #[tokio::test]
    async fn requests_at_the_same_time_are_counted_apart() {
        let busy = of(async {
            count(Metric::Conflicts);
            tokio::task::yield_now().await;
            count(Metric::Conflicts);
        });
        let idle = of(tokio::task::yield_now());

        let (((), busy), ((), idle)) = tokio::join!(busy, idle);
        count(Metric::Conflicts);

        assert_eq!(busy.counted().collect::<Vec<_>>(), [("Conflicts", 2)]);
        assert_eq!(idle.counted().count(), 0);
    }
}
