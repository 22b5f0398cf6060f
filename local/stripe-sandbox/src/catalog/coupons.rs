//! Coupons (<https://docs.stripe.com/api/coupons>).

use serde_json::{Value, json};

use super::change::clean;
use super::reader::{Kind, Object, Read, Reader, problem};
use crate::endpoint::{Answer, Request, Route, matches, retrieve};
use crate::protocol::parameters::Definitions;
use crate::protocol::refusal::Refusal;
use crate::protocol::template::Template;
use crate::protocol::{ids, json_text};
use crate::state::{State, list};

static PARAMETERS: Definitions = Definitions::new(include_str!("../../data/parameters/coupons.json"));
static TEMPLATE: Template = Template::new(include_str!("../../data/objects/coupon.json"));

pub(crate) static ROUTES: [Route; 3] = [
    Route::get("coupons", (&PARAMETERS, "list"), list),
    Route::post("coupons", (&PARAMETERS, "create"), create),
    Route::retrieve("coupons/{id}", |state, request| retrieve(&state.coupons, request)),
];

/// A coupon, as <https://docs.stripe.com/api/coupons/object> describes it.
pub(crate) fn coupon(given: &Object, now: i64) -> Read<Value> {
    let reader = Reader::new(given);
    check_off(&reader)?;
    // Stripe's own ids of coupons are short.
    let id = reader.text("id")?.map_or_else(|| ids::new("", 8), str::to_owned);
    let mut coupon = reader.start(&TEMPLATE, &id, now)?;
    reader.take(&mut coupon, Kind::Boolean, &["valid"])?;
    reader.take(&mut coupon, Kind::Currency, &["currency"])?;
    reader.take(&mut coupon, Kind::Number, &["percent_off"])?;
    reader.take(&mut coupon, Kind::Text, &["name"])?;
    let integers = ["amount_off", "duration_in_months", "max_redemptions", "redeem_by", "times_redeemed"];
    reader.take(&mut coupon, Kind::Integer, &integers)?;
    if let Some(duration) = reader.word("duration", &["forever", "once", "repeating"])? {
        coupon["duration"] = json!(duration);
    }
    let options = reader.currency_options(|option, currency| {
        Ok(json!({ "amount_off": option.required_amount("amount_off", currency)? }))
    })?;
    coupon["currency_options"] = json!(options);
    if let Some(applies) = reader.within("applies_to")? {
        coupon["applies_to"] = json!({ "products": applies.texts("products")? });
    }
    Ok(coupon)
}

fn check_off(reader: &Reader<'_>) -> Read<()> {
    let percent = reader.percentage("percent_off")?;
    let amount = reader.integer("amount_off")?;
    if percent.is_some() == amount.is_some() {
        return problem("percent_off", "a coupon has either percent_off or amount_off");
    }
    if percent.is_some_and(|percent| percent.as_f64() == Some(0.0)) {
        return problem("percent_off", "must be greater than 0 and at most 100");
    }
    if amount.is_none() {
        return Ok(());
    }
    match reader.currency("currency")? {
        Some(currency) => reader.amount("amount_off", &currency).map(|_| ()),
        None => problem("currency", "is missing: amount_off needs it"),
    }
}

fn list(state: &mut State, request: &Request) -> Answer {
    let params = &request.params;
    list::page(&state.coupons, "/v1/coupons", params, |coupon| matches(coupon, params, &[]))
}

fn create(state: &mut State, request: &Request) -> Answer {
    let mut params = request.params.clone();
    if let Some(percent) = params.get("percent_off").and_then(Value::as_str) {
        let number = serde_json::from_str(percent).unwrap_or(Value::Null);
        params.insert("percent_off".to_owned(), number);
    }
    clean(&mut params);
    let coupon = coupon(&params, state.now()).map_err(|problem| problem.refusal(""))?;
    let id = json_text(&coupon["id"]).to_owned();
    if state.coupons.get(&id).is_some() {
        return Err(Refusal::coded("resource_already_exists", "id", "Coupon already exists."));
    }
    state.coupons.put(&id, coupon.clone());
    state.emit("coupon.created", coupon.clone(), None);
    Ok(coupon)
}
