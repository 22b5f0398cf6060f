//! `POST /stripe/webhook`: takes Stripe's events.

use std::time::Duration;

use ordering::Events;
use payments::{Stripe, VerifyError, Webhook, WebhookSecrets};
use serde_json::json;
use services::Services;
use tally::Metric;
use web::{Answer, Endpoint, Error, Request};

/// The endpoint.
#[derive(Debug)]
pub struct StripeWebhook {
    webhook: Webhook,
    events: Events,
}

impl Endpoint for StripeWebhook {
    const NAME: &str = env!("CARGO_PKG_NAME");
    const SECRETS: &[&str] = &[Stripe::SECRET_KEY, WebhookSecrets::SETTING];
    /// No browser waits: only Lambda's own limit counts.
    const PATIENCE: Duration = Duration::MAX;

    fn prepare(services: &Services) {
        Stripe::open(&services.environment, &services.https);
    }

    fn new(services: &Services) -> Result<Self, settings::Error> {
        Ok(Self { webhook: Webhook::new(&services.secrets)?, events: Events::new(services)? })
    }

    async fn handle(&self, request: &Request) -> Result<Answer, Error> {
        let signature = request.text_header("stripe-signature");
        let delivered = self.webhook.event(signature, request.bytes(), request.received_at()).await;
        let event = delivered.map_err(|rejected| match rejected {
            VerifyError::NoSecret => {
                tally::count(Metric::WebhookSecretUnusable);
                Error::NoWebhookSecret
            }
            VerifyError::NotJson => Error::InvalidJson("it is signed all the same".to_owned()),
            rejected => {
                // Of the others no secret is to blame.
                if matches!(rejected, VerifyError::Mismatch) {
                    tally::count(Metric::SignatureRefused);
                }
                Error::Signature(rejected.to_string())
            }
        })?;

        let Some(event) = event else {
            tracing::info!("Stripe signed something else than an event with its object: it is left alone");
            return Ok(taken(false));
        };
        let handled = self.events.handle(&event, request.received_at()).await;

        let handled = handled.map_err(|error| web::upstream(error.retry_after(), error))?;
        Ok(taken(handled))
    }
}

fn taken(handled: bool) -> Answer {
    Answer::json(&json!({ "received": true, "handled": handled }))
}
