//! The sandbox over HTTP, as a shop and a shopper use it.

#![expect(clippy::unwrap_used, reason = "a test's helper has nobody to hand an error to")]

mod api;
mod catalogue;
mod checkout;
mod client;
mod page;
mod refusals;
mod webhooks;
