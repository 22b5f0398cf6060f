//! Prices (<https://docs.stripe.com/api/prices>).

use serde_json::{Value, json};

use super::change::{clean, emit_update, merge, put_price, put_product};
use super::price::price;
use super::product::product;
use crate::endpoint::{Answer, Params, Request, Route, matches, retrieve};
use crate::protocol::check::join;
use crate::protocol::json_text;
use crate::protocol::parameters::Definitions;
use crate::protocol::refusal::Refusal;
use crate::state::{State, list};

static PARAMETERS: Definitions = Definitions::new(include_str!("../../data/parameters/prices.json"));

pub(crate) static ROUTES: [Route; 4] = [
    Route::get("prices", (&PARAMETERS, "list"), list),
    Route::post("prices", (&PARAMETERS, "create"), create),
    Route::retrieve("prices/{id}", |state, request| retrieve(&state.prices, request)),
    Route::post("prices/{id}", (&PARAMETERS, "update"), update),
];

fn list(state: &mut State, request: &Request) -> Answer {
    let params = &request.params;
    let keys = params.get("lookup_keys").and_then(Value::as_array);
    let currency = params.get("currency").and_then(Value::as_str).map(str::to_ascii_lowercase);
    let recurring = params.get("recurring").and_then(Value::as_object);
    list::page(&state.prices, "/v1/prices", params, |price| {
        matches(price, params, &["active", "product", "type"])
            && currency.as_ref().is_none_or(|currency| price["currency"] == currency.as_str())
            && keys.is_none_or(|keys| keys.contains(&price["lookup_key"]))
            && recurring.is_none_or(|wanted| wanted.iter().all(|(key, value)| price["recurring"][key] == *value))
    })
}

fn create(state: &mut State, request: &Request) -> Answer {
    let mut params = request.params.clone();
    let transfer = params.remove("transfer_lookup_key") == Some(json!(true));
    if params.contains_key("product_data") && params.contains_key("product") {
        let message = "You may only specify one of these parameters: product, product_data.";
        return Err(Refusal::invalid("product", message));
    }
    let product = new_product(state, &mut params, "", true)?;
    clean(&mut params);
    if params.get("currency_options").is_some_and(|options| !options[json_text(&params["currency"])].is_null()) {
        let message = "You are specifying a currency option that matches the top-level currency for this price. \
                       Please remove this currency option and it will be added automatically on creation.";
        return Err(Refusal::invalid("currency_options", message));
    }
    let price = price(&params, state.now()).map_err(|problem| problem.refusal(""))?;
    claim_lookup_key(state, &price, transfer)?;
    if let Some(product) = product {
        put_product(state, &product);
    }
    put_price(state, &price);
    Ok(price)
}

/// Makes a price for one session: it is not for sale elsewhere. `path` is the parameter that describes it.
pub(crate) fn create_inline(state: &mut State, data: &Value, path: &str) -> Answer {
    let mut data = data.as_object().cloned().unwrap_or_default();
    let product = new_product(state, &mut data, path, false)?;
    data.insert("active".to_owned(), json!(false));
    let price = price(&data, state.now()).map_err(|problem| problem.refusal(path))?;
    if let Some(product) = product {
        put_product(state, &product);
    }
    put_price(state, &price);
    Ok(price)
}

/// The product that `product_data` describes, not yet put in, or `None` where the price is of one that is there.
fn new_product(state: &State, params: &mut Params, path: &str, active: bool) -> Result<Option<Value>, Refusal> {
    let param = |name: &str| join(path, name);
    if let Some(id) = params.get("product").and_then(Value::as_str) {
        state.products.referred(id, &param("product"))?;
        return Ok(None);
    }
    let Some(Value::Object(mut data)) = params.remove("product_data") else {
        return Err(Refusal::MissingParam { param: param("product") });
    };
    if !active {
        data.insert("active".to_owned(), json!(false));
    }
    let product = product(&data, state.now()).map_err(|problem| problem.refusal(&param("product_data")))?;
    params.insert("product".to_owned(), product["id"].clone());
    Ok(Some(product))
}

fn update(state: &mut State, request: &Request) -> Answer {
    let id = &request.id;
    let mut params = request.params.clone();
    let transfer = params.remove("transfer_lookup_key") == Some(json!(true));
    let before = state.prices.found(id)?.clone();
    if let Some(Value::Object(options)) = params.get_mut("currency_options") {
        let mut all = before["currency_options"].as_object().cloned().unwrap_or_default();
        all.append(options);
        *options = all;
    }
    // An empty value takes a field away, `currency_options` all other currencies.
    let changed = merge(&before, params)?;
    let after = price(&changed, state.now()).map_err(|problem| problem.refusal(""))?;
    claim_lookup_key(state, &after, transfer)?;
    state.prices.put(id, after.clone());
    emit_update(state, "price.updated", &before, &after);
    Ok(after)
}

/// Deletes a price, which Stripe's dashboard can and its API cannot.
pub(crate) fn delete(state: &mut State, id: &str) -> bool {
    let Some(price) = state.prices.remove(id) else { return false };
    state.emit("price.deleted", price, None);
    true
}

/// A lookup key belongs to one price.
fn claim_lookup_key(state: &mut State, price: &Value, transfer: bool) -> Result<(), Refusal> {
    let Some(key) = price["lookup_key"].as_str() else { return Ok(()) };
    let holder = state.prices.newest().find(|(id, other)| other["lookup_key"] == key && price["id"] != *id);
    let Some(before) = holder.map(|(_, holder)| holder.clone()) else { return Ok(()) };
    if !transfer {
        let message = format!("A price (`{}`) already uses that lookup key.", json_text(&before["id"]));
        return Err(Refusal::invalid("lookup_key", message));
    }
    let mut after = before.clone();
    after["lookup_key"] = Value::Null;
    state.prices.put(json_text(&before["id"]), after.clone());
    emit_update(state, "price.updated", &before, &after);
    Ok(())
}
