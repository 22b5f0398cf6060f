//! What a body says.

use std::fmt;

use cart::Quantity;
use lambda_http::http::header;

use crate::wire::form;
use crate::wire::node::{Map, Node, member};
use crate::{Error, Request};

/// A body: an object of fields, sent as JSON or as a form with PHP's brackets.
///
/// In a form numbers and booleans arrive as text and lists as objects with indices for keys, so what reads as one is
/// taken for one in JSON as well.
#[derive(Debug)]
pub struct Body(Map);

/// The largest body, in bytes.
const MAX_BYTES: usize = 65_536;

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
        match media_type.to_ascii_lowercase().as_str() {
            "application/json" => match serde_json::from_slice(bytes) {
                Ok(Node::Map(fields)) => Ok(Self(fields)),
                Ok(_) => Err(Error::field("body", "must be an object")),
                Err(error) => Err(Error::InvalidJson(error.to_string())),
            },
            "application/x-www-form-urlencoded" => form::parse(bytes).map(Self),
            _ => Err(Error::UnsupportedMediaType),
        }
    }

    /// The field `name`; `None` where it is absent or null.
    #[must_use]
    pub fn field<'a>(&'a self, name: &'a str) -> Option<Field<'a>> {
        found(member(&self.0, name)).map(|value| Field { value, path: Path::Root(name) })
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

/// A field's value, with the path that names it in errors.
#[derive(Clone, Debug)]
pub struct Field<'a> {
    value: &'a Node,
    path: Path<'a>,
}

#[derive(Clone, Debug)]
enum Path<'a> {
    Root(&'a str),
    Key(Box<Path<'a>>, &'a str),
    Index(Box<Path<'a>>, u64),
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

fn found(value: Option<&Node>) -> Option<&Node> {
    value.filter(|value| **value != Node::Null)
}

/// Why a value is not a whole number that can be worked with.
enum NotWhole {
    Fraction,
    Negative,
    TooLarge,
}

/// 2⁶⁴, the first number that is too large.
const TOO_LARGE: f64 = 18_446_744_073_709_551_616.0;

fn whole(value: &Node) -> Result<u64, NotWhole> {
    match value {
        Node::Number(number) => number.as_u64().ok_or_else(|| match number.as_f64() {
            Some(number) if number < 0.0 && number.fract() == 0.0 => NotWhole::Negative,
            Some(number) if number >= TOO_LARGE => NotWhole::TooLarge,
            _ => NotWhole::Fraction,
        }),
        Node::Text(text) => {
            let (negative, digits) = text.strip_prefix('-').map_or((false, text.as_str()), |digits| (true, digits));
            if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
                return Err(NotWhole::Fraction);
            }
            // Only a number too large does not parse.
            if negative { Err(NotWhole::Negative) } else { digits.parse().map_err(|_| NotWhole::TooLarge) }
        }
        _ => Err(NotWhole::Fraction),
    }
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
            Rejection::Description => self.error("is out of bounds"),
            Rejection::Minimum => Error::field(format!("{}.minimum", self.path), "is out of bounds"),
            Rejection::Maximum => Error::field(format!("{}.maximum", self.path), "is out of bounds"),
            other => other.into(),
        })
    }

    /// A member of this object; `None` where it is absent or null.
    #[must_use]
    pub fn field(&self, name: &'a str) -> Option<Self> {
        let Node::Map(members) = self.value else { return None };
        let value = found(member(members, name))?;
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
            Node::Map(members) => Ok(members
                .iter()
                .map(|(name, value)| {
                    (name.as_str(), Self { value, path: Path::Key(Box::new(self.path.clone()), name) })
                })
                .collect()),
            Node::List(list) if list.is_empty() => Ok(Vec::new()),
            Node::Text(text) if text.is_empty() => Ok(Vec::new()),
            _ => Err(self.error("must be an object")),
        }
    }

    /// This field as a list. An object with indices for keys is one, in their order, whatever is missing between them.
    ///
    /// # Errors
    ///
    /// [`Error::Field`] where it is not one.
    pub fn list(&self) -> Result<Vec<Self>, Error> {
        let mut list: Vec<(u64, &Node)> = match self.value {
            Node::List(list) => (0..).zip(list).collect(),
            Node::Map(members) => {
                let indices = members.iter().map(|(key, value)| Some((index(key)?, value)));
                indices.collect::<Option<_>>().ok_or_else(|| self.error("must be a list"))?
            }
            _ => return Err(self.error("must be a list")),
        };
        list.sort_by_key(|(index, _)| *index);
        let item = |(index, value)| Self { value, path: Path::Index(Box::new(self.path.clone()), index) };
        Ok(list.into_iter().map(item).collect())
    }

    /// This field as an object.
    ///
    /// # Errors
    ///
    /// [`Error::Field`] where it is not one.
    pub fn object(self) -> Result<Self, Error> {
        if let Node::Map(_) = self.value { Ok(self) } else { Err(self.error("must be an object")) }
    }

    /// This field as text.
    ///
    /// # Errors
    ///
    /// [`Error::Field`] where it is not text.
    pub fn text(&self) -> Result<&'a str, Error> {
        if let Node::Text(text) = self.value { Ok(text) } else { Err(self.error("must be a string")) }
    }

    /// This field as text, with numbers and booleans as they are written.
    ///
    /// # Errors
    ///
    /// [`Error::Field`] where it is a list or an object.
    pub fn scalar(&self) -> Result<String, Error> {
        match self.value {
            Node::Text(text) => Ok(text.clone()),
            Node::Number(number) => Ok(number.to_string()),
            Node::Flag(flag) => Ok(flag.to_string()),
            Node::Null | Node::List(_) | Node::Map(_) => Err(self.error("must be a string")),
        }
    }

    /// This field as a whole number that is not negative, or as its digits.
    ///
    /// # Errors
    ///
    /// [`Error::Field`] for anything else: fractions, signs, exponents.
    pub fn integer(&self) -> Result<u64, Error> {
        whole(self.value).map_err(|problem| {
            self.error(match problem {
                NotWhole::Fraction => "must be a whole number",
                NotWhole::Negative => "must not be negative",
                NotWhole::TooLarge => "is too large",
            })
        })
    }

    /// This field as a quantity; `None` where it is 0.
    ///
    /// # Errors
    ///
    /// [`Error::Quantity`] for anything else than a whole number up to [`Quantity::MAX`].
    pub fn quantity(&self) -> Result<Option<Quantity>, Error> {
        match whole(self.value) {
            Ok(0) => Ok(None),
            Ok(units) => Quantity::new(units).map(Some).map_err(|_| self.wrong_quantity("must be at most 999999")),
            Err(NotWhole::TooLarge) => Err(self.wrong_quantity("must be at most 999999")),
            Err(NotWhole::Negative) => Err(self.wrong_quantity("must not be negative")),
            Err(NotWhole::Fraction) => Err(self.wrong_quantity("must be a whole number")),
        }
    }

    /// An error that names this field, a quantity.
    pub(crate) fn wrong_quantity(&self, problem: &'static str) -> Error {
        Error::Quantity { field: self.path.to_string(), problem }
    }

    /// This field as a boolean, or as its name, or as 1 or 0, or as on or off.
    ///
    /// # Errors
    ///
    /// [`Error::Field`] for anything else.
    pub fn flag(&self) -> Result<bool, Error> {
        let problem = || self.error("must be true or false");
        match self.value {
            Node::Flag(flag) => Ok(*flag),
            Node::Text(text) => match text.as_str() {
                "true" | "1" | "on" => Ok(true),
                "false" | "0" | "off" => Ok(false),
                _ => Err(problem()),
            },
            Node::Number(number) => match number.as_u64() {
                Some(1) => Ok(true),
                Some(0) => Ok(false),
                _ => Err(problem()),
            },
            Node::Null | Node::List(_) | Node::Map(_) => Err(problem()),
        }
    }
}

/// The index that a key is.
fn index(key: &str) -> Option<u64> {
    key.bytes().all(|digit| digit.is_ascii_digit()).then(|| key.parse().ok()).flatten()
}
