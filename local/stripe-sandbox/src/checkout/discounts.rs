//! Coupons and promotion codes of a session.

use serde_json::Value;

use crate::money::amounts::Amounts;
use crate::money::currency;
use crate::money::discount::Off;
use crate::protocol::refusal::Refusal;
use crate::protocol::{ids, json_text};
use crate::session::{Discount, Session};
use crate::state::State;

/// The discount that a new session is asked for.
pub(super) fn given_discount(state: &State, session: &Session) -> Result<Option<Discount>, Refusal> {
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

/// The coupon behind the discount that a new session is asked for.
pub(super) fn standing_coupon(state: &State, params: &Value) -> Option<Value> {
    let given = &params["discounts"][0];
    let code = given["promotion_code"].as_str().and_then(|id| state.promotion_codes.get(id));
    let behind = code.and_then(|code| code["promotion"]["coupon"].as_str());
    state.coupons.get(given["coupon"].as_str().or(behind)?).cloned()
}

/// Looks a discount up and refuses it where it cannot be used.
pub(crate) fn discount(state: &State, session: &Session, coupon: &str, param: &str) -> Result<Discount, Refusal> {
    let coupon = state.coupons.referred(coupon, param)?.clone();
    check_coupon(state, session, &coupon, param)?;
    Ok(Discount { id: ids::object("di"), coupon, promotion_code: None })
}

/// Looks up the discount of a promotion code object.
pub(crate) fn promotion(state: &State, session: &Session, code: &Value, param: &str) -> Result<Discount, Refusal> {
    let now = state.now();
    let used_up = code["max_redemptions"].as_i64().is_some_and(|most| code["times_redeemed"].as_i64() >= Some(most));
    let over = code["expires_at"].as_i64().is_some_and(|end| end <= now);
    if code["active"] != true || used_up || over {
        return Err(Refusal::invalid(param, "This promotion code is inactive, expired or used up."));
    }
    check_shopper(state, session, code, param)?;
    check_minimum(session, code, param)?;
    let coupon = code["promotion"]["coupon"].as_str().unwrap_or_default();
    Ok(Discount { promotion_code: Some(code.clone()), ..discount(state, session, coupon, param)? })
}

/// Refuses a shopper whom the promotion code is not for.
fn check_shopper(state: &State, session: &Session, code: &Value, param: &str) -> Result<(), Refusal> {
    if code["customer"].is_string() && code["customer"].as_str() != session.customer.as_deref() {
        return Err(Refusal::invalid(param, "This promotion code is for another customer."));
    }
    if code["restrictions"]["first_time_transaction"] != true {
        return Ok(());
    }
    let is_first = match &session.customer {
        Some(customer) => !has_bought(state, customer),
        // "Promotion codes limited to first time customers will return invalid" for sessions that create no customer
        // (<https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-customer_creation>).
        None => session.makes_customer(),
    };
    if is_first {
        return Ok(());
    }
    let message = "This promotion code cannot be redeemed because the associated customer has prior transactions.";
    Err(Refusal::invalid(param, message))
}

/// Whether a customer has "any successful payments or invoices"
/// (<https://docs.stripe.com/api/promotion_codes/object#promotion_code_object-restrictions-first_time_transaction>).
fn has_bought(state: &State, customer: &str) -> bool {
    let is_theirs = |object: &Value, status: &str| object["customer"] == customer && object["status"] == status;
    state.charges.newest().any(|(_, charge)| is_theirs(charge, "succeeded"))
        || state.invoices.newest().any(|(_, invoice)| is_theirs(invoice, "paid"))
}

/// The active promotion code that the shopper means by a text: their own, else the one for everybody.
pub(super) fn promotion_written<'a>(state: &'a State, session: &Session, text: &str) -> Option<&'a Value> {
    let is_meant = |code: &Value, customer: Option<&str>| {
        code["active"] == true
            && code["customer"].as_str() == customer
            && code["code"].as_str().is_some_and(|known| known.eq_ignore_ascii_case(text))
    };
    let written = |customer: Option<&str>| {
        state.promotion_codes.newest().map(|(_, code)| code).find(|code| is_meant(code, customer))
    };
    session.customer.as_deref().and_then(|customer| written(Some(customer))).or_else(|| written(None))
}

/// Refuses an order that is smaller than the promotion code asks for.
fn check_minimum(session: &Session, code: &Value, param: &str) -> Result<(), Refusal> {
    let amounts = Amounts::of_promotion_code(code);
    let Some(own_currency) = amounts.own_currency() else { return Ok(()) };
    let minimum = |currency: &str| amounts.amount("minimum_amount", currency);
    match minimum(&session.currency) {
        None if minimum(own_currency).is_some() => {
            let message = format!("This promotion code cannot be used with the currency {}.", session.currency);
            Err(Refusal::invalid(param, message))
        }
        Some(minimum) if session.totals().subtotal < minimum => {
            let minimum = currency::format(minimum, &session.currency);
            Err(Refusal::invalid(param, format!("This promotion code needs an order of at least {minimum}.")))
        }
        Some(_) | None => Ok(()),
    }
}

fn check_coupon(state: &State, session: &Session, coupon: &Value, param: &str) -> Result<(), Refusal> {
    let used_up =
        coupon["max_redemptions"].as_i64().is_some_and(|most| coupon["times_redeemed"].as_i64() >= Some(most));
    let over = coupon["redeem_by"].as_i64().is_some_and(|end| end <= state.now());
    if coupon["valid"] != true || used_up || over {
        return Err(Refusal::coded("coupon_expired", param, format!("Coupon expired: {}", json_text(&coupon["id"]))));
    }
    if Off::of(coupon, &session.currency).is_none() {
        let message = format!("The coupon cannot be used with the currency {}.", session.currency);
        return Err(Refusal::invalid(param, message));
    }
    let only = coupon["applies_to"]["products"].as_array();
    let applies = only.is_none_or(|products| {
        session.lines.iter().any(|line| products.iter().any(|product| *product == line.product))
    });
    if !applies {
        return Err(Refusal::invalid(param, "The coupon does not apply to anything in this order."));
    }
    Ok(())
}
