//! Customers (<https://docs.stripe.com/api/customers>).

use serde_json::{Value, json};

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
    let shipping = match &session.shipping_details {
        Value::Null => Value::Null,
        shipping => json!({ "address": shipping["address"], "name": shipping["name"], "phone": details["phone"] }),
    };
    let customer = TEMPLATE.with(json!({
        "id": id,
        "address": details["address"],
        "created": state.now(),
        "currency": session.is_recurring().then_some(&session.currency),
        "email": details["email"],
        "invoice_prefix": ids::new("", 8).to_uppercase(),
        "name": details["name"],
        "phone": details["phone"],
        "shipping": shipping,
    }));
    state.customers.put(&id, customer.clone());
    state.emit("customer.created", customer, None);
    id
}
