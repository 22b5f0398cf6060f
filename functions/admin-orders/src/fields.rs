//! An answer's fields, in the order in which they are shown.

use cart::Money;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::Value;
use web::Shop;

/// Named values, in the order in which they are shown.
#[derive(Default)]
pub(crate) struct Fields(Vec<(String, Node)>);

/// A value.
pub(crate) enum Node {
    Plain(Value),
    Fields(Fields),
    List(Vec<Fields>),
}

impl Fields {
    /// Adds a value that is plain, or that has an order of its own.
    #[expect(clippy::expect_used, reason = "an order without a field would be worse")]
    pub(crate) fn with(mut self, name: &str, value: impl Serialize) -> Self {
        let value = serde_json::to_value(value).expect("orders are plain data with text keys, which JSON can hold");
        self.0.push((name.to_owned(), Node::Plain(value)));
        self
    }

    /// Adds an amount: in the currency's minor unit, and beside it as people write it.
    pub(crate) fn with_money(self, name: &str, money: Money, shop: &Shop) -> Self {
        self.with(name, money.minor()).with(&format!("{name}_with_currency"), shop.written(money))
    }

    /// Adds an object; null where there is none.
    pub(crate) fn with_fields(mut self, name: &str, fields: Option<Self>) -> Self {
        self.0.push((name.to_owned(), fields.map_or(Node::Plain(Value::Null), Node::Fields)));
        self
    }

    /// Adds a list of objects.
    pub(crate) fn with_list(mut self, name: &str, list: impl Iterator<Item = Self>) -> Self {
        self.0.push((name.to_owned(), Node::List(list.collect())));
        self
    }

    /// The value at a path such as `customer.email`.
    pub(crate) fn at(&self, path: &str) -> Option<&Node> {
        let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
        let (_, node) = self.0.iter().find(|(known, _)| known == name)?;
        match (rest, node) {
            (None, node) => Some(node),
            (Some(rest), Node::Fields(fields)) => fields.at(rest),
            (Some(_), Node::Plain(_) | Node::List(_)) => None,
        }
    }
}

/// Writes fields or one of their values as JSON.
#[expect(clippy::expect_used, reason = "an answer without its body would be worse")]
pub(crate) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("fields are plain data with text keys, which JSON can hold")
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, node) in &self.0 {
            map.serialize_entry(name, node)?;
        }
        map.end()
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Plain(value) => value.serialize(serializer),
            Self::Fields(fields) => fields.serialize(serializer),
            Self::List(list) => list.serialize(serializer),
        }
    }
}
