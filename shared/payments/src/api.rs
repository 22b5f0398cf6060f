//! What can be asked of Stripe: the one module that knows async-stripe.
//!
//! A change of Stripe's API breaks this module at compile time, or its tests, and nothing else.

mod events;
mod named;
mod products;
mod sessions;
#[cfg(test)]
mod typed_sessions;
mod webhook_endpoints;
mod words;

use std::fmt::Write as _;

use http::Method;
use serde::Serialize;
use stripe_client_core::{RequestBuilder, StripeMethod};

pub(crate) use events::events;
pub(crate) use named::named;
pub(crate) use products::{price, price_with_product, prices, product, products, promotion_codes};
pub(crate) use sessions::{
    create_session, disputes_of_payment, expire_session, finished_sessions, invoice, invoice_of_payment, line_items,
    payments_of_invoice, refunds_of_payment, session, session_alone, session_of_payment, session_of_subscription,
};
pub(crate) use webhook_endpoints::webhook_endpoints;
pub(crate) use words::{
    is_billing_address_collection, is_capture_method, is_locale, is_payment_method, is_shipping_country,
    is_submit_type_of_payment,
};

use crate::Error;

/// A request to Stripe.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// Under the version of the API: `/prices/price_mug`.
    pub(crate) path: String,
    /// What is asked for, encoded.
    pub(crate) query: Option<String>,
    /// What is sent, as a form.
    pub(crate) form: Option<String>,
}

/// The version of Stripe's API that requests and answers are of.
pub(crate) fn version() -> &'static str {
    stripe_client_core::VERSION.as_str()
}

/// The most objects that Stripe puts on one page.
///
/// Source: <https://docs.stripe.com/api/pagination>
const PER_PAGE: i64 = 100;

/// The deepest nesting of a form: more than any of Stripe's parameters has.
const DEPTH: usize = 16;

impl Request {
    fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), query: None, form: None }
    }

    fn post(path: impl Into<String>, form: &impl Serialize) -> Result<Self, Error> {
        Ok(Self { method: Method::POST, path: path.into(), query: None, form: Some(form_of(form)?) })
    }
}

impl From<RequestBuilder> for Request {
    fn from(request: RequestBuilder) -> Self {
        let method = match request.method {
            StripeMethod::Get => Method::GET,
            StripeMethod::Post => Method::POST,
            StripeMethod::Delete => Method::DELETE,
        };
        Self { method, path: request.path, query: request.query, form: request.body }
    }
}

/// An id as one segment of a path. Merchants choose the ids of coupons, and once chose those of prices and products.
///
/// Source: <https://www.rfc-editor.org/rfc/rfc3986#section-2.3>
fn segment(id: &str) -> String {
    let mut segment = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            segment.push(char::from(byte));
        } else {
            // Writing into a text cannot fail.
            let _ = write!(segment, "%{byte:02X}");
        }
    }
    segment
}

/// A value as Stripe reads it, with brackets for what is nested.
fn form_of(value: &impl Serialize) -> Result<String, Error> {
    let form = serde_qs::Config::new().max_depth(DEPTH).serialize_string(value);
    form.map_err(|error| Error::Unwritable { reason: error.to_string() })
}
