//! The bundle over HTTP: one module per endpoint, and one per promise.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that panics fails, as it should")]

mod add;
mod arrivals;
mod checkout;
mod clear;
mod concurrency;
mod economy;
mod faults;
mod fulfilment;
mod get;
mod idempotency;
mod limits;
mod order;
mod products;
mod repairs;
mod shop;
mod tokens;
mod update;
mod webhooks;
mod wire;
