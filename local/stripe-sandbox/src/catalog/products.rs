//! Products (<https://docs.stripe.com/api/products>).

use serde_json::{Value, json};

use super::change::{clean, emit_update, merge, put_price, put_product};
use super::price::price;
use super::product::product;
use crate::endpoint::{Answer, Request, Route, matches, retrieve};
use crate::protocol::parameters::Definitions;
use crate::protocol::refusal::Refusal;
use crate::state::{State, list};

static PARAMETERS: Definitions = Definitions::new(include_str!("../../data/parameters/products.json"));

pub(crate) static ROUTES: [Route; 5] = [
    Route::get("products", (&PARAMETERS, "list"), list),
    Route::post("products", (&PARAMETERS, "create"), create),
    Route::retrieve("products/{id}", |state, request| retrieve(&state.products, request)),
    Route::post("products/{id}", (&PARAMETERS, "update"), update),
    Route::delete("products/{id}", delete),
];

fn list(state: &mut State, request: &Request) -> Answer {
    let params = &request.params;
    let ids = params.get("ids").and_then(Value::as_array);
    list::page(&state.products, "/v1/products", params, |product| {
        matches(product, params, &["active", "shippable", "type", "url"])
            && ids.is_none_or(|ids| ids.contains(&product["id"]))
    })
}

fn create(state: &mut State, request: &Request) -> Answer {
    let mut params = request.params.clone();
    let default_price = params.remove("default_price_data");
    clean(&mut params);
    if let Some(id) = params.get("id").and_then(Value::as_str)
        && state.products.get(id).is_some()
    {
        return Err(Refusal::coded("resource_already_exists", "id", "Product already exists."));
    }
    let mut product = product(&params, state.now()).map_err(|problem| problem.refusal(""))?;
    let price = default_price.map(|data| default_price_of(&product, data, state.now())).transpose()?;
    if let Some(price) = &price {
        product["default_price"] = price["id"].clone();
    }
    put_product(state, &product);
    if let Some(price) = price {
        put_price(state, &price);
    }
    Ok(product)
}

fn default_price_of(product: &Value, data: Value, now: i64) -> Answer {
    let Value::Object(mut data) = data else { return Ok(Value::Null) };
    data.insert("product".to_owned(), product["id"].clone());
    clean(&mut data);
    price(&data, now).map_err(|problem| problem.refusal("default_price_data"))
}

fn update(state: &mut State, request: &Request) -> Answer {
    let before = state.products.found(&request.id)?.clone();
    if let Some(price) = request.params.get("default_price").and_then(Value::as_str) {
        state.prices.referred(price, "default_price")?;
    }
    let mut changed = merge(&before, request.params.clone())?;
    changed.insert("updated".to_owned(), json!(state.now()));
    let after = product(&changed, state.now()).map_err(|problem| problem.refusal(""))?;
    state.products.put(&request.id, after.clone());
    emit_update(state, "product.updated", &before, &after);
    Ok(after)
}

fn delete(state: &mut State, request: &Request) -> Answer {
    let id = request.id.as_str();
    state.products.found(id)?;
    if state.prices.newest().any(|(_, price)| price["product"] == id) {
        let message = "This product cannot be deleted because it has one or more user-created prices.";
        return Err(Refusal::invalid("id", message));
    }
    if let Some(product) = state.products.remove(id) {
        state.emit("product.deleted", product, None);
    }
    Ok(json!({ "id": id, "object": "product", "deleted": true }))
}
