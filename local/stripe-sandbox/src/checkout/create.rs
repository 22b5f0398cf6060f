//! The rules for a new Checkout Session (<https://docs.stripe.com/api/checkout/sessions/create>).

use serde_json::{Value, json};

use super::consent::check_consent;
use super::contact::{check_contact, check_currency};
use super::custom_fields::check_custom_fields;
use super::discounts::{given_discount, standing_coupon};
use super::lines::{sold, tax_rates};
use super::links::link;
use super::payment_methods::payment_methods;
use super::shipping::{check_shipping_amounts, shipping_options};
use super::tax::check_automatic_tax;
use crate::endpoint::Params;
use crate::protocol::refusal::Refusal;
use crate::protocol::{ids, json_text};
use crate::session::{Mode, Session};
use crate::state::State;

/// Seconds from a session's creation to the earliest and the latest moment at which it may expire.
const SHORTEST: i64 = 30 * 60;
const LONGEST: i64 = 24 * 60 * 60;

/// Creates a session, or says why Stripe would refuse it; then nothing is left of it.
pub(super) fn create(state: &mut State, params: Params) -> Result<Session, Refusal> {
    let mark = state.mark();
    let created = new_session(state, params);
    if created.is_err() {
        state.forget_since(mark);
    }
    created
}

fn new_session(state: &mut State, params: Params) -> Result<Session, Refusal> {
    let params = Value::Object(params);
    let mode = mode(&params)?;
    check_only_in_mode(&params, mode)?;
    check_contact(state, &params)?;
    check_texts(&params)?;
    check_consent(state, &params)?;
    check_custom_fields(&params)?;
    let created = state.now();
    let expires_at = expiry(&params, created)?;
    let shipping = shipping_options(state, &params)?;
    let coupon = standing_coupon(state, &params);
    let sold = sold(state, &params, mode, &shipping, coupon.as_ref())?;
    let mut session = Session::open(ids::session(), mode, sold.currency, params);
    session.created = created;
    session.expires_at = expires_at;
    session.lines = sold.lines;
    session.optional = sold.optional;
    check_currency(state, &session)?;
    check_automatic_tax(state, &session)?;
    session.shipping = shipping;
    check_shipping_amounts(&session)?;
    let defaults = &session.params["subscription_data"]["default_tax_rates"];
    session.default_rates = tax_rates(state, defaults, "subscription_data[default_tax_rates]")?;
    session.reprice();
    session.discount = given_discount(state, &session)?;
    session.reprice();
    session.check_total()?;
    session.payment_methods = payment_methods(state, &session)?;
    link(&state.url, &mut session)?;
    session.customer_details = known_details(state, &session);
    Ok(session)
}

/// Refuses texts for the page that are longer than Stripe takes.
fn check_texts(params: &Value) -> Result<(), Refusal> {
    const LONGEST: usize = 1200;
    let texts = params["custom_text"].as_object().into_iter().flatten();
    let mut messages = texts.map(|(name, text)| (name, json_text(&text["message"])));
    match messages.find(|(_, message)| message.chars().count() > LONGEST) {
        Some((name, _)) => {
            let param = format!("custom_text[{name}][message]");
            let message = format!("Invalid {param}: must be at most {LONGEST} characters.");
            Err(Refusal::invalid(param, message))
        }
        None => Ok(()),
    }
}

/// What is known of the customer before they say anything.
fn known_details(state: &State, session: &Session) -> Value {
    let details = |email: &Value, name: &Value, phone: &Value| {
        json!({
            "address": null,
            "business_name": null,
            "email": email,
            "individual_name": null,
            "name": name,
            "phone": phone,
            "tax_exempt": "none",
            "tax_ids": null,
        })
    };
    let email = &session.params["customer_email"];
    match session.customer.as_ref().and_then(|id| state.customers.get(id)) {
        Some(customer) => details(&customer["email"], &customer["name"], &customer["phone"]),
        None if email.is_string() => details(email, &Value::Null, &Value::Null),
        None => Value::Null,
    }
}

fn mode(params: &Value) -> Result<Mode, Refusal> {
    match params["mode"].as_str() {
        Some("subscription") => Ok(Mode::Subscription),
        Some("payment") => Ok(Mode::Payment),
        _ => Err(Refusal::invalid("mode", "This sandbox has no `setup` mode: use `payment` or `subscription`.")),
    }
}

/// Parameters that one mode alone takes.
const ONLY_IN: [(&str, Mode); 6] = [
    ("customer_creation", Mode::Payment),
    ("invoice_creation", Mode::Payment),
    ("payment_intent_data", Mode::Payment),
    ("shipping_options", Mode::Payment),
    ("payment_method_collection", Mode::Subscription),
    ("subscription_data", Mode::Subscription),
];

/// Refuses parameters that the other mode is for.
fn check_only_in_mode(params: &Value, mode: Mode) -> Result<(), Refusal> {
    let foreign = ONLY_IN.iter().find(|(name, only)| *only != mode && !params[*name].is_null());
    let Some((name, only)) = foreign else { return Ok(()) };
    let message = match *name {
        "invoice_creation" => "You can only enable invoice creation when `mode` is set to `payment`.".to_owned(),
        name => format!("You can only pass `{name}` in `{}` mode.", only.name()),
    };
    Err(Refusal::invalid(*name, message))
}

fn expiry(params: &Value, now: i64) -> Result<i64, Refusal> {
    let Some(at) = params["expires_at"].as_i64() else { return Ok(now + LONGEST) };
    let bound = if at < now + SHORTEST {
        "at least 30 minutes from"
    } else if at > now + LONGEST {
        "less than 24 hours from"
    } else {
        return Ok(at);
    };
    let message = format!("The `expires_at` timestamp must be {bound} Checkout Session creation.");
    Err(Refusal::invalid("expires_at", message))
}
