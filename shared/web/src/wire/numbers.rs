//! The numbers of a JSON text, as they are written.

/// Hands out the numbers of a text that is read as JSON meanwhile, in their order.
///
/// `serde_json` passes a number on as a `u64`, `i64` or `f64`, so that `1.50` and `1.5` are the same. Its feature
/// `arbitrary_precision` keeps the text, but for all crates that are built together, and at a cost for each number that
/// DynamoDB or Stripe sends. Reading a body's numbers a second time costs one look at each of its bytes.
pub(crate) struct Numbers<'a> {
    rest: &'a [u8],
}

impl<'a> Numbers<'a> {
    pub(crate) fn of(text: &'a [u8]) -> Self {
        Self { rest: text }
    }

    /// The next number. What stands before it is JSON already, so that only strings can look like one.
    pub(crate) fn next(&mut self) -> String {
        let mut is_string = false;
        let mut bytes = self.rest.iter().enumerate();
        let start = loop {
            match bytes.next() {
                None => break self.rest.len(),
                Some((_, b'"')) => is_string = !is_string,
                Some((_, b'\\')) if is_string => drop(bytes.next()),
                Some((place, b'-' | b'0'..=b'9')) if !is_string => break place,
                Some(_) => {}
            }
        };
        let rest = &self.rest[start..];
        let is_of_number = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
        let (number, rest) = rest.split_at(rest.iter().position(|byte| !is_of_number(byte)).unwrap_or(rest.len()));
        self.rest = rest;
        String::from_utf8_lossy(number).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::wire::node::Node;

    #[test]
    fn numbers_are_told_from_what_looks_like_one() {
        let text = br#"{"1": "2\"3", "a\\": [-0, 1.50, {"4": 1E+2}], "\"5": 18446744073709551616,"b":[7]}"#;

        let mut numbers = Numbers::of(text);

        for expected in ["-0", "1.50", "1E+2", "18446744073709551616", "7", ""] {
            assert_eq!(numbers.next(), expected);
        }
    }

    /// The node, as JSON that has just one form: numbers as text, marked.
    fn marked(node: &Node) -> Value {
        match node {
            Node::Null | Node::Blank | Node::Garbled => Value::Null,
            Node::Flag(flag) => Value::Bool(*flag),
            Node::Number(text) => format!("number {}", text.parse::<f64>().unwrap()).into(),
            Node::Text(text) => text.clone().into(),
            Node::List(list) => list.iter().map(marked).collect(),
            Node::Map(map) => Value::Object(map.iter().map(|(key, node)| (key.clone(), marked(node))).collect()),
        }
    }

    fn marked_by_serde(value: &Value) -> Value {
        match value {
            Value::Number(number) => format!("number {}", number.as_f64().unwrap()).into(),
            Value::Array(list) => list.iter().map(marked_by_serde).collect(),
            Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), marked_by_serde(value))).collect(),
            other => other.clone(),
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            r#"[0-9"\\e.-]{0,6}"#.prop_map(Value::from),
            Just(Value::Null),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::btree_map(r#"[0-9"\\-]{0,4}"#, inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn each_number_gets_its_own_text(value in value()) {
            let text = serde_json::to_string_pretty(&value).unwrap();

            let node = Node::of_json(text.as_bytes()).unwrap();

            prop_assert_eq!(marked(&node), marked_by_serde(&value), "{}", text);
        }
    }
}
