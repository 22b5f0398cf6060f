//! The bundle over HTTP: one module per endpoint, and one per promise.

#![expect(clippy::disallowed_methods, reason = "a test says itself what time it is")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that panics fails, as it should")]
#![expect(clippy::needless_pass_by_value, reason = "test verbs take literals")]

mod add;
mod admin_orders;
mod after_payment;
mod anonymise;
mod answers;
mod arrivals;
mod bad_input;
mod bounds;
mod bus;
mod catalogue;
mod checkout;
mod clear;
mod clock;
mod complete_order;
mod concurrency;
mod contract;
mod currencies;
mod economy;
mod endpoints;
mod events;
mod every_cart;
mod faults;
mod foreign_pages;
mod frozen;
mod fulfilment;
mod get;
mod http;
mod idempotency;
mod landing;
mod large_product;
mod left_out;
mod limits;
mod lines;
mod log;
mod missed;
mod money;
mod old_ids;
mod order;
mod order_index;
mod ownership;
mod partly;
mod pay_what_you_want;
mod price_changes;
mod products;
mod promotion_codes;
mod published;
mod quantities;
mod reads;
mod refusals;
mod repairs;
mod restart;
mod secrets;
mod settings;
mod succession;
mod sync;
mod tokens;
mod update;
mod variants;
mod webhooks;
