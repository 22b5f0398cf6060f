//! The Checkout Session of a cart.

use std::collections::BTreeMap;

use crate::{Expected, PriceId, SessionId, Timestamp};

/// A cart's *current session*: the Checkout Session whose page the shopper was last sent to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CurrentSession {
    /// The session's id at Stripe.
    pub id: SessionId,
    /// The version of the cart that the session was made from.
    pub version: u64,
    /// A digest of the parameters that the session was made with.
    pub parameters: String,
    /// When Stripe lets it expire; `None` once it has ended unpaid.
    ///
    /// A session that has ended is still remembered: the next one is made in its place, under another idempotency key.
    pub expires_at: Option<Timestamp>,
    /// The lines' own texts at that version. Sessions of version 0.1.0 have them here alone. The lines of later ones bear their
    /// texts; these are for functions of version 0.1.0 that run beside, and a store need not bring them back.
    pub descriptions: BTreeMap<PriceId, String>,
    /// Whether the shopper may change on Stripe's page what is bought: quantities, optional items, or an amount of their own
    /// choice.
    pub adjustable: bool,
    /// What is to be sold; `None` for a session from before this was recorded.
    pub expected: Option<Expected>,
}
