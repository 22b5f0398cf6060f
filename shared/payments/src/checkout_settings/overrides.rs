//! What a merchant changes in the parameters of every session.

use std::iter;

use cart::CheckoutMetadata;
use serde_json::{Map, Value};
use settings::{Environment, Error};

/// A merchant's last word on the parameters of every session, for those who build their own binary.
///
/// Runs after `CHECKOUT_SESSION_OVERRIDES`. What it does to line items, mode and Cartwright's own metadata is undone.
pub type Hook = fn(&mut Map<String, Value>);

/// The parameters that a merchant cannot overwrite.
const PROTECTED: [&str; 2] = ["line_items", "mode"];

/// What is known of the objects that a session makes. Their metadata hold Cartwright's own, as the session's do.
const MADE: [&str; 2] = ["payment_intent_data", "subscription_data"];

/// A JSON merge patch over the parameters, and a hook behind it.
#[derive(Clone, Debug)]
pub(super) struct Overrides {
    patch: Map<String, Value>,
    hook: Option<Hook>,
}

impl Overrides {
    pub(super) fn new(environment: &Environment) -> Result<Self, Error> {
        let name = "CHECKOUT_SESSION_OVERRIDES";
        let patch = match environment.parse(name, "a JSON object")? {
            None => Map::new(),
            Some(Value::Object(patch)) => patch,
            Some(_) => return Err(Error::malformed(name, "a JSON object")),
        };
        let made = MADE.iter().filter_map(|name| patch.get(*name)?.as_object());
        let mut metadata = iter::once(&patch).chain(made).filter_map(|object| object.get("metadata"));
        let touches_own = |metadata: &Value| match metadata.as_object() {
            None => true,
            Some(metadata) => metadata.keys().any(|key| CheckoutMetadata::is_reserved(key)),
        };
        if PROTECTED.iter().any(|name| patch.contains_key(*name)) || metadata.any(touches_own) {
            return Err(Error::malformed(name, "no line_items, no mode and no metadata.stripe_payments_*"));
        }
        Ok(Self { patch, hook: None })
    }

    pub(super) fn with_hook(self, hook: Hook) -> Self {
        Self { hook: Some(hook), ..self }
    }

    /// The `standard` parameters with what the merchant changes, and with Cartwright's `own` metadata.
    pub(super) fn apply(&self, standard: &Map<String, Value>, own: &[(&'static str, String)]) -> Map<String, Value> {
        let mut parameters = standard.clone();
        merge(&mut parameters, &self.patch);
        if let Some(hook) = self.hook {
            hook(&mut parameters);
        }
        let protected = PROTECTED.iter().filter_map(|name| standard.get_key_value(*name));
        parameters.extend(protected.map(|(name, value)| (name.clone(), value.clone())));
        let restore = |object: &mut Map<String, Value>| {
            change_object(object, "metadata", |metadata| {
                metadata.extend(own.iter().map(|(key, value)| ((*key).to_owned(), Value::from(value.as_str()))));
            });
        };
        restore(&mut parameters);
        for name in MADE.into_iter().filter(|name| standard.contains_key(*name)) {
            change_object(&mut parameters, name, restore);
        }
        parameters
    }
}

/// Changes the member `name`, which is an object from now on if it was none.
fn change_object(parent: &mut Map<String, Value>, name: &str, change: impl FnOnce(&mut Map<String, Value>)) {
    let mut object = match parent.remove(name) {
        Some(Value::Object(object)) => object,
        _ => Map::new(),
    };
    change(&mut object);
    parent.insert(name.to_owned(), Value::Object(object));
}

/// Merges a patch into an object.
///
/// Source: <https://www.rfc-editor.org/rfc/rfc7396#section-2>
fn merge(target: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (name, value) in patch {
        if value.is_null() {
            target.remove(name);
        } else {
            json_patch::merge(target.entry(name).or_insert(Value::Null), value);
        }
    }
}
