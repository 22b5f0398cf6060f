//! Subscriptions and their first invoices. Nothing is renewed: what comes after is not the sandbox's.

use serde_json::{Map, Value, json};

use super::metadata;
use crate::checkout::{Line, LineAmounts, Outcome, PaymentStatus, Session, json_text};
use crate::protocol::ids;
use crate::state::State;
use crate::state::list;

const DAY: i64 = 24 * 60 * 60;

/// Makes the subscription and its first invoice.
pub(crate) fn create_subscription(state: &mut State, session: &mut Session, intent: Option<String>) {
    let id = ids::object("sub");
    let waits = intent.is_some() && session.payment_status == PaymentStatus::Unpaid;
    let invoice = create_invoice(state, session, &id, intent);
    let subscription = subscription(state, session, &id, json_text(&invoice["id"]), waits);
    state.subscriptions.put(&id, subscription.clone());
    state.emit("customer.subscription.created", subscription, None);
    state.emit("invoice.created", invoice.clone(), None);
    state.emit("invoice.finalized", invoice.clone(), None);
    session.subscription = Some(id);
    session.invoice = Some(json_text(&invoice["id"]).to_owned());
    if !waits {
        state.emit("invoice.paid", invoice.clone(), None);
        state.emit("invoice.payment_succeeded", invoice, None);
    }
}

/// The subscription object (<https://docs.stripe.com/api/subscriptions/object>).
fn subscription(state: &State, session: &Session, id: &str, invoice: &str, waits: bool) -> Value {
    let now = state.now();
    let data = &session.params["subscription_data"];
    let trial_end = trial_end(session, now);
    let recurring = session.lines.iter().filter(|line| line.recurring);
    let interval = recurring.clone().find_map(|line| state.prices.get(&line.price)).map(|price| &price["recurring"]);
    let period_end = trial_end.unwrap_or_else(|| now + interval.map_or(0, seconds));
    let items = recurring.map(|line| item(state, line, id, (now, period_end))).collect();
    json!({
        "id": id,
        "object": "subscription",
        "application": null,
        "application_fee_percent": null,
        "automatic_tax": {
            "disabled_reason": null, "enabled": session.automatic_tax(), "liability": null,
        },
        "billing_cycle_anchor": period_end,
        "billing_cycle_anchor_config": null,
        "billing_mode": {
            "flexible": { "proration_discounts": "included" }, "type": "flexible", "updated_at": null,
        },
        "billing_schedules": [],
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
        "default_tax_rates": session.default_rates(),
        "description": data["description"],
        "discounts": [],
        "ended_at": null,
        "invoice_settings": {
            "account_tax_ids": null, "custom_fields": null, "description": null, "footer": null,
            "issuer": { "type": "self" },
        },
        "items": list::list(&format!("/v1/subscription_items?subscription={id}"), items, false),
        "latest_invoice": invoice,
        "livemode": false,
        "managed_payments": { "enabled": false },
        "metadata": metadata(&data["metadata"]),
        "next_pending_invoice_item_invoice": null,
        "on_behalf_of": null,
        "pause_collection": null,
        "payment_settings": {
            "payment_method_options": null, "payment_method_types": null,
            "save_default_payment_method": "off",
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

/// A subscription item (<https://docs.stripe.com/api/subscription_items/object>).
fn item(state: &State, line: &Line, subscription: &str, (start, end): (i64, i64)) -> Value {
    let price = state.prices.get(&line.price).cloned().unwrap_or_default();
    json!({
        "id": ids::new("si_", 14),
        "object": "subscription_item",
        "billing_thresholds": null,
        "created": start,
        "current_period_end": end,
        "current_period_start": start,
        "discounts": [],
        "metadata": line.metadata,
        "plan": plan(&price),
        "price": price,
        "quantity": line.quantity,
        "subscription": subscription,
        "tax_rates": line.rates,
    })
}

/// The plan that Stripe still shows beside a recurring price (<https://docs.stripe.com/api/plans/object>).
fn plan(price: &Value) -> Value {
    let recurring = &price["recurring"];
    json!({
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": price["billing_scheme"],
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "livemode": false,
        "metadata": price["metadata"],
        "meter": recurring["meter"],
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": price["tiers_mode"],
        "transform_usage": price["transform_quantity"],
        "trial_period_days": recurring["trial_period_days"],
        "usage_type": recurring["usage_type"],
    })
}

fn trial_end(session: &Session, now: i64) -> Option<i64> {
    let data = &session.params["subscription_data"];
    let days = data["trial_period_days"].as_i64().filter(|days| *days > 0);
    data["trial_end"].as_i64().or(days.map(|days| now + days * DAY))
}

/// The length of a billing interval, with months of 30 and years of 365 days.
fn seconds(recurring: &Value) -> i64 {
    let days = match json_text(&recurring["interval"]) {
        "day" => 1,
        "week" => 7,
        "month" => 30,
        _ => 365,
    };
    days * DAY * recurring["interval_count"].as_i64().unwrap_or(1)
}

/// Makes the first invoice of a subscription (<https://docs.stripe.com/api/invoices/object>).
fn create_invoice(state: &mut State, session: &Session, subscription: &str, intent: Option<String>) -> Value {
    let id = ids::object("in");
    let now = state.now();
    let payments: Vec<Value> = intent.into_iter().map(|intent| invoice_payment(session, &id, &intent, now)).collect();
    for payment in &payments {
        state.invoice_payments.put(json_text(&payment["id"]), payment.clone());
    }
    let paid = session.payment_status != PaymentStatus::Unpaid;
    let lines = session.lines.iter().map(|line| invoice_line(session, line, (&id, subscription), now)).collect();
    let details = &session.customer_details;
    let mut invoice = json!({
        "id": id,
        "object": "invoice",
        "account_country": "US",
        "account_name": "Sandbox",
        "account_tax_ids": null,
        "application": null,
        "attempt_count": 1,
        "attempted": true,
        "auto_advance": false,
        "automatic_tax": {
            "disabled_reason": null, "enabled": session.automatic_tax(), "liability": null, "provider": null,
            "status": session.automatic_tax().then_some("complete"),
        },
        "automatically_finalizes_at": null,
        "billing_reason": "subscription_create",
        "collection_method": "charge_automatically",
        "created": now,
        "custom_fields": null,
        "customer": session.customer,
        "customer_account": null,
        "customer_address": details["address"],
        "customer_email": details["email"],
        "customer_name": details["name"],
        "customer_phone": details["phone"],
        "customer_shipping": null,
        "customer_tax_exempt": "none",
        "customer_tax_ids": [],
        "default_payment_method": null,
        "default_source": null,
        "default_tax_rates": session.default_rates(),
        "description": session.params["subscription_data"]["description"],
        "discounts": session.discount.iter().map(|discount| json!(discount.id)).collect::<Value>(),
        "due_date": null,
        "effective_at": now,
        "footer": null,
        "from_invoice": null,
        "hosted_invoice_url": null,
        "invoice_pdf": null,
        "issuer": { "type": "self" },
        "last_finalization_error": null,
        "latest_revision": null,
        "lines": list::list(&format!("/v1/invoices/{id}/lines"), lines, false),
        "livemode": false,
        "metadata": {},
        "next_payment_attempt": null,
        "number": format!("{}-0001", ids::new("", 8).to_uppercase()),
        "on_behalf_of": null,
        "parent": {
            "quote_details": null,
            "subscription_details": {
                "metadata": metadata(&session.params["subscription_data"]["metadata"]),
                "subscription": subscription,
            },
            "type": "subscription_details",
        },
        "payment_settings": {
            "default_mandate": null, "payment_method_options": null, "payment_method_types": null,
        },
        "payments": list::list(&format!("/v1/invoice_payments?invoice={id}"), payments, false),
        "period_end": now,
        "period_start": now,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "receipt_number": null,
        "rendering": null,
        "shipping_cost": null,
        "shipping_details": null,
        "statement_descriptor": null,
        "status": if paid { "paid" } else { "open" },
        "status_transitions": {
            "finalized_at": now, "marked_uncollectible_at": null, "paid_at": paid.then_some(now), "voided_at": null,
        },
        "test_clock": null,
        "webhooks_delivered_at": now,
    });
    if let (Value::Object(invoice), Value::Object(amounts)) = (&mut invoice, invoice_amounts(session)) {
        invoice.extend(amounts);
    }
    state.invoices.put(&id, invoice.clone());
    invoice
}

/// The fields of an invoice that are amounts, and their currency.
fn invoice_amounts(session: &Session) -> Value {
    let totals = session.totals();
    let paid = session.payment_status != PaymentStatus::Unpaid;
    let added: i64 = session.lines.iter().map(|line| line.amounts.taxes.added).sum();
    let discounts: Vec<Value> =
        session.discount.iter().map(|discount| json!({ "amount": totals.discount, "discount": discount.id })).collect();
    let taxes: Vec<Value> = session.lines.iter().flat_map(|line| invoice_taxes(&line.amounts)).collect();
    json!({
        "amount_due": totals.total,
        "amount_overpaid": 0,
        "amount_paid": if paid { totals.total } else { 0 },
        "amount_remaining": if paid { 0 } else { totals.total },
        "amount_shipping": 0,
        "currency": session.currency,
        "ending_balance": 0,
        "starting_balance": 0,
        "subtotal": totals.subtotal,
        "subtotal_excluding_tax": totals.subtotal - (totals.tax - added),
        "total": totals.total,
        "total_discount_amounts": discounts,
        "total_excluding_tax": totals.total - totals.tax,
        "total_pretax_credit_amounts": [],
        "total_taxes": taxes,
    })
}

/// What connects an invoice with its payment (<https://docs.stripe.com/api/invoice-payment/object>).
fn invoice_payment(session: &Session, invoice: &str, intent: &str, now: i64) -> Value {
    let paid = session.payment_status != PaymentStatus::Unpaid;
    let total = session.totals().total;
    json!({
        "id": ids::object("inpay"),
        "object": "invoice_payment",
        "amount_paid": paid.then_some(total),
        "amount_requested": total,
        "created": now,
        "currency": session.currency,
        "invoice": invoice,
        "is_default": true,
        "livemode": false,
        "payment": { "payment_intent": intent, "type": "payment_intent" },
        "status": if paid { "paid" } else { "open" },
        "status_transitions": { "canceled_at": null, "paid_at": paid.then_some(now) },
    })
}

/// A line of an invoice (<https://docs.stripe.com/api/invoice-line-item/object>).
fn invoice_line(session: &Session, line: &Line, (invoice, subscription): (&str, &str), now: i64) -> Value {
    let parent = json!({
        "invoice_item_details": null,
        "subscription_item_details": {
            "invoice_item": null, "proration": false, "proration_details": { "credited_items": null },
            "subscription": subscription, "subscription_item": null,
        },
        "type": "subscription_item_details",
    });
    json!({
        "id": ids::object("il"),
        "object": "line_item",
        "amount": line.amounts.subtotal,
        "currency": session.currency,
        "description": line.description,
        "discount_amounts": [],
        "discountable": true,
        "discounts": [],
        "invoice": invoice,
        "livemode": false,
        "metadata": line.metadata,
        "parent": parent,
        "period": { "end": now, "start": now },
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": { "price": line.price, "product": line.product },
            "type": "price_details",
            "unit_amount_decimal": null,
        },
        "quantity": line.quantity,
        "quantity_decimal": line.quantity.map(|quantity| quantity.to_string()),
        "subscription": subscription,
        "subtotal": line.amounts.subtotal,
        "taxes": invoice_taxes(&line.amounts).collect::<Value>(),
    })
}

fn invoice_taxes(amounts: &LineAmounts) -> impl Iterator<Item = Value> {
    amounts.rates.iter().zip(&amounts.taxes.amounts).map(|(rate, amount)| {
        json!({
            "amount": amount,
            "tax_behavior": if rate["inclusive"] == true { "inclusive" } else { "exclusive" },
            "tax_rate_details": { "tax_rate": rate["id"] },
            "taxability_reason": "standard_rated",
            "taxable_amount": amounts.taxes.taxable,
            "type": "tax_rate_details",
        })
    })
}

/// Ends the delayed payment of a subscription's first invoice.
pub(crate) fn settle_invoice(state: &mut State, id: &str, outcome: Outcome) {
    let Some(mut invoice) = state.invoices.get(id).cloned() else { return };
    let subscription_id = json_text(&invoice["parent"]["subscription_details"]["subscription"]).to_owned();
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
