//! API Gateway's side of a function: who asks, what the body says, how an answer looks, what becomes of an error.
//!
//! An endpoint is a value with a method that turns a request into a response or an [`Error`]; [`run`] serves it as a
//! Lambda function, and [`answer`] is what it does for each request.

mod answer;
mod cookies;
mod endpoint;
mod entity_tags;
mod error;
mod event;
mod format;
mod host;
mod json;
mod lambda;
mod log;
mod origins;
mod request;
mod shop;
mod shopper;
mod start;
mod views;
mod wire;

pub use answer::{Answer, Response};
pub use endpoint::{Endpoint, answer, invocation};
pub use error::{Error, upstream};
pub use event::request as request_of_event;
pub use lambda::{run, run_with_secrets};
pub use log::{LOG_TARGETS, Log, subscriber};
pub use origins::AllowedOrigins;
pub use request::Request;
pub use shop::Shop;
pub use start::{StartError, start_with_secrets, start_without_tables};
pub use views::PriceChangeView;
pub use wire::{AddBody, AnonymiseBody, CheckoutBody, ClearBody, EmptyBody, UpdateBody, UpdateLine};

/// The present time. It enters here; from here on it is passed as a value.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the edge")]
pub fn now() -> cart::Timestamp {
    cart::Timestamp::now()
}
