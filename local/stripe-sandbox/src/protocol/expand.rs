//! Expansion: ids that become objects, and fields that Stripe leaves out unless they are asked for.
//!
//! See <https://docs.stripe.com/expand>. The sandbox keeps its objects whole; what was not asked for is taken out last.

use serde_json::{Map, Value};

use super::refusal::Refusal;

/// Stripe expands this deep.
const DEPTH: usize = 4;

/// Looks up the object that a field names by id, or refuses to show it.
pub(crate) type Lookup<'a> = &'a dyn Fn(&str, &str) -> Result<Option<Value>, Refusal>;

/// The paths asked for, as a tree.
#[derive(Debug, Default)]
struct Wanted(std::collections::BTreeMap<String, Wanted>);

/// Expands what the paths ask for and leaves out what has to be asked for and was not.
///
/// # Errors
///
/// Refuses paths that are too deep and properties that cannot be expanded.
pub(crate) fn present(value: Value, paths: &[String], lookup: Lookup<'_>) -> Result<Value, Refusal> {
    let mut wanted = Wanted::default();
    for path in paths {
        if path.split('.').count() > DEPTH {
            let message = format!("You cannot expand more than {DEPTH} levels of a property. Property: {path}");
            return Err(Refusal::invalid("expand", message));
        }
        path.split('.').fold(&mut wanted, |tree, segment| tree.0.entry(segment.to_owned()).or_default());
    }
    walk(lookup, value, &wanted, "", "")
}

/// The object as events carry it: nothing expanded.
pub(crate) fn plain(value: Value) -> Value {
    walk(&|_, _| Ok(None), value.clone(), &Wanted::default(), "", "").unwrap_or(value)
}

/// The fields that appear only when they are asked for.
fn hidden(context: &str) -> &'static [&'static str] {
    match context {
        "price" => &["tiers", "currency_options"],
        "price.currency_options.*" => &["tiers"],
        "coupon" => &["applies_to", "currency_options"],
        "promotion_code.restrictions" | "shipping_rate.fixed_amount" => &["currency_options"],
        "checkout.session" => &["line_items"],
        "checkout.session.total_details" => &["breakdown"],
        "checkout.session.shipping_cost" => &["taxes"],
        "item" => &["discounts", "taxes"],
        "charge" => &["refunds"],
        "invoice" => &["payments"],
        _ => &[],
    }
}

fn walk(lookup: Lookup<'_>, value: Value, wanted: &Wanted, context: &str, path: &str) -> Result<Value, Refusal> {
    match value {
        Value::Array(items) => items
            .into_iter()
            .map(|item| walk(lookup, item, wanted, context, path))
            .collect::<Result<Vec<_>, _>>()
            .map(Value::Array),
        Value::Object(object) => walk_object(lookup, object, wanted, context, path).map(Value::Object),
        Value::Null => Ok(value),
        _ if wanted.0.is_empty() => Ok(value),
        _ => Err(refusal(path, wanted)),
    }
}

fn walk_object(
    lookup: Lookup<'_>,
    object: Map<String, Value>,
    wanted: &Wanted,
    context: &str,
    path: &str,
) -> Result<Map<String, Value>, Refusal> {
    let own = object.get("object").and_then(Value::as_str).map(str::to_owned);
    let context = own.as_deref().unwrap_or(context);
    let hidden = hidden(context);
    let by_currency = context.ends_with(".currency_options");
    // Whatever stands in the place of a currency is accepted, and brings nothing where the price does not have it:
    // `currency_options.tiers` too. Only `currency_options.eur.tiers` asks for tiers, one currency's.
    let known = |key: &str| context.contains(".currency_options") || object.contains_key(key) || hidden.contains(&key);
    if let Some(unknown) = wanted.0.keys().find(|key| !known(key)) {
        return Err(cannot(&join(path, unknown)));
    }
    let mut shown = Map::new();
    for (key, value) in object {
        let asked = wanted.0.get(&key);
        if asked.is_none() && hidden.contains(&key.as_str()) {
            continue;
        }
        let below = if by_currency { "*" } else { &key };
        let context = format!("{context}.{below}");
        let path = join(path, &key);
        let value = match (asked, value) {
            (None, value) => walk(lookup, value, &Wanted::default(), &context, &path)?,
            (Some(tree), Value::String(id)) => {
                let named = lookup(&key, &id)?.ok_or_else(|| cannot(&path))?;
                walk(lookup, named, tree, &context, &path)?
            }
            (Some(tree), value) => walk(lookup, value, tree, &context, &path)?,
        };
        shown.insert(key, value);
    }
    Ok(shown)
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn refusal(path: &str, wanted: &Wanted) -> Refusal {
    match wanted.0.keys().next() {
        Some(key) => cannot(&join(path, key)),
        None => cannot(path),
    }
}

fn cannot(path: &str) -> Refusal {
    Refusal::invalid("expand", format!("This property cannot be expanded ({path})."))
}
