//! What a completed session leaves behind: customers, payments, subscriptions, invoices, refunds.

mod refunds;
mod subscriptions;

use serde_json::{Value, json};

pub(crate) use self::refunds::refund;
pub(crate) use self::subscriptions::{create_subscription, settle_invoice};
use crate::checkout::{Outcome, Payment, PaymentStatus, Session, json_text};
use crate::protocol::ids;
use crate::protocol::refusal::Refusal;
use crate::state::State;
use crate::state::list;

/// Makes the session's customer (<https://docs.stripe.com/api/customers/object>).
pub(crate) fn create_customer(state: &mut State, session: &Session) -> String {
    let id = ids::new("cus_", 14);
    let details = &session.customer_details;
    let shipping = match &session.shipping_details {
        Value::Null => Value::Null,
        shipping => {
            json!({ "address": shipping["address"], "name": shipping["name"], "phone": details["phone"] })
        }
    };
    let customer = json!({
        "id": id,
        "object": "customer",
        "address": details["address"],
        "balance": 0,
        "created": state.now(),
        "currency": session.is_recurring().then_some(&session.currency),
        "default_source": null,
        "delinquent": false,
        "description": null,
        "discount": null,
        "email": details["email"],
        "invoice_prefix": ids::new("", 8).to_uppercase(),
        "invoice_settings": {
            "custom_fields": null, "default_payment_method": null, "footer": null, "rendering_options": null,
        },
        "livemode": false,
        "metadata": {},
        "name": details["name"],
        "next_invoice_sequence": 1,
        "phone": details["phone"],
        "preferred_locales": [],
        "shipping": shipping,
        "tax_exempt": "none",
        "test_clock": null,
    });
    state.customers.put(&id, customer.clone());
    state.emit("customer.created", customer, None);
    id
}

/// Makes the session's payment (<https://docs.stripe.com/api/payment_intents/object>).
pub(crate) fn create_intent(state: &mut State, session: &Session, payment: Payment) -> String {
    let id = format!("pi_3{}", ids::new("", 23));
    let data = &session.params["payment_intent_data"];
    let amount = session.totals().total;
    let capture = data["capture_method"].as_str().unwrap_or("automatic_async");
    let (status, received, capturable) = match payment {
        Payment::Later => ("processing", 0, 0),
        Payment::Now if capture == "manual" => ("requires_capture", 0, amount),
        Payment::Now => ("succeeded", amount, 0),
    };
    let method = if payment == Payment::Later { "sepa_debit" } else { "card" };
    let shipping = shipping(session);
    let mut intent = json!({
        "id": id,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": capturable,
        "amount_details": { "tip": {} },
        "amount_received": received,
        "application": null,
        "application_fee_amount": null,
        "automatic_payment_methods": null,
        "canceled_at": null,
        "cancellation_reason": null,
        "capture_method": capture,
        "client_secret": format!("{id}_secret_{}", ids::new("", 25)),
        "confirmation_method": "automatic",
        "created": state.now(),
        "currency": session.currency,
        "customer": session.customer,
        "customer_account": null,
        "description": data["description"],
        "excluded_payment_method_types": null,
        "last_payment_error": null,
        "latest_charge": null,
        "livemode": false,
        "managed_payments": { "enabled": false },
        "metadata": metadata(&data["metadata"]),
        "next_action": null,
        "on_behalf_of": data["on_behalf_of"],
        "payment_method": ids::object("pm"),
        "payment_method_configuration_details": null,
        "payment_method_options": {},
        "payment_method_types": [method],
        "processing": null,
        "receipt_email": data["receipt_email"],
        "review": null,
        "setup_future_usage": data["setup_future_usage"],
        "shipping": shipping,
        "source": null,
        "statement_descriptor": data["statement_descriptor"],
        "statement_descriptor_suffix": data["statement_descriptor_suffix"],
        "status": status,
        "transfer_data": null,
        "transfer_group": data["transfer_group"],
    });
    state.emit("payment_intent.created", with_status(&intent, "requires_payment_method"), None);
    let charge = create_charge(state, &intent, &session.customer_details);
    intent["latest_charge"] = charge["id"].clone();
    state.payment_intents.put(&id, intent.clone());
    let kind = match status {
        "processing" => "payment_intent.processing",
        "requires_capture" => "payment_intent.amount_capturable_updated",
        _ => "payment_intent.succeeded",
    };
    state.emit(kind, intent, None);
    id
}

fn with_status(intent: &Value, status: &str) -> Value {
    let mut intent = intent.clone();
    intent["status"] = json!(status);
    intent["amount_received"] = json!(0);
    intent["amount_capturable"] = json!(0);
    intent["payment_method"] = Value::Null;
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

/// Makes the charge of a payment (<https://docs.stripe.com/api/charges/object>).
fn create_charge(state: &mut State, intent: &Value, details: &Value) -> Value {
    let pending = intent["status"] == "processing";
    let captured = intent["status"] == "succeeded";
    let id = format!("{}_3{}", if pending { "py" } else { "ch" }, ids::new("", 23));
    let method = if pending {
        json!({
            "type": "sepa_debit",
            "sepa_debit": {
                "bank_code": "37040044", "branch_code": null, "country": "DE", "expected_debit_date": null,
                "fingerprint": null, "last4": "3000", "mandate": null,
            },
        })
    } else {
        json!({
            "type": "card",
            "card": {
                "amount_authorized": intent["amount"], "authorization_code": null, "brand": "visa",
                "checks": { "address_line1_check": null, "address_postal_code_check": null, "cvc_check": "pass" },
                "country": "US", "exp_month": 12, "exp_year": 2034,
                "extended_authorization": { "status": "disabled" }, "fingerprint": "sandbox", "funding": "credit",
                "incremental_authorization": { "status": "unavailable" }, "installments": null, "last4": "4242",
                "mandate": null, "multicapture": { "status": "unavailable" }, "network": "visa",
                "network_token": { "used": false }, "network_transaction_id": null,
                "overcapture": { "maximum_amount_capturable": intent["amount"], "status": "unavailable" },
                "regulated_status": "unregulated", "three_d_secure": null, "transaction_link_id": null, "wallet": null,
            },
        })
    };
    let charge = json!({
        "id": id,
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": if captured { intent["amount"].clone() } else { json!(0) },
        "amount_refunded": 0,
        "application": null,
        "application_fee": null,
        "application_fee_amount": null,
        "balance_transaction": null,
        "billing_details": {
            "address": details["address"], "email": details["email"], "name": details["name"],
            "phone": details["phone"], "tax_id": null,
        },
        "calculated_statement_descriptor": "SANDBOX",
        "captured": captured,
        "created": state.now(),
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": false,
        "failure_balance_transaction": null,
        "failure_code": null,
        "failure_message": null,
        "fraud_details": {},
        "livemode": false,
        "metadata": intent["metadata"],
        "on_behalf_of": intent["on_behalf_of"],
        "outcome": {
            "advice_code": null, "network_advice_code": null, "network_decline_code": null,
            "network_status": "approved_by_network", "reason": null, "risk_level": "normal",
            "seller_message": "Payment complete.", "type": "authorized",
        },
        "paid": !pending,
        "payment_intent": intent["id"],
        "payment_method": intent["payment_method"],
        "payment_method_details": method,
        "radar_options": {},
        "receipt_email": intent["receipt_email"],
        "receipt_number": null,
        "receipt_url": null,
        "refunded": false,
        "refunds": list::list(&format!("/v1/charges/{id}/refunds"), Vec::new(), false),
        "review": null,
        "shipping": intent["shipping"],
        "source": null,
        "source_transfer": null,
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": if pending { "pending" } else { "succeeded" },
        "transfer_data": null,
        "transfer_group": intent["transfer_group"],
    });
    state.charges.put(&id, charge.clone());
    state.emit(if pending { "charge.pending" } else { "charge.succeeded" }, charge.clone(), None);
    charge
}

/// The session's payment, while it is on its way.
pub(crate) fn waiting_intent(state: &State, session: &Session) -> Option<Value> {
    let id = match &session.invoice {
        Some(invoice) => invoice_intent(state, invoice)?,
        None => session.payment_intent.clone()?,
    };
    state.payment_intents.get(&id).filter(|intent| intent["status"] == "processing").cloned()
}

fn invoice_intent(state: &State, invoice: &str) -> Option<String> {
    let mut payments = state.invoice_payments.newest();
    let (_, payment) = payments.find(|(_, payment)| payment["invoice"] == invoice)?;
    payment["payment"]["payment_intent"].as_str().map(str::to_owned)
}

/// Ends a payment that was on its way.
pub(crate) fn settle_intent(state: &mut State, intent: &Value, outcome: Outcome) {
    let mut intent = intent.clone();
    let charge_id = json_text(&intent["latest_charge"]).to_owned();
    let mut charge = state.charges.get(&charge_id).cloned().unwrap_or_default();
    match outcome {
        Outcome::Succeeded => {
            intent["status"] = json!("succeeded");
            intent["amount_received"] = intent["amount"].clone();
            charge["status"] = json!("succeeded");
            charge["paid"] = json!(true);
            charge["captured"] = json!(true);
            charge["amount_captured"] = charge["amount"].clone();
        }
        Outcome::Failed => {
            let message = "The bank refused the payment.";
            intent["status"] = json!("requires_payment_method");
            intent["last_payment_error"] = json!({
                "charge": charge_id, "code": "payment_method_provider_decline", "message": message,
                "type": "invalid_request_error",
            });
            intent["payment_method"] = Value::Null;
            charge["status"] = json!("failed");
            charge["failure_code"] = json!("payment_method_provider_decline");
            charge["failure_message"] = json!(message);
        }
    }
    state.charges.put(&charge_id, charge.clone());
    state.payment_intents.put(json_text(&intent["id"]), intent.clone());
    let (charged, paid) = match outcome {
        Outcome::Succeeded => ("charge.succeeded", "payment_intent.succeeded"),
        Outcome::Failed => ("charge.failed", "payment_intent.payment_failed"),
    };
    state.emit(charged, charge, None);
    state.emit(paid, intent, None);
}

/// Captures a payment that waits for it (<https://docs.stripe.com/api/payment_intents/capture>).
pub(crate) fn capture(state: &mut State, id: &str, amount: Option<i64>) -> Result<Value, Refusal> {
    let mut intent = state.payment_intents.found(id)?.clone();
    check_capturable(&intent, "captured")?;
    let most = intent["amount_capturable"].as_i64().unwrap_or(0);
    let amount = amount.unwrap_or(most);
    if !(1..=most).contains(&amount) {
        let message = format!("The amount to capture must be between 1 and {most}.");
        return Err(Refusal::coded("amount_too_large", "amount_to_capture", message));
    }
    intent["status"] = json!("succeeded");
    intent["amount_received"] = json!(amount);
    intent["amount_capturable"] = json!(0);
    let charge_id = json_text(&intent["latest_charge"]).to_owned();
    let mut charge = state.charges.found(&charge_id)?.clone();
    charge["captured"] = json!(true);
    charge["amount_captured"] = json!(amount);
    // What is not captured is released, and Stripe counts it as refunded.
    charge["amount_refunded"] = json!(most - amount);
    state.charges.put(&charge_id, charge.clone());
    state.payment_intents.put(id, intent.clone());
    set_session_paid(state, id);
    state.emit("charge.captured", charge, None);
    state.emit("payment_intent.succeeded", intent.clone(), None);
    Ok(intent)
}

/// Cancels a payment that waits for its capture (<https://docs.stripe.com/api/payment_intents/cancel>).
pub(crate) fn cancel(state: &mut State, id: &str, reason: &Value) -> Result<Value, Refusal> {
    let mut intent = state.payment_intents.found(id)?.clone();
    check_capturable(&intent, "canceled")?;
    intent["status"] = json!("canceled");
    intent["amount_capturable"] = json!(0);
    intent["canceled_at"] = json!(state.now());
    intent["cancellation_reason"] = reason.clone();
    state.payment_intents.put(id, intent.clone());
    state.emit("payment_intent.canceled", intent.clone(), None);
    Ok(intent)
}

fn check_capturable(intent: &Value, done: &str) -> Result<(), Refusal> {
    if intent["status"] == "requires_capture" {
        return Ok(());
    }
    let message =
        format!("This PaymentIntent could not be {done} because it has a status of {}.", json_text(&intent["status"]));
    Err(Refusal::coded("payment_intent_unexpected_state", "intent", message))
}

fn set_session_paid(state: &mut State, intent: &str) {
    let session = state.sessions.newest().find(|(_, session)| session.payment_intent.as_deref() == Some(intent));
    if let Some(mut session) = session.map(|(_, session)| session.clone()) {
        session.payment_status = PaymentStatus::Paid;
        state.put_session(session);
    }
}

/// The metadata that was given, or none.
fn metadata(given: &Value) -> Value {
    if given.is_object() { given.clone() } else { json!({}) }
}
