//! Lines of invoices (<https://docs.stripe.com/api/invoice-line-item/object>).

use serde_json::{Value, json};

use crate::protocol::ids;
use crate::protocol::template::Template;
use crate::session::{Line, LineAmounts, Session};

static TEMPLATE: Template = Template::new(include_str!("../../../data/objects/invoice_line.json"));

/// The lines of a subscription's first invoice.
pub(super) fn lines(session: &Session, invoice: &str, subscription: &Value, now: i64) -> Vec<Value> {
    // A subscription has one item for each recurring line, in their order.
    let mut items = subscription["items"]["data"].as_array().into_iter().flatten();
    let parent = |line: &Line| match if line.recurring { items.next() } else { None } {
        Some(item) => of_item(subscription, item),
        None => of_one_time_price(subscription),
    };
    let parents: Vec<Value> = session.lines.iter().map(parent).collect();
    let line = |(line, parent): (&Line, Value)| {
        TEMPLATE.with(json!({
            "id": ids::object("il"),
            "amount": line.amounts.subtotal,
            "currency": session.currency,
            "description": line.description,
            "invoice": invoice,
            "metadata": line.metadata,
            "parent": parent,
            "period": { "end": now, "start": now },
            "pricing": { "price_details": { "price": line.price, "product": line.product } },
            "quantity": line.quantity,
            "quantity_decimal": line.quantity.map(|quantity| quantity.to_string()),
            "subscription": subscription["id"],
            "subtotal": line.amounts.subtotal,
            "taxes": taxes(&line.amounts).collect::<Value>(),
        }))
    };
    session.lines.iter().zip(parents).map(line).collect()
}

fn of_item(subscription: &Value, item: &Value) -> Value {
    json!({
        "invoice_item_details": null,
        "subscription_item_details": {
            "invoice_item": null,
            "proration": false,
            "proration_details": { "credited_items": null },
            "subscription": subscription["id"],
            "subscription_item": item["id"],
        },
        "type": "subscription_item_details",
    })
}

/// What is bought once beside a subscription is an invoice item of its own.
fn of_one_time_price(subscription: &Value) -> Value {
    json!({
        "invoice_item_details": {
            "invoice_item": ids::object("ii"),
            "proration": false,
            "proration_details": { "credited_items": null },
            "subscription": subscription["id"],
        },
        "subscription_item_details": null,
        "type": "invoice_item_details",
    })
}

/// The taxes of a line, as invoices show them.
pub(super) fn taxes(amounts: &LineAmounts) -> impl Iterator<Item = Value> {
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
