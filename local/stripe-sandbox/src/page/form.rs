//! The form of the hosted page: what a shopper sends, or what the page shows at first.

use serde_json::{Map, Value};

use crate::checkout::Answers;
use crate::money::currency;
use crate::protocol;
use crate::session::Session;

const EMAIL: &str = "shopper@example.com";
const NAME: &str = "Sample Shopper";
const PHONE: &str = "+15555550123";
const COUNTRY: &str = "US";
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

/// Reads a form; what it does not have takes the value that the page shows at first.
pub(super) fn answers(session: &Session, form: &Map<String, Value>) -> Answers {
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
        business_name: text("business_name").filter(|name| !name.is_empty()),
        tax_id: tax_id(form.get("tax_id")),
        presentment_currency: text("presentment_currency"),
        billing_address: address(form.get("billing"), COUNTRY, session.asks_for_billing()),
        custom_fields: by_line("custom_fields").collect(),
        shipping_name: text("shipping_name").unwrap_or_else(|| name.clone()),
        shipping_address: address(form.get("shipping"), countries(session).first().copied().unwrap_or(COUNTRY), true),
        promotion_code: text("promotion_code"),
        shipping_option: text("shipping_option").and_then(|option| option.parse().ok()),
        promotions: text("promotions").map(|answer| answer == "opt_in"),
        terms: text("terms_of_service").map(|answer| answer == "accepted"),
        quantities: by_line("quantity").filter_map(|(id, text)| Some((id, text.parse().ok()?))).collect(),
        optional: by_line("optional").filter_map(|(id, text)| Some((id, text.parse().ok()?))).collect(),
        units: by_line("amount")
            .filter_map(|(id, text)| Some((id, currency::parse(&text, &session.currency)?)))
            .collect(),
        name,
    }
}

/// Kind and number of a tax id, where the form has a number.
fn tax_id(given: Option<&Value>) -> Option<(String, String)> {
    let text = |name: &str| Some(given?[name].as_str()?.trim()).filter(|text| !text.is_empty());
    Some((text("type").unwrap_or("eu_vat").to_owned(), text("value")?.to_owned()))
}

fn default_email(session: &Session) -> String {
    session.customer_details["email"].as_str().unwrap_or(EMAIL).to_owned()
}

/// The address that a form has, or a sample in the country. Cards alone ask for no more than the country.
fn address(given: Option<&Value>, country: &str, whole: bool) -> Value {
    if let Some(given) = given.filter(|given| given.is_object()) {
        return protocol::address(|key| {
            given[key].as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
        });
    }
    let sample = ADDRESSES
        .iter()
        .find(|(known, _)| *known == country)
        .map_or(["Main Street 1", "Sample City", "", "10000"], |(_, lines)| *lines);
    protocol::address(|key| {
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

pub(super) fn countries(session: &Session) -> Vec<&str> {
    let allowed = session.params["shipping_address_collection"]["allowed_countries"].as_array();
    allowed.into_iter().flatten().filter_map(Value::as_str).collect()
}
