//! Promotion codes (<https://docs.stripe.com/api/promotion_codes>).

use serde_json::{Value, json};

use super::change::{clean, emit_update, merge};
use super::reader::{Kind, Object, Read, Reader, missing};
use crate::endpoint::{Answer, Request, Route, matches, retrieve};
use crate::protocol::parameters::Definitions;
use crate::protocol::refusal::Refusal;
use crate::protocol::template::Template;
use crate::protocol::{ids, json_text};
use crate::state::{State, list};

static PARAMETERS: Definitions = Definitions::new(include_str!("../../data/parameters/promotion_codes.json"));
static TEMPLATE: Template = Template::new(include_str!("../../data/objects/promotion_code.json"));

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
    code["code"] = json!(reader.text("code")?.map_or_else(|| ids::new("", 8).to_uppercase(), str::to_owned));
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
    let taken = state.promotion_codes.newest().any(|(_, other)| {
        other["active"] == true && json_text(&other["code"]).eq_ignore_ascii_case(json_text(&promotion["code"]))
    });
    if taken {
        let message = "An active promotion code with this code already exists.";
        return Err(Refusal::coded("resource_already_exists", "code", message));
    }
    state.promotion_codes.put(json_text(&promotion["id"]), promotion.clone());
    state.emit("promotion_code.created", promotion.clone(), None);
    Ok(promotion)
}

fn update(state: &mut State, request: &Request) -> Answer {
    let before = state.promotion_codes.found(&request.id)?.clone();
    let after = Value::Object(merge(&before, request.params.clone())?);
    state.promotion_codes.put(&request.id, after.clone());
    emit_update(state, "promotion_code.updated", &before, &after);
    Ok(after)
}
