//! Stripe's objects with every field at its default, read from `data/objects`.

use std::sync::OnceLock;

use serde_json::Value;

/// A file of `data/objects`.
#[derive(Debug)]
pub(crate) struct Template {
    text: &'static str,
    object: OnceLock<Value>,
}

impl Template {
    pub(crate) const fn new(text: &'static str) -> Self {
        Self { text, object: OnceLock::new() }
    }

    /// The object with `values` in the place of its defaults.
    ///
    /// An object within takes the place of a default field by field, anything else as a whole.
    #[expect(clippy::expect_used, reason = "the files are part of the program, and a test reads them all")]
    pub(crate) fn with(&self, values: Value) -> Value {
        let defaults = self.object.get_or_init(|| serde_json::from_str(self.text).expect("an object's file is JSON"));
        let mut object = defaults.clone();
        fill(&mut object, values);
        object
    }
}

/// Puts `values` in the place of what `target` has under their names.
pub(crate) fn fill(target: &mut Value, values: Value) {
    match (target, values) {
        (Value::Object(fields), Value::Object(values)) => {
            for (name, value) in values {
                fill(fields.entry(name).or_insert(Value::Null), value);
            }
        }
        (target, value) => *target = value,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_take_the_place_of_defaults_at_their_depth() {
        static TEMPLATE: Template =
            Template::new(r#"{ "tax": { "enabled": false, "status": null }, "items": [1], "shipping": null }"#);

        let object = TEMPLATE.with(json!({ "tax": { "enabled": true }, "items": [], "shipping": { "name": "Ann" } }));

        assert_eq!(
            object,
            json!({ "tax": { "enabled": true, "status": null }, "items": [], "shipping": { "name": "Ann" } })
        );
    }
}
