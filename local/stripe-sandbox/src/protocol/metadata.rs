//! Metadata: what an object keeps of it (<https://docs.stripe.com/metadata>).

use serde_json::{Map, Value};

use super::check::metadata_fits;
use super::refusal::Refusal;

/// The metadata that a new object keeps: an empty value is no value.
pub(crate) fn kept(given: &Value) -> Map<String, Value> {
    let entries = given.as_object().into_iter().flatten();
    entries.filter(|(_, value)| **value != "").map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Merges metadata key by key; an empty value takes a key away, an empty `metadata` all of them.
///
/// # Errors
///
/// Refuses more keys than Stripe takes.
pub(crate) fn merged(before: Option<&Map<String, Value>>, given: &Value) -> Result<Map<String, Value>, Refusal> {
    let Value::Object(given) = given else { return Ok(Map::new()) };
    let mut merged = before.cloned().unwrap_or_default();
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_empty_value_is_no_value() {
        let before = json!({ "kept": "1", "gone": "1" });

        assert_eq!(Value::Object(kept(&json!({ "a": "1", "b": "" }))), json!({ "a": "1" }));
        assert_eq!(kept(&json!("")), Map::new());
        let after = merged(before.as_object(), &json!({ "gone": "", "new": "2" })).unwrap();
        assert_eq!(Value::Object(after), json!({ "kept": "1", "new": "2" }));
        assert_eq!(merged(before.as_object(), &json!("")).unwrap(), Map::new());
    }
}
