//! Money that is given back.

use serde_json::{Value, json};

use super::metadata;
use crate::checkout::json_text;
use crate::money::currency;
use crate::protocol::ids;
use crate::protocol::refusal::Refusal;
use crate::state::State;

/// Gives money back (<https://docs.stripe.com/api/refunds/create>).
pub(crate) fn refund(state: &mut State, params: &Value) -> Result<Value, Refusal> {
    let mut charge = refunded_charge(state, params)?;
    let id = json_text(&charge["id"]).to_owned();
    let currency = json_text(&charge["currency"]).to_owned();
    let charged = charge["amount"].as_i64().unwrap_or(0);
    let before = charge["amount_refunded"].as_i64().unwrap_or(0);
    let left = charged - before;
    if left <= 0 {
        let message = format!("Charge {id} has already been refunded.");
        return Err(Refusal::Invalid { param: None, code: Some("charge_already_refunded"), message });
    }
    let amount = params["amount"].as_i64().unwrap_or(left);
    if amount < 1 {
        return Err(Refusal::coded("parameter_invalid_integer", "amount", "Invalid positive integer"));
    }
    if amount > left {
        let message = format!(
            "Refund amount ({}) is greater than unrefunded amount on charge ({})",
            currency::format(amount, &currency),
            currency::format(left, &currency)
        );
        return Err(Refusal::invalid("amount", message));
    }
    let refund = refund_object(state, params, &charge, amount);
    charge["amount_refunded"] = json!(before + amount);
    charge["refunded"] = json!(before + amount == charged);
    if let Value::Array(refunds) = &mut charge["refunds"]["data"] {
        refunds.insert(0, refund.clone());
    }
    state.refunds.put(json_text(&refund["id"]), refund.clone());
    state.charges.put(&id, charge.clone());
    let previous = json!({ "amount_refunded": before, "refunded": false });
    state.emit("charge.refunded", charge, previous.as_object().cloned());
    state.emit("refund.created", refund.clone(), None);
    Ok(refund)
}

fn refunded_charge(state: &State, params: &Value) -> Result<Value, Refusal> {
    let charge = match (params["charge"].as_str(), params["payment_intent"].as_str()) {
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
    Ok(charge.clone())
}

fn refund_object(state: &State, params: &Value, charge: &Value, amount: i64) -> Value {
    json!({
        "id": format!("re_3{}", ids::new("", 23)),
        "object": "refund",
        "amount": amount,
        "balance_transaction": null,
        "charge": charge["id"],
        "created": state.now(),
        "currency": charge["currency"],
        "customer": charge["customer"],
        "customer_account": null,
        "destination_details": {
            "card": {
                "reference": null, "reference_status": "pending", "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
            "type": "card",
        },
        "metadata": metadata(&params["metadata"]),
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": params["reason"],
        "receipt_number": null,
        "source_transfer_reversal": null,
        "status": "succeeded",
        "transfer_reversal": null,
    })
}
