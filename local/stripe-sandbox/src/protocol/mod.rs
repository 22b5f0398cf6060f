//! How Stripe's API speaks, whatever the resource.

pub(crate) mod check;
pub(crate) mod expand;
pub(crate) mod form;
pub(crate) mod ids;
pub(crate) mod metadata;
pub(crate) mod parameters;
pub(crate) mod refusal;
pub(crate) mod template;

use serde_json::Value;

/// The version of Stripe's API that the sandbox speaks.
pub const API_VERSION: &str = "2026-09-30.endive";

/// The text of a JSON string; empty for anything else.
pub(crate) fn json_text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// An address out of a form or a parameter, with all its keys.
pub(crate) fn address(of: impl Fn(&str) -> Option<String>) -> Value {
    let keys = ["city", "country", "line1", "line2", "postal_code", "state"];
    keys.into_iter().map(|key| (key.to_owned(), of(key).into())).collect::<serde_json::Map<_, _>>().into()
}
