//! `POST /stripe/webhook`: Stripe's events in.
//!
//! Stripe delivers at least once, in any order, and again for three days until it is answered with a 2xx.

use cart::{CartNumber, SessionId, Timestamp};
use catalog::Catalogue;
use fulfilment::{Fulfilment, News, Outcome};
use payments::{Event, ExpiredSession, Stripe, WebhookSecrets};
use serde_json::json;
use store::{Abandoned, Carts};
use web::{Endpoint, Error, Request, Response, Setup};

/// The endpoint.
#[derive(Debug)]
pub struct StripeWebhook {
    secrets: WebhookSecrets,
    carts: Carts,
    catalogue: Catalogue,
    fulfilment: Fulfilment,
}

impl Endpoint for StripeWebhook {
    const NAME: &str = env!("CARGO_PKG_NAME");
    const SECRETS: &[&str] = &["STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"];

    fn prepare(setup: &Setup) {
        Stripe::open(&setup.environment, &setup.https);
    }

    fn new(setup: &Setup) -> Result<Self, settings::Error> {
        let Setup { environment, https, database } = setup;
        let stripe = Stripe::new(environment, https)?;
        Ok(Self {
            secrets: WebhookSecrets::new(environment)?,
            carts: Carts::new(database, environment)?,
            catalogue: Catalogue::new(database, &stripe, environment)?,
            fulfilment: Fulfilment::new(database, &stripe, environment)?,
        })
    }

    async fn handle(&self, request: Request) -> Result<Response, Error> {
        let now = Timestamp::now();
        let signature = request.headers().get("stripe-signature").and_then(|value| value.to_str().ok());
        let verified = self.secrets.verify(signature, request.body().as_ref(), now);
        let event = verified.map_err(|rejected| Error::Signature(rejected.to_string()))?;

        let handled = self.take(&event, now).await?;

        Ok(web::json(web::StatusCode::OK, &json!({ "received": true, "handled": handled })))
    }
}

impl StripeWebhook {
    /// Takes an event in; `false` if it is none of ours.
    async fn take(&self, event: &Event, now: Timestamp) -> Result<bool, Error> {
        match event.kind.as_str() {
            "checkout.session.completed" | "checkout.session.async_payment_succeeded" => {
                self.fulfil(event, News::None, now).await
            }
            "checkout.session.async_payment_failed" => self.fulfil(event, News::PaymentFailed, now).await,
            "checkout.session.expired" => self.expired(event, now).await,
            "charge.refunded" => self.refund(event, now).await,
            _ => {
                let applied = self.catalogue.apply(event, now).await;
                applied.map_err(|error| web::upstream(error.is_transient(), error))
            }
        }
    }

    /// The session that an event is about, with its cart, if it is this shop's: Stripe is not asked about others.
    async fn own_session(&self, event: &Event) -> Result<Option<(SessionId, CartNumber)>, Error> {
        let Some((session, checkout)) = event.session() else { return Ok(None) };
        let ours = self.fulfilment.is_ours(&session, &checkout).await.map_err(failed)?;
        Ok(ours.then_some((session, checkout.number)))
    }

    async fn fulfil(&self, event: &Event, news: News, now: Timestamp) -> Result<bool, Error> {
        let Some((session, _)) = self.own_session(event).await? else { return Ok(false) };
        let outcome = self.fulfilment.fulfil(&session, news, now).await.map_err(failed)?;
        Ok(outcome != Outcome::Foreign)
    }

    /// Has the cart forget a session that is over, and notes that the cart was abandoned where that is so.
    async fn expired(&self, event: &Event, now: Timestamp) -> Result<bool, Error> {
        let Some((session, cart)) = self.own_session(event).await? else { return Ok(false) };
        self.fulfilment.forget(&session, cart).await.map_err(failed)?;
        if let Some(expired) = ExpiredSession::abandoned(event) {
            let recovery_url = expired.recovery_url().map(str::to_owned);
            self.carts.record_abandoned(&Abandoned { session, cart, recovery_url }, now).await?;
        }
        Ok(true)
    }

    async fn refund(&self, event: &Event, now: Timestamp) -> Result<bool, Error> {
        let Some(payment_intent) = event.field("payment_intent") else { return Ok(false) };
        self.fulfilment.refund(payment_intent, now).await.map_err(failed)
    }
}

fn failed(error: fulfilment::Error) -> Error {
    web::upstream(error.is_transient(), error)
}
