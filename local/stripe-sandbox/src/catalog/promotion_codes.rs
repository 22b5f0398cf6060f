//! Promotion codes (<https://docs.stripe.com/api/promotion_codes>).

use serde_json::{Value, json};

use super::change::{clean, emit_update, merge};
use super::reader::{Kind, Object, Read, Reader, missing, problem};
use crate::endpoint::{Answer, Request, Route, matches, retrieve};
use crate::protocol::parameters::Definitions;
use crate::protocol::refusal::Refusal;
use crate::protocol::template::Template;
use crate::protocol::{ids, json_text};
use crate::state::{State, list};

static PARAMETERS: Definitions = Definitions::new(include_str!("../../data/parameters/promotion_codes.json"));
static TEMPLATE: Template = Template::new(include_str!("../../data/objects/promotion_code.json"));

/// The most characters of a code.
const LONGEST_CODE: usize = 500;

pub(crate) static ROUTES: [Route; 4] = [
    Route::get("promotion_codes", (&PARAMETERS, "list"), list),
    Route::post("promotion_codes", (&PARAMETERS, "create"), create),
    Route::retrieve("promotion_codes/{id}", |state, request| retrieve(&state.promotion_codes, request)),
    Route::post("promotion_codes/{id}", (&PARAMETERS, "update"), update),
];

/// A promotion code, as <https://docs.stripe.com/api/promotion_codes/object> describes it.
pub(crate) fn promotion_code(given: &Object, now: i64) -> Read<Value> {
    let reader = Reader::new(given);
    let mut code = reader.start(&TEMPLATE, &reader.id("promo")?, now)?;
    code["code"] = json!(code_text(&reader)?);
    code["promotion"]["coupon"] = json!(promoted_coupon(&reader)?);
    reader.take(&mut code, Kind::Boolean, &["active"])?;
    reader.take(&mut code, Kind::Integer, &["expires_at", "max_redemptions", "times_redeemed"])?;
    reader.take(&mut code, Kind::Reference, &["customer"])?;
    if let Some(given) = reader.within("restrictions")? {
        let restrictions = &mut code["restrictions"];
        given.take(restrictions, Kind::Boolean, &["first_time_transaction"])?;
        given.take(restrictions, Kind::Integer, &["minimum_amount"])?;
        given.take(restrictions, Kind::Currency, &["minimum_amount_currency"])?;
        let options = given.currency_options(|option, currency| {
            Ok(json!({ "minimum_amount": option.required_amount("minimum_amount", currency)? }))
        })?;
        restrictions["currency_options"] = json!(options);
    }
    Ok(code)
}

/// The text that shoppers write: "Valid characters are lower case letters (a-z), upper case letters (A-Z), digits (0-9),
/// and dashes (-)" (<https://docs.stripe.com/api/promotion_codes/create#create_promotion_code-code>).
fn code_text(reader: &Reader<'_>) -> Read<String> {
    let Some(code) = reader.text("code")? else { return Ok(ids::new("", 8).to_uppercase()) };
    if code.len() > LONGEST_CODE {
        return problem("code", format!("must be at most {LONGEST_CODE} characters"));
    }
    if !code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return problem("code", "may only have letters, digits and dashes");
    }
    Ok(code.to_owned())
}

/// The id of the coupon behind a promotion code; older versions of Stripe's API have it at the top.
fn promoted_coupon<'a>(reader: &Reader<'a>) -> Read<&'a str> {
    let nested = reader.within("promotion")?.map(|promotion| promotion.reference("coupon")).transpose()?.flatten();
    match nested.or(reader.reference("coupon")?) {
        Some(coupon) => Ok(coupon),
        None => missing("promotion.coupon"),
    }
}

fn list(state: &mut State, request: &Request) -> Answer {
    let params = &request.params;
    let code = params.get("code").and_then(Value::as_str);
    let coupon = params.get("coupon");
    list::page(&state.promotion_codes, "/v1/promotion_codes", params, |promotion| {
        // Codes are not case-sensitive (<https://docs.stripe.com/api/promotion_codes>).
        let is_code = code.is_none_or(|code| json_text(&promotion["code"]).eq_ignore_ascii_case(code));
        is_code
            && matches(promotion, params, &["active", "customer"])
            && coupon.is_none_or(|coupon| promotion["promotion"]["coupon"] == *coupon)
    })
}

fn create(state: &mut State, request: &Request) -> Answer {
    let mut params = request.params.clone();
    clean(&mut params);
    let promotion = promotion_code(&params, state.now()).map_err(|problem| problem.refusal(""))?;
    state.coupons.referred(json_text(&promotion["promotion"]["coupon"]), "promotion[coupon]")?;
    if let Some(customer) = promotion["customer"].as_str() {
        state.customers.referred(customer, "customer")?;
    }
    check_unique(state, &promotion)?;
    state.promotion_codes.put(json_text(&promotion["id"]), promotion.clone());
    state.emit("promotion_code.created", promotion.clone(), None);
    Ok(promotion)
}

/// Refuses an active code whose text another active one has, for the same customer or, both of them, for everybody
/// (<https://docs.stripe.com/api/promotion_codes/object#promotion_code_object-code>).
fn check_unique(state: &State, promotion: &Value) -> Result<(), Refusal> {
    let is_same = |other: &Value| {
        other["id"] != promotion["id"]
            && other["active"] == true
            && other["customer"] == promotion["customer"]
            && json_text(&other["code"]).eq_ignore_ascii_case(json_text(&promotion["code"]))
    };
    if promotion["active"] == true && state.promotion_codes.newest().any(|(_, other)| is_same(other)) {
        let message = "An active promotion code with this code already exists.";
        return Err(Refusal::coded("resource_already_exists", "code", message));
    }
    Ok(())
}

fn update(state: &mut State, request: &Request) -> Answer {
    let before = state.promotion_codes.found(&request.id)?.clone();
    let after = Value::Object(merge(&before, request.params.clone())?);
    check_unique(state, &after)?;
    state.promotion_codes.put(&request.id, after.clone());
    emit_update(state, "promotion_code.updated", &before, &after);
    Ok(after)
}
