//! What a merchant changes in the parameters of every session.

use cart::CheckoutMetadata;
use serde_json::{Map, Value};
use settings::{Environment, Error};

/// A merchant's last word on the parameters of every session, for those who build their own binary.
///
/// Runs after `CHECKOUT_SESSION_OVERRIDES`. What it does to line items, mode and Cartwright's own metadata is undone.
pub type Hook = fn(&mut Map<String, Value>);

/// The parameters that a merchant cannot overwrite.
const PROTECTED: [&str; 2] = ["line_items", "mode"];

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
        let touches_own = |metadata: &Value| match metadata.as_object() {
            None => true,
            Some(metadata) => metadata.keys().any(|key| CheckoutMetadata::is_reserved(key)),
        };
        if PROTECTED.iter().any(|name| patch.contains_key(*name)) || patch.get("metadata").is_some_and(touches_own) {
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
        let mut metadata = match parameters.remove("metadata") {
            Some(Value::Object(metadata)) => metadata,
            _ => Map::new(),
        };
        metadata.extend(own.iter().map(|(key, value)| ((*key).to_owned(), Value::from(value.as_str()))));
        parameters.insert("metadata".to_owned(), Value::Object(metadata));
        parameters
    }
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
