//! What is asked of Stripe about Checkout Sessions.

use cart::{SessionId, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::reading::IdOnly;
use super::{Expandable, LineItem, Mode, PaymentIntent, Session};
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
        both(&self.send(api::session(id), None).await?)
    }

    /// All lines of a session, however many pages they fill.
    ///
    /// # Errors
    ///
    /// Stripe fails, or there is no such session.
    pub async fn line_items(&self, session: &SessionId) -> Result<Vec<LineItem>, Error> {
        let mut lines: Vec<LineItem> = Vec::new();
        loop {
            let request = api::line_items(session, lines.last().map(|last| last.id.as_str()));
            let page: Page<LineItem> = self.call(request, None).await?;
            let ends = !page.has_more || page.data.is_empty();
            lines.extend(page.data);
            if ends {
                return Ok(lines);
            }
        }
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
        let page: Page<InvoicePayment> = self.call(api::invoice_of_payment(payment_intent)?, None).await?;
        let Some(invoice) = page.data.into_iter().next().and_then(|payment| payment.invoice) else { return Ok(None) };
        let invoice: Invoice = self.call(api::invoice(invoice.id()), None).await?;
        let Some(subscription) = invoice.subscription() else { return Ok(None) };
        let page: Page<Session> = self.call(api::session_of_subscription(subscription), None).await?;
        // Later invoices are no business of the order's.
        let paid_by = |session: &Session| session.invoice.as_ref().is_some_and(|first| first.id() == invoice.id);
        Ok(page.data.into_iter().find(paid_by))
    }

    /// What was paid back so far of a session: in subscription mode, of its first invoice, which is one more request.
    ///
    /// # Errors
    ///
    /// Stripe fails.
    pub async fn refunded(&self, session: &Session) -> Result<i64, Error> {
        let (Mode::Subscription, Some(invoice)) = (session.mode, &session.invoice) else {
            return Ok(session.refunded());
        };
        let page: Page<InvoicePayment> = self.call(api::payments_of_invoice(invoice.id())?, None).await?;
        let refunded = |payment: &InvoicePayment| {
            Some(payment.payment.as_ref()?.payment_intent.as_ref()?.object()?.charge()?.amount_refunded)
        };
        Ok(page.data.iter().filter_map(refunded).sum())
    }

    /// A page of the sessions that were created at `since` or later and that shoppers have finished, newest first, each
    /// with its payment.
    ///
    /// # Errors
    ///
    /// Stripe fails.
    pub async fn finished_sessions(&self, since: Timestamp, after: Option<&SessionId>) -> Result<Page<Session>, Error> {
        self.call(api::finished_sessions(since, after), None).await
    }
}

/// A payment of an invoice.
#[derive(Debug, Deserialize)]
struct InvoicePayment {
    #[serde(default)]
    invoice: Option<Expandable<IdOnly>>,
    #[serde(default)]
    payment: Option<InvoicePaymentMeans>,
}

#[derive(Debug, Deserialize)]
struct InvoicePaymentMeans {
    #[serde(default)]
    payment_intent: Option<Expandable<PaymentIntent>>,
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
