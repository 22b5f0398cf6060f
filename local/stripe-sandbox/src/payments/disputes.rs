//! Disputes (<https://docs.stripe.com/api/disputes>): a shopper has their bank take the money back.

use serde_json::{Value, json};

use crate::endpoint::{Answer, Request, Route, matches, retrieve};
use crate::protocol::parameters::Definitions;
use crate::protocol::refusal::Refusal;
use crate::protocol::template::Template;
use crate::protocol::{ids, json_text, metadata};
use crate::state::{State, list};

static PARAMETERS: Definitions = Definitions::new(include_str!("../../data/parameters/disputes.json"));
static TEMPLATE: Template = Template::new(include_str!("../../data/objects/dispute.json"));

pub(crate) static ROUTES: [Route; 4] = [
    Route::get("disputes", (&PARAMETERS, "list"), |state, request| {
        list::page(&state.disputes, "/v1/disputes", &request.params, |dispute| {
            matches(dispute, &request.params, &["charge", "payment_intent"])
        })
    }),
    Route::retrieve("disputes/{id}", |state, request| retrieve(&state.disputes, request)),
    Route::post("disputes/{id}", (&PARAMETERS, "update"), update),
    // The shop accepts that it has lost (<https://docs.stripe.com/api/disputes/close>).
    Route::post("disputes/{id}/close", (&PARAMETERS, "close"), |state, request| close(state, &request.id, false)),
];

/// A bank waits this long for a shop's answer.
const ANSWERED: i64 = 7 * 24 * 60 * 60;

fn update(state: &mut State, request: &Request) -> Answer {
    let Request { id, params } = request;
    let mut dispute = state.disputes.found(id)?.clone();
    let before = json!({ "metadata": dispute["metadata"] });
    if let Some(given) = params.get("metadata") {
        dispute["metadata"] = Value::Object(metadata::merged(dispute["metadata"].as_object(), given)?);
    }
    state.disputes.put(id, dispute.clone());
    state.emit("charge.dispute.updated", dispute.clone(), before.as_object().cloned());
    Ok(dispute)
}

/// Has the bank take back what is left of a payment, and gives the dispute's id.
///
/// A payment can be disputed again once a dispute is won. A debit that the bank returns is a dispute without appeal: it is
/// lost at once (<https://docs.stripe.com/payments/sepa-debit#disputed-payments>).
///
/// # Errors
///
/// Refuses payments without a successful charge, or with nothing left that the bank could take back.
pub(crate) fn open(state: &mut State, intent: &str) -> Result<String, Refusal> {
    let intent = state.payment_intents.found(intent)?;
    let mut charge = state.charges.found(json_text(&intent["latest_charge"]))?.clone();
    let amount = disputable(state, &charge);
    if amount <= 0 {
        return Err(Refusal::invalid("payment_intent", "This payment has no charge to dispute."));
    }
    let is_debit = charge["payment_method_details"]["type"] == "sepa_debit";
    let now = state.now();
    let id = ids::object("du");
    let dispute = TEMPLATE.with(json!({
        "id": id,
        "amount": amount,
        "charge": charge["id"],
        "created": now,
        "currency": charge["currency"],
        "evidence_details": { "due_by": (!is_debit).then_some(now + ANSWERED) },
        "payment_intent": charge["payment_intent"],
        "reason": if is_debit { "debit_not_authorized" } else { "fraudulent" },
        "status": if is_debit { "lost" } else { "needs_response" },
    }));
    charge["disputed"] = json!(true);
    state.charges.put(json_text(&dispute["charge"]), charge);
    state.disputes.put(&id, dispute.clone());
    state.emit("charge.dispute.created", dispute.clone(), None);
    state.emit("charge.dispute.funds_withdrawn", dispute.clone(), None);
    if is_debit {
        state.emit("charge.dispute.closed", dispute, None);
    }
    Ok(id)
}

/// How much of a charge a bank can take back: what was captured, less what was given or taken back.
pub(crate) fn disputable(state: &State, charge: &Value) -> i64 {
    if charge["captured"] != true {
        return 0;
    }
    let amount = |name: &str| charge[name].as_i64().unwrap_or(0);
    if taken_back(state, charge).is_some() { 0 } else { amount("amount") - amount("amount_refunded") }
}

/// The dispute by which the money of a charge is at the bank: one that is open or lost.
pub(super) fn taken_back<'a>(state: &'a State, charge: &Value) -> Option<&'a Value> {
    let mut disputes = state.disputes.newest().map(|(_, dispute)| dispute);
    disputes.find(|dispute| dispute["charge"] == charge["id"] && dispute["status"] != "won")
}

/// Sends evidence to the bank, which the shop does in the dashboard.
///
/// # Errors
///
/// Refuses disputes that are not there or wait for no answer.
pub(crate) fn answer(state: &mut State, id: &str) -> Result<(), Refusal> {
    let mut dispute = state.disputes.found(id)?.clone();
    if dispute["status"] != "needs_response" {
        return Err(Refusal::invalid("dispute", "This dispute waits for no answer."));
    }
    let previous = json!({ "evidence_details": dispute["evidence_details"], "status": dispute["status"] });
    dispute["status"] = json!("under_review");
    dispute["evidence_details"]["has_evidence"] = json!(true);
    dispute["evidence_details"]["submission_count"] = json!(1);
    dispute["evidence_details"]["submission_method"] = json!("manual");
    state.disputes.put(id, dispute.clone());
    state.emit("charge.dispute.updated", dispute, previous.as_object().cloned());
    Ok(())
}

/// Has the bank decide a dispute.
///
/// # Errors
///
/// Refuses disputes that are not there or are decided.
pub(crate) fn close(state: &mut State, id: &str, is_won: bool) -> Result<Value, Refusal> {
    let mut dispute = state.disputes.found(id)?.clone();
    if !is_open(&dispute) {
        return Err(Refusal::invalid("dispute", "This dispute is decided."));
    }
    dispute["status"] = json!(if is_won { "won" } else { "lost" });
    state.disputes.put(id, dispute.clone());
    state.emit("charge.dispute.closed", dispute.clone(), None);
    if is_won {
        state.emit("charge.dispute.funds_reinstated", dispute.clone(), None);
    }
    Ok(dispute)
}

/// Whether the bank has still to decide.
pub(crate) fn is_open(dispute: &Value) -> bool {
    dispute["status"] == "needs_response" || dispute["status"] == "under_review"
}
