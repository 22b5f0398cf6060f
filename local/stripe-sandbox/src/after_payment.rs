//! What happens after a payment, as a test has it happen.

use crate::payments::{disputes, intents, refunds};
use crate::protocol::refusal::Refusal;
use crate::session::Outcome;
use crate::state::Cause;
use crate::{Sandbox, checkout};

/// A session that waits for no payment, or is not there at all.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotSettled(String);

/// The object is not there, or is past the state in which this can happen to it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotPossible(String);

impl From<Refusal> for NotPossible {
    fn from(refusal: Refusal) -> Self {
        Self(refusal.to_string())
    }
}

impl Sandbox {
    /// Ends the delayed payment of a session.
    ///
    /// # Errors
    ///
    /// [`NotSettled`] when the session waits for no payment.
    pub fn settle(&self, session_id: &str, succeeded: bool) -> Result<(), NotSettled> {
        let outcome = if succeeded { Outcome::Succeeded } else { Outcome::Failed };
        self.shared
            .step(Cause::default(), |state| checkout::settle(state, session_id, outcome))
            .map_err(|refusal| NotSettled(refusal.to_string()))
    }

    /// Ends the hold of a payment that waits for its capture, as seven days do.
    ///
    /// # Errors
    ///
    /// [`NotPossible`] when there is no such payment, or it is not held.
    pub fn expire_hold(&self, payment_intent: &str) -> Result<(), NotPossible> {
        Ok(self.look(|state| intents::expire_hold(state, payment_intent))?)
    }

    /// Ends a refund that is on its way, because the account had no money for it.
    ///
    /// # Errors
    ///
    /// [`NotPossible`] when there is no such refund, or it is not on its way.
    pub fn complete_refund(&self, id: &str) -> Result<(), NotPossible> {
        Ok(self.look(|state| refunds::complete(state, id))?)
    }

    /// Fails a refund that had succeeded or was on its way, as a bank can days later.
    ///
    /// # Errors
    ///
    /// [`NotPossible`] when there is no such refund, or it has failed already.
    pub fn fail_refund(&self, id: &str) -> Result<(), NotPossible> {
        Ok(self.look(|state| refunds::fail(state, id))?)
    }

    /// Disputes what is left of a payment, and gives the dispute's id. A bank debit is lost at once.
    ///
    /// # Errors
    ///
    /// [`NotPossible`] when the payment has no charge to dispute.
    pub fn dispute(&self, payment_intent: &str) -> Result<String, NotPossible> {
        Ok(self.look(|state| disputes::open(state, payment_intent))?)
    }

    /// Sends evidence to the bank, as the shop does in the dashboard.
    ///
    /// # Errors
    ///
    /// [`NotPossible`] when there is no such dispute, or it waits for no answer.
    pub fn answer_dispute(&self, id: &str) -> Result<(), NotPossible> {
        Ok(self.look(|state| disputes::answer(state, id))?)
    }

    /// Has the bank decide a dispute.
    ///
    /// # Errors
    ///
    /// [`NotPossible`] when there is no such dispute, or it is decided.
    pub fn close_dispute(&self, id: &str, is_won: bool) -> Result<(), NotPossible> {
        self.look(|state| disputes::close(state, id, is_won))?;
        Ok(())
    }
}
