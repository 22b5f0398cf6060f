//! The whole bundle on a laptop: the API and the sample shop, DynamoDB, and a stand-in for Stripe.
//!
//! Nothing here decides anything: the endpoints are the very ones that run in AWS, routed as template.yaml says, on
//! tables defined as template.yaml says.

mod admin;
mod bus;
mod cors;
mod database;
mod error;
mod functions;
mod gateway;
mod stack;
mod storefront;
mod streams;
mod template;

pub use bus::Published;
pub use error::Error;
pub use stack::{Options, Stack, StripeAt};
pub use template::{Route, Table, Template};
