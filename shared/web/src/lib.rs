//! API Gateway's side of a function: who asks, what the body says, how an answer looks, what becomes of an error.
//!
//! An endpoint is a value with a method that turns a request into a response or an [`Error`]; [`run`] serves it as a
//! Lambda function, and [`answer`] is what it does for each request.

mod caller;
mod endpoint;
mod error;
mod format;
mod json;
mod lambda;
mod log;
mod setup;
mod shop;
mod terms;
mod views;
mod wire;

pub use caller::{Caller, base_url, preferred_currency};
pub(crate) use endpoint::header;
pub use endpoint::{Endpoint, Request, Response, answer, cacheable, invocation, json, query, redirect};
pub use error::{Error, upstream};
pub use format::Formatter;
pub use lambda::{run, run_with_secrets};
pub use lambda_http::http::StatusCode;
pub use log::{Log, subscriber};
pub use setup::{Setup, StartError, start_with_secrets};
pub use shop::Shop;
pub use terms::Terms;
pub use views::cart::{cart_answer, no_cart};
pub use wire::read;
pub use wire::requests::{AddBody, CheckoutBody, NoBody, UpdateBody};
