//! Refunds (<https://docs.stripe.com/api/refunds>).

use serde_json::{Value, json};

use super::disputes;
use crate::endpoint::{Answer, Params, Request, Route, matches, retrieve};
use crate::money::currency;
use crate::protocol::parameters::Definitions;
use crate::protocol::refusal::Refusal;
use crate::protocol::template::Template;
use crate::protocol::{ids, json_text, metadata};
use crate::state::{State, list};

static PARAMETERS: Definitions = Definitions::new(include_str!("../../data/parameters/refunds.json"));
static TEMPLATE: Template = Template::new(include_str!("../../data/objects/refund.json"));

pub(crate) static ROUTES: [Route; 4] = [
    Route::get("refunds", (&PARAMETERS, "list"), |state, request| {
        list::page(&state.refunds, "/v1/refunds", &request.params, |refund| {
            matches(refund, &request.params, &["charge", "payment_intent"])
        })
    }),
    Route::post("refunds", (&PARAMETERS, "create"), create),
    Route::post("refunds/{id}", (&PARAMETERS, "update"), update),
    Route::retrieve("refunds/{id}", |state, request| retrieve(&state.refunds, request)),
];

/// Gives money back (<https://docs.stripe.com/api/refunds/create>).
fn create(state: &mut State, request: &Request) -> Answer {
    let is_pending = !state.dashboard.balance_covers_refunds;
    give(state, &request.params, is_pending)
}

/// Gives money back, at once or when the account has it. What is on its way counts as given all the same.
///
/// # Errors
///
/// Refuses charges that are not captured, are disputed, or have less left than is asked for.
pub(crate) fn give(state: &mut State, params: &Params, is_pending: bool) -> Answer {
    let mut charge = refunded_charge(state, params)?;
    let charged = charge["amount"].as_i64().unwrap_or(0);
    let before = charge["amount_refunded"].as_i64().unwrap_or(0);
    let amount = amount(params, &charge, charged - before)?;
    let mut refund = refund(params, &charge, amount, state.now());
    if is_pending {
        refund["status"] = json!("pending");
        refund["pending_reason"] = json!("insufficient_funds");
    }
    charge["amount_refunded"] = json!(before + amount);
    charge["refunded"] = json!(before + amount == charged);
    if let Value::Array(refunds) = &mut charge["refunds"]["data"] {
        refunds.insert(0, refund.clone());
    }
    state.refunds.put(json_text(&refund["id"]), refund.clone());
    state.charges.put(json_text(&charge["id"]), charge.clone());
    let previous = json!({ "amount_refunded": before, "refunded": false });
    state.emit("charge.refunded", charge, previous.as_object().cloned());
    state.emit("refund.created", refund.clone(), None);
    Ok(refund)
}

/// Changes the metadata, which is all that can be changed (<https://docs.stripe.com/api/refunds/update>).
fn update(state: &mut State, request: &Request) -> Answer {
    let Request { id, params } = request;
    let mut refund = state.refunds.found(id)?.clone();
    let previous = json!({ "metadata": refund["metadata"] });
    if let Some(given) = params.get("metadata") {
        refund["metadata"] = Value::Object(metadata::merged(refund["metadata"].as_object(), given)?);
    }
    put(state, &refund)?;
    for kind in ["refund.updated", "charge.refund.updated"] {
        state.emit(kind, refund.clone(), previous.as_object().cloned());
    }
    Ok(refund)
}

/// Puts in another state of a refund, also where its charge lists it, and gives the charge.
fn put(state: &mut State, refund: &Value) -> Answer {
    state.refunds.put(json_text(&refund["id"]), refund.clone());
    let mut charge = state.charges.found(json_text(&refund["charge"]))?.clone();
    let listed = charge["refunds"]["data"].as_array_mut().into_iter().flatten();
    for own in listed.filter(|own| own["id"] == refund["id"]) {
        *own = refund.clone();
    }
    state.charges.put(json_text(&refund["charge"]), charge.clone());
    Ok(charge)
}

fn refunded_charge(state: &State, params: &Params) -> Result<Value, Refusal> {
    let text = |name: &str| params.get(name).and_then(Value::as_str);
    let charge = match (text("charge"), text("payment_intent")) {
        (None, None) => {
            let message = "One of the following params should be provided for this request: payment_intent or charge.";
            return Err(Refusal::Invalid { param: None, code: None, message: message.to_owned() });
        }
        (Some(charge), _) => state.charges.referred(charge, "charge")?,
        (None, Some(intent)) => {
            let intent = state.payment_intents.referred(intent, "payment_intent")?;
            state.charges.referred(json_text(&intent["latest_charge"]), "payment_intent")?
        }
    };
    if charge["status"] != "succeeded" || charge["captured"] != true {
        let message = "This payment has no successful charge to refund.";
        return Err(Refusal::invalid("payment_intent", message));
    }
    if disputes::taken_back(state, charge).is_some() {
        let message = format!("Charge {} has been charged back; cannot issue a refund.", json_text(&charge["id"]));
        return Err(Refusal::Invalid { param: None, code: Some("charge_disputed"), message });
    }
    Ok(charge.clone())
}

/// How much to give back of what is `left`: all of it, unless the request says less.
fn amount(params: &Params, charge: &Value, left: i64) -> Result<i64, Refusal> {
    if left <= 0 {
        let message = format!("Charge {} has already been refunded.", json_text(&charge["id"]));
        return Err(Refusal::Invalid { param: None, code: Some("charge_already_refunded"), message });
    }
    let amount = params.get("amount").and_then(Value::as_i64).unwrap_or(left);
    if amount < 1 {
        return Err(Refusal::coded("parameter_invalid_integer", "amount", "Invalid positive integer"));
    }
    if amount > left {
        let currency = json_text(&charge["currency"]);
        let message = format!(
            "Refund amount ({}) is greater than unrefunded amount on charge ({})",
            currency::format(amount, currency),
            currency::format(left, currency)
        );
        return Err(Refusal::invalid("amount", message));
    }
    Ok(amount)
}

fn refund(params: &Params, charge: &Value, amount: i64, now: i64) -> Value {
    TEMPLATE.with(json!({
        "id": format!("re_3{}", ids::new("", 23)),
        "amount": amount,
        "charge": charge["id"],
        "created": now,
        "currency": charge["currency"],
        "customer": charge["customer"],
        "metadata": metadata::kept(params.get("metadata").unwrap_or(&Value::Null)),
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": params.get("reason"),
    }))
}

/// Ends a refund that was on its way (<https://docs.stripe.com/refunds#insufficient-balance>).
///
/// # Errors
///
/// Refuses refunds that are not there or not on their way.
pub(crate) fn complete(state: &mut State, id: &str) -> Result<(), Refusal> {
    let refund = state.refunds.found(id)?.clone();
    if refund["status"] != "pending" {
        return Err(Refusal::invalid("refund", "This refund is not on its way."));
    }
    let previous = json!({ "pending_reason": refund["pending_reason"], "status": refund["status"] });
    let mut refund = without_pending_reason(refund);
    refund["status"] = json!("succeeded");
    put(state, &refund)?;
    for kind in ["refund.updated", "charge.refund.updated"] {
        state.emit(kind, refund.clone(), previous.as_object().cloned());
    }
    Ok(())
}

fn without_pending_reason(mut refund: Value) -> Value {
    if let Value::Object(fields) = &mut refund {
        fields.remove("pending_reason");
    }
    refund
}

/// Fails a refund: the money comes back to the shop, days after it was given (<https://docs.stripe.com/refunds#failed-refunds>).
///
/// # Errors
///
/// Refuses refunds that are not there or have failed already.
pub(crate) fn fail(state: &mut State, id: &str) -> Result<(), Refusal> {
    let refund = state.refunds.found(id)?.clone();
    if !can_fail(&refund) {
        return Err(Refusal::invalid("refund", "This refund has failed already."));
    }
    let previous = json!({ "status": refund["status"] });
    let mut refund = without_pending_reason(refund);
    refund["status"] = json!("failed");
    refund["failure_reason"] = json!("expired_or_canceled_card");
    let mut charge = put(state, &refund)?;
    let left = charge["amount_refunded"].as_i64().unwrap_or(0) - refund["amount"].as_i64().unwrap_or(0);
    charge["amount_refunded"] = json!(left);
    charge["refunded"] = json!(false);
    state.charges.put(json_text(&refund["charge"]), charge);
    for kind in ["refund.updated", "refund.failed", "charge.refund.updated"] {
        state.emit(kind, refund.clone(), previous.as_object().cloned());
    }
    Ok(())
}

/// Whether the bank can still send the money back.
pub(crate) fn can_fail(refund: &Value) -> bool {
    refund["status"] == "succeeded" || refund["status"] == "pending"
}
