//! How a new session's goods can be shipped.

use serde_json::Value;

use crate::catalog::shipping_rates;
use crate::protocol::json_text;
use crate::protocol::refusal::Refusal;
use crate::session::{Session, shipping_amount};
use crate::state::State;

const MOST_SHIPPING_OPTIONS: usize = 5;

/// The shipping rates that the shopper can choose from.
pub(super) fn shipping_options(state: &mut State, params: &Value) -> Result<Vec<Value>, Refusal> {
    let options = params["shipping_options"].as_array().map_or(&[][..], Vec::as_slice);
    if options.len() > MOST_SHIPPING_OPTIONS {
        return Err(Refusal::too_many("shipping_options", MOST_SHIPPING_OPTIONS, "shipping options"));
    }
    let mut rates = Vec::new();
    for (index, option) in options.iter().enumerate() {
        let param = format!("shipping_options[{index}]");
        let rate = rate(state, option, &param)?;
        if rate["active"] != true {
            return Err(Refusal::invalid(param, "The shipping rate specified is inactive."));
        }
        rates.push(rate);
    }
    Ok(rates)
}

/// Refuses rates that cannot be paid in the session's currency.
pub(super) fn check_shipping_amounts(session: &Session) -> Result<(), Refusal> {
    let has_none = |rate: &Value| shipping_amount(rate, &session.currency).is_none();
    match session.shipping.iter().position(has_none) {
        None => Ok(()),
        Some(index) => {
            let message = format!("The shipping rate has no amount in `{}`.", session.currency);
            Err(Refusal::invalid(format!("shipping_options[{index}]"), message))
        }
    }
}

/// The rate of an option: one that exists, or one made of `shipping_rate_data`.
fn rate(state: &mut State, option: &Value, param: &str) -> Result<Value, Refusal> {
    if let Value::Object(data) = &option["shipping_rate_data"] {
        let rate = shipping_rates::shipping_rate(data, state.now())
            .map_err(|problem| problem.refusal(&format!("{param}[shipping_rate_data]")))?;
        state.shipping_rates.put(json_text(&rate["id"]), rate.clone());
        return Ok(rate);
    }
    let param = format!("{param}[shipping_rate]");
    match option["shipping_rate"].as_str() {
        Some(id) => state.shipping_rates.referred(id, &param).cloned(),
        None => Err(Refusal::MissingParam { param }),
    }
}
