//! The hosted payment page.

pub(crate) mod overview;

use http::StatusCode;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::{Map, Value};

use crate::checkout::{self, Answers, Line, Outcome, Payment, Session, Status, json_text};
use crate::money::currency;
use crate::state::State;

const EMAIL: &str = "shopper@example.com";
const NAME: &str = "Sample Shopper";
const PHONE: &str = "+15555550123";
const COUNTRY: &str = "US";
const STYLE: &str = include_str!("style.css");
/// An address that looks right, by country: line, city, state, postal code.
const ADDRESSES: [(&str, [&str; 4]); 8] = [
    ("US", ["354 Oyster Point Blvd", "South San Francisco", "CA", "94080"]),
    ("CA", ["111 Wellington St", "Ottawa", "ON", "K1A 0A9"]),
    ("GB", ["10 Market Street", "London", "", "SW1A 1AA"]),
    ("DE", ["Musterstraße 12", "Berlin", "", "10115"]),
    ("FR", ["12 rue de la Paix", "Paris", "", "75002"]),
    ("AT", ["Hauptplatz 1", "Wien", "", "1010"]),
    ("CH", ["Bahnhofstrasse 1", "Zürich", "", "8001"]),
    ("JP", ["1-1 Chiyoda", "Chiyoda-ku", "Tokyo", "100-0001"]),
];

/// What a browser is sent.
pub(crate) enum Shown {
    Page(StatusCode, String),
    Redirect(String),
}

/// Shows a session's page.
pub(crate) fn show(state: &State, id: &str) -> Shown {
    match state.sessions.get(id) {
        None => Shown::Page(StatusCode::NOT_FOUND, missing("There is no such checkout session.")),
        Some(session) if session.is_open() => {
            Shown::Page(StatusCode::OK, checkout(state, session, &answers(session, &Map::new()), None))
        }
        Some(session) => Shown::Page(StatusCode::OK, ended(session)),
    }
}

/// Takes a shopper's answers.
pub(crate) fn answer(state: &mut State, id: &str, form: &Map<String, Value>) -> Shown {
    let Some(mut session) = state.sessions.get(id).filter(|session| session.is_open()).cloned() else {
        return show(state, id);
    };
    let answers = answers(&session, form);
    let payment = match form.get("action").map(json_text) {
        Some("pay") => Payment::Now,
        Some("pay_later") => Payment::Later,
        action => {
            let message = match answers.apply(state, &mut session) {
                Err(refusal) => Some(refusal.to_string()),
                Ok(()) if action == Some("fail") => Some("Your card was declined.".to_owned()),
                Ok(()) => None,
            };
            let status = if message.is_some() { StatusCode::PAYMENT_REQUIRED } else { StatusCode::OK };
            let html = checkout(state, &session, &answers, message.as_deref());
            state.put_session(session);
            return Shown::Page(status, html);
        }
    };
    match checkout::pay(state, id, &answers, payment) {
        Ok(session) => match session.success_url() {
            Some(url) => Shown::Redirect(url),
            None => Shown::Page(StatusCode::OK, ended(&session)),
        },
        Err(refusal) => {
            let html = checkout(state, &session, &answers, Some(&refusal.to_string()));
            Shown::Page(StatusCode::PAYMENT_REQUIRED, html)
        }
    }
}

/// Ends a delayed payment and leads back to the overview.
pub(crate) fn settle(state: &mut State, id: &str, form: &Map<String, Value>) -> Shown {
    let outcome = match form.get("outcome").map(json_text) {
        Some("succeed") => Outcome::Succeeded,
        Some("fail") => Outcome::Failed,
        _ => {
            return Shown::Page(StatusCode::BAD_REQUEST, missing("The outcome is succeed or fail."));
        }
    };
    match checkout::settle(state, id, outcome) {
        Ok(()) => Shown::Redirect("/".to_owned()),
        Err(refusal) => Shown::Page(refusal.status(), missing(&refusal.to_string())),
    }
}

/// Reads a form; what it does not have takes the value that the page shows at first.
fn answers(session: &Session, form: &Map<String, Value>) -> Answers {
    let text = |name: &str| form.get(name).and_then(Value::as_str).map(|text| text.trim().to_owned());
    let by_line = |name: &str| {
        let lines = form.get(name).and_then(Value::as_object).into_iter().flatten();
        lines.filter_map(|(id, value)| Some((id.clone(), value.as_str()?.trim().to_owned())))
    };
    let known = session.customer_details["name"].as_str().unwrap_or(NAME);
    let name = text("name").unwrap_or_else(|| known.to_owned());
    Answers {
        email: text("email").unwrap_or_else(|| default_email(session)),
        phone: text("phone").or_else(|| session.asks_for_phone().then(|| PHONE.to_owned())),
        billing_address: address(form.get("billing"), COUNTRY, session.asks_for_billing()),
        shipping_name: text("shipping_name").unwrap_or_else(|| name.clone()),
        shipping_address: address(form.get("shipping"), countries(session).first().copied().unwrap_or(COUNTRY), true),
        promotion_code: text("promotion_code"),
        shipping_option: text("shipping_option").and_then(|option| option.parse().ok()),
        quantities: by_line("quantity").filter_map(|(id, text)| Some((id, text.parse().ok()?))).collect(),
        units: by_line("amount")
            .filter_map(|(id, text)| Some((id, currency::parse(&text, &session.currency)?)))
            .collect(),
        name,
    }
}

fn default_email(session: &Session) -> String {
    session.customer_details["email"].as_str().unwrap_or(EMAIL).to_owned()
}

/// The address that a form has, or a sample in the country. Cards alone ask for no more than the country.
fn address(given: Option<&Value>, country: &str, whole: bool) -> Value {
    if let Some(given) = given.filter(|given| given.is_object()) {
        return checkout::address(|key| {
            given[key].as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
        });
    }
    let sample = ADDRESSES
        .iter()
        .find(|(known, _)| *known == country)
        .map_or(["Main Street 1", "Sample City", "", "10000"], |(_, lines)| *lines);
    checkout::address(|key| {
        let text = match key {
            "country" => country,
            "line1" if whole => sample[0],
            "city" if whole => sample[1],
            "state" if whole => sample[2],
            "postal_code" if whole => sample[3],
            _ => "",
        };
        (!text.is_empty()).then(|| text.to_owned())
    })
}

fn countries(session: &Session) -> Vec<&str> {
    let allowed = session.params["shipping_address_collection"]["allowed_countries"].as_array();
    allowed.into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The frame of all pages.
pub(crate) fn document(title: &str, content: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { main { (content) } }
        }
    }
    .into_string()
}

/// A page that says why there is no other.
pub(crate) fn missing(message: &str) -> String {
    document(
        "Stripe sandbox",
        &html! {
            header { h1 { "Stripe sandbox" } }
            div.card { p { (message) } p { a href="/" { "All sessions" } } }
        },
    )
}

fn ended(session: &Session) -> String {
    let (title, text) = match session.status {
        Status::Expired => {
            ("This checkout session has expired", "Nothing was charged. Go back to the shop to start again.")
        }
        Status::Complete | Status::Open => ("This checkout session is complete", "There is nothing left to pay here."),
    };
    let onward = match session.status {
        Status::Complete => session.success_url(),
        Status::Open | Status::Expired => session.cancel_url().map(str::to_owned),
    };
    document(
        title,
        &html! {
            header { h1 { (title) } span.badge { "SANDBOX" } }
            div.card {
                p { (text) }
                @if let Some(url) = onward { p { a href=(url) { "Continue to the shop" } } }
            }
        },
    )
}

fn checkout(state: &State, session: &Session, answers: &Answers, error: Option<&str>) -> String {
    let content = html! {
        header {
            h1 { @if let Some(url) = session.cancel_url() { a href=(url) rel="back" { "← Back" } } @else { "Checkout" } }
            span.badge { "SANDBOX" }
        }
        @if let Some(error) = error { p.error role="alert" { (error) } }
        form method="post" {
            // The first button of a form is the one that the enter key presses.
            button hidden name="action" value="pay" tabindex="-1" aria-hidden="true" {}
            div.columns {
                section.card aria-label="Order" { (summary(state, session, answers)) }
                section.card aria-label="Payment" { (details(session, answers)) }
            }
        }
    };
    document("Checkout", &content)
}

fn summary(state: &State, session: &Session, answers: &Answers) -> Markup {
    let totals = session.totals();
    let money = |amount| currency::format(amount, &session.currency);
    let adjustable = session
        .lines
        .iter()
        .any(|line| line.pricing.is_custom() || line.adjustable.is_some_and(|bounds| bounds.enabled));
    html! {
        div.soft { @if session.is_recurring() { "Subscribe" } @else { "Pay" } }
        div.total { (money(totals.total)) }
        @if session.has_trial() { div.soft { "Your free trial begins today." } }
        ul.lines { @for line in &session.lines { (line_item(state, session, line)) } }
        @if adjustable { p { button.plain name="action" value="update" { "Update order" } } }
        @if session.takes_promotion_codes() {
            div.inline {
                label { "Promotion code"
                    input name="promotion_code" value=(promotion_code(session, answers)) autocomplete="off";
                }
                button name="action" value="update" { "Apply" }
            }
        }
        h2 { "Total" }
        dl {
            dt { "Subtotal" } dd.money { (money(totals.subtotal)) }
            @if let Some(discount) = &session.discount {
                dt { "Discount" @if let Some(name) = discount.coupon["name"].as_str() { " (" (name) ")" } }
                dd.money { (money(-totals.discount)) }
            }
            @if session.shipping_choice().is_some() { dt { "Shipping" } dd.money { (money(totals.shipping)) } }
            @if totals.tax > 0 { dt { "Tax" } dd.money { (money(totals.tax)) } }
            dt.sum { "Due today" } dd.money.sum { (money(totals.total)) }
        }
    }
}

fn promotion_code<'a>(session: &'a Session, answers: &'a Answers) -> &'a str {
    let code = session.discount.as_ref().and_then(|discount| discount.promotion_code.as_ref());
    code.map(|code| json_text(&code["code"])).or(answers.promotion_code.as_deref()).unwrap_or_default()
}

fn line_item(state: &State, session: &Session, line: &Line) -> Markup {
    let product = state.products.get(&line.product);
    let image = product.and_then(|product| product["images"][0].as_str());
    let interval = state.prices.get(&line.price).map(|price| every(&price["recurring"]));
    let code = &session.currency;
    html! {
        li {
            @if let Some(image) = image { img src=(image) alt=""; } @else { div.blank {} }
            div {
                div { (line.description) }
                @if let Some(interval) = interval { div.soft { (interval) } }
                @if let Some(bounds) = line.adjustable.filter(|bounds| bounds.enabled) {
                    label { "Quantity"
                        input type="number" name={ "quantity[" (line.id) "]" } value=(line.quantity.unwrap_or(0))
                            min=(bounds.minimum) max=(bounds.maximum);
                    }
                } @else if let Some(quantity) = line.quantity.filter(|quantity| *quantity != 1) {
                    div.soft { "Quantity " (quantity) }
                }
                @if line.pricing.is_custom() {
                    label { "Amount (" (code.to_uppercase()) ")"
                        input inputmode="decimal" name={ "amount[" (line.id) "]" }
                            value=(currency::plain(line.pricing.amount_at(1, line.chosen_unit), code));
                    }
                }
            }
            div.money {
                (currency::format(line.amounts.subtotal, code))
                @if line.amounts.discount > 0 { div.soft { (currency::format(-line.amounts.discount, code)) } }
            }
        }
    }
}

fn every(recurring: &Value) -> String {
    let interval = json_text(&recurring["interval"]);
    match recurring["interval_count"].as_i64() {
        None => String::new(),
        Some(1) => format!("Every {interval}"),
        Some(count) => format!("Every {count} {interval}s"),
    }
}

fn details(session: &Session, answers: &Answers) -> Markup {
    let total = currency::format(session.totals().total, &session.currency);
    html! {
        h2 { "Contact" }
        label { "Email" input type="email" name="email" value=(answers.email) autocomplete="email" required; }
        label { "Name" input name="name" value=(answers.name) autocomplete="name" required; }
        @if session.asks_for_phone() {
            label { "Phone" input type="tel" name="phone" value=(answers.phone.as_deref().unwrap_or_default()) autocomplete="tel" required; }
        }
        @if session.asks_for_shipping() {
            h2 { "Shipping address" }
            label { "Name" input name="shipping_name" value=(answers.shipping_name) required; }
            (address_fields("shipping", &answers.shipping_address, &countries(session)))
        }
        @if session.asks_for_billing() {
            h2 { "Billing address" }
            (address_fields("billing", &answers.billing_address, &[]))
        }
        @if !session.shipping.is_empty() {
            h2 { "Shipping method" }
            @for (index, rate) in session.shipping.iter().enumerate() {
                label.choice {
                    input type="radio" name="shipping_option" value=(index) checked[index == session.chosen_shipping];
                    span { (json_text(&rate["display_name"])) }
                    span.money { (currency::format(checkout::shipping_amount(rate, &session.currency).unwrap_or(0), &session.currency)) }
                }
            }
            p { button.plain name="action" value="update" { "Update total" } }
        }
        button.pay name="action" value="pay" { "Pay " (total) }
        div.others {
            button name="action" value="pay_later" { "Pay later" }
            button name="action" value="fail" { "Fail" }
        }
        p.soft { "No money moves here: " b { "Pay later" } " stands for a delayed payment method such as a bank debit, " b { "Fail" } " for a card that is declined." }
    }
}

fn address_fields(group: &str, address: &Value, countries: &[&str]) -> Markup {
    let field = |key: &str, label: &str, required: bool| {
        html! {
            label { (label) input name={ (group) "[" (key) "]" } value=(json_text(&address[key])) required[required]; }
        }
    };
    html! {
        (field("line1", "Address", true))
        (field("line2", "Address, second line", false))
        div.pair { (field("postal_code", "Postal code", false)) (field("city", "City", false)) }
        div.pair {
            (field("state", "State or region", false))
            @if countries.is_empty() { (field("country", "Country (two letters)", true)) } @else {
                label { "Country"
                    select name={ (group) "[country]" } {
                        @for country in countries { option value=(country) selected[address["country"] == *country] { (country) } }
                    }
                }
            }
        }
    }
}
