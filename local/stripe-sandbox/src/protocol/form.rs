//! Form bodies and query strings with nested brackets, as Stripe's clients send them.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

/// Deeper nesting than any of Stripe's parameters has; what lies below is read as part of the last key.
const DEPTH: usize = 12;

/// Decodes `a[b]=1&c[0]=2&d[]=3` into nested objects whose leaves are strings.
///
/// Lists stay objects with numbers as keys, because only a parameter's definition tells a list from a map.
pub(crate) fn decode(text: &str) -> Map<String, Value> {
    let mut root = Map::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        insert(&mut root, &segments(&plain(key)), plain(value));
    }
    root
}

/// Turns objects whose keys count 0, 1, 2 … into arrays, for people and tests to read.
pub(crate) fn with_lists(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut items: Vec<(Option<usize>, String, Value)> =
                map.into_iter().map(|(key, value)| (key.parse().ok(), key, with_lists(value))).collect();
            items.sort_by_key(|(index, ..)| *index);
            let counts = items.iter().enumerate().all(|(position, (index, ..))| *index == Some(position));
            if counts && !items.is_empty() {
                items.into_iter().map(|(.., value)| value).collect()
            } else {
                Value::Object(items.into_iter().map(|(_, key, value)| (key, value)).collect())
            }
        }
        other => other,
    }
}

fn plain(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

fn segments(key: &str) -> Vec<String> {
    let Some((head, rest)) = key.split_once('[') else { return vec![key.to_owned()] };
    let Some(rest) = rest.strip_suffix(']') else { return vec![key.to_owned()] };
    let mut segments = vec![head.to_owned()];
    segments.extend(rest.splitn(DEPTH, "][").map(str::to_owned));
    segments
}

fn insert(map: &mut Map<String, Value>, segments: &[String], value: String) {
    let Some((first, rest)) = segments.split_first() else { return };
    let key = if first.is_empty() { map.len().to_string() } else { first.clone() };
    if rest.is_empty() {
        map.insert(key, Value::String(value));
        return;
    }
    let slot = map.entry(key).or_insert(Value::Null);
    if !slot.is_object() {
        *slot = Value::Object(Map::new());
    }
    if let Value::Object(inner) = slot {
        insert(inner, rest, value);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn brackets_nest_and_escapes_are_undone() {
        let decoded = decode("a%5Bb%5D%5B0%5D%5Bc%5D=x+y&a[b][1][c]=%C3%A9&metadata[order id]=1&e[]=p&e[]=q&empty=");

        assert_eq!(
            with_lists(Value::Object(decoded)),
            json!({
                "a": { "b": [{ "c": "x y" }, { "c": "é" }] },
                "metadata": { "order id": "1" },
                "e": ["p", "q"],
                "empty": "",
            })
        );
    }

    #[test]
    fn lists_of_more_than_ten_keep_their_order() {
        let text: Vec<String> = (0..12).map(|index| format!("n[{index}]={index}")).collect();

        let decoded = with_lists(Value::Object(decode(&text.join("&"))));

        assert_eq!(decoded["n"][2], json!("2"));
        assert_eq!(decoded["n"][11], json!("11"));
    }

    #[test]
    fn a_map_with_numbers_as_keys_stays_a_map() {
        assert_eq!(with_lists(Value::Object(decode("m[7]=a"))), json!({ "m": { "7": "a" } }));
    }
}
