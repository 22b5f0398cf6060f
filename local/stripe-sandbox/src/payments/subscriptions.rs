//! Subscriptions (<https://docs.stripe.com/api/subscriptions>). Nothing is renewed.

use serde_json::{Value, json};

use super::invoices;
use crate::endpoint::{Route, retrieve};
use crate::protocol::template::Template;
use crate::protocol::{ids, json_text, metadata};
use crate::session::{Line, Outcome, PaymentStatus, Session};
use crate::state::State;

static TEMPLATE: Template = Template::new(include_str!("../../data/objects/subscription.json"));
static ITEM: Template = Template::new(include_str!("../../data/objects/subscription_item.json"));
static PLAN: Template = Template::new(include_str!("../../data/objects/plan.json"));

pub(crate) static ROUTES: [Route; 1] =
    [Route::retrieve("subscriptions/{id}", |state, request| retrieve(&state.subscriptions, request))];

const DAY: i64 = 24 * 60 * 60;

/// Makes the session's subscription and its first invoice.
pub(crate) fn create(state: &mut State, session: &mut Session, intent: Option<String>) {
    let id = ids::object("sub");
    let mut subscription = subscription(state, session, &id);
    let is_waiting = intent.is_some() && session.payment_status == PaymentStatus::Unpaid;
    if is_waiting && subscription["status"] == "active" {
        subscription["status"] = json!("incomplete");
    }
    let invoice = invoices::create(state, session, &subscription, intent);
    subscription["latest_invoice"] = invoice["id"].clone();
    state.subscriptions.put(&id, subscription.clone());
    session.subscription = Some(id);
    session.invoice = Some(json_text(&invoice["id"]).to_owned());
    state.emit("customer.subscription.created", subscription, None);
    state.emit("invoice.created", invoice.clone(), None);
    state.emit("invoice.finalized", invoice.clone(), None);
    if !is_waiting {
        invoices::emit_paid(state, invoice);
    }
}

/// The subscription object (<https://docs.stripe.com/api/subscriptions/object>), as if it was paid.
fn subscription(state: &State, session: &Session, id: &str) -> Value {
    let now = state.now();
    let data = &session.params["subscription_data"];
    let trial_end = trial_end(session, now);
    let recurring = session.lines.iter().filter(|line| line.recurring);
    let interval = recurring.clone().find_map(|line| state.prices.get(&line.price)).map(|price| &price["recurring"]);
    let period_end = trial_end.unwrap_or_else(|| now + interval.map_or(0, seconds));
    let items: Vec<Value> = recurring.map(|line| item(state, line, id, (now, period_end))).collect();
    TEMPLATE.with(json!({
        "id": id,
        "automatic_tax": { "enabled": session.automatic_tax() },
        "billing_cycle_anchor": period_end,
        "created": now,
        "currency": session.currency,
        "customer": session.customer,
        "default_tax_rates": session.default_rates,
        "description": data["description"],
        "items": { "data": items, "url": format!("/v1/subscription_items?subscription={id}") },
        "metadata": metadata::kept(&data["metadata"]),
        "start_date": now,
        "status": if trial_end.is_some() { "trialing" } else { "active" },
        "trial_end": trial_end,
        "trial_start": trial_end.map(|_| now),
    }))
}

/// A subscription item (<https://docs.stripe.com/api/subscription_items/object>).
fn item(state: &State, line: &Line, subscription: &str, (start, end): (i64, i64)) -> Value {
    let price = state.prices.get(&line.price).cloned().unwrap_or_default();
    let mut item = ITEM.with(json!({
        "id": ids::new("si_", 14),
        "created": start,
        "current_period_end": end,
        "current_period_start": start,
        "metadata": line.metadata,
        "plan": plan(&price),
        "price": price,
        "subscription": subscription,
        "tax_rates": line.rates,
    }));
    // Metered use has no quantity.
    if let Some(quantity) = line.quantity {
        item["quantity"] = json!(quantity);
    }
    item
}

/// The plan that Stripe still shows beside a recurring price (<https://docs.stripe.com/api/plans/object>).
fn plan(price: &Value) -> Value {
    let recurring = &price["recurring"];
    PLAN.with(json!({
        "id": price["id"],
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": price["billing_scheme"],
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "metadata": price["metadata"],
        "meter": recurring["meter"],
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": price["tiers_mode"],
        "transform_usage": price["transform_quantity"],
        "trial_period_days": recurring["trial_period_days"],
        "usage_type": recurring["usage_type"],
    }))
}

fn trial_end(session: &Session, now: i64) -> Option<i64> {
    let data = &session.params["subscription_data"];
    let days = data["trial_period_days"].as_i64().filter(|days| *days > 0);
    data["trial_end"].as_i64().or(days.map(|days| now.saturating_add(days.saturating_mul(DAY))))
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

/// Ends the delayed payment of a subscription's first invoice.
pub(crate) fn settle(state: &mut State, invoice: &str, outcome: Outcome) {
    let Some(invoice) = state.invoices.get(invoice).cloned() else { return };
    match outcome {
        Outcome::Failed => state.emit("invoice.payment_failed", invoice, None),
        Outcome::Succeeded => {
            let invoice = invoices::pay(state, invoice);
            activate(state, json_text(&invoice["parent"]["subscription_details"]["subscription"]));
            invoices::emit_paid(state, invoice);
        }
    }
}

fn activate(state: &mut State, id: &str) {
    let Some(mut subscription) = state.subscriptions.get(id).cloned() else { return };
    let previous = json!({ "status": subscription["status"] });
    subscription["status"] = json!("active");
    state.subscriptions.put(id, subscription.clone());
    state.emit("customer.subscription.updated", subscription, previous.as_object().cloned());
}
