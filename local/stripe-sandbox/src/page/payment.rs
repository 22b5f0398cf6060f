//! A session's payment, as the overview shows it.

use serde_json::Value;

use crate::payments::{disputes, intents};
use crate::protocol::json_text;
use crate::session::Session;
use crate::state::State;

/// A payment with its charge, and what can happen to it now.
pub(super) struct Payment<'a> {
    pub(super) intent: &'a Value,
    pub(super) charge: &'a Value,
    pub(super) refunds: Vec<&'a Value>,
    pub(super) disputes: Vec<&'a Value>,
    /// When the hold ends, if there is one.
    pub(super) held_until: i64,
    /// How much the shop can give back, or a bank can take back.
    pub(super) left: i64,
}

impl<'a> Payment<'a> {
    /// The payment of a session; `None` where there is none yet, or nothing was to be paid.
    pub(super) fn of(state: &'a State, session: &Session) -> Option<Self> {
        let intent = intents::of_session(state, session)?;
        let charge = state.charges.get(json_text(&intent["latest_charge"]))?;
        let own = |object: &&Value| object["charge"] == charge["id"];
        let held = state.holds.iter().find(|(_, id)| intent["id"] == **id);
        Some(Self {
            intent,
            charge,
            refunds: state.refunds.newest().map(|(_, refund)| refund).filter(own).collect(),
            disputes: state.disputes.newest().map(|(_, dispute)| dispute).filter(own).collect(),
            held_until: held.map_or(0, |(until, _)| *until),
            left: disputes::disputable(state, charge),
        })
    }

    /// Whether the money is on its way.
    pub(super) fn is_waiting(&self) -> bool {
        self.intent["status"] == "processing"
    }

    /// Whether the money is held and not taken.
    pub(super) fn is_held(&self) -> bool {
        self.intent["status"] == "requires_capture"
    }

    /// What the shop has taken.
    pub(super) fn captured(&self) -> i64 {
        self.amount("amount_captured")
    }

    /// What the shop has given back: the rest of a partial capture was never taken.
    pub(super) fn given(&self) -> i64 {
        (self.amount("amount_refunded") - (self.amount("amount") - self.captured())).max(0)
    }

    fn amount(&self, name: &str) -> i64 {
        self.charge[name].as_i64().unwrap_or(0)
    }
}
