//! What a merchant changes in the parameters of every session.

use std::iter;

use cart::{CheckoutMetadata, Reference};
use serde_json::{Map, Value};
use settings::{CHECKOUT_SHIPPING_RATES, Environment, Error};

use super::fit::{KNOWN, MODES, is_for};

/// A merchant's last word on the parameters of every session, for those who build their own binary.
///
/// Runs after `CHECKOUT_SESSION_OVERRIDES`. What it does to line items, mode, currency and Cartwright's own metadata is
/// undone, and what Stripe does not take in the session's mode is left out.
pub type Hook = fn(&mut Map<String, Value>);

/// The parameters that a merchant cannot overwrite: they follow from the cart, whose total the shopper saw in its currency.
const PROTECTED: [&str; 3] = ["line_items", "mode", "currency"];

/// What is known of the objects that a session makes, by its mode. Their metadata hold Cartwright's own, as the session's do.
const MADE: [(&str, &str); 2] = [("payment", "payment_intent_data"), ("subscription", "subscription_data")];

/// The setting.
const NAME: &str = "CHECKOUT_SESSION_OVERRIDES";

/// JSON merge patches over the parameters, and a hook behind them.
#[derive(Clone, Debug)]
pub(super) struct Overrides {
    /// For every session.
    common: Map<String, Value>,
    /// For the sessions of one mode, over the others.
    of_mode: Vec<(&'static str, Map<String, Value>)>,
    hook: Option<Hook>,
}

impl Overrides {
    pub(super) fn new(environment: &Environment) -> Result<Self, Error> {
        let mut common = match environment.parse(NAME, "a JSON object")? {
            None => Map::new(),
            Some(patch) => object("a JSON object", patch)?,
        };
        let mut of_mode = Vec::new();
        for mode in MODES {
            let Some(patch) = common.remove(mode) else { continue };
            let patch = object(&format!("a JSON object in {mode}"), patch)?;
            check(&patch)?;
            if let Some(name) = patch.keys().find(|name| !is_for(name, mode)) {
                return Err(Error::malformed(
                    NAME,
                    format!("no {name} in {mode}: Stripe takes it in the other mode only"),
                ));
            }
            of_mode.push((mode, patch));
        }
        check(&common)?;
        Ok(Self { common, of_mode, hook: None })
    }

    pub(super) fn with_hook(self, hook: Hook) -> Self {
        Self { hook: Some(hook), ..self }
    }

    /// The `standard` parameters with what the merchant changes.
    pub(super) fn apply(&self, standard: Map<String, Value>) -> Map<String, Value> {
        if self.common.is_empty() && self.of_mode.is_empty() && self.hook.is_none() {
            return standard;
        }
        let mut parameters = standard.clone();
        merge(&mut parameters, &self.common);
        for (_, patch) in self.of_mode.iter().filter(|(mode, _)| standard.get("mode").is_some_and(|own| own == mode)) {
            merge(&mut parameters, patch);
        }
        if let Some(hook) = self.hook {
            hook(&mut parameters);
        }
        let is_protected = |name: &String| PROTECTED.contains(&name.as_str());
        parameters.retain(|name, _| !is_protected(name));
        parameters.extend(standard.into_iter().filter(|(name, _)| is_protected(name)));
        parameters
    }
}

/// Says in a session, and in what it makes, what people will call the order. A merchant's own description of what it makes
/// stays.
pub(crate) fn put_reference(parameters: &mut Map<String, Value>, reference: Reference) {
    let (key, text) = CheckoutMetadata::reference_entry(reference);
    let put = |object: &mut Map<String, Value>| {
        change_object(object, "metadata", |metadata| drop(metadata.insert(key.to_owned(), text.clone().into())));
    };
    put(parameters);
    if let Some(name) = made(parameters) {
        change_object(parameters, name, |object| {
            put(object);
            object.entry("description").or_insert_with(|| text.clone().into());
        });
    }
}

/// The name of the parameter for what the session makes.
fn made(parameters: &Map<String, Value>) -> Option<&'static str> {
    let made = MADE.iter().find(|(mode, _)| parameters.get("mode").is_some_and(|own| own == mode));
    made.map(|(_, name)| *name)
}

/// Puts Cartwright's own metadata into a session's and into that of what it makes, whatever a merchant made of them.
pub(super) fn put_metadata(parameters: &mut Map<String, Value>, own: &CheckoutMetadata) {
    let own = own.entries();
    let put = |object: &mut Map<String, Value>| {
        change_object(object, "metadata", |metadata| {
            metadata.retain(|key, _| !CheckoutMetadata::is_own(key));
            metadata.extend(own.iter().map(|(key, value)| ((*key).to_owned(), Value::from(value.as_str()))));
        });
    };
    put(parameters);
    if let Some(name) = made(parameters) {
        change_object(parameters, name, put);
    }
}

fn object(expected: &str, patch: Value) -> Result<Map<String, Value>, Error> {
    match patch {
        Value::Object(patch) => Ok(patch),
        _ => Err(Error::malformed(NAME, expected)),
    }
}

/// Checks that a patch changes what Stripe knows, and nothing that is protected.
fn check(patch: &Map<String, Value>) -> Result<(), Error> {
    let made = MADE.iter().filter_map(|(_, name)| patch.get(*name)?.as_object());
    let mut metadata = iter::once(patch).chain(made).filter_map(|object| object.get("metadata"));
    let touches_own = |metadata: &Value| match metadata.as_object() {
        None => true,
        Some(metadata) => metadata.keys().any(|key| CheckoutMetadata::is_reserved(key)),
    };
    if PROTECTED.iter().any(|name| patch.contains_key(*name)) || metadata.any(touches_own) {
        return Err(Error::malformed(NAME, "no line_items, no mode, no currency and no metadata.stripe_payments_*"));
    }
    let options = patch.get("shipping_options").and_then(Value::as_array);
    if options.is_some_and(|options| options.len() > CHECKOUT_SHIPPING_RATES.max) {
        return Err(Error::malformed(NAME, format!("at most {} shipping_options", CHECKOUT_SHIPPING_RATES.max)));
    }
    match patch.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        None => Ok(()),
        Some(unknown) => Err(Error::malformed(NAME, format!("parameters of Stripe's, and {unknown} is none"))),
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
