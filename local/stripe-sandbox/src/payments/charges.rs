//! Charges (<https://docs.stripe.com/api/charges>).

use serde_json::{Value, json};

use crate::endpoint::{Answer, Route, matches, retrieve};
use crate::protocol::ids;
use crate::protocol::parameters::Definitions;
use crate::protocol::template::Template;
use crate::session::Outcome;
use crate::state::{State, list};

static PARAMETERS: Definitions = Definitions::new(include_str!("../../data/parameters/charges.json"));
static TEMPLATE: Template = Template::new(include_str!("../../data/objects/charge.json"));
static CARD: Template = Template::new(include_str!("../../data/objects/payment_method_details.card.json"));
static SEPA_DEBIT: Template = Template::new(include_str!("../../data/objects/payment_method_details.sepa_debit.json"));

pub(crate) static ROUTES: [Route; 2] = [
    Route::get("charges", (&PARAMETERS, "list"), |state, request| {
        list::page(&state.charges, "/v1/charges", &request.params, |charge| {
            matches(charge, &request.params, &["customer", "payment_intent"])
        })
    }),
    Route::retrieve("charges/{id}", |state, request| retrieve(&state.charges, request)),
];

/// The code of a payment that a bank refuses.
pub(super) const DECLINED: &str = "payment_method_provider_decline";

/// What a charge takes over from its payment.
const FROM_INTENT: [&str; 10] = [
    "amount",
    "currency",
    "customer",
    "description",
    "metadata",
    "payment_method",
    "receipt_email",
    "shipping",
    "statement_descriptor",
    "statement_descriptor_suffix",
];

/// Makes the charge of a payment and gives its id.
pub(super) fn create(state: &mut State, intent: &Value, details: &Value) -> String {
    let pending = intent["status"] == "processing";
    let captured = intent["status"] == "succeeded";
    let id = format!("{}_3{}", if pending { "py" } else { "ch" }, ids::new("", 23));
    let mut charge = TEMPLATE.with(json!({
        "id": id,
        "amount_captured": intent["amount_received"],
        "billing_details": {
            "address": details["address"],
            "email": details["email"],
            "name": details["name"],
            "phone": details["phone"],
        },
        "captured": captured,
        "created": state.now(),
        "paid": !pending,
        "payment_intent": intent["id"],
        "payment_method_details": method_details(intent, pending),
        "receipt_url": (!pending).then(receipt_url),
        "refunds": { "url": format!("/v1/charges/{id}/refunds") },
        "status": if pending { "pending" } else { "succeeded" },
    }));
    for name in FROM_INTENT {
        charge[name] = intent[name].clone();
    }
    state.charges.put(&id, charge.clone());
    state.emit(if pending { "charge.pending" } else { "charge.succeeded" }, charge, None);
    id
}

/// Where Stripe shows the receipt of a charge that succeeded.
///
/// Source: <https://docs.stripe.com/api/charges/object#charge_object-receipt_url>
fn receipt_url() -> String {
    format!("https://pay.stripe.com/receipts/payment/{}", ids::new("", 40))
}

fn method_details(intent: &Value, pending: bool) -> Value {
    if pending {
        return SEPA_DEBIT.with(json!({}));
    }
    let amount = &intent["amount"];
    CARD.with(json!({
        "card": { "amount_authorized": amount, "overcapture": { "maximum_amount_capturable": amount } },
    }))
}

/// Ends the charge of a payment that was on its way; `reason` says why it failed, if it did.
pub(super) fn settle(state: &mut State, id: &str, outcome: Outcome, reason: &str) {
    let mut charge = state.charges.get(id).cloned().unwrap_or_default();
    let event = match outcome {
        Outcome::Succeeded => {
            charge["status"] = json!("succeeded");
            charge["paid"] = json!(true);
            charge["captured"] = json!(true);
            charge["amount_captured"] = charge["amount"].clone();
            charge["receipt_url"] = json!(receipt_url());
            "charge.succeeded"
        }
        Outcome::Failed => {
            charge["status"] = json!("failed");
            charge["failure_code"] = json!(DECLINED);
            charge["failure_message"] = json!(reason);
            "charge.failed"
        }
    };
    state.charges.put(id, charge.clone());
    state.emit(event, charge, None);
}

/// Gives up the hold of a charge that was never captured: Stripe counts it as refunded.
///
/// Source: shops that saw `charge.refunded` of a charge with `captured: false` after a void.
pub(super) fn release(state: &mut State, id: &str) {
    let Some(mut charge) = state.charges.get(id).cloned() else { return };
    let previous = json!({ "amount_refunded": charge["amount_refunded"], "refunded": charge["refunded"] });
    charge["amount_refunded"] = charge["amount"].clone();
    charge["refunded"] = json!(true);
    state.charges.put(id, charge.clone());
    state.emit("charge.refunded", charge, previous.as_object().cloned());
}

/// Captures `amount` of a charge.
pub(super) fn capture(state: &mut State, id: &str, amount: i64) -> Answer {
    let mut charge = state.charges.found(id)?.clone();
    charge["captured"] = json!(true);
    charge["amount_captured"] = json!(amount);
    // What is not captured is released, and Stripe counts it as refunded.
    charge["amount_refunded"] = json!(charge["amount"].as_i64().unwrap_or(0) - amount);
    state.charges.put(id, charge.clone());
    Ok(charge)
}
