//! The rules for a new Checkout Session (<https://docs.stripe.com/api/checkout/sessions/create>).

use serde_json::{Map, Value, json};

use super::{
    Adjustable, Line, LineAmounts, Mode, PaymentStatus, Session, Status, discount, promotion, shipping_amount,
};
use crate::catalog::endpoints;
use crate::catalog::objects;
use crate::money::pricing::Pricing;
use crate::protocol::ids;
use crate::protocol::refusal::Refusal;
use crate::state::State;

const MOST_LINES: usize = 100;
/// In subscription mode, so many recurring and so many one-time lines.
const MOST_OF_A_KIND: usize = 20;
const MOST_QUANTITY: i64 = 999_999;
const MOST_SHIPPING_OPTIONS: usize = 5;
const SHORTEST: i64 = 30 * 60;
const LONGEST: i64 = 24 * 60 * 60;
const CLIENT_REFERENCE: usize = 200;
/// Countries to which Stripe Checkout does not ship.
const UNSUPPORTED_COUNTRIES: [&str; 15] =
    ["AS", "CC", "CU", "CX", "FM", "HM", "IR", "KP", "MH", "MP", "NF", "PW", "SY", "UM", "VI"];

/// Creates a session, or says why Stripe would refuse it.
pub(crate) fn create(state: &mut State, params: Map<String, Value>) -> Result<Session, Refusal> {
    let params = Value::Object(params);
    let mode = mode(&params)?;
    check_only_in_mode(&params, mode)?;
    check_contact(state, &params)?;
    let created = state.now();
    let expires_at = expiry(&params, created)?;
    let lines = lines(state, &params, mode)?;
    let currency = lines.1;
    let mut session = Session {
        id: ids::session(),
        created,
        expires_at,
        mode,
        status: Status::Open,
        payment_status: PaymentStatus::Unpaid,
        currency,
        metadata: params["metadata"].as_object().cloned().unwrap_or_default(),
        lines: lines.0,
        discount: None,
        shipping: Vec::new(),
        chosen_shipping: 0,
        automatic_rates: Vec::new(),
        customer_details: Value::Null,
        shipping_details: Value::Null,
        customer: params["customer"].as_str().map(str::to_owned),
        payment_intent: None,
        subscription: None,
        invoice: None,
        url: None,
        client_secret: None,
        recovery_url: None,
        params,
    };
    session.shipping = shipping_options(state, &session)?;
    let defaults = session.params["subscription_data"]["default_tax_rates"].clone();
    session.params["resolved_tax_rates"] =
        Value::Array(tax_rates(state, &defaults, "subscription_data[default_tax_rates]")?);
    session.reprice();
    session.discount = given_discount(state, &session)?;
    session.reprice();
    session.check_total()?;
    where_to(state, &mut session)?;
    session.customer_details = known_details(state, &session);
    Ok(session)
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

/// Refuses parameters that the other mode is for.
fn check_only_in_mode(params: &Value, mode: Mode) -> Result<(), Refusal> {
    let foreign: &[&str] = match mode {
        Mode::Payment => &["subscription_data", "payment_method_collection"],
        Mode::Subscription => {
            &["payment_intent_data", "submit_type", "shipping_options", "customer_creation", "invoice_creation"]
        }
    };
    if let Some(name) = foreign.iter().find(|name| !params[**name].is_null()) {
        let message = format!("You can not pass `{name}` in `{}` mode.", mode.name());
        return Err(Refusal::invalid(*name, message));
    }
    if !params["setup_intent_data"].is_null() {
        let message = "You can not pass `setup_intent_data` unless the mode is `setup`.";
        return Err(Refusal::invalid("setup_intent_data", message));
    }
    Ok(())
}

fn check_contact(state: &State, params: &Value) -> Result<(), Refusal> {
    if let Some(email) = params["customer_email"].as_str()
        && !is_email(email)
    {
        return Err(Refusal::coded("email_invalid", "customer_email", format!("Invalid email address: {email}")));
    }
    if let Some(customer) = params["customer"].as_str() {
        state.customers.referred(customer, "customer")?;
        if !params["customer_email"].is_null() {
            let message = "You may only specify one of these parameters: customer, customer_email.";
            return Err(Refusal::invalid("customer_email", message));
        }
    }
    if params["client_reference_id"].as_str().is_some_and(|id| id.chars().count() > CLIENT_REFERENCE) {
        let message = format!("Invalid string: must be at most {CLIENT_REFERENCE} characters");
        return Err(Refusal::invalid("client_reference_id", message));
    }
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
pub(crate) fn is_email(text: &str) -> bool {
    let no_space = !text.chars().any(|letter| letter.is_whitespace() || letter.is_control());
    let parts = text.rsplit_once('@');
    no_space && parts.is_some_and(|(name, host)| !name.is_empty() && !name.contains('@') && is_host(host))
}

fn is_host(host: &str) -> bool {
    host.contains('.') && host.split('.').all(|label| !label.is_empty())
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

/// The lines, and the currency they have in common.
fn lines(state: &mut State, params: &Value, mode: Mode) -> Result<(Vec<Line>, String), Refusal> {
    let items = params["line_items"].as_array().map_or(&[][..], Vec::as_slice);
    if items.is_empty() {
        return Err(Refusal::MissingParam { param: "line_items".to_owned() });
    }
    if mode == Mode::Payment && items.len() > MOST_LINES {
        let message = format!("You cannot have more than {MOST_LINES} line items.");
        return Err(Refusal::invalid("line_items", message));
    }
    let mut currency = params["currency"].as_str().map(str::to_ascii_lowercase);
    let mut lines = Vec::new();
    let mut interval = None;
    for (index, item) in items.iter().enumerate() {
        let param = format!("line_items[{index}]");
        let price = price(state, item, &param)?;
        if mode == Mode::Payment && price["type"] == "recurring" {
            let message = "You specified `payment` mode but passed a recurring price. Either switch to `subscription` \
                           mode or use only one-time prices.";
            return Err(Refusal::invalid("mode", message));
        }
        if price["type"] == "recurring" {
            let own = (price["recurring"]["interval"].clone(), price["recurring"]["interval_count"].clone());
            if interval.get_or_insert_with(|| own.clone()) != &own {
                let message = "Checkout does not support multiple prices with different billing intervals.";
                return Err(Refusal::invalid("line_items", message));
            }
        }
        let currency = currency.get_or_insert_with(|| super::json_text(&price["currency"]).to_owned());
        lines.push(line(state, item, &price, currency, &param)?);
    }
    check_kinds(&lines, mode)?;
    Ok((lines, currency.unwrap_or_default()))
}

fn check_kinds(lines: &[Line], mode: Mode) -> Result<(), Refusal> {
    if mode == Mode::Payment {
        return Ok(());
    }
    let recurring = lines.iter().filter(|line| line.recurring).count();
    if recurring == 0 {
        let message = "You must provide at least one recurring price in `subscription` mode when using prices.";
        return Err(Refusal::invalid("line_items", message));
    }
    for (count, kind) in [(recurring, "recurring"), (lines.len() - recurring, "one-time")] {
        if count > MOST_OF_A_KIND {
            let message = format!("You cannot have more than {MOST_OF_A_KIND} {kind} line items.");
            return Err(Refusal::invalid("line_items", message));
        }
    }
    Ok(())
}

/// The price of a line: one that exists and is for sale, or one made from `price_data`.
fn price(state: &mut State, item: &Value, param: &str) -> Result<Value, Refusal> {
    if !item["price_data"].is_null() {
        return endpoints::inline_price(state, &item["price_data"], &format!("{param}[price_data]"));
    }
    let param = format!("{param}[price]");
    let Some(id) = item["price"].as_str() else { return Err(Refusal::MissingParam { param }) };
    let price = state.prices.referred(id, &param)?.clone();
    if price["active"] != true {
        let message = "The price specified is inactive. This field only accepts active prices.";
        return Err(Refusal::invalid(param, message));
    }
    let product = state.products.get(super::json_text(&price["product"]));
    if product.is_none_or(|product| product["active"] != true) {
        let message = format!("Price `{id}` is not available to be purchased because its product is not active.");
        return Err(Refusal::invalid(param, message));
    }
    Ok(price)
}

fn line(state: &State, item: &Value, price: &Value, currency: &str, param: &str) -> Result<Line, Refusal> {
    let Some(pricing) = Pricing::of(price, currency) else {
        let message = format!(
            "The price specified only supports `{}`. This doesn't match the expected currency: `{currency}`.",
            super::json_text(&price["currency"])
        );
        return Err(Refusal::invalid(format!("{param}[price]"), message));
    };
    let metered = price["recurring"]["usage_type"] == "metered";
    let quantity = quantity(&item["quantity"], metered, &format!("{param}[quantity]"))?;
    let product = super::json_text(&price["product"]).to_owned();
    let description = state.products.get(&product).map_or("", |product| super::json_text(&product["name"])).to_owned();
    Ok(Line {
        id: ids::object("li"),
        price: super::json_text(&price["id"]).to_owned(),
        product,
        description,
        quantity,
        adjustable: adjustable(&item["adjustable_quantity"], quantity, &format!("{param}[adjustable_quantity]"))?,
        metadata: item["metadata"].as_object().cloned().unwrap_or_default(),
        pricing,
        recurring: price["type"] == "recurring",
        chosen_unit: None,
        rates: tax_rates(state, &item["tax_rates"], &format!("{param}[tax_rates]"))?,
        amounts: LineAmounts::default(),
    })
}

fn quantity(given: &Value, metered: bool, param: &str) -> Result<Option<u64>, Refusal> {
    match given.as_i64() {
        None if metered => Ok(None),
        Some(_) if metered => {
            let message = format!("Quantity should not be specified where usage_type is `metered`. Remove {param}.");
            Err(Refusal::invalid(param, message))
        }
        None => Err(Refusal::invalid(param, format!("Quantity is required. Add `{param}`."))),
        Some(..1) => {
            Err(Refusal::coded("parameter_invalid_integer", param, "This value must be greater than or equal to 1."))
        }
        Some(number) if number > MOST_QUANTITY => Err(Refusal::coded(
            "parameter_invalid_integer",
            param,
            format!("This value must be less than or equal to {MOST_QUANTITY}."),
        )),
        Some(number) => Ok(u64::try_from(number).ok()),
    }
}

fn adjustable(given: &Value, quantity: Option<u64>, param: &str) -> Result<Option<Adjustable>, Refusal> {
    if given.is_null() {
        return Ok(None);
    }
    let minimum = given["minimum"].as_i64().unwrap_or(0);
    // A quantity beyond the default of 99 is allowed when the maximum says so.
    let maximum = given["maximum"].as_i64().unwrap_or(99);
    let out = |field: &str, text: String| Err(Refusal::invalid(format!("{param}[{field}]"), text));
    if minimum < 0 {
        return out("minimum", "This value must be greater than or equal to 0.".to_owned());
    }
    if !(1..=MOST_QUANTITY).contains(&maximum) {
        return out("maximum", format!("This value must be between 1 and {MOST_QUANTITY}."));
    }
    if maximum < minimum {
        return out("maximum", "The maximum quantity must not be less than the minimum quantity.".to_owned());
    }
    let (minimum, maximum) = (u64::try_from(minimum).unwrap_or(0), u64::try_from(maximum).unwrap_or(0));
    let enabled = given["enabled"] == true;
    if enabled && quantity.is_some_and(|quantity| !(minimum..=maximum).contains(&quantity)) {
        let text = format!("The quantity must lie between the minimum ({minimum}) and the maximum ({maximum}).");
        return out("maximum", text);
    }
    Ok(Some(Adjustable { enabled, minimum, maximum }))
}

fn tax_rates(state: &State, ids: &Value, param: &str) -> Result<Vec<Value>, Refusal> {
    let ids = ids.as_array().map_or(&[][..], Vec::as_slice);
    let rate = |(index, id): (usize, &Value)| {
        let param = format!("{param}[{index}]");
        let rate = state.tax_rates.referred(super::json_text(id), &param)?;
        if rate["active"] == true {
            Ok(rate.clone())
        } else {
            Err(Refusal::invalid(param, "The tax rate specified is inactive."))
        }
    };
    ids.iter().enumerate().map(rate).collect()
}

fn shipping_options(state: &mut State, session: &Session) -> Result<Vec<Value>, Refusal> {
    let options = session.params["shipping_options"].as_array().map_or(&[][..], Vec::as_slice);
    if options.len() > MOST_SHIPPING_OPTIONS {
        let message = format!("You cannot have more than {MOST_SHIPPING_OPTIONS} shipping options.");
        return Err(Refusal::invalid("shipping_options", message));
    }
    let mut rates = Vec::new();
    for (index, option) in options.iter().enumerate() {
        let param = format!("shipping_options[{index}]");
        let rate = if let Value::Object(data) = &option["shipping_rate_data"] {
            let rate = objects::shipping_rate(data, state.now())
                .map_err(|problem| endpoints::refusal(&problem, &format!("{param}[shipping_rate_data]")))?;
            state.shipping_rates.put(super::json_text(&rate["id"]), rate.clone());
            rate
        } else {
            let param = format!("{param}[shipping_rate]");
            let Some(id) = option["shipping_rate"].as_str() else {
                return Err(Refusal::MissingParam { param });
            };
            state.shipping_rates.referred(id, &param)?.clone()
        };
        if rate["active"] != true {
            return Err(Refusal::invalid(param, "The shipping rate specified is inactive."));
        }
        if shipping_amount(&rate, &session.currency).is_none() {
            let message = format!("The shipping rate has no amount in `{}`.", session.currency);
            return Err(Refusal::invalid(param, message));
        }
        rates.push(rate);
    }
    Ok(rates)
}

fn given_discount(state: &State, session: &Session) -> Result<Option<super::Discount>, Refusal> {
    let discounts = session.params["discounts"].as_array().map_or(&[][..], Vec::as_slice);
    if !discounts.is_empty() && !session.params["allow_promotion_codes"].is_null() {
        let message = "You may only specify one of these parameters: allow_promotion_codes, discounts.";
        return Err(Refusal::invalid("allow_promotion_codes", message));
    }
    if discounts.len() > 1 {
        return Err(Refusal::invalid("discounts", "You may only specify one discount."));
    }
    let Some(given) = discounts.first() else { return Ok(None) };
    match (given["coupon"].as_str(), given["promotion_code"].as_str()) {
        (Some(coupon), None) => discount(state, session, coupon, "discounts[0][coupon]").map(Some),
        (None, Some(id)) => {
            let param = "discounts[0][promotion_code]";
            let code = state.promotion_codes.referred(id, param)?;
            promotion(state, session, code, param).map(Some)
        }
        _ => {
            let message = "You may only specify one of these parameters: coupon, promotion_code.";
            Err(Refusal::invalid("discounts[0]", message))
        }
    }
}

/// Checks the URLs and gives the session its page.
fn where_to(state: &State, session: &mut Session) -> Result<(), Refusal> {
    for name in ["success_url", "cancel_url", "return_url"] {
        if let Some(url) = session.params[name].as_str()
            && !is_url(url)
        {
            return Err(Refusal::coded("url_invalid", name, "Not a valid URL"));
        }
    }
    let hosted = matches!(session.params["ui_mode"].as_str(), None | Some("hosted_page"));
    if hosted {
        if session.params["success_url"].is_null() {
            return Err(Refusal::MissingParam { param: "success_url".to_owned() });
        }
        session.url = Some(format!("{}/c/pay/{}", state.url, session.id));
        return Ok(());
    }
    for name in ["success_url", "cancel_url"] {
        if !session.params[name].is_null() {
            let message = format!("`{name}` can only be used with the `ui_mode` `hosted_page`.");
            return Err(Refusal::invalid(name, message));
        }
    }
    if session.params["return_url"].is_null() && session.params["redirect_on_completion"] != "never" {
        return Err(Refusal::MissingParam { param: "return_url".to_owned() });
    }
    session.client_secret = Some(format!("{}_secret_{}", session.id, ids::new("", 40)));
    Ok(())
}

fn is_url(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, rest)| !scheme.is_empty() && !rest.is_empty())
        && !text.chars().any(|letter| letter.is_whitespace() || letter.is_control())
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

    #[test]
    fn urls_have_a_scheme() {
        assert!(is_url("https://shop.example/thanks?session_id={CHECKOUT_SESSION_ID}"));
        assert!(!is_url("/thanks"));
        assert!(!is_url("https://shop example"));
    }
}
