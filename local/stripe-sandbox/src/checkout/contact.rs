//! Whom a session is for: the customer, their address, and what the shop calls them.

use serde_json::Value;

use crate::protocol::json_text;
use crate::protocol::refusal::Refusal;
use crate::session::Session;
use crate::state::State;

/// The most characters of `client_reference_id`.
const CLIENT_REFERENCE: usize = 200;
/// What a session for a customer cannot say of another one.
const WITHOUT_CUSTOMER: [&str; 2] = ["customer_creation", "customer_email"];
/// Countries to which Stripe Checkout does not ship.
const UNSUPPORTED_COUNTRIES: [&str; 15] =
    ["AS", "CC", "CU", "CX", "FM", "HM", "IR", "KP", "MH", "MP", "NF", "PW", "SY", "UM", "VI"];

/// Refuses parameters about the customer that Stripe would refuse.
pub(super) fn check_contact(state: &State, params: &Value) -> Result<(), Refusal> {
    check_customer(state, params)?;
    if params["client_reference_id"].as_str().is_some_and(|id| id.chars().count() > CLIENT_REFERENCE) {
        let message = format!("Invalid string: must be at most {CLIENT_REFERENCE} characters");
        return Err(Refusal::invalid("client_reference_id", message));
    }
    check_countries(params)
}

fn check_customer(state: &State, params: &Value) -> Result<(), Refusal> {
    if let Some(email) = params["customer_email"].as_str()
        && !is_email(email)
    {
        return Err(Refusal::coded("email_invalid", "customer_email", format!("Invalid email address: {email}")));
    }
    let Some(customer) = params["customer"].as_str() else {
        if params["customer_update"].is_null() {
            return Ok(());
        }
        return Err(Refusal::invalid("customer_update", "`customer_update` can only be used with `customer`."));
    };
    let customer = state.customers.referred(customer, "customer")?;
    if let Some(name) = WITHOUT_CUSTOMER.iter().find(|name| !params[**name].is_null()) {
        let message = format!("You may only specify one of these parameters: customer, {name}.");
        return Err(Refusal::invalid(*name, message));
    }
    check_customer_update(customer, params)
}

/// Refuses to ask an existing customer for what the session may not keep of them.
///
/// The messages are those that shops reported (<https://github.com/laravel/cashier-stripe/issues/1585>,
/// <https://github.com/raystack/frontier/pull/565>); neither names a parameter.
fn check_customer_update(customer: &Value, params: &Value) -> Result<(), Refusal> {
    let keeps = |name: &str| params["customer_update"][name] == "auto";
    let refused = |code, message: String| Err(Refusal::Invalid { param: None, code, message });
    if params["tax_id_collection"]["enabled"] == true {
        for (name, what) in [("name", "business name"), ("address", "address")] {
            if !keeps(name) {
                let message = format!(
                    "Tax ID collection requires updating {what} on the customer. To enable tax ID collection for an \
                     existing customer, please set `customer_update[{name}]` to `auto`."
                );
                return refused(None, message);
            }
        }
    }
    let has_address = customer["address"]["line1"].is_string() && customer["address"]["country"].is_string();
    if params["automatic_tax"]["enabled"] == true && !has_address && !keeps("address") && !keeps("shipping") {
        let message = "Automatic tax calculation in Checkout requires a valid address on the Customer. Add a valid \
                       address to the Customer or set either `customer_update[address]` to 'auto' or \
                       `customer_update[shipping]` to 'auto' to save the address entered in Checkout to the Customer.";
        return refused(Some("customer_tax_location_invalid"), message.to_owned());
    }
    Ok(())
}

/// Refuses a subscription in another currency than the one that the customer's subscriptions are in.
///
/// Source: the message that <https://github.com/lukevella/rallly/issues/3307> quotes. A subscription counts, and a page that
/// is open for one.
pub(super) fn check_currency(state: &State, session: &Session) -> Result<(), Refusal> {
    let Some(customer) = session.customer.as_deref().filter(|_| session.is_recurring()) else { return Ok(()) };
    let subscriptions = state.subscriptions.newest().map(|(_, subscription)| subscription);
    let subscribed = subscriptions
        .filter(|subscription| subscription["customer"] == customer)
        .map(|subscription| json_text(&subscription["currency"]));
    let pages = state.sessions.newest().map(|(_, other)| other);
    let open = pages
        .filter(|other| other.is_open() && other.is_recurring() && other.customer.as_deref() == Some(customer))
        .map(|other| other.currency.as_str());
    let Some(bound) = subscribed.chain(open).find(|currency| *currency != session.currency) else { return Ok(()) };
    let message = format!(
        "You cannot combine currencies on a single customer. This customer has an active subscription, subscription \
         schedule, discount, quote, or invoice item with currency {bound}."
    );
    Err(Refusal::Invalid { param: None, code: None, message })
}

fn check_countries(params: &Value) -> Result<(), Refusal> {
    let countries = params["shipping_address_collection"]["allowed_countries"].as_array();
    for (index, country) in countries.into_iter().flatten().enumerate() {
        let code = country.as_str().unwrap_or_default();
        let two_letters = code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase());
        if !two_letters || UNSUPPORTED_COUNTRIES.contains(&code) {
            let param = format!("shipping_address_collection[allowed_countries][{index}]");
            let message = format!("Invalid {param}: '{code}' is not a country to which Checkout ships.");
            return Err(Refusal::Malformed { param, message });
        }
    }
    Ok(())
}

/// Whether a text has the form of an email address.
pub(super) fn is_email(text: &str) -> bool {
    let no_space = !text.chars().any(|letter| letter.is_whitespace() || letter.is_control());
    let parts = text.rsplit_once('@');
    no_space && parts.is_some_and(|(name, host)| !name.is_empty() && !name.contains('@') && is_host(host))
}

fn is_host(host: &str) -> bool {
    host.contains('.') && host.split('.').all(|label| !label.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn email_addresses_have_a_name_and_a_host() {
        for good in ["a@b.co", "first.last+tag@shop.example.com", "o'hara@x.org"] {
            assert!(is_email(good), "{good}");
        }
        for bad in ["", "a", "a@", "@b.co", "a b@c.de", "a@b", "a@@b.co", "a@b..co"] {
            assert!(!is_email(bad), "{bad}");
        }
    }
}
