//! Data outlives code: what an earlier version stored and began, this version reads and finishes.
//!
//! Each folder beside this file holds the data of one version. Its README.md says what is in it and how it was made.

#![expect(clippy::disallowed_methods, reason = "a test says itself what time it is")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that panics fails, as it should")]

mod carts;
mod catalog;
mod checkout;
mod orders;
mod shop;
mod snapshot;
mod stripe;
mod template;
