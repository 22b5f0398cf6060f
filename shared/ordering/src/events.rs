//! What each of Stripe's events changes.
//!
//! Stripe delivers at least once, in any order, and again for three days until it is answered with a 2xx.

use cart::{CheckoutMetadata, SessionId, Timestamp};
use catalog::Catalog;
use payments::{Event, Stripe};
use services::Services;
use store::{Abandoned, Carts};
use tally::Metric;

use crate::{Error, Fulfilment, Outcome, PaymentFailed};

/// Handles Stripe's events.
#[derive(Clone, Debug)]
pub struct Events {
    pub(crate) stripe: Stripe,
    pub(crate) carts: Carts,
    catalog: Catalog,
    pub(crate) fulfilment: Fulfilment,
}

impl Events {
    /// The types of the events that the merchant registers the endpoint for.
    ///
    /// [`Events::handle`] handles others that tell of the same: `payment_intent.succeeded`, `charge.refund.updated`, and those
    /// of a dispute's funds.
    pub const HANDLED: [&str; 19] = [
        "charge.captured",
        "charge.dispute.closed",
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.expired",
        "charge.refunded",
        "checkout.session.async_payment_failed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.completed",
        "checkout.session.expired",
        "payment_intent.canceled",
        "price.created",
        "price.deleted",
        "price.updated",
        "product.created",
        "product.deleted",
        "product.updated",
        "refund.failed",
        "refund.updated",
    ];

    /// Event handling as the settings of `services` describe it.
    ///
    /// # Errors
    ///
    /// A setting is missing or malformed.
    pub fn new(services: &Services) -> Result<Self, settings::Error> {
        Self::with_stripe(services, &Stripe::new(&services.environment, &services.secrets, &services.https)?)
    }

    /// The same, with a client of Stripe's that others use too.
    ///
    /// # Errors
    ///
    /// A setting is missing or malformed.
    pub fn with_stripe(services: &Services, stripe: &Stripe) -> Result<Self, settings::Error> {
        Ok(Self {
            carts: Carts::new(&services.database, &services.environment)?,
            catalog: Catalog::with_stripe(services, stripe)?,
            fulfilment: Fulfilment::with_stripe(services, stripe)?,
            stripe: stripe.clone(),
        })
    }

    /// Handles an event whose signature was verified; `false` if it does not concern this shop.
    ///
    /// # Errors
    ///
    /// DynamoDB or Stripe fails, or Stripe does not know a session of this shop: Stripe will deliver the event again.
    pub async fn handle(&self, event: &Event, now: Timestamp) -> Result<bool, Error> {
        if !self.stripe.can_see(event) {
            tracing::info!(
                event = event.id,
                livemode = event.livemode,
                "an event of another account or mode is left alone"
            );
            return Ok(false);
        }
        match event.kind.as_str() {
            "checkout.session.completed" | "checkout.session.async_payment_succeeded" => {
                self.session_finished(event, None, now).await
            }
            "checkout.session.async_payment_failed" => self.session_finished(event, Some(PaymentFailed), now).await,
            "checkout.session.expired" => self.session_expired(event, now).await,
            "payment_intent.canceled"
            | "payment_intent.succeeded"
            | "charge.captured"
            | "charge.expired"
            | "charge.refunded"
            | "charge.refund.updated"
            | "charge.dispute.closed"
            | "charge.dispute.created"
            | "charge.dispute.funds_reinstated"
            | "charge.dispute.funds_withdrawn"
            | "charge.dispute.updated"
            | "refund.failed"
            | "refund.updated" => self.payment_changed(event, now).await,
            _ => Ok(self.catalog.apply_event(event, now).await?),
        }
    }

    async fn session_finished(
        &self,
        event: &Event,
        failed: Option<PaymentFailed>,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let Some((session, _)) = self.own_session(event).await? else { return Ok(false) };
        match self.fulfilment.fulfil(&session, failed, now).await? {
            Outcome::Unknown => Err(unknown(session)),
            outcome => Ok(outcome != Outcome::Foreign),
        }
    }

    /// Removes a session that has ended from its cart, and records the cart as abandoned if it was. That it has ended, Stripe
    /// must say.
    async fn session_expired(&self, event: &Event, now: Timestamp) -> Result<bool, Error> {
        let Some((session, _)) = self.own_session(event).await? else { return Ok(false) };
        // Purchases read sessions too, and need the answer more.
        let expired = match self.stripe.giving_way().expired_session(&session).await {
            Ok(Some(expired)) => expired,
            Ok(None) => return Ok(true),
            Err(error) if error.is_missing() => return Err(unknown(session)),
            Err(error) => return Err(error.into()),
        };
        let Some(made_from) = expired.checkout() else { return Ok(false) };
        if !self.fulfilment.ownership().is_ours(&session, &made_from).await? {
            return Ok(false);
        }
        self.carts.record_expired(made_from.number, &session).await?;
        if expired.ran_out(event.created) {
            let recovery_url = expired.recovery_url().map(str::to_owned);
            let abandoned = Abandoned { session, cart: made_from.number, recovery_url };
            self.carts.record_abandoned(&abandoned, now).await?;
        }
        Ok(true)
    }

    /// Something happened to a payment: what became of its order is read at Stripe.
    async fn payment_changed(&self, event: &Event, now: Timestamp) -> Result<bool, Error> {
        let Some(payment_intent) = payment_of(event) else { return Ok(false) };
        let claim = event.checkout().map(|made_from| self.fulfilment.ownership().claim(&made_from));
        self.fulfilment.follow_payment(payment_intent, claim, now).await
    }

    /// The session that an event is about, if it is this shop's. Stripe is not asked about others.
    async fn own_session(&self, event: &Event) -> Result<Option<(SessionId, CheckoutMetadata)>, Error> {
        let Some((session, made_from)) = event.session() else { return Ok(None) };
        let ours = self.fulfilment.ownership().is_ours(&session, &made_from).await?;
        Ok(ours.then_some((session, made_from)))
    }
}

/// The payment that an event is about, if it is about one, or about its charge, a refund or a dispute.
pub(crate) fn payment_of(event: &Event) -> Option<&str> {
    let is_intent = event.kind.starts_with("payment_intent.");
    event.field(if is_intent { "id" } else { "payment_intent" })
}

/// Counts an event about a session that names this shop and that Stripe does not know: the key is probably another account's.
pub(crate) fn unknown(session: SessionId) -> Error {
    tally::count(Metric::SessionUnknown);
    Error::SessionUnknown(session)
}
