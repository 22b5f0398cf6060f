//! How objects come into the catalogue and change there.

use serde_json::{Map, Value};

use crate::endpoint::Params;
use crate::protocol::refusal::Refusal;
use crate::protocol::{json_text, metadata};
use crate::state::State;

/// Puts in a new product.
pub(crate) fn put_product(state: &mut State, product: &Value) {
    state.products.put(json_text(&product["id"]), product.clone());
    state.emit("product.created", product.clone(), None);
}

/// Puts in a new price.
pub(crate) fn put_price(state: &mut State, price: &Value) {
    state.prices.put(json_text(&price["id"]), price.clone());
    state.emit("price.created", price.clone(), None);
}

/// Takes out what only a request has: `expand`, empty metadata and custom amounts that are switched off.
pub(crate) fn clean(params: &mut Params) {
    params.remove("expand");
    if params.get("metadata").is_some_and(Value::is_string) {
        params.remove("metadata");
    }
    if params.get("custom_unit_amount").is_some_and(|custom| custom["enabled"] != true) {
        params.remove("custom_unit_amount");
    }
    params.retain(|_, value| value != "");
}

/// The object with the parameters' values; an empty text unsets.
pub(crate) fn merge(before: &Value, mut params: Params) -> Result<Params, Refusal> {
    let mut after = before.as_object().cloned().unwrap_or_default();
    params.remove("expand");
    for (key, value) in params {
        let value = match (key.as_str(), value) {
            ("metadata", given) => Value::Object(metadata::merged(before["metadata"].as_object(), &given)?),
            (_, Value::String(empty)) if empty.is_empty() => Value::Null,
            (_, value) => value,
        };
        after.insert(key, value);
    }
    Ok(after)
}

pub(crate) fn emit_update(state: &mut State, kind: &str, before: &Value, after: &Value) {
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
    use serde_json::json;

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
}
