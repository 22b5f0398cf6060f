//! Checks of a request's parameters against their definition.

use serde_json::{Map, Value, json};

use crate::money::decimal::Decimal;
use crate::protocol::refusal::Refusal;

/// What a parameter may hold.
pub(crate) enum Shape {
    /// A string that is not empty.
    Text,
    Boolean,
    Integer,
    /// A number that may have decimals, kept as a string so that nothing is lost.
    Decimal,
    /// One of a list of words.
    Choice(&'static [&'static str]),
    /// A map of strings, within Stripe's limits.
    Metadata,
    List(&'static Shape),
    Object(&'static [Field]),
    /// An object whose keys are the client's.
    Map(&'static Shape),
    /// The empty string, which unsets, or something else.
    Emptyable(&'static Shape),
    /// A tier's end: an integer or `inf`.
    UpTo,
    /// A moment, or an object of bounds `gt`, `gte`, `lt`, `lte`.
    Range,
    /// Accepted and not looked into.
    Free,
}

/// One parameter.
pub(crate) struct Field {
    name: &'static str,
    shape: Shape,
    required: bool,
}

/// A parameter that may be left out.
pub(crate) const fn optional(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, required: false }
}

/// A parameter without which the request is refused.
pub(crate) const fn required(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, required: true }
}

/// A string without limits of its own may have this many characters.
const TEXT_LIMIT: usize = 5000;
/// Limits of metadata: keys, characters per key, characters per value (<https://docs.stripe.com/metadata>).
const METADATA_KEYS: usize = 50;
const METADATA_KEY: usize = 40;
const METADATA_VALUE: usize = 500;

const BOUNDS: &[Field] = &[
    optional("gt", Shape::Integer),
    optional("gte", Shape::Integer),
    optional("lt", Shape::Integer),
    optional("lte", Shape::Integer),
];

/// Checks decoded parameters against their definition and gives each its type.
///
/// # Errors
///
/// Refuses what Stripe refuses before it begins to work: unknown, missing, empty and malformed parameters.
pub(crate) fn check(tree: &Map<String, Value>, fields: &'static [Field]) -> Result<Map<String, Value>, Refusal> {
    object(tree, fields, "")
}

/// Refuses metadata that has more keys than Stripe takes.
pub(crate) fn metadata_fits(metadata: &Map<String, Value>) -> Result<(), Refusal> {
    if metadata.len() <= METADATA_KEYS {
        return Ok(());
    }
    Err(Refusal::invalid("metadata", format!("You can only have up to {METADATA_KEYS} metadata keys.")))
}

fn object(tree: &Map<String, Value>, fields: &'static [Field], path: &str) -> Result<Map<String, Value>, Refusal> {
    let mut checked = Map::new();
    for (name, value) in tree {
        let param = join(path, name);
        let Some(field) = fields.iter().find(|field| field.name == name) else {
            return Err(Refusal::UnknownParam { param });
        };
        checked.insert(name.clone(), one(value, &field.shape, &param)?);
    }
    match fields.iter().find(|field| field.required && !checked.contains_key(field.name)) {
        Some(missing) => Err(Refusal::MissingParam { param: join(path, missing.name) }),
        None => Ok(checked),
    }
}

fn one(value: &Value, shape: &'static Shape, param: &str) -> Result<Value, Refusal> {
    match shape {
        Shape::Free => Ok(crate::protocol::form::with_lists(value.clone())),
        Shape::Emptyable(_) if value == "" => Ok(value.clone()),
        Shape::Emptyable(inner) => one(value, inner, param),
        Shape::Object(fields) => object(tree(value, param)?, fields, param).map(Value::Object),
        Shape::Map(inner) => tree(value, param)?
            .iter()
            .map(|(key, value)| Ok((key.clone(), one(value, inner, &join(param, key))?)))
            .collect::<Result<Map<_, _>, _>>()
            .map(Value::Object),
        Shape::List(inner) => list(value, inner, param),
        Shape::Metadata => metadata(value, param),
        Shape::Range if value.is_object() => object(tree(value, param)?, BOUNDS, param).map(Value::Object),
        Shape::UpTo if value == "inf" => Ok(Value::Null),
        Shape::Range | Shape::Integer | Shape::UpTo => integer(leaf(value, param)?, param),
        Shape::Text => text(leaf(value, param)?, param),
        Shape::Boolean => match leaf(value, param)? {
            "true" => Ok(json!(true)),
            "false" => Ok(json!(false)),
            other => Err(malformed(param, format!("Invalid boolean: {other}"))),
        },
        Shape::Decimal => {
            let text = leaf(value, param)?;
            let decimal = text.parse::<Decimal>().map_err(|_| malformed(param, format!("Invalid decimal: {text}")))?;
            Ok(json!(decimal.to_string()))
        }
        Shape::Choice(words) => {
            let text = leaf(value, param)?;
            if words.contains(&text) {
                return Ok(value.clone());
            }
            let (last, first) = words.split_last().unwrap_or((&"", &[]));
            Err(malformed(param, format!("Invalid {param}: must be one of {}, or {last}", first.join(", "))))
        }
    }
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

fn list(value: &Value, inner: &'static Shape, param: &str) -> Result<Value, Refusal> {
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

    const ITEM: &[Field] = &[required("price", Shape::Text), optional("quantity", Shape::Integer)];
    const FIELDS: &[Field] = &[
        optional("items", Shape::List(&Shape::Object(ITEM))),
        optional("metadata", Shape::Metadata),
        optional("mode", Shape::Choice(&["payment", "setup", "subscription"])),
        optional("created", Shape::Range),
        optional("rate", Shape::Decimal),
        optional("flag", Shape::Boolean),
    ];

    fn refused(text: &str) -> (String, String) {
        let refusal = check(&decode(text), FIELDS).unwrap_err();
        let body = refusal.body();
        (body["error"]["message"].as_str().unwrap().to_owned(), body["error"]["code"].as_str().unwrap_or("").to_owned())
    }

    #[test]
    fn values_get_their_types() {
        let checked = check(
            &decode("items[1][price]=b&items[0][price]=a&items[0][quantity]=2&flag=true&rate=1.50&created[gte]=5"),
            FIELDS,
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
    fn metadata_keeps_stripes_limits() {
        let long_key = format!("metadata[{}]=x", "k".repeat(41));
        let long_value = format!("metadata[k]={}", "x".repeat(501));
        let many: Vec<String> = (0..51).map(|index| format!("metadata[k{index}]=x")).collect();

        for text in [long_key, long_value, many.join("&")] {
            assert!(check(&decode(&text), FIELDS).is_err(), "{text}");
        }
        let fits = format!("metadata[{}]={}", "k".repeat(40), "x".repeat(500));
        assert!(check(&decode(&fits), FIELDS).is_ok());
    }
}
