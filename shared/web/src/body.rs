//! What a body says.

use std::fmt;

use lambda_http::http::header;
use serde_json::{Map, Value};

use crate::{Error, Request};

/// A body: an object of fields, sent as JSON or as a form with PHP's brackets.
///
/// In a form numbers and booleans arrive as text, so text that reads as one is taken for one in JSON as well.
#[derive(Debug)]
pub struct Body(Map<String, Value>);

/// The largest body, in bytes.
const MAX_BYTES: usize = 65_536;
/// The deepest field is `items[0][adjustable_quantity][enabled]`.
const MAX_DEPTH: usize = 6;

impl Body {
    /// Reads the body of a request. No body is an empty object.
    ///
    /// # Errors
    ///
    /// - [`Error::BodyTooLarge`] above 64 KB.
    /// - [`Error::UnsupportedMediaType`] unless it says it is JSON or a form.
    /// - [`Error::InvalidJson`], [`Error::InvalidForm`] if it is not what it says.
    /// - [`Error::Field`] if it is not an object.
    pub fn of(request: &Request) -> Result<Self, Error> {
        let bytes: &[u8] = request.body().as_ref();
        if bytes.len() > MAX_BYTES {
            return Err(Error::BodyTooLarge);
        }
        if bytes.is_empty() {
            return Ok(Self(Map::new()));
        }
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        let value = match media_type.to_ascii_lowercase().as_str() {
            "application/json" => {
                serde_json::from_slice(bytes).map_err(|error| Error::InvalidJson(error.to_string()))?
            }
            "application/x-www-form-urlencoded" => form(bytes)?,
            _ => return Err(Error::UnsupportedMediaType),
        };
        match value {
            Value::Object(fields) => Ok(Self(fields)),
            _ => Err(Error::field("body", "must be an object")),
        }
    }

    /// The field `name`; `None` where it is absent or null.
    #[must_use]
    pub fn field<'a>(&'a self, name: &'a str) -> Option<Field<'a>> {
        found(self.0.get(name)).map(|value| Field { value, path: Path::Root(name) })
    }

    /// The field `name`.
    ///
    /// # Errors
    ///
    /// [`Error::Field`] where it is absent or null.
    pub fn required<'a>(&'a self, name: &'a str) -> Result<Field<'a>, Error> {
        self.field(name).ok_or_else(|| Error::field(name, "is required"))
    }
}

fn form(bytes: &[u8]) -> Result<Value, Error> {
    let invalid = |error: &dyn fmt::Display| Error::InvalidForm(error.to_string());
    let text = std::str::from_utf8(bytes).map_err(|error| invalid(&error))?;
    serde_qs::Config::new()
        .max_depth(MAX_DEPTH)
        .use_form_encoding(true)
        .deserialize_str(text)
        .map_err(|error| invalid(&error))
}

/// A field's value, with the path that names it in errors.
#[derive(Clone, Debug)]
pub struct Field<'a> {
    value: &'a Value,
    path: Path<'a>,
}

#[derive(Clone, Debug)]
enum Path<'a> {
    Root(&'a str),
    Key(Box<Path<'a>>, &'a str),
    Index(Box<Path<'a>>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root(name) => f.write_str(&shown(name)),
            Self::Key(parent, name) => write!(f, "{parent}.{}", shown(name)),
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// A client's own key, short enough for an error message.
fn shown(name: &str) -> String {
    name.chars().take(64).collect()
}

fn found(value: Option<&Value>) -> Option<&Value> {
    value.filter(|value| !value.is_null())
}

impl<'a> Field<'a> {
    /// An error that names this field.
    pub fn error(&self, problem: impl Into<String>) -> Error {
        Error::Field { field: self.path.to_string(), problem: problem.into() }
    }

    /// Takes what a rule makes of the field; its refusal names the field.
    ///
    /// # Errors
    ///
    /// [`Error::Field`] with the rule's words.
    pub fn checked<T>(&self, result: Result<T, cart::Rejection>) -> Result<T, Error> {
        use cart::Rejection;

        result.map_err(|rejection| match rejection {
            Rejection::QuantityTooSmall => self.error("must be at least 1"),
            Rejection::QuantityTooLarge => self.error("must be at most 999999"),
            Rejection::Malformed { field } => match field.rsplit_once('.') {
                Some((_, name)) => Error::field(format!("{}.{name}", self.path), "is out of bounds"),
                None => self.error("is out of bounds"),
            },
            other => other.into(),
        })
    }

    /// A member of this object; `None` where it is absent or null.
    #[must_use]
    pub fn field(&self, name: &'a str) -> Option<Self> {
        let value = found(self.value.get(name))?;
        Some(Self { value, path: Path::Key(Box::new(self.path.clone()), name) })
    }

    /// A member of this object.
    ///
    /// # Errors
    ///
    /// [`Error::Field`] where it is absent or null.
    pub fn required(&self, name: &'a str) -> Result<Self, Error> {
        self.field(name).ok_or_else(|| Error::field(format!("{}.{name}", self.path), "is required"))
    }

    /// This field as an object's members, in the order in which they were sent.
    ///
    /// # Errors
    ///
    /// [`Error::Field`] where it is not an object. PHP writes an empty one as an empty list.
    pub fn members(&self) -> Result<Vec<(&'a str, Self)>, Error> {
        match self.value {
            Value::Object(members) => Ok(members
                .iter()
                .map(|(name, value)| {
                    (name.as_str(), Self { value, path: Path::Key(Box::new(self.path.clone()), name) })
                })
                .collect()),
            Value::Array(list) if list.is_empty() => Ok(Vec::new()),
            Value::String(text) if text.is_empty() => Ok(Vec::new()),
            _ => Err(self.error("must be an object")),
        }
    }

    /// This field as a list.
    ///
    /// # Errors
    ///
    /// [`Error::Field`] where it is not one.
    pub fn list(&self) -> Result<Vec<Self>, Error> {
        let list = self.value.as_array().ok_or_else(|| self.error("must be a list"))?;
        let item = |(index, value)| Self { value, path: Path::Index(Box::new(self.path.clone()), index) };
        Ok(list.iter().enumerate().map(item).collect())
    }

    /// This field as an object.
    ///
    /// # Errors
    ///
    /// [`Error::Field`] where it is not one.
    pub fn object(self) -> Result<Self, Error> {
        if self.value.is_object() { Ok(self) } else { Err(self.error("must be an object")) }
    }

    /// This field as text.
    ///
    /// # Errors
    ///
    /// [`Error::Field`] where it is not text.
    pub fn text(&self) -> Result<&'a str, Error> {
        self.value.as_str().ok_or_else(|| self.error("must be a string"))
    }

    /// This field as text, with numbers and booleans as they are written.
    ///
    /// # Errors
    ///
    /// [`Error::Field`] where it is a list or an object.
    pub fn scalar(&self) -> Result<String, Error> {
        match self.value {
            Value::String(text) => Ok(text.clone()),
            Value::Number(number) => Ok(number.to_string()),
            Value::Bool(flag) => Ok(flag.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => Err(self.error("must be a string")),
        }
    }

    /// This field as a whole number that is not negative, or as its digits.
    ///
    /// # Errors
    ///
    /// [`Error::Field`] for anything else: fractions, signs, exponents.
    pub fn integer(&self) -> Result<u64, Error> {
        let problem = || self.error("must be a whole number");
        match self.value {
            Value::Number(number) => number.as_u64().ok_or_else(|| match number.as_i64() {
                Some(_) => self.error("must not be negative"),
                None => problem(),
            }),
            Value::String(digits) if !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()) => {
                // Only a number too large fails here.
                digits.parse().map_err(|_| self.error("is too large"))
            }
            _ => Err(problem()),
        }
    }

    /// This field as a boolean, or as its name, or as 1 or 0.
    ///
    /// # Errors
    ///
    /// [`Error::Field`] for anything else.
    pub fn flag(&self) -> Result<bool, Error> {
        match self.value {
            Value::Bool(flag) => Ok(*flag),
            Value::String(text) if text == "true" || text == "1" => Ok(true),
            Value::String(text) if text == "false" || text == "0" => Ok(false),
            Value::Number(number) if number.as_u64() == Some(1) => Ok(true),
            Value::Number(number) if number.as_u64() == Some(0) => Ok(false),
            _ => Err(self.error("must be true or false")),
        }
    }
}
