//! Invoices and what pays them (<https://docs.stripe.com/api/invoices>).

mod lines;

use serde_json::{Value, json};

use crate::endpoint::{Answer, Request, Route, matches, retrieve};
use crate::money::sum;
use crate::protocol::parameters::Definitions;
use crate::protocol::template::{Template, fill};
use crate::protocol::{ids, json_text, metadata};
use crate::session::{PaymentStatus, Session};
use crate::state::{State, list};

static PARAMETERS: Definitions = Definitions::new(include_str!("../../../data/parameters/invoice_payments.json"));
static TEMPLATE: Template = Template::new(include_str!("../../../data/objects/invoice.json"));
static PAYMENT: Template = Template::new(include_str!("../../../data/objects/invoice_payment.json"));

pub(crate) static ROUTES: [Route; 3] = [
    Route::retrieve("invoices/{id}", |state, request| retrieve(&state.invoices, request)),
    Route::get("invoice_payments", (&PARAMETERS, "list"), list_payments),
    Route::retrieve("invoice_payments/{id}", |state, request| retrieve(&state.invoice_payments, request)),
];

/// Makes the invoice of a payment whose session asks for one, and sends its events.
///
/// Source: <https://docs.stripe.com/payments/checkout/receipts#paid-invoices>
pub(crate) fn create_for_payment(state: &mut State, session: &mut Session) {
    let mut invoice = create(state, session, &Value::Null, session.payment_intent.clone());
    let id = json_text(&invoice["id"]).to_owned();
    let data = &session.params["invoice_creation"]["invoice_data"];
    invoice["billing_reason"] = json!("manual");
    invoice["metadata"] = Value::Object(metadata::kept(&data["metadata"]));
    for name in ["custom_fields", "description", "footer"] {
        invoice[name] = data[name].clone();
    }
    state.invoices.put(&id, invoice.clone());
    session.invoice = Some(id);
    state.emit("invoice.created", invoice.clone(), None);
    state.emit("invoice.finalized", invoice.clone(), None);
    if is_paid(session) {
        emit_paid(state, invoice);
    }
}

/// Makes the first invoice of a subscription, which the payment `intent` pays, and gives its object.
///
/// Without a subscription, `Value::Null`, it is that of a payment.
pub(super) fn create(state: &mut State, session: &Session, subscription: &Value, intent: Option<String>) -> Value {
    let now = state.now();
    let id = ids::object("in");
    let payment = intent.map(|intent| payment(session, &id, &intent, now));
    if let Some(payment) = &payment {
        state.invoice_payments.put(json_text(&payment["id"]), payment.clone());
    }
    let mut invoice = invoice(session, &id, now);
    let values = json!({
        "lines": {
            "data": lines::lines(session, &id, subscription, now),
            "url": format!("/v1/invoices/{id}/lines"),
        },
        "parent": parent(subscription),
        "payments": {
            "data": payment.into_iter().collect::<Value>(),
            "url": format!("/v1/invoice_payments?invoice={id}"),
        },
    });
    fill(&mut invoice, values);
    state.invoices.put(&id, invoice.clone());
    invoice
}

fn parent(subscription: &Value) -> Value {
    if subscription.is_null() {
        return Value::Null;
    }
    json!({
        "subscription_details": { "metadata": subscription["metadata"], "subscription": subscription["id"] },
    })
}

/// The invoice without what is listed in it.
fn invoice(session: &Session, id: &str, now: i64) -> Value {
    let details = &session.customer_details;
    let is_paid = is_paid(session);
    let mut invoice = TEMPLATE.with(amounts(session));
    let values = json!({
        "id": id,
        "automatic_tax": {
            "enabled": session.automatic_tax(),
            "status": session.automatic_tax().then_some("complete"),
        },
        "created": now,
        "currency": session.currency,
        "customer": session.customer,
        "customer_address": details["address"],
        "customer_email": details["email"],
        "customer_name": details["name"],
        "customer_phone": details["phone"],
        "customer_tax_ids": details["tax_ids"],
        "default_tax_rates": session.default_rates,
        "description": session.params["subscription_data"]["description"],
        "discounts": session.discount.iter().map(|discount| json!(discount.id)).collect::<Value>(),
        "effective_at": now,
        "hosted_invoice_url": format!("https://invoice.stripe.com/i/acct_1SandboxSandbox00/test_{id}"),
        "invoice_pdf": format!("https://pay.stripe.com/invoice/acct_1SandboxSandbox00/test_{id}/pdf"),
        "number": format!("{}-0001", ids::new("", 8).to_uppercase()),
        "period_end": now,
        "period_start": now,
        "status": if is_paid { "paid" } else { "open" },
        "status_transitions": { "finalized_at": now, "paid_at": is_paid.then_some(now) },
        "webhooks_delivered_at": now,
    });
    fill(&mut invoice, values);
    invoice
}

fn is_paid(session: &Session) -> bool {
    session.payment_status != PaymentStatus::Unpaid
}

/// The fields of an invoice that are amounts.
fn amounts(session: &Session) -> Value {
    let totals = session.totals();
    let added = sum(session.lines.iter().map(|line| line.amounts.taxes.added));
    let discount = |id: &str| json!({ "amount": totals.discount, "discount": id });
    json!({
        "amount_due": totals.total,
        "amount_paid": if is_paid(session) { totals.total } else { 0 },
        "amount_remaining": if is_paid(session) { 0 } else { totals.total },
        "subtotal": totals.subtotal,
        "subtotal_excluding_tax": totals.subtotal - (totals.tax - added),
        "total": totals.total,
        "total_discount_amounts": session.discount.iter().map(|own| discount(&own.id)).collect::<Value>(),
        "total_excluding_tax": totals.total - totals.tax,
        "total_taxes": session.lines.iter().flat_map(|line| lines::taxes(&line.amounts)).collect::<Value>(),
    })
}

/// What connects an invoice with its payment (<https://docs.stripe.com/api/invoice-payment/object>).
fn payment(session: &Session, invoice: &str, intent: &str, now: i64) -> Value {
    let is_paid = is_paid(session);
    let total = session.totals().total;
    PAYMENT.with(json!({
        "id": ids::object("inpay"),
        "amount_paid": is_paid.then_some(total),
        "amount_requested": total,
        "created": now,
        "currency": session.currency,
        "invoice": invoice,
        "payment": { "payment_intent": intent },
        "status": if is_paid { "paid" } else { "open" },
        "status_transitions": { "paid_at": is_paid.then_some(now) },
    }))
}

fn list_payments(state: &mut State, request: &Request) -> Answer {
    let params = &request.params;
    let intent = params.get("payment").and_then(|payment| payment.get("payment_intent"));
    list::page(&state.invoice_payments, "/v1/invoice_payments", params, |payment| {
        matches(payment, params, &["invoice", "status"])
            && intent.is_none_or(|intent| payment["payment"]["payment_intent"] == *intent)
    })
}

/// The payment that pays an invoice.
pub(super) fn intent(state: &State, invoice: &str) -> Option<String> {
    let (_, payment) = state.invoice_payments.newest().find(|(_, payment)| payment["invoice"] == invoice)?;
    payment["payment"]["payment_intent"].as_str().map(str::to_owned)
}

/// Pays an invoice whose payment was on its way, and gives its object.
pub(super) fn pay(state: &mut State, mut invoice: Value) -> Value {
    let paid = json!({ "status": "paid", "status_transitions": { "paid_at": state.now() } });
    fill(&mut invoice, paid.clone());
    invoice["amount_paid"] = invoice["amount_due"].clone();
    invoice["amount_remaining"] = json!(0);
    for payment in invoice["payments"]["data"].as_array_mut().into_iter().flatten() {
        fill(payment, paid.clone());
        payment["amount_paid"] = payment["amount_requested"].clone();
        state.invoice_payments.put(json_text(&payment["id"]), payment.clone());
    }
    state.invoices.put(json_text(&invoice["id"]), invoice.clone());
    invoice
}

pub(super) fn emit_paid(state: &mut State, invoice: Value) {
    state.emit("invoice.paid", invoice.clone(), None);
    state.emit("invoice.payment_succeeded", invoice, None);
}
