//! The bundle over HTTP: one module per endpoint, and one per promise.

mod add;
mod checkout;
mod clear;
mod concurrency;
mod fulfilment;
mod get;
mod order;
mod products;
mod shop;
mod tokens;
mod update;
mod webhooks;
