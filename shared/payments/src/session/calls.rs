//! What is asked of Stripe about Checkout Sessions.

use cart::{SessionId, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use stripe_checkout::checkout_session::{
    ExpireCheckoutSession, ListCheckoutSession, ListLineItemsCheckoutSession, RetrieveCheckoutSession,
};
use stripe_client_core::{RequestBuilder, StripeMethod, StripeRequest as _};
use stripe_shared::CheckoutSessionStatus;
use stripe_types::{RangeBoundsTs, RangeQueryTs};

use super::reading::Named;
use super::{Expandable, LineItem, Mode, PaymentIntent, Session};
use crate::products::Page;
use crate::{Error, Parameters, Stripe};

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
        let request = RequestBuilder::new(StripeMethod::Post, "/checkout/sessions").form(parameters.as_value());
        both(&self.send(request, Some(key)).await?)
    }

    /// The session with this id, with its payment; and Stripe's answer as it came.
    ///
    /// # Errors
    ///
    /// Stripe fails, or there is none: [`Error::is_missing`].
    pub async fn session(&self, id: &SessionId) -> Result<(Session, Box<RawValue>), Error> {
        let request =
            RetrieveCheckoutSession::new(id.as_str()).expand(["payment_intent.latest_charge".to_owned()]).build();
        both(&self.send(request, None).await?)
    }

    /// All lines of a session, however many pages they fill.
    ///
    /// # Errors
    ///
    /// Stripe fails, or there is no such session.
    pub async fn line_items(&self, session: &SessionId) -> Result<Vec<LineItem>, Error> {
        let mut lines: Vec<LineItem> = Vec::new();
        loop {
            let mut request = ListLineItemsCheckoutSession::new(session.as_str()).limit(100);
            if let Some(last) = lines.last() {
                request = request.starting_after(last.id.clone());
            }
            let page: Page<LineItem> = self.call(request.build(), None).await?;
            let ends = !page.has_more || page.data.is_empty();
            lines.extend(page.data);
            if ends {
                return Ok(lines);
            }
        }
    }

    /// Expires an open session, so that nobody can pay it any more.
    ///
    /// # Errors
    ///
    /// Stripe fails, or refuses because the session is not open: it may have been paid meanwhile.
    pub async fn expire_session(&self, id: &SessionId) -> Result<Session, Error> {
        // Expiring twice is as good as once, so it may be repeated: a key says so.
        self.call(ExpireCheckoutSession::new(id.as_str()).build(), Some(&format!("expire-{id}"))).await
    }

    /// The session that a payment belongs to: in payment mode by itself, in subscription mode by the subscription whose
    /// first invoice it paid. Up to three requests.
    ///
    /// # Errors
    ///
    /// Stripe fails.
    pub async fn session_of_payment(&self, payment_intent: &str) -> Result<Option<Session>, Error> {
        let request = ListCheckoutSession::new().payment_intent(payment_intent).limit(1).build();
        let page: Page<Session> = self.call(request, None).await?;
        if let Some(session) = page.data.into_iter().next() {
            return Ok(Some(session));
        }
        let query = json!({ "payment": { "type": "payment_intent", "payment_intent": payment_intent }, "limit": 1 });
        let page: Page<InvoicePayment> = self.call(invoice_payments(&query), None).await?;
        let Some(invoice) = page.data.into_iter().next().and_then(|payment| payment.invoice) else { return Ok(None) };
        let request = RequestBuilder::new(StripeMethod::Get, format!("/invoices/{}", invoice.id()));
        let invoice: Invoice = self.call(request, None).await?;
        let Some(subscription) = invoice.subscription() else { return Ok(None) };
        let request = ListCheckoutSession::new().subscription(subscription).limit(1).build();
        let page: Page<Session> = self.call(request, None).await?;
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
        let expanded = "data.payment.payment_intent.latest_charge";
        let query = json!({ "invoice": invoice.id(), "expand": [expanded], "limit": 100 });
        let page: Page<InvoicePayment> = self.call(invoice_payments(&query), None).await?;
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
        let since = RangeBoundsTs { gte: Some(since.as_second()), ..RangeBoundsTs::default() };
        let mut request = ListCheckoutSession::new()
            .status(CheckoutSessionStatus::Complete)
            .created(RangeQueryTs::Bounds(since))
            .expand(["data.payment_intent.latest_charge".to_owned()])
            .limit(100);
        if let Some(after) = after {
            request = request.starting_after(after.as_str());
        }
        self.call(request.build(), None).await
    }
}

/// A payment of an invoice.
#[derive(Debug, Deserialize)]
struct InvoicePayment {
    #[serde(default)]
    invoice: Option<Expandable<Named>>,
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
    subscription: Option<Expandable<Named>>,
}

#[derive(Debug, Deserialize)]
struct InvoiceParent {
    #[serde(default)]
    subscription_details: Option<SubscriptionDetails>,
}

#[derive(Debug, Deserialize)]
struct SubscriptionDetails {
    #[serde(default)]
    subscription: Option<Expandable<Named>>,
}

impl Invoice {
    fn subscription(&self) -> Option<&str> {
        let details = self.parent.as_ref().and_then(|parent| parent.subscription_details.as_ref());
        let subscription = details.and_then(|details| details.subscription.as_ref()).or(self.subscription.as_ref());
        subscription.map(Expandable::id)
    }
}

fn invoice_payments(query: &Value) -> RequestBuilder {
    RequestBuilder::new(StripeMethod::Get, "/invoice_payments").query(query)
}

fn both(bytes: &[u8]) -> Result<(Session, Box<RawValue>), Error> {
    Ok((crate::client::read(bytes)?, crate::client::read(bytes)?))
}
