//! Shipping rates (<https://docs.stripe.com/api/shipping_rates>).

use serde_json::{Value, json};

use super::reader::{Kind, Object, Read, Reader, missing};
use crate::endpoint::{Answer, Request, Route, matches, retrieve};
use crate::protocol::parameters::Definitions;
use crate::protocol::template::{Template, fill};
use crate::state::{State, list};

static PARAMETERS: Definitions = Definitions::new(include_str!("../../data/parameters/shipping_rates.json"));
static TEMPLATE: Template = Template::new(include_str!("../../data/objects/shipping_rate.json"));

pub(crate) static ROUTES: [Route; 2] = [
    Route::get("shipping_rates", (&PARAMETERS, "list"), list),
    Route::retrieve("shipping_rates/{id}", |state, request| retrieve(&state.shipping_rates, request)),
];

/// A shipping rate, as <https://docs.stripe.com/api/shipping_rates/object> describes it.
pub(crate) fn shipping_rate(given: &Object, now: i64) -> Read<Value> {
    let reader = Reader::new(given);
    let amount = fixed_amount(&reader)?;
    let mut rate = reader.start(&TEMPLATE, &reader.id("shr")?, now)?;
    let values = json!({
        "delivery_estimate": estimate(&reader)?,
        "display_name": reader.required("display_name")?,
        "fixed_amount": amount,
        "tax_behavior": tax_behavior(&reader)?,
    });
    fill(&mut rate, values);
    reader.take(&mut rate, Kind::Boolean, &["active"])?;
    reader.take(&mut rate, Kind::Reference, &["tax_code"])?;
    Ok(rate)
}

/// The amounts in every currency, that of the rate itself among them.
fn fixed_amount(reader: &Reader<'_>) -> Read<Value> {
    let Some(amount) = reader.within("fixed_amount")? else { return missing("fixed_amount") };
    let Some(currency) = amount.currency("currency")? else {
        return missing("fixed_amount.currency");
    };
    let own = option(&amount, tax_behavior(reader)?, &currency)?;
    let mut options = amount.currency_options(|given, currency| option(given, tax_behavior(given)?, currency))?;
    let minor = own["amount"].clone();
    options.insert(currency.clone(), own);
    Ok(json!({ "amount": minor, "currency": currency, "currency_options": options }))
}

fn option(reader: &Reader<'_>, tax_behavior: &str, currency: &str) -> Read<Value> {
    Ok(json!({ "amount": reader.required_amount("amount", currency)?, "tax_behavior": tax_behavior }))
}

fn tax_behavior<'a>(reader: &Reader<'a>) -> Read<&'a str> {
    let behavior = reader.word("tax_behavior", &["exclusive", "inclusive", "unspecified"])?;
    Ok(behavior.unwrap_or("unspecified"))
}

fn estimate(reader: &Reader<'_>) -> Read<Value> {
    let Some(estimate) = reader.within("delivery_estimate")? else { return Ok(Value::Null) };
    let bound = |name: &str| -> Read<Value> {
        let Some(bound) = estimate.within(name)? else { return Ok(Value::Null) };
        let Some(unit) = bound.word("unit", &["business_day", "day", "hour", "month", "week"])? else {
            return missing(&bound.field("unit"));
        };
        Ok(json!({ "unit": unit, "value": bound.integer("value")?.unwrap_or(1) }))
    };
    Ok(json!({ "maximum": bound("maximum")?, "minimum": bound("minimum")? }))
}

fn list(state: &mut State, request: &Request) -> Answer {
    let params = &request.params;
    let currency = params.get("currency");
    list::page(&state.shipping_rates, "/v1/shipping_rates", params, |rate| {
        matches(rate, params, &["active"])
            && currency.is_none_or(|currency| rate["fixed_amount"]["currency"] == *currency)
    })
}
