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

pub(crate) static ROUTES: [Route; 3] = [
    Route::get("disputes", (&PARAMETERS, "list"), |state, request| {
        list::page(&state.disputes, "/v1/disputes", &request.params, |dispute| {
            matches(dispute, &request.params, &["charge", "payment_intent"])
        })
    }),
    Route::retrieve("disputes/{id}", |state, request| retrieve(&state.disputes, request)),
    Route::post("disputes/{id}", (&PARAMETERS, "update"), update),
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
/// A debit that the bank returns is a dispute without appeal: it is lost at once
/// (<https://docs.stripe.com/payments/sepa-debit#disputed-payments>).
///
/// # Errors
///
/// Refuses payments without a successful charge, or with a dispute.
pub(crate) fn open(state: &mut State, intent: &str) -> Result<String, Refusal> {
    let intent = state.payment_intents.found(intent)?;
    let mut charge = state.charges.found(json_text(&intent["latest_charge"]))?.clone();
    if charge["captured"] != true || charge["disputed"] == true {
        return Err(Refusal::invalid("payment_intent", "This payment has no charge to dispute."));
    }
    let is_debit = charge["payment_method_details"]["type"] == "sepa_debit";
    let amount = |name: &str| charge[name].as_i64().unwrap_or(0);
    let now = state.now();
    let id = ids::object("du");
    let dispute = TEMPLATE.with(json!({
        "id": id,
        "amount": amount("amount") - amount("amount_refunded"),
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

/// Has the bank decide a dispute.
///
/// # Errors
///
/// Refuses disputes that are not there or are decided.
pub(crate) fn close(state: &mut State, id: &str, is_won: bool) -> Result<(), Refusal> {
    let mut dispute = state.disputes.found(id)?.clone();
    if dispute["status"] != "needs_response" {
        return Err(Refusal::invalid("dispute", "This dispute is decided."));
    }
    dispute["status"] = json!(if is_won { "won" } else { "lost" });
    state.disputes.put(id, dispute.clone());
    if is_won {
        state.emit("charge.dispute.funds_reinstated", dispute.clone(), None);
    }
    state.emit("charge.dispute.closed", dispute, None);
    Ok(())
}
