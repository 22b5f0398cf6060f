//! Whether Stripe sends the events that the shop handles.

use std::collections::BTreeSet;

use payments::{Stripe, WebhookEndpoint};

use crate::Events;

/// Compares the events of the merchant's endpoints at Stripe with those that [`Events`] handles.
#[derive(Clone, Debug)]
pub struct Endpoints {
    stripe: Stripe,
}

/// How the path of a shop's endpoint ends, whatever its domain and base path.
const PATH: &str = "/stripe/webhook";
/// The right to read endpoints, in Stripe's words.
const RIGHT: &str = "rak_webhook_read";

impl Endpoints {
    /// A comparison that asks with this client.
    #[must_use]
    pub fn new(stripe: &Stripe) -> Self {
        Self { stripe: stripe.clone() }
    }

    /// Returns the events that an enabled endpoint at `/stripe/webhook` is not registered for, sorted, and logs which
    /// endpoint lacks which.
    ///
    /// Empty also where there is no such endpoint, or where Stripe does not show them: the log says so.
    pub async fn missing_events(&self) -> Vec<&'static str> {
        let missing = match self.stripe.webhook_endpoints().await {
            Ok(endpoints) => compare(&endpoints),
            Err(error) if error.is_forbidden() => {
                tracing::info!(%error, right = RIGHT, "the webhook endpoint's events are not compared: the key lacks the right");
                BTreeSet::new()
            }
            Err(error) => {
                tracing::warn!(%error, "the webhook endpoint's events could not be compared");
                BTreeSet::new()
            }
        };
        missing.into_iter().collect()
    }
}

/// The events that at least one of the shop's endpoints lacks.
///
/// A function does not know its public URL, so every endpoint whose path ends in [`PATH`] counts as the shop's.
fn compare(endpoints: &[WebhookEndpoint]) -> BTreeSet<&'static str> {
    let own: Vec<_> = endpoints.iter().filter(|endpoint| endpoint.is_enabled() && endpoint.leads_to(PATH)).collect();
    if own.is_empty() {
        tracing::warn!("no enabled webhook endpoint at Stripe has a URL that ends in {PATH}");
    }
    let mut all = BTreeSet::new();
    for endpoint in own {
        let missing: Vec<_> = Events::HANDLED.into_iter().filter(|kind| !endpoint.gets(kind)).collect();
        if !missing.is_empty() {
            let (id, address) = (endpoint.id(), endpoint.address());
            tracing::warn!(endpoint = id, address, missing = missing.join(" "), "the webhook endpoint lacks events");
        }
        all.extend(missing);
    }
    all
}
