//! A session is paid, at once or with the money to come.

use serde_json::{Value, json};

use super::answers::Answers;
use super::discounts::promotion;
use crate::payments::{customers, intents, invoices, subscriptions};
use crate::protocol::json_text;
use crate::protocol::refusal::Refusal;
use crate::session::{Payment, PaymentStatus, Session, Status};
use crate::state::State;

/// Completes a session, if it is open and the answers will do.
///
/// # Errors
///
/// The refusal's message is for the shopper; the session stays open then.
pub(crate) fn pay(state: &mut State, id: &str, answers: &Answers, payment: Payment) -> Result<Session, Refusal> {
    let mut session = answered(state, id, answers)?;
    if payment == Payment::Later && !session.takes_delayed_methods() {
        return Err(Refusal::invalid("payment_method", "This shop takes no payment method whose money comes later."));
    }
    redeem(state, &session);
    let nothing_due = session.totals().total == 0;
    let wants_customer = nothing_due || session.makes_customer();
    match &session.customer {
        Some(customer) => customers::update(state, customer, &session),
        None if wants_customer => session.customer = Some(customers::create(state, &session)),
        None => {}
    }
    session.payment_status = payment_status(&session, payment);
    session.status = Status::Complete;
    let intent = (!nothing_due).then(|| intents::create(state, &session, payment));
    if session.is_recurring() {
        subscriptions::create(state, &mut session, intent);
    } else {
        session.payment_intent = intent;
        if session.wants_invoice() {
            invoices::create_for_payment(state, &mut session);
        }
    }
    state.sessions.put(session.clone());
    let object = session.render(state);
    state.emit("checkout.session.completed", object, None);
    Ok(session)
}

/// The open session as the answers have it, if it can be paid so.
fn answered(state: &State, id: &str, answers: &Answers) -> Result<Session, Refusal> {
    let mut session = state.sessions.found(id)?.clone();
    if !session.is_open() {
        return Err(Refusal::invalid("session", format!("This session is {}.", session.status.name())));
    }
    answers.apply(state, &mut session)?;
    answers.check(&session)?;
    session.answer_fields(&answers.custom_fields)?;
    session.check_total()?;
    // A line that the shopper reduced to nothing is not bought.
    session.lines.retain(|line| line.quantity != Some(0));
    if let Some(code) = session.discount.as_ref().and_then(|discount| discount.promotion_code.as_ref()) {
        // Another shopper may have redeemed it since.
        let code = state.promotion_codes.found(json_text(&code["id"]))?;
        promotion(state, &session, code, "promotion_code")?;
    }
    session.customer_details = answers.details(&session);
    if session.asks_for_shipping() {
        session.shipping_details = json!({ "address": answers.shipping_address, "name": answers.shipping_name });
    }
    Ok(session)
}

fn payment_status(session: &Session, payment: Payment) -> PaymentStatus {
    if session.totals().total == 0 {
        return PaymentStatus::NotRequired;
    }
    let manual = session.params["payment_intent_data"]["capture_method"] == "manual";
    match payment {
        Payment::Now if !manual => PaymentStatus::Paid,
        Payment::Now | Payment::Later => PaymentStatus::Unpaid,
    }
}

/// Counts the use of the session's coupon and promotion code.
fn redeem(state: &mut State, session: &Session) {
    let Some(discount) = &session.discount else { return };
    let again = |object: &Value| {
        let mut object = object.clone();
        object["times_redeemed"] = json!(object["times_redeemed"].as_i64().unwrap_or(0).saturating_add(1));
        object
    };
    let id = json_text(&discount.coupon["id"]);
    if let Some(coupon) = state.coupons.get(id).map(again) {
        state.coupons.put(id, coupon);
    }
    let Some(code) = &discount.promotion_code else { return };
    let id = json_text(&code["id"]);
    if let Some(code) = state.promotion_codes.get(id).map(again) {
        state.promotion_codes.put(id, code);
    }
}
