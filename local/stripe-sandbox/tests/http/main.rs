//! The sandbox over HTTP, as a shop and a shopper use it.

#![expect(clippy::unwrap_used, reason = "a test's helper fails with its test")]

mod after_payment;
mod catalogue;
mod checkout;
mod conformance;
mod currencies;
mod definitions;
mod envelope;
mod kept;
mod overview;
mod page;
mod promotion_codes;
mod refunds;
mod refusals;
mod schema;
mod stripe;
mod webhooks;
