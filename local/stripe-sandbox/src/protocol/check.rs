//! Checks of a request's parameters against their definition.

use serde_json::{Map, Value, json};

use super::parameters::{Fields, Shape, shared};
use super::refusal::Refusal;
use crate::money::decimal::Decimal;

/// A string without limits of its own may have this many characters.
const TEXT_LIMIT: usize = 5000;
/// Limits of metadata: keys, characters per key, characters per value (<https://docs.stripe.com/metadata>).
const METADATA_KEYS: usize = 50;
const METADATA_KEY: usize = 40;
const METADATA_VALUE: usize = 500;

/// The bounds of a range.
const BOUNDS: [&str; 4] = ["gt", "gte", "lt", "lte"];

/// Checks decoded parameters against their definition and gives each its type.
///
/// # Errors
///
/// Refuses what Stripe refuses before it begins to work: unknown, missing, empty and malformed parameters.
pub(crate) fn check(given: &Map<String, Value>, fields: &Fields) -> Result<Map<String, Value>, Refusal> {
    object(given, fields, "")
}

/// Refuses metadata that has more keys than Stripe takes.
pub(crate) fn metadata_fits(metadata: &Map<String, Value>) -> Result<(), Refusal> {
    if metadata.len() <= METADATA_KEYS {
        return Ok(());
    }
    Err(Refusal::invalid("metadata", format!("You can only have up to {METADATA_KEYS} metadata keys.")))
}

fn object(given: &Map<String, Value>, fields: &Fields, path: &str) -> Result<Map<String, Value>, Refusal> {
    let mut checked = Map::new();
    for (name, value) in given {
        let param = join(path, name);
        let Some(shape) = fields.get(name) else { return Err(Refusal::UnknownParam { param }) };
        checked.insert(name.clone(), one(value, shape, &param)?);
    }
    match fields.iter().find(|(name, shape)| shape.is_required() && !checked.contains_key(*name)) {
        Some((missing, _)) => Err(Refusal::MissingParam { param: join(path, missing) }),
        None => Ok(checked),
    }
}

fn one(value: &Value, shape: &Shape, param: &str) -> Result<Value, Refusal> {
    match shape {
        Shape::NotPlayed(why) => Err(Refusal::NotPlayed { param: param.to_owned(), why: why.clone() }),
        Shape::WithoutEffect(why, inner) => {
            let checked = one(value, inner, param)?;
            tracing::debug!(param, why, "the parameter has no effect in the sandbox");
            Ok(checked)
        }
        Shape::Shared(name) => one(value, shared(name), param),
        Shape::Emptyable(_) if value == "" => Ok(value.clone()),
        Shape::Required(inner) | Shape::Emptyable(inner) => one(value, inner, param),
        Shape::Object(fields) => object(tree(value, param)?, fields, param).map(Value::Object),
        Shape::Map(inner) => map(tree(value, param)?, inner, param),
        Shape::List(inner) => list(value, inner, param),
        Shape::Metadata => metadata(value, param),
        Shape::Range if value.is_object() => range(tree(value, param)?, param),
        Shape::TierEnd if value == "inf" => Ok(Value::Null),
        Shape::Range | Shape::Integer | Shape::TierEnd => integer(leaf(value, param)?, param),
        Shape::Text => text(leaf(value, param)?, param),
        Shape::Boolean => boolean(leaf(value, param)?, param),
        Shape::Decimal => decimal(leaf(value, param)?, param),
        Shape::Choice(words) => choice(leaf(value, param)?, words, param),
        Shape::Partly { not_played, why, .. } if not_played.iter().any(|word| value == word) => {
            Err(Refusal::NotPlayed { param: param.to_owned(), why: why.clone() })
        }
        Shape::Partly { played, .. } => choice(leaf(value, param)?, played, param),
    }
}

fn boolean(text: &str, param: &str) -> Result<Value, Refusal> {
    match text {
        "true" => Ok(json!(true)),
        "false" => Ok(json!(false)),
        other => Err(malformed(param, format!("Invalid boolean: {other}"))),
    }
}

fn decimal(text: &str, param: &str) -> Result<Value, Refusal> {
    let decimal: Decimal = text.parse().map_err(|_| malformed(param, format!("Invalid decimal: {text}")))?;
    Ok(json!(decimal.to_string()))
}

fn choice(text: &str, words: &[String], param: &str) -> Result<Value, Refusal> {
    if words.iter().any(|word| word == text) {
        return Ok(json!(text));
    }
    let allowed = match words.split_last() {
        Some((last, first)) if !first.is_empty() => format!("{}, or {last}", first.join(", ")),
        _ => words.concat(),
    };
    Err(malformed(param, format!("Invalid {param}: must be one of {allowed}")))
}

fn map(given: &Map<String, Value>, inner: &Shape, param: &str) -> Result<Value, Refusal> {
    let checked = given.iter().map(|(key, value)| Ok((key.clone(), one(value, inner, &join(param, key))?)));
    checked.collect::<Result<Map<_, _>, _>>().map(Value::Object)
}

fn range(given: &Map<String, Value>, param: &str) -> Result<Value, Refusal> {
    let bound = |(name, value): (&String, &Value)| {
        let param = join(param, name);
        if !BOUNDS.contains(&name.as_str()) {
            return Err(Refusal::UnknownParam { param });
        }
        Ok((name.clone(), integer(leaf(value, &param)?, &param)?))
    };
    given.iter().map(bound).collect::<Result<Map<_, _>, _>>().map(Value::Object)
}

fn leaf<'a>(value: &'a Value, param: &str) -> Result<&'a str, Refusal> {
    match value.as_str() {
        Some("") => Err(Refusal::Empty { param: param.to_owned() }),
        Some(text) => Ok(text),
        None => Err(malformed(param, format!("Invalid string: {value}"))),
    }
}

fn tree<'a>(value: &'a Value, param: &str) -> Result<&'a Map<String, Value>, Refusal> {
    match value {
        Value::Object(map) => Ok(map),
        Value::String(text) if text.is_empty() => Err(Refusal::Empty { param: param.to_owned() }),
        _ => Err(malformed(param, "Invalid object".to_owned())),
    }
}

fn text(text: &str, param: &str) -> Result<Value, Refusal> {
    if text.chars().count() > TEXT_LIMIT {
        return Err(Refusal::invalid(
            param,
            format!("Invalid string: {text:.20}...; must be at most {TEXT_LIMIT} characters"),
        ));
    }
    Ok(json!(text))
}

fn integer(text: &str, param: &str) -> Result<Value, Refusal> {
    let number: i64 =
        text.parse().map_err(|_| Refusal::InvalidInteger { param: param.to_owned(), value: text.to_owned() })?;
    Ok(json!(number))
}

fn list(value: &Value, inner: &Shape, param: &str) -> Result<Value, Refusal> {
    let mut items = Vec::new();
    for (key, value) in tree(value, param).map_err(|refusal| match refusal {
        Refusal::Malformed { .. } => malformed(param, "Invalid array".to_owned()),
        other => other,
    })? {
        let index: usize = key.parse().map_err(|_| malformed(param, "Invalid array".to_owned()))?;
        items.push((index, one(value, inner, &join(param, key))?));
    }
    items.sort_by_key(|(index, _)| *index);
    Ok(items.into_iter().map(|(_, value)| value).collect())
}

fn metadata(value: &Value, param: &str) -> Result<Value, Refusal> {
    if value == "" {
        return Ok(value.clone());
    }
    let map = tree(value, param)?;
    for (key, value) in map {
        let Some(value) = value.as_str() else {
            return Err(malformed(&join(param, key), "Metadata values must be strings.".to_owned()));
        };
        if key.chars().count() > METADATA_KEY {
            return Err(malformed(param, format!("Metadata keys can have up to {METADATA_KEY} characters: '{key}'.")));
        }
        if value.chars().count() > METADATA_VALUE {
            return Err(malformed(
                &join(param, key),
                format!("Metadata values can have up to {METADATA_VALUE} characters, in metadata key '{key}'."),
            ));
        }
    }
    metadata_fits(map)?;
    Ok(value.clone())
}

fn malformed(param: &str, message: String) -> Refusal {
    Refusal::Malformed { param: param.to_owned(), message }
}

/// The name of a parameter within another, as forms write it.
pub(crate) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}[{name}]") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::form::decode;

    fn fields() -> Fields {
        serde_json::from_value(json!({
            "items": { "list": { "object": { "price": { "required": "text" }, "quantity": "integer" } } },
            "metadata": "metadata",
            "mode": { "choice": ["payment", "setup", "subscription"] },
            "created": "range",
            "rate": "decimal",
            "flag": "boolean",
        }))
        .unwrap()
    }

    fn refused(text: &str) -> (String, String) {
        let refusal = check(&decode(text), &fields()).unwrap_err();
        let body = refusal.body();
        (body["error"]["message"].as_str().unwrap().to_owned(), body["error"]["code"].as_str().unwrap_or("").to_owned())
    }

    #[test]
    fn values_get_their_types() {
        let checked = check(
            &decode("items[1][price]=b&items[0][price]=a&items[0][quantity]=2&flag=true&rate=1.50&created[gte]=5"),
            &fields(),
        )
        .unwrap();

        assert_eq!(
            Value::Object(checked),
            json!({
                "items": [{ "price": "a", "quantity": 2 }, { "price": "b" }],
                "flag": true, "rate": "1.5", "created": { "gte": 5 },
            })
        );
    }

    #[test]
    fn refusals_name_the_nested_parameter() {
        let cases = [
            ("items[0][price]=a&items[0][foo]=1", "Received unknown parameter: items[0][foo]", "parameter_unknown"),
            ("items[0][quantity]=1", "Missing required param: items[0][price].", "parameter_missing"),
            ("items[0][price]=a&items[0][quantity]=1.5", "Invalid integer: 1.5", "parameter_invalid_integer"),
            ("mode=free", "Invalid mode: must be one of payment, setup, or subscription", ""),
            ("flag=yes", "Invalid boolean: yes", ""),
            ("items=1", "Invalid array", ""),
        ];
        for (text, message, code) in cases {
            assert_eq!(refused(text), (message.to_owned(), code.to_owned()), "{text}");
        }
        assert_eq!(refused("mode=").1, "parameter_invalid_empty");
    }

    #[test]
    fn what_is_not_played_is_refused_aloud_and_what_has_no_effect_is_checked() {
        let fields: Fields = serde_json::from_value(json!({
            "look": { "without_effect": ["the page has one look", { "object": { "style": "boolean" } }] },
            "account": { "not_played": "there are no accounts" },
            "issuer": { "partly": { "played": ["self"], "not_played": ["account"], "why": "there are no accounts" } },
        }))
        .unwrap();
        let message = |text: &str| check(&decode(text), &fields).unwrap_err().to_string();

        let checked = check(&decode("look[style]=true&issuer=self"), &fields).unwrap();

        assert_eq!(Value::Object(checked), json!({ "look": { "style": true }, "issuer": "self" }));
        for text in ["account=a", "account[b][c]=d", "account="] {
            assert_eq!(message(text), "This sandbox knows `account`, but does not play it: there are no accounts.");
        }
        assert_eq!(message("issuer=account"), message("account=a").replace("`account`", "`issuer`"));
        assert_eq!(message("issuer=x"), "Invalid issuer: must be one of self");
        assert_eq!(message("look[style]=x"), "Invalid boolean: x");
        assert_eq!(message("look[size]=x"), "Received unknown parameter: look[size]");
    }

    #[test]
    fn metadata_keeps_stripes_limits() {
        let long_key = format!("metadata[{}]=x", "k".repeat(41));
        let long_value = format!("metadata[k]={}", "x".repeat(501));
        let many: Vec<String> = (0..51).map(|index| format!("metadata[k{index}]=x")).collect();

        for text in [long_key, long_value, many.join("&")] {
            assert!(check(&decode(&text), &fields()).is_err(), "{text}");
        }
        let fits = format!("metadata[{}]={}", "k".repeat(40), "x".repeat(500));
        assert!(check(&decode(&fits), &fields()).is_ok());
    }
}
