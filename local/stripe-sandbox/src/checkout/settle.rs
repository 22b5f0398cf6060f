//! A delayed payment ends.

use crate::payments::{intents, subscriptions};
use crate::protocol::refusal::Refusal;
use crate::session::{Outcome, PaymentStatus};
use crate::state::State;

/// Ends a delayed payment.
///
/// # Errors
///
/// Refuses sessions that wait for no payment.
pub(crate) fn settle(state: &mut State, id: &str, outcome: Outcome) -> Result<(), Refusal> {
    let mut session = state.sessions.found(id)?.clone();
    let waiting = intents::waiting(state, &session);
    let Some(intent) = waiting else {
        return Err(Refusal::invalid("session", "This session waits for no payment."));
    };
    intents::settle(state, &intent, outcome);
    if outcome == Outcome::Succeeded {
        session.payment_status = PaymentStatus::Paid;
    }
    if let Some(invoice) = &session.invoice {
        subscriptions::settle(state, invoice, outcome);
    }
    state.sessions.put(session.clone());
    let kind = match outcome {
        Outcome::Succeeded => "checkout.session.async_payment_succeeded",
        Outcome::Failed => "checkout.session.async_payment_failed",
    };
    let object = session.render(state);
    state.emit(kind, object, None);
    Ok(())
}
