//! What a completed session leaves behind: customers, payments, subscriptions, invoices, refunds.

use serde_json::{Map, Value, json};

use crate::currency;
use crate::error::Refusal;
use crate::ids;
use crate::lists;
use crate::session::{Outcome, Payment, PaymentStatus, Session, json_text};
use crate::state::State;

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
        "metadata": if data["metadata"].is_object() { data["metadata"].clone() } else { json!({}) },
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
        "refunds": lists::list(&format!("/v1/charges/{id}/refunds"), Vec::new(), false),
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
    let message = format!(
        "This PaymentIntent could not be {done} because it has a status of {}.",
        json_text(&intent["status"])
    );
    Err(Refusal::coded("payment_intent_unexpected_state", "intent", message))
}

fn set_session_paid(state: &mut State, intent: &str) {
    let session = state
        .sessions
        .newest()
        .find(|(_, session)| session.payment_intent.as_deref() == Some(intent));
    if let Some(mut session) = session.map(|(_, session)| session.clone()) {
        session.payment_status = PaymentStatus::Paid;
        state.put_session(session);
    }
}

/// Makes the subscription and its first invoice.
pub(crate) fn create_subscription(
    state: &mut State,
    session: &mut Session,
    intent: Option<String>,
) {
    let id = ids::object("sub");
    let waits = intent.is_some() && session.payment_status == PaymentStatus::Unpaid;
    let invoice = create_invoice(state, session, &id, intent);
    let subscription = subscription(state, session, &id, &invoice, waits);
    state.subscriptions.put(&id, subscription.clone());
    state.emit("customer.subscription.created", subscription, None);
    let object = state.invoices.get(&invoice).cloned().unwrap_or_default();
    state.emit("invoice.created", object.clone(), None);
    state.emit("invoice.finalized", object.clone(), None);
    if !waits {
        state.emit("invoice.paid", object.clone(), None);
        state.emit("invoice.payment_succeeded", object, None);
    }
    session.subscription = Some(id);
    session.invoice = Some(invoice);
}

/// The subscription object (<https://docs.stripe.com/api/subscriptions/object>).
fn subscription(state: &State, session: &Session, id: &str, invoice: &str, waits: bool) -> Value {
    let now = state.now();
    let data = &session.params["subscription_data"];
    let trial_end = trial_end(session, now);
    let recurring: Vec<_> = session.lines.iter().filter(|line| line.recurring).collect();
    let interval = recurring
        .first()
        .and_then(|line| state.prices.get(&line.price))
        .map(|price| &price["recurring"]);
    let period_end = trial_end.unwrap_or_else(|| now + interval.map_or(0, seconds));
    let items: Vec<Value> = recurring
        .iter()
        .map(|line| {
            json!({
                "id": ids::new("si_", 14),
                "object": "subscription_item",
                "billing_thresholds": null,
                "created": now,
                "current_period_end": period_end,
                "current_period_start": now,
                "discounts": [],
                "metadata": line.metadata,
                "price": state.prices.get(&line.price),
                "quantity": line.quantity,
                "subscription": id,
                "tax_rates": [],
            })
        })
        .collect();
    json!({
        "id": id,
        "object": "subscription",
        "application": null,
        "application_fee_percent": null,
        "automatic_tax": { "disabled_reason": null, "enabled": session.automatic_tax(), "liability": null },
        "billing_cycle_anchor": period_end,
        "billing_cycle_anchor_config": null,
        "billing_mode": { "flexible": { "proration_discounts": "included" }, "type": "flexible", "updated_at": null },
        "billing_thresholds": null,
        "cancel_at": null,
        "cancel_at_period_end": false,
        "canceled_at": null,
        "cancellation_details": { "comment": null, "feedback": null, "reason": null },
        "collection_method": "charge_automatically",
        "created": now,
        "currency": session.currency,
        "customer": session.customer,
        "customer_account": null,
        "days_until_due": null,
        "default_payment_method": null,
        "default_source": null,
        "default_tax_rates": [],
        "description": data["description"],
        "discounts": [],
        "ended_at": null,
        "invoice_settings": { "account_tax_ids": null, "issuer": { "type": "self" } },
        "items": lists::list(&format!("/v1/subscription_items?subscription={id}"), items, false),
        "latest_invoice": invoice,
        "livemode": false,
        "metadata": if data["metadata"].is_object() { data["metadata"].clone() } else { json!({}) },
        "next_pending_invoice_item_invoice": null,
        "on_behalf_of": null,
        "pause_collection": null,
        "payment_settings": {
            "payment_method_options": null, "payment_method_types": null, "save_default_payment_method": "off",
        },
        "pending_invoice_item_interval": null,
        "pending_setup_intent": null,
        "pending_update": null,
        "schedule": null,
        "start_date": now,
        "status": if trial_end.is_some() { "trialing" } else if waits { "incomplete" } else { "active" },
        "test_clock": null,
        "transfer_data": null,
        "trial_end": trial_end,
        "trial_settings": { "end_behavior": { "missing_payment_method": "create_invoice" } },
        "trial_start": trial_end.map(|_| now),
    })
}

fn trial_end(session: &Session, now: i64) -> Option<i64> {
    const DAY: i64 = 24 * 60 * 60;
    let data = &session.params["subscription_data"];
    let days = data["trial_period_days"].as_i64().filter(|days| *days > 0);
    data["trial_end"].as_i64().or(days.map(|days| now + days * DAY))
}

/// The length of a billing interval, with months of 30 and years of 365 days.
fn seconds(recurring: &Value) -> i64 {
    const DAY: i64 = 24 * 60 * 60;
    let days = match json_text(&recurring["interval"]) {
        "day" => 1,
        "week" => 7,
        "month" => 30,
        _ => 365,
    };
    days * DAY * recurring["interval_count"].as_i64().unwrap_or(1)
}

/// Makes the first invoice of a subscription (<https://docs.stripe.com/api/invoices/object>).
fn create_invoice(
    state: &mut State,
    session: &Session,
    subscription: &str,
    intent: Option<String>,
) -> String {
    let id = ids::object("in");
    let now = state.now();
    let totals = session.totals();
    let paid = session.payment_status != PaymentStatus::Unpaid;
    let lines: Vec<Value> =
        session.lines.iter().map(|line| invoice_line(session, line, &id, now)).collect();
    let payments: Vec<Value> = intent
        .into_iter()
        .map(|intent| {
            let payment = json!({
                "id": ids::object("inpay"),
                "object": "invoice_payment",
                "amount_paid": paid.then_some(totals.total),
                "amount_requested": totals.total,
                "created": now,
                "currency": session.currency,
                "invoice": id,
                "is_default": true,
                "livemode": false,
                "payment": { "payment_intent": intent, "type": "payment_intent" },
                "status": if paid { "paid" } else { "open" },
                "status_transitions": { "canceled_at": null, "paid_at": paid.then_some(now) },
            });
            state.invoice_payments.put(json_text(&payment["id"]), payment.clone());
            payment
        })
        .collect();
    let details = &session.customer_details;
    let invoice = json!({
        "id": id,
        "object": "invoice",
        "account_country": "US",
        "account_name": "Sandbox",
        "amount_due": totals.total,
        "amount_overpaid": 0,
        "amount_paid": if paid { totals.total } else { 0 },
        "amount_remaining": if paid { 0 } else { totals.total },
        "amount_shipping": 0,
        "attempt_count": 1,
        "attempted": true,
        "auto_advance": false,
        "billing_reason": "subscription_create",
        "collection_method": "charge_automatically",
        "created": now,
        "currency": session.currency,
        "customer": session.customer,
        "customer_address": details["address"],
        "customer_email": details["email"],
        "customer_name": details["name"],
        "customer_phone": details["phone"],
        "description": session.params["subscription_data"]["description"],
        "ending_balance": 0,
        "hosted_invoice_url": null,
        "invoice_pdf": null,
        "lines": lists::list(&format!("/v1/invoices/{id}/lines"), lines, false),
        "livemode": false,
        "metadata": {},
        "number": format!("{}-0001", ids::new("", 8).to_uppercase()),
        "parent": {
            "quote_details": null,
            "subscription_details": {
                "metadata": session.params["subscription_data"]["metadata"], "subscription": subscription,
            },
            "type": "subscription_details",
        },
        "payments": lists::list(&format!("/v1/invoice_payments?invoice={id}"), payments, false),
        "period_end": now,
        "period_start": now,
        "starting_balance": 0,
        "status": if paid { "paid" } else { "open" },
        "status_transitions": {
            "finalized_at": now, "marked_uncollectible_at": null, "paid_at": paid.then_some(now), "voided_at": null,
        },
        "subtotal": totals.subtotal,
        "total": totals.total,
    });
    state.invoices.put(&id, invoice);
    id
}

fn invoice_line(session: &Session, line: &crate::session::Line, invoice: &str, now: i64) -> Value {
    json!({
        "id": ids::object("il"),
        "object": "line_item",
        "amount": line.amounts.subtotal,
        "currency": session.currency,
        "description": line.description,
        "discountable": true,
        "invoice": invoice,
        "livemode": false,
        "metadata": line.metadata,
        "period": { "end": now, "start": now },
        "pricing": {
            "price_details": { "price": line.price, "product": line.product }, "type": "price_details",
        },
        "quantity": line.quantity,
        "subtotal": line.amounts.subtotal,
    })
}

/// Ends the delayed payment of a subscription's first invoice.
pub(crate) fn settle_invoice(state: &mut State, id: &str, outcome: Outcome) {
    let Some(mut invoice) = state.invoices.get(id).cloned() else { return };
    let subscription_id =
        json_text(&invoice["parent"]["subscription_details"]["subscription"]).to_owned();
    if outcome == Outcome::Failed {
        state.emit("invoice.payment_failed", invoice, None);
        return;
    }
    let now = state.now();
    invoice["status"] = json!("paid");
    invoice["amount_paid"] = invoice["amount_due"].clone();
    invoice["amount_remaining"] = json!(0);
    invoice["status_transitions"]["paid_at"] = json!(now);
    for payment in invoice["payments"]["data"].as_array_mut().into_iter().flatten() {
        payment["status"] = json!("paid");
        payment["amount_paid"] = payment["amount_requested"].clone();
        payment["status_transitions"]["paid_at"] = json!(now);
        state.invoice_payments.put(json_text(&payment["id"]), payment.clone());
    }
    state.invoices.put(id, invoice.clone());
    if let Some(mut subscription) = state.subscriptions.get(&subscription_id).cloned() {
        let previous = Map::from_iter([("status".to_owned(), subscription["status"].clone())]);
        subscription["status"] = json!("active");
        state.subscriptions.put(&subscription_id, subscription.clone());
        state.emit("customer.subscription.updated", subscription, Some(previous));
    }
    state.emit("invoice.paid", invoice.clone(), None);
    state.emit("invoice.payment_succeeded", invoice, None);
}

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
        return Err(Refusal::Invalid {
            param: None,
            code: Some("charge_already_refunded"),
            message,
        });
    }
    let amount = params["amount"].as_i64().unwrap_or(left);
    if amount < 1 {
        return Err(Refusal::coded(
            "parameter_invalid_integer",
            "amount",
            "Invalid positive integer",
        ));
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
        "destination_details": {
            "card": {
                "reference": null, "reference_status": "pending", "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
            "type": "card",
        },
        "metadata": if params["metadata"].is_object() { params["metadata"].clone() } else { json!({}) },
        "payment_intent": charge["payment_intent"],
        "reason": params["reason"],
        "receipt_number": null,
        "source_transfer_reversal": null,
        "status": "succeeded",
        "transfer_reversal": null,
    })
}
