//! What is asked of Stripe about Checkout Sessions.

use cart::{Dispute, SessionId, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::reading::{IdOnly, lenient};
use super::{Expandable, PaymentIntent, Session};
use crate::products::Page;
use crate::{Error, Parameters, Stripe, api};

impl Stripe {
    /// Makes a Checkout Session; returns it, and Stripe's answer as it came.
    ///
    /// The same `key` with the same parameters makes one session however often it is called, within 24 hours.
    ///
    /// # Errors
    ///
    /// Stripe refuses the parameters, or fails.
    ///
    /// Source: <https://docs.stripe.com/api/idempotent_requests>
    pub async fn create_session(&self, parameters: &Parameters, key: &str) -> Result<(Session, Box<RawValue>), Error> {
        both(&self.send(api::create_session(parameters)?, Some(key)).await?)
    }

    /// The session with this id, with its payment; and Stripe's answer as it came.
    ///
    /// # Errors
    ///
    /// Stripe fails, or there is none: [`Error::is_missing`].
    pub async fn session(&self, id: &SessionId) -> Result<(Session, Box<RawValue>), Error> {
        let read_at = now();
        let (session, raw) = both(&self.send(api::session(id, &["payment_intent.latest_charge"]), None).await?)?;
        Ok((Session { read_at, ..session }, raw))
    }

    /// Expires an open session, so that it can no longer be paid.
    ///
    /// # Errors
    ///
    /// Stripe fails, or refuses because the session is not open: it may have been paid meanwhile.
    pub async fn expire_session(&self, id: &SessionId) -> Result<Session, Error> {
        // Expiring twice is as good as once, so it may be repeated: a key says so.
        self.call(api::expire_session(id), Some(&format!("expire-{id}"))).await
    }

    /// The session that a payment belongs to: in payment mode by itself, in subscription mode by the subscription whose
    /// first invoice it paid. Up to four requests.
    ///
    /// # Errors
    ///
    /// Stripe fails.
    pub async fn session_of_payment(&self, payment_intent: &str) -> Result<Option<Session>, Error> {
        let page: Page<Session> = self.call(api::session_of_payment(payment_intent), None).await?;
        if let Some(session) = page.data.into_iter().next() {
            return Ok(Some(session));
        }
        let page: Page<InvoicePayment> = match self.call(api::invoice_of_payment(payment_intent)?, None).await {
            Err(error) if error.is_forbidden() => {
                // Most likely it is none of ours: the index knows those of our subscriptions.
                tracing::error!(%error, payment_intent, "whose payment this is is not known: the key may not read invoices");
                return Ok(None);
            }
            page => page?,
        };
        let Some(invoice) = page.data.into_iter().next().and_then(|payment| payment.invoice) else { return Ok(None) };
        let invoice: Invoice = self.call(api::invoice(invoice.id()), None).await?;
        let Some(subscription) = invoice.subscription() else { return Ok(None) };
        let page: Page<Session> = self.call(api::session_of_subscription(subscription), None).await?;
        // Later invoices are no business of the order's.
        let paid_by = |session: &Session| session.invoice.as_ref().is_some_and(|first| first.id() == invoice.id);
        Ok(page.data.into_iter().find(paid_by))
    }

    /// The dispute about a payment that was opened last.
    ///
    /// # Errors
    ///
    /// Stripe fails, or the key may not read disputes: [`Error::is_forbidden`].
    pub async fn latest_dispute(&self, payment_intent: &str) -> Result<Option<Dispute>, Error> {
        let page: Page<PaymentDispute> = self.call(api::disputes_of_payment(payment_intent)?, None).await?;
        Ok(page.data.into_iter().max_by_key(|dispute| dispute.created).map(Dispute::from))
    }

    /// Whether money is on its way back to the buyer of a payment, and may yet come back to the shop.
    ///
    /// # Errors
    ///
    /// Stripe fails, or the key may not read refunds: [`Error::is_forbidden`].
    ///
    /// Source: <https://docs.stripe.com/api/refunds/object#refund_object-status>
    pub async fn has_pending_refund(&self, payment_intent: &str) -> Result<bool, Error> {
        let page: Page<Refund> = self.call(api::refunds_of_payment(payment_intent)?, None).await?;
        Ok(page.data.iter().any(|refund| ["pending", "requires_action"].contains(&refund.status.as_str())))
    }

    /// A page of the sessions that were created at `since` or later and that shoppers have finished, newest first, each
    /// with its payment, or without it where the key may not read it.
    ///
    /// # Errors
    ///
    /// Stripe fails.
    pub async fn finished_sessions(&self, since: Timestamp, after: Option<&SessionId>) -> Result<Page<Session>, Error> {
        let read_at = now();
        let mut page: Page<Session> = match self.call(api::finished_sessions(since, after, true), None).await {
            Err(error) if error.is_forbidden() => self.call(api::finished_sessions(since, after, false), None).await?,
            page => page?,
        };
        for session in &mut page.data {
            session.read_at = read_at;
        }
        Ok(page)
    }
}

/// When a request is sent: what Stripe answers was true then or later.
#[expect(
    clippy::disallowed_methods,
    reason = "a reading counts from when it was asked for, however long the request took"
)]
pub(super) fn now() -> Timestamp {
    Timestamp::now()
}

/// A dispute.
#[derive(Debug, Deserialize)]
struct PaymentDispute {
    #[serde(default)]
    id: Option<String>,
    created: i64,
    amount: i64,
    currency: String,
    status: String,
    #[serde(default, deserialize_with = "lenient")]
    reason: String,
    #[serde(default, deserialize_with = "lenient")]
    evidence_details: EvidenceDetails,
}

#[derive(Debug, Default, Deserialize)]
struct EvidenceDetails {
    #[serde(default)]
    due_by: Option<i64>,
}

impl From<PaymentDispute> for Dispute {
    fn from(dispute: PaymentDispute) -> Self {
        let PaymentDispute { id, amount, currency, status, reason, evidence_details, .. } = dispute;
        Self { id, status, amount, currency, reason, due_by: evidence_details.due_by }
    }
}

/// Money that goes back to the buyer.
#[derive(Debug, Deserialize)]
struct Refund {
    #[serde(default, deserialize_with = "lenient")]
    status: String,
}

/// A payment of an invoice.
#[derive(Debug, Deserialize)]
pub(super) struct InvoicePayment {
    #[serde(default)]
    invoice: Option<Expandable<IdOnly>>,
    #[serde(default)]
    pub(super) payment: Option<InvoicePaymentMeans>,
}

#[derive(Debug, Deserialize)]
pub(super) struct InvoicePaymentMeans {
    #[serde(default)]
    pub(super) payment_intent: Option<Expandable<PaymentIntent>>,
}

/// An invoice, as far as it leads to a subscription.
#[derive(Debug, Deserialize)]
struct Invoice {
    id: String,
    #[serde(default)]
    parent: Option<InvoiceParent>,
    /// Until 2025.
    #[serde(default)]
    subscription: Option<Expandable<IdOnly>>,
}

#[derive(Debug, Deserialize)]
struct InvoiceParent {
    #[serde(default)]
    subscription_details: Option<SubscriptionDetails>,
}

#[derive(Debug, Deserialize)]
struct SubscriptionDetails {
    #[serde(default)]
    subscription: Option<Expandable<IdOnly>>,
}

impl Invoice {
    fn subscription(&self) -> Option<&str> {
        let details = self.parent.as_ref().and_then(|parent| parent.subscription_details.as_ref());
        let subscription = details.and_then(|details| details.subscription.as_ref()).or(self.subscription.as_ref());
        subscription.map(Expandable::id)
    }
}

fn both(bytes: &[u8]) -> Result<(Session, Box<RawValue>), Error> {
    Ok((crate::client::read(bytes)?, crate::client::read(bytes)?))
}
