//! Requests about Checkout Sessions, about the invoices that lead to them, and about disputes.

use cart::{SessionId, Timestamp};
use serde::Serialize;
use serde_json::json;
use stripe_checkout::checkout_session::{
    ExpireCheckoutSession, ListCheckoutSession, ListLineItemsCheckoutSession, RetrieveCheckoutSession,
};
use stripe_client_core::StripeRequest as _;
use stripe_shared::CheckoutSessionStatus;
use stripe_types::{RangeBoundsTs, RangeQueryTs};

use super::{PER_PAGE, Request, form_of, segment};
use crate::Error;

/// A new session.
///
/// # Errors
///
/// [`Error::Unwritable`] where the parameters cannot be written as a form.
pub(crate) fn create_session(parameters: &impl Serialize) -> Result<Request, Error> {
    Request::post("/checkout/sessions", parameters)
}

/// A session with what stands under these paths.
pub(crate) fn session(id: &SessionId, expanded: &[&str]) -> Request {
    let mut request = RetrieveCheckoutSession::new(id.as_str());
    // Stripe takes no empty list.
    if !expanded.is_empty() {
        request = request.expand(owned(expanded));
    }
    request.build().into()
}

/// A session without its payment.
pub(crate) fn session_alone(id: &SessionId) -> Request {
    RetrieveCheckoutSession::new(id.as_str()).build().into()
}

/// A page of a session's lines, with what stands under these paths.
pub(crate) fn line_items(session: &SessionId, expanded: &[&str], after: Option<&str>) -> Request {
    let mut request = ListLineItemsCheckoutSession::new(session.as_str()).limit(PER_PAGE);
    if !expanded.is_empty() {
        request = request.expand(owned(expanded));
    }
    if let Some(after) = after {
        request = request.starting_after(after);
    }
    request.build().into()
}

/// The end of an open session.
pub(crate) fn expire_session(id: &SessionId) -> Request {
    ExpireCheckoutSession::new(id.as_str()).build().into()
}

/// The session that a payment intent was made by, as a page.
pub(crate) fn session_of_payment(payment_intent: &str) -> Request {
    ListCheckoutSession::new().payment_intent(payment_intent).limit(1).build().into()
}

/// The session that a subscription was made by, as a page.
pub(crate) fn session_of_subscription(subscription: &str) -> Request {
    ListCheckoutSession::new().subscription(subscription).limit(1).build().into()
}

/// A page of the sessions that were created at `since` or later and that buyers have finished, with
/// their payments where these are `expanded`.
pub(crate) fn finished_sessions(since: Timestamp, after: Option<&SessionId>, expanded: bool) -> Request {
    let since = RangeBoundsTs { gte: Some(since.as_second()), ..RangeBoundsTs::default() };
    let mut request = ListCheckoutSession::new()
        .status(CheckoutSessionStatus::Complete)
        .created(RangeQueryTs::Bounds(since))
        .limit(PER_PAGE);
    if expanded {
        request = request.expand(["data.payment_intent.latest_charge".to_owned()]);
    }
    if let Some(after) = after {
        request = request.starting_after(after.as_str());
    }
    request.build().into()
}

/// An invoice.
pub(crate) fn invoice(id: &str) -> Request {
    Request::get(format!("/invoices/{}", segment(id)))
}

/// The payment of an invoice that a payment intent stands behind, as a page.
///
/// # Errors
///
/// [`Error::Unwritable`] where the id cannot be written as a query.
pub(crate) fn invoice_of_payment(payment_intent: &str) -> Result<Request, Error> {
    let payment = json!({ "type": "payment_intent", "payment_intent": payment_intent });
    invoice_payments(&json!({ "payment": payment, "limit": 1 }))
}

/// The payments of an invoice with what stands under these paths, as a page.
///
/// # Errors
///
/// [`Error::Unwritable`] where the id cannot be written as a query.
pub(crate) fn payments_of_invoice(invoice: &str, expanded: &[&str]) -> Result<Request, Error> {
    let mut query = json!({ "invoice": invoice, "limit": PER_PAGE });
    if !expanded.is_empty() {
        query["expand"] = json!(expanded);
    }
    invoice_payments(&query)
}

/// The disputes about a payment, as a page.
///
/// # Errors
///
/// [`Error::Unwritable`] where the id cannot be written as a query.
pub(crate) fn disputes_of_payment(payment_intent: &str) -> Result<Request, Error> {
    let query = json!({ "payment_intent": payment_intent, "limit": PER_PAGE });
    Ok(Request { query: Some(form_of(&query)?), ..Request::get("/disputes") })
}

/// A page of the refunds of a payment, newest first.
///
/// # Errors
///
/// [`Error::Unwritable`] where the id cannot be written as a query.
pub(crate) fn refunds_of_payment(payment_intent: &str) -> Result<Request, Error> {
    let query = json!({ "payment_intent": payment_intent, "limit": PER_PAGE });
    Ok(Request { query: Some(form_of(&query)?), ..Request::get("/refunds") })
}

fn owned(paths: &[&str]) -> Vec<String> {
    paths.iter().map(|&path| path.to_owned()).collect()
}

fn invoice_payments(query: &impl Serialize) -> Result<Request, Error> {
    Ok(Request { query: Some(form_of(query)?), ..Request::get("/invoice_payments") })
}
