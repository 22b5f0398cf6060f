//! Payments (<https://docs.stripe.com/api/payment_intents>).

use serde_json::{Value, json};

use super::{charges, invoices, subscriptions};
use crate::endpoint::{Answer, Request, Route, matches, retrieve};
use crate::protocol::parameters::Definitions;
use crate::protocol::refusal::Refusal;
use crate::protocol::template::Template;
use crate::protocol::{ids, json_text, metadata};
use crate::session::{Outcome, Payment, PaymentStatus, Session};
use crate::state::{State, list};

static PARAMETERS: Definitions = Definitions::new(include_str!("../../data/parameters/payment_intents.json"));
static TEMPLATE: Template = Template::new(include_str!("../../data/objects/payment_intent.json"));

pub(crate) static ROUTES: [Route; 4] = [
    Route::get("payment_intents", (&PARAMETERS, "list"), |state, request| {
        list::page(&state.payment_intents, "/v1/payment_intents", &request.params, |intent| {
            matches(intent, &request.params, &["customer"])
        })
    }),
    Route::retrieve("payment_intents/{id}", |state, request| retrieve(&state.payment_intents, request)),
    Route::post("payment_intents/{id}/capture", (&PARAMETERS, "capture"), capture),
    Route::post("payment_intents/{id}/cancel", (&PARAMETERS, "cancel"), cancel),
];

/// A hold on a card lasts for seven days (<https://docs.stripe.com/payments/place-a-hold-on-a-payment-method>).
const HELD: i64 = 7 * 24 * 60 * 60;

/// Parameters of `payment_intent_data` that the object shows as they were given.
const AS_GIVEN: [&str; 6] = [
    "capture_method",
    "description",
    "receipt_email",
    "setup_future_usage",
    "statement_descriptor",
    "statement_descriptor_suffix",
];

/// Makes the session's payment and its charge, and gives the payment's id.
pub(crate) fn create(state: &mut State, session: &Session, payment: Payment) -> String {
    let mut intent = new(session, payment, state.now());
    let id = json_text(&intent["id"]).to_owned();
    state.emit("payment_intent.created", intent.clone(), None);
    let amount = intent["amount"].clone();
    let (status, event) = match payment {
        Payment::Later => ("processing", "payment_intent.processing"),
        Payment::Now if intent["capture_method"] == "manual" => {
            intent["amount_capturable"] = amount;
            state.holds.insert((state.now() + HELD, id.clone()));
            ("requires_capture", "payment_intent.amount_capturable_updated")
        }
        Payment::Now => {
            intent["amount_received"] = amount;
            ("succeeded", "payment_intent.succeeded")
        }
    };
    intent["status"] = json!(status);
    intent["payment_method"] = json!(ids::object("pm"));
    intent["latest_charge"] = json!(charges::create(state, &intent, &session.customer_details));
    state.payment_intents.put(&id, intent.clone());
    state.emit(event, intent, None);
    id
}

/// The payment before anything is paid.
fn new(session: &Session, payment: Payment, now: i64) -> Value {
    let id = format!("pi_3{}", ids::new("", 23));
    let data = &session.params["payment_intent_data"];
    let mut intent = TEMPLATE.with(json!({
        "id": id,
        "allowed_payment_method_types": session.params["allowed_payment_method_types"],
        "amount": session.totals().total,
        "client_secret": format!("{id}_secret_{}", ids::new("", 25)),
        "created": now,
        "currency": session.currency,
        "customer": session.customer,
        "metadata": metadata::kept(&data["metadata"]),
        "payment_method_types": [if payment == Payment::Later { "sepa_debit" } else { "card" }],
        "shipping": shipping(session),
    }));
    for name in AS_GIVEN.into_iter().filter(|name| !data[*name].is_null()) {
        intent[name] = data[name].clone();
    }
    intent
}

fn shipping(session: &Session) -> Value {
    let details = &session.shipping_details;
    if details.is_null() {
        return session.params["payment_intent_data"]["shipping"].clone();
    }
    json!({
        "address": details["address"],
        "carrier": null,
        "name": details["name"],
        "phone": session.customer_details["phone"],
        "tracking_number": null,
    })
}

/// The session's payment; that of a subscription pays its first invoice.
pub(crate) fn of_session<'a>(state: &'a State, session: &Session) -> Option<&'a Value> {
    let id = match &session.invoice {
        Some(invoice) => invoices::intent(state, invoice)?,
        None => session.payment_intent.clone()?,
    };
    state.payment_intents.get(&id)
}

/// The session's payment, while it is on its way.
pub(crate) fn waiting(state: &State, session: &Session) -> Option<Value> {
    of_session(state, session).filter(|intent| intent["status"] == "processing").cloned()
}

/// Ends a payment that was on its way.
pub(crate) fn settle(state: &mut State, intent: &Value, outcome: Outcome) {
    let mut intent = intent.clone();
    let charge_id = json_text(&intent["latest_charge"]).to_owned();
    let message = "The bank refused the payment.";
    charges::settle(state, &charge_id, outcome, message);
    let event = match outcome {
        Outcome::Succeeded => {
            intent["status"] = json!("succeeded");
            intent["amount_received"] = intent["amount"].clone();
            "payment_intent.succeeded"
        }
        Outcome::Failed => {
            intent["status"] = json!("requires_payment_method");
            intent["payment_method"] = Value::Null;
            intent["last_payment_error"] = json!({
                "charge": charge_id,
                "code": charges::DECLINED,
                "message": message,
                "type": "invalid_request_error",
            });
            "payment_intent.payment_failed"
        }
    };
    state.payment_intents.put(json_text(&intent["id"]), intent.clone());
    state.emit(event, intent, None);
}

/// Captures a payment that waits for it (<https://docs.stripe.com/api/payment_intents/capture>).
pub(crate) fn capture(state: &mut State, request: &Request) -> Answer {
    let Request { id, params } = request;
    let mut intent = state.payment_intents.found(id)?.clone();
    check_capturable(&intent, "captured")?;
    let most = intent["amount_capturable"].as_i64().unwrap_or(0);
    let amount = params.get("amount_to_capture").and_then(Value::as_i64).unwrap_or(most);
    if !(1..=most).contains(&amount) {
        let message = format!("The amount to capture must be between 1 and {most}.");
        return Err(Refusal::coded("amount_too_large", "amount_to_capture", message));
    }
    intent["status"] = json!("succeeded");
    intent["amount_received"] = json!(amount);
    intent["amount_capturable"] = json!(0);
    state.holds.retain(|(_, held)| held != id);
    let charge = charges::capture(state, json_text(&intent["latest_charge"]), amount)?;
    state.payment_intents.put(id, intent.clone());
    set_session_paid(state, id);
    state.emit("charge.captured", charge, None);
    state.emit("payment_intent.succeeded", intent.clone(), None);
    settle_invoice(state, id);
    Ok(intent)
}

/// Cancels a payment that waits for its capture (<https://docs.stripe.com/api/payment_intents/cancel>).
pub(crate) fn cancel(state: &mut State, request: &Request) -> Answer {
    let Request { id, params } = request;
    let intent = state.payment_intents.found(id)?.clone();
    check_capturable(&intent, "canceled")?;
    Ok(void(state, intent, json!(params.get("cancellation_reason"))))
}

/// Gives up a hold, and gives the payment as it is then.
fn void(state: &mut State, mut intent: Value, reason: Value) -> Value {
    let id = json_text(&intent["id"]).to_owned();
    intent["status"] = json!("canceled");
    intent["amount_capturable"] = json!(0);
    intent["canceled_at"] = json!(state.now());
    intent["cancellation_reason"] = reason;
    state.holds.retain(|(_, held)| *held != id);
    state.payment_intents.put(&id, intent.clone());
    state.emit("payment_intent.canceled", intent.clone(), None);
    charges::release(state, json_text(&intent["latest_charge"]));
    intent
}

/// Gives up the holds whose time is over.
pub(crate) fn void_due(state: &mut State) {
    while let Some((_, id)) = state.holds.first().filter(|(ends_at, _)| *ends_at <= state.now()).cloned() {
        match state.payment_intents.get(&id).cloned() {
            Some(intent) => expire(state, intent),
            None => state.holds.retain(|(_, held)| *held != id),
        }
    }
}

/// Ends a hold before its time.
///
/// # Errors
///
/// Refuses payments that are not there or not held.
pub(crate) fn expire_hold(state: &mut State, id: &str) -> Result<(), Refusal> {
    let intent = state.payment_intents.found(id)?.clone();
    check_capturable(&intent, "expired")?;
    expire(state, intent);
    Ok(())
}

/// Gives up a hold whose time is over, which is the end of its charge too.
fn expire(state: &mut State, intent: Value) {
    let intent = void(state, intent, json!("automatic"));
    if let Some(charge) = state.charges.get(json_text(&intent["latest_charge"])).cloned() {
        state.emit("charge.expired", charge, None);
    }
}

fn check_capturable(intent: &Value, done: &str) -> Result<(), Refusal> {
    if intent["status"] == "requires_capture" {
        return Ok(());
    }
    let message =
        format!("This PaymentIntent could not be {done} because it has a status of {}.", json_text(&intent["status"]));
    Err(Refusal::coded("payment_intent_unexpected_state", "intent", message))
}

/// Pays the invoice of a captured payment, if its session asked for one.
fn settle_invoice(state: &mut State, intent: &str) {
    if let Some(invoice) = session_of(state, intent).and_then(|session| session.invoice) {
        subscriptions::settle(state, &invoice, Outcome::Succeeded);
    }
}

fn set_session_paid(state: &mut State, intent: &str) {
    if let Some(mut session) = session_of(state, intent) {
        session.payment_status = PaymentStatus::Paid;
        state.sessions.put(session);
    }
}

/// The session that made a payment.
fn session_of(state: &State, intent: &str) -> Option<Session> {
    let mut sessions = state.sessions.newest().map(|(_, session)| session);
    sessions.find(|session| session.payment_intent.as_deref() == Some(intent)).cloned()
}
