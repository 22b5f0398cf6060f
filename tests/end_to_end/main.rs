//! The bundle over HTTP: one module per endpoint, and one per promise.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that panics fails, as it should")]
#![expect(clippy::needless_pass_by_value, reason = "test verbs take literals")]

mod add;
mod bad_input;
mod checkout;
mod clear;
mod concurrency;
mod contract;
mod events;
mod fulfilment;
mod get;
mod log;
mod order;
mod products;
mod shop;
mod threats;
mod tokens;
mod update;
mod webhooks;
