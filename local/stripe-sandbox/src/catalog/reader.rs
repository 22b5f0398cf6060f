//! Reads typed values out of what a file or a request says of an object.

use serde_json::{Map, Value, json};

use crate::money::currency;
use crate::money::decimal::Decimal;
use crate::protocol::check::join;
use crate::protocol::refusal::Refusal;
use crate::protocol::template::Template;
use crate::protocol::{ids, metadata};

/// What is wrong with an object, and where in it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Problem {
    pub(crate) field: String,
    pub(crate) fault: Fault,
}

/// What is wrong with a field, as a sentence that begins with its name.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("is missing")]
    Missing,
    #[error("{0}")]
    Wrong(String),
    /// What Stripe says to it.
    #[error("is refused by Stripe: {0}")]
    Refused(String),
}

impl Problem {
    /// The refusal of a request that describes the object; `path` is the parameter that the object is in.
    pub(crate) fn refusal(&self, path: &str) -> Refusal {
        let segments = self.field.replace('[', ".").replace(']', "");
        let param = segments.split('.').fold(path.to_owned(), |param, segment| join(&param, segment));
        match &self.fault {
            Fault::Missing => Refusal::MissingParam { param },
            Fault::Refused(words) => Refusal::invalid(param, words.as_str()),
            Fault::Wrong(text) => Refusal::invalid(param.clone(), format!("Invalid {param}: {text}.")),
        }
    }
}

pub(crate) type Object = Map<String, Value>;
pub(crate) type Read<T> = Result<T, Problem>;

/// The most characters of an id (<https://docs.stripe.com/upgrades#what-changes-does-stripe-consider-to-be-backward-compatible>).
const LONGEST_ID: usize = 255;

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Text,
    Boolean,
    /// An integer that is not negative.
    Integer,
    Number,
    /// An id, or the object in its place.
    Reference,
    Currency,
    List,
}

pub(crate) fn problem<T>(field: &str, text: impl Into<String>) -> Read<T> {
    Err(Problem { field: field.to_owned(), fault: Fault::Wrong(text.into()) })
}

/// A problem that Stripe has words for.
pub(crate) fn refused<T>(field: &str, words: impl Into<String>) -> Read<T> {
    Err(Problem { field: field.to_owned(), fault: Fault::Refused(words.into()) })
}

pub(crate) fn missing<T>(field: &str) -> Read<T> {
    Err(Problem { field: field.to_owned(), fault: Fault::Missing })
}

/// Reads typed values out of an object; `null` counts as absent.
pub(crate) struct Reader<'a> {
    pub(crate) object: &'a Object,
    pub(crate) path: String,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(object: &'a Object) -> Self {
        Self { object, path: String::new() }
    }

    pub(crate) fn field(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'a Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }

    pub(crate) fn wrong<T>(&self, name: &str, expected: &str, found: &Value) -> Read<T> {
        problem(&self.field(name), format!("expected {expected}, found {found}"))
    }

    pub(crate) fn text(&self, name: &str) -> Read<Option<&'a str>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => self.wrong(name, "a string", other),
        }
    }

    pub(crate) fn required(&self, name: &str) -> Read<&'a str> {
        match self.text(name)? {
            Some("") | None => missing(&self.field(name)),
            Some(text) => Ok(text),
        }
    }

    pub(crate) fn word(&self, name: &str, words: &[&str]) -> Read<Option<&'a str>> {
        match self.text(name)? {
            Some(text) if !words.contains(&text) => {
                problem(&self.field(name), format!("must be one of {}", words.join(", ")))
            }
            found => Ok(found),
        }
    }

    pub(crate) fn boolean(&self, name: &str) -> Read<Option<bool>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Bool(truth)) => Ok(Some(*truth)),
            Some(other) => self.wrong(name, "true or false", other),
        }
    }

    pub(crate) fn integer(&self, name: &str) -> Read<Option<i64>> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => match value.as_i64() {
                Some(number) if number >= 0 => Ok(Some(number)),
                _ => self.wrong(name, "an integer that is not negative", value),
            },
        }
    }

    /// A decimal number, which Stripe writes as a string.
    pub(crate) fn decimal(&self, name: &str) -> Read<Option<Decimal>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match text.parse::<Decimal>() {
            Ok(decimal) if decimal >= Decimal::default() => Ok(Some(decimal)),
            _ => self.wrong(name, "a decimal number with up to 12 decimals", value),
        }
    }

    /// A percentage, which Stripe writes as a number. The arithmetic of the sandbox is exact, so a number that is no
    /// decimal of a few places is refused and never counts as zero.
    pub(crate) fn percentage(&self, name: &str) -> Read<Option<&'a Value>> {
        match self.number(name)? {
            Some(value)
                if value
                    .to_string()
                    .parse()
                    .is_ok_and(|percent| Decimal::default() <= percent && percent <= Decimal::HUNDRED) =>
            {
                Ok(Some(value))
            }
            Some(value) => self.wrong(name, "a percentage from 0 to 100", value),
            None => Ok(None),
        }
    }

    pub(crate) fn number(&self, name: &str) -> Read<Option<&'a Value>> {
        match self.get(name) {
            Some(value) if !value.is_number() => self.wrong(name, "a number", value),
            found => Ok(found),
        }
    }

    pub(crate) fn list(&self, name: &str) -> Read<Option<&'a Vec<Value>>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(other) => self.wrong(name, "a list", other),
        }
    }

    pub(crate) fn within(&self, name: &str) -> Read<Option<Reader<'a>>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Object(object)) => Ok(Some(Reader { object, path: self.field(name) })),
            Some(other) => self.wrong(name, "an object", other),
        }
    }

    /// An id, or the id of the object in its place.
    pub(crate) fn reference(&self, name: &str) -> Read<Option<&'a str>> {
        match self.get(name) {
            Some(Value::Object(object)) => match object.get("id").and_then(Value::as_str) {
                Some(id) => Ok(Some(id)),
                None => problem(&self.field(name), "has no id"),
            },
            _ => self.text(name),
        }
    }

    pub(crate) fn currency(&self, name: &str) -> Read<Option<String>> {
        match self.text(name)? {
            None => Ok(None),
            Some(text) => match currency::unknown(text) {
                None => Ok(Some(text.to_ascii_lowercase())),
                Some(words) => refused(&self.field(name), words),
            },
        }
    }

    /// The amounts in each currency of `currency_options`, as `amounts` reads them.
    pub(crate) fn currency_options(&self, amounts: impl Fn(&Reader<'_>, &str) -> Read<Value>) -> Read<Object> {
        let mut options = Object::new();
        let Some(given) = self.within("currency_options")? else { return Ok(options) };
        for code in given.object.keys() {
            if let Some(words) = currency::unknown(code) {
                return refused(&given.path, words);
            }
            let lowercase = code.to_ascii_lowercase();
            if *code != lowercase {
                let words = format!(
                    "Currencies must be lowercase when used as keys in a map. Use `{lowercase}` instead of `{code}`."
                );
                return refused(&given.path, words);
            }
            if let Some(option) = given.within(code)? {
                let amounts = amounts(&option, code)?;
                options.insert(lowercase, amounts);
            }
        }
        Ok(options)
    }

    /// An amount in minor units.
    pub(crate) fn amount(&self, name: &str, currency: &str) -> Read<Option<i64>> {
        let amount = self.integer(name)?;
        match amount.and_then(|amount| currency::wrong(amount, currency)) {
            Some(wrong) => problem(&self.field(name), wrong),
            None => Ok(amount),
        }
    }

    /// An amount in minor units that has to be there.
    pub(crate) fn required_amount(&self, name: &str, currency: &str) -> Read<i64> {
        match self.amount(name, currency)? {
            Some(amount) => Ok(amount),
            None => missing(&self.field(name)),
        }
    }

    pub(crate) fn metadata(&self) -> Read<Value> {
        let Some(reader) = self.within("metadata")? else { return Ok(json!({})) };
        match reader.object.iter().find(|(_, value)| !value.is_string()) {
            Some((key, value)) => reader.wrong(key, "a string", value),
            None => Ok(Value::Object(metadata::kept(&Value::Object(reader.object.clone())))),
        }
    }

    pub(crate) fn texts(&self, name: &str) -> Read<Value> {
        let items = self.list(name)?.cloned().unwrap_or_default();
        match items.iter().find(|item| !item.is_string()) {
            Some(item) => self.wrong(name, "a list of strings", item),
            None => Ok(Value::Array(items)),
        }
    }

    /// The id given, or a new one. Those of before 2018-05-21 may have dots, colons, spaces and slashes.
    pub(crate) fn id(&self, prefix: &str) -> Read<String> {
        match self.text("id")?.filter(|id| !id.is_empty()) {
            Some(id) if id.chars().count() > LONGEST_ID => {
                problem(&self.field("id"), format!("must be at most {LONGEST_ID} characters"))
            }
            given => Ok(given.map_or_else(|| ids::object(prefix), str::to_owned)),
        }
    }

    /// The template with what every object of the catalogue has.
    pub(crate) fn start(&self, template: &Template, id: &str, now: i64) -> Read<Value> {
        let mut object = template.with(json!({
            "id": id,
            "created": self.integer("created")?.unwrap_or(now),
            "metadata": self.metadata()?,
        }));
        self.take(&mut object, Kind::Boolean, &["livemode"])?;
        Ok(object)
    }

    /// Puts the fields of these names into `object`; those that are absent keep its defaults.
    pub(crate) fn take(&self, object: &mut Value, kind: Kind, names: &[&str]) -> Read<()> {
        for name in names {
            let value = match kind {
                Kind::Text => self.text(name)?.map(Value::from),
                Kind::Boolean => self.boolean(name)?.map(Value::from),
                Kind::Integer => self.integer(name)?.map(Value::from),
                Kind::Number => self.number(name)?.cloned(),
                Kind::Reference => self.reference(name)?.map(Value::from),
                Kind::Currency => self.currency(name)?.map(Value::from),
                Kind::List => self.list(name)?.cloned().map(Value::from),
            };
            if let Some(value) = value {
                object[*name] = value;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_of_objects_name_the_parameter() {
        let fault = Fault::Wrong("must rise".to_owned());
        let problem = Problem { field: "tiers[1].up_to".to_owned(), fault };

        assert_eq!(problem.refusal("").body()["error"]["param"], "tiers[1][up_to]");
        assert_eq!(problem.refusal("price_data").body()["error"]["param"], "price_data[tiers][1][up_to]");
    }

    #[test]
    fn a_missing_field_is_refused_as_a_missing_parameter() {
        let missing = missing::<()>("recurring.interval").unwrap_err();
        let wrong = problem::<()>("recurring.interval", "is missing").unwrap_err();

        assert_eq!(missing.refusal("").body()["error"]["code"], "parameter_missing");
        assert_eq!(missing.refusal("").body()["error"]["param"], "recurring[interval]");
        assert_eq!(wrong.refusal("").body()["error"]["code"], serde_json::Value::Null, "prose decides nothing");
    }
}
