//! Customers (<https://docs.stripe.com/api/customers>).

use serde_json::{Value, json};

use crate::catalog::change::emit_update;
use crate::endpoint::{Route, retrieve};
use crate::protocol::ids;
use crate::protocol::template::Template;
use crate::session::Session;
use crate::state::State;

static TEMPLATE: Template = Template::new(include_str!("../../data/objects/customer.json"));

pub(crate) static ROUTES: [Route; 1] =
    [Route::retrieve("customers/{id}", |state, request| retrieve(&state.customers, request))];

/// Makes the session's customer and gives their id.
pub(crate) fn create(state: &mut State, session: &Session) -> String {
    let id = ids::new("cus_", 14);
    let details = &session.customer_details;
    let customer = TEMPLATE.with(json!({
        "id": id,
        "address": details["address"],
        "created": state.now(),
        "currency": session.is_recurring().then_some(&session.currency),
        "email": details["email"],
        "invoice_prefix": ids::new("", 8).to_uppercase(),
        "name": details["name"],
        "phone": details["phone"],
        "shipping": shipping(session),
    }));
    state.customers.put(&id, customer.clone());
    state.emit("customer.created", customer, None);
    id
}

/// Keeps of an existing customer's answers what the session was told to.
///
/// Source: <https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-customer_update>
pub(crate) fn update(state: &mut State, id: &str, session: &Session) {
    let Some(before) = state.customers.get(id).cloned() else { return };
    let details = &session.customer_details;
    let answers =
        [("address", details["address"].clone()), ("name", details["name"].clone()), ("shipping", shipping(session))];
    let mut after = before.clone();
    if session.is_recurring() && after["currency"].is_null() {
        after["currency"] = json!(session.currency);
    }
    for (name, answer) in answers {
        if session.params["customer_update"][name] == "auto" && !answer.is_null() {
            after[name] = answer;
        }
    }
    state.customers.put(id, after.clone());
    emit_update(state, "customer.updated", &before, &after);
}

fn shipping(session: &Session) -> Value {
    match &session.shipping_details {
        Value::Null => Value::Null,
        shipping => json!({
            "address": shipping["address"],
            "name": shipping["name"],
            "phone": session.customer_details["phone"],
        }),
    }
}
