//! The endpoints of the catalogue: products, prices, coupons, promotion codes, shipping and tax rates.

use serde_json::{Map, Value, json};

use crate::catalog::objects::{self, Problem};
use crate::checkout::json_text;
use crate::protocol::check::{check, join, metadata_fits};
use crate::protocol::refusal::Refusal;
use crate::protocol::shapes;
use crate::state::State;
use crate::state::list::{self, within};

type Params = Map<String, Value>;
type Answer = Result<Value, Refusal>;

/// A refusal of a request out of what is wrong with the object it describes; `path` is the parameter the object is in.
pub(crate) fn refusal(problem: &Problem, path: &str) -> Refusal {
    let segments = problem.field.replace('[', ".").replace(']', "");
    let param = segments.split('.').fold(path.to_owned(), |param, segment| join(&param, segment));
    if problem.text == "is missing" {
        Refusal::MissingParam { param }
    } else {
        Refusal::invalid(param.clone(), format!("Invalid {param}: {}.", problem.text))
    }
}

/// Whether an object has the values that the filters name.
fn matches(object: &Value, params: &Params, fields: &[&str]) -> bool {
    fields.iter().all(|field| params.get(*field).is_none_or(|wanted| object[*field] == *wanted))
        && within(params.get("created"), object["created"].as_i64().unwrap_or(0))
}

pub(crate) fn list_products(state: &State, query: &Params) -> Answer {
    let params = check(query, shapes::PRODUCTS.of("list"))?;
    let ids = params.get("ids").and_then(Value::as_array);
    list::page(&state.products, "/v1/products", &params, |product| {
        matches(product, &params, &["active", "shippable", "type", "url"])
            && ids.is_none_or(|ids| ids.contains(&product["id"]))
    })
}

pub(crate) fn create_product(state: &mut State, form: &Params) -> Answer {
    let mut params = check(form, shapes::PRODUCTS.of("create"))?;
    let default_price = params.remove("default_price_data");
    clean(&mut params);
    if let Some(id) = params.get("id").and_then(Value::as_str)
        && state.products.get(id).is_some()
    {
        return Err(Refusal::coded("resource_already_exists", "id", "Product already exists."));
    }
    let mut product = objects::product(&params, state.now()).map_err(|problem| refusal(&problem, ""))?;
    let id = json_text(&product["id"]).to_owned();
    let price = match default_price {
        Some(Value::Object(mut data)) => {
            data.insert("product".to_owned(), json!(id));
            clean(&mut data);
            let price =
                objects::price(&data, state.now()).map_err(|problem| refusal(&problem, "default_price_data"))?;
            product["default_price"] = price["id"].clone();
            Some(price)
        }
        _ => None,
    };
    state.products.put(&id, product.clone());
    state.emit("product.created", product.clone(), None);
    if let Some(price) = price {
        put_new_price(state, &price);
    }
    Ok(product)
}

pub(crate) fn update_product(state: &mut State, id: &str, form: &Params) -> Answer {
    let params = check(form, shapes::PRODUCTS.of("update"))?;
    let before = state.products.found(id)?.clone();
    if let Some(price) = params.get("default_price").and_then(Value::as_str) {
        state.prices.referred(price, "default_price")?;
    }
    let mut changed = merge(&before, params)?;
    changed["updated"] = json!(state.now());
    let after = objects::product(changed.as_object().unwrap_or(&Map::new()), state.now())
        .map_err(|problem| refusal(&problem, ""))?;
    state.products.put(id, after.clone());
    emit_update(state, "product.updated", &before, &after);
    Ok(after)
}

pub(crate) fn delete_product(state: &mut State, id: &str, form: &Params) -> Answer {
    check(form, shapes::COMMON.of("delete"))?;
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

pub(crate) fn list_prices(state: &State, query: &Params) -> Answer {
    let params = check(query, shapes::PRICES.of("list"))?;
    let keys = params.get("lookup_keys").and_then(Value::as_array);
    let currency = params.get("currency").and_then(Value::as_str).map(str::to_ascii_lowercase);
    let recurring = params.get("recurring").and_then(Value::as_object);
    list::page(&state.prices, "/v1/prices", &params, |price| {
        matches(price, &params, &["active", "product", "type"])
            && currency.as_ref().is_none_or(|currency| price["currency"] == currency.as_str())
            && keys.is_none_or(|keys| keys.contains(&price["lookup_key"]))
            && recurring.is_none_or(|wanted| wanted.iter().all(|(key, value)| price["recurring"][key] == *value))
    })
}

pub(crate) fn create_price(state: &mut State, form: &Params) -> Answer {
    let mut params = check(form, shapes::PRICES.of("create"))?;
    let transfer = params.remove("transfer_lookup_key") == Some(json!(true));
    let product = match (params.remove("product_data"), params.get("product")) {
        (Some(Value::Object(data)), None) => {
            let product = objects::product(&data, state.now()).map_err(|problem| refusal(&problem, "product_data"))?;
            params.insert("product".to_owned(), product["id"].clone());
            Some(product)
        }
        (Some(_), Some(_)) => {
            let message = "You may only specify one of these parameters: product, product_data.";
            return Err(Refusal::invalid("product", message));
        }
        (None, product) => {
            let Some(id) = product.and_then(Value::as_str) else {
                return Err(Refusal::MissingParam { param: "product".to_owned() });
            };
            state.products.referred(id, "product")?;
            None
        }
        (Some(_), None) => None,
    };
    clean(&mut params);
    let price = objects::price(&params, state.now()).map_err(|problem| refusal(&problem, ""))?;
    claim_lookup_key(state, &price, transfer)?;
    if let Some(product) = product {
        state.products.put(json_text(&product["id"]), product.clone());
        state.emit("product.created", product, None);
    }
    put_new_price(state, &price);
    Ok(price)
}

/// A price made for one session: it is not for sale elsewhere.
pub(crate) fn inline_price(state: &mut State, data: &Value, param: &str) -> Answer {
    let mut data = data.as_object().cloned().unwrap_or_default();
    let product = match (data.remove("product_data"), data.get("product").and_then(Value::as_str)) {
        (Some(Value::Object(mut fields)), None) => {
            fields.insert("active".to_owned(), json!(false));
            let path = format!("{param}[product_data]");
            let product = objects::product(&fields, state.now()).map_err(|problem| refusal(&problem, &path))?;
            data.insert("product".to_owned(), product["id"].clone());
            Some(product)
        }
        (_, Some(id)) => {
            state.products.referred(id, &format!("{param}[product]"))?;
            None
        }
        (_, None) => return Err(Refusal::MissingParam { param: format!("{param}[product]") }),
    };
    data.insert("active".to_owned(), json!(false));
    let price = objects::price(&data, state.now()).map_err(|problem| refusal(&problem, param))?;
    if let Some(product) = product {
        state.products.put(json_text(&product["id"]), product.clone());
        state.emit("product.created", product, None);
    }
    put_new_price(state, &price);
    Ok(price)
}

fn put_new_price(state: &mut State, price: &Value) {
    state.prices.put(json_text(&price["id"]), price.clone());
    state.emit("price.created", price.clone(), None);
}

pub(crate) fn update_price(state: &mut State, id: &str, form: &Params) -> Answer {
    let mut params = check(form, shapes::PRICES.of("update"))?;
    let transfer = params.remove("transfer_lookup_key") == Some(json!(true));
    let before = state.prices.found(id)?.clone();
    if let Some(Value::Object(options)) = params.get_mut("currency_options") {
        let mut all = before["currency_options"].as_object().cloned().unwrap_or_default();
        all.append(options);
        *options = all;
    }
    // An empty value takes a field away, `currency_options` all other currencies.
    let changed = merge(&before, params)?;
    let after = objects::price(changed.as_object().unwrap_or(&Map::new()), state.now())
        .map_err(|problem| refusal(&problem, ""))?;
    claim_lookup_key(state, &after, transfer)?;
    state.prices.put(id, after.clone());
    emit_update(state, "price.updated", &before, &after);
    Ok(after)
}

/// Deletes a price, which Stripe's dashboard can and its API cannot.
pub(crate) fn delete_price(state: &mut State, id: &str) -> bool {
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

pub(crate) fn create_coupon(state: &mut State, form: &Params) -> Answer {
    let mut params = check(form, shapes::COUPONS.of("create"))?;
    if let Some(percent) = params.get("percent_off").and_then(Value::as_str) {
        let number = serde_json::from_str(percent).unwrap_or(Value::Null);
        params.insert("percent_off".to_owned(), number);
    }
    clean(&mut params);
    let coupon = objects::coupon(&params, state.now()).map_err(|problem| refusal(&problem, ""))?;
    let id = json_text(&coupon["id"]).to_owned();
    if state.coupons.get(&id).is_some() {
        return Err(Refusal::coded("resource_already_exists", "id", "Coupon already exists."));
    }
    state.coupons.put(&id, coupon.clone());
    state.emit("coupon.created", coupon.clone(), None);
    Ok(coupon)
}

pub(crate) fn list_promotion_codes(state: &State, query: &Params) -> Answer {
    let params = check(query, shapes::PROMOTION_CODES.of("list"))?;
    let code = params.get("code").and_then(Value::as_str);
    let coupon = params.get("coupon");
    list::page(&state.promotion_codes, "/v1/promotion_codes", &params, |promotion| {
        // Codes are not case-sensitive (<https://docs.stripe.com/api/promotion_codes>).
        let is_code = code.is_none_or(|code| json_text(&promotion["code"]).eq_ignore_ascii_case(code));
        is_code
            && matches(promotion, &params, &["active", "customer"])
            && coupon.is_none_or(|coupon| promotion["promotion"]["coupon"] == *coupon)
    })
}

pub(crate) fn create_promotion_code(state: &mut State, form: &Params) -> Answer {
    let mut params = check(form, shapes::PROMOTION_CODES.of("create"))?;
    clean(&mut params);
    let promotion = objects::promotion_code(&params, state.now()).map_err(|problem| refusal(&problem, ""))?;
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

pub(crate) fn update_promotion_code(state: &mut State, id: &str, form: &Params) -> Answer {
    let params = check(form, shapes::PROMOTION_CODES.of("update"))?;
    let before = state.promotion_codes.found(id)?.clone();
    let after = merge(&before, params)?;
    state.promotion_codes.put(id, after.clone());
    emit_update(state, "promotion_code.updated", &before, &after);
    Ok(after)
}

pub(crate) fn list_coupons(state: &State, query: &Params) -> Answer {
    let params = check(query, shapes::COUPONS.of("list"))?;
    list::page(&state.coupons, "/v1/coupons", &params, |coupon| matches(coupon, &params, &[]))
}

pub(crate) fn list_shipping_rates(state: &State, query: &Params) -> Answer {
    let params = check(query, shapes::SHIPPING_RATES.of("list"))?;
    let currency = params.get("currency");
    list::page(&state.shipping_rates, "/v1/shipping_rates", &params, |rate| {
        matches(rate, &params, &["active"])
            && currency.is_none_or(|currency| rate["fixed_amount"]["currency"] == *currency)
    })
}

pub(crate) fn list_tax_rates(state: &State, query: &Params) -> Answer {
    let params = check(query, shapes::TAX_RATES.of("list"))?;
    list::page(&state.tax_rates, "/v1/tax_rates", &params, |rate| matches(rate, &params, &["active", "inclusive"]))
}

/// Takes out what only a request has: `expand`, empty metadata and custom amounts that are switched off.
fn clean(params: &mut Params) {
    params.remove("expand");
    if params.get("metadata").is_some_and(Value::is_string) {
        params.remove("metadata");
    }
    if params.get("custom_unit_amount").is_some_and(|custom| custom["enabled"] != true) {
        params.remove("custom_unit_amount");
    }
    params.retain(|_, value| value != "");
}

/// Merges metadata key by key; an empty value takes a key away, an empty `metadata` all of them.
pub(crate) fn merge_metadata(before: &Map<String, Value>, given: &Value) -> Result<Map<String, Value>, Refusal> {
    let Value::Object(given) = given else { return Ok(Map::new()) };
    let mut merged = before.clone();
    for (key, value) in given {
        if value == "" {
            merged.remove(key);
        } else {
            merged.insert(key.clone(), value.clone());
        }
    }
    metadata_fits(&merged)?;
    Ok(merged)
}

/// The object with the parameters' values; an empty text unsets.
fn merge(before: &Value, mut params: Params) -> Answer {
    let mut after = before.clone();
    params.remove("expand");
    for (key, value) in params {
        after[&key] = match (key.as_str(), value) {
            ("metadata", given) => {
                let nothing = Map::new();
                Value::Object(merge_metadata(before["metadata"].as_object().unwrap_or(&nothing), &given)?)
            }
            ("images" | "marketing_features", Value::String(_)) => json!([]),
            (_, Value::String(empty)) if empty.is_empty() => Value::Null,
            (_, value) => value,
        };
    }
    Ok(after)
}

fn emit_update(state: &mut State, kind: &str, before: &Value, after: &Value) {
    // A change of what events do not show is an event all the same.
    if before != after {
        state.emit(kind, after.clone(), Some(differences(before, after)));
    }
}

/// What was different before: of metadata the changed keys, of everything else the whole value.
fn differences(before: &Value, after: &Value) -> Map<String, Value> {
    let nothing = Map::new();
    let (old, new) = (before.as_object().unwrap_or(&nothing), after.as_object().unwrap_or(&nothing));
    let mut previous = Map::new();
    for (key, value) in new {
        let old = old.get(key).unwrap_or(&Value::Null);
        // Events do not show currency options and tiers, neither as they are nor as they were.
        if old == value || key == "currency_options" || key == "tiers" {
            continue;
        }
        let was = if key == "metadata" {
            let keys = old.as_object().into_iter().chain(value.as_object()).flat_map(Map::keys);
            let changed = keys.filter(|key| old[*key] != value[*key]);
            Value::Object(changed.map(|key| (key.clone(), old[key].clone())).collect())
        } else {
            old.clone()
        };
        previous.insert(key.clone(), was);
    }
    previous
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn previous_attributes_hold_what_was_different() {
        let before = json!({ "active": true, "name": "A", "metadata": { "kept": "1", "changed": "1", "gone": "1" } });
        let after = json!({ "active": false, "name": "A", "metadata": { "kept": "1", "changed": "2", "new": "1" } });

        assert_eq!(
            Value::Object(differences(&before, &after)),
            json!({ "active": true, "metadata": { "changed": "1", "gone": "1", "new": null } })
        );
    }

    #[test]
    fn problems_of_objects_name_the_parameter() {
        let problem = Problem { field: "tiers[1].up_to".to_owned(), text: "must rise".to_owned() };

        assert_eq!(refusal(&problem, "").body()["error"]["param"], "tiers[1][up_to]");
        assert_eq!(refusal(&problem, "price_data").body()["error"]["param"], "price_data[tiers][1][up_to]");
    }
}
