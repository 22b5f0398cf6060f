//! Reading and writing attributes.

use std::collections::HashMap;
use std::str::FromStr;

use aws_sdk_dynamodb::types::AttributeValue;
use cart::Timestamp;

use crate::Error;

/// A DynamoDB item.
pub(crate) type Item = HashMap<String, AttributeValue>;

#[expect(clippy::needless_pass_by_value, reason = "callers pass ids and literals alike")]
pub(crate) fn text(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

#[expect(clippy::needless_pass_by_value, reason = "callers pass numbers, not references to them")]
pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(crate) fn seconds(time: Timestamp) -> AttributeValue {
    number(time.as_second())
}

/// Writes a document as JSON.
#[expect(clippy::expect_used, reason = "a row without its document would be worse")]
pub(crate) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("documents are plain data with text keys, which JSON can hold")
}

/// How many bytes a text of JSON takes of what Lambda sends, where it stands in an answer: that is a text of JSON itself, in which
/// a quote and a backslash have another backslash before them.
pub(crate) fn sent(json: &str) -> usize {
    json.len() + json.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count()
}

/// An item of one table, read attribute by attribute.
pub(crate) struct Reader<'a> {
    pub(crate) table: &'static str,
    pub(crate) item: &'a Item,
}

impl<'a> Reader<'a> {
    pub(crate) fn corrupt(&self, attribute: &'static str) -> Error {
        // The keys of the tables of carts and orders, and of the catalogue.
        let key = ["number", "id"].into_iter().find_map(|key| self.text(key)).unwrap_or_default().to_owned();
        Error::Corrupt { table: self.table, key, attribute }
    }

    pub(crate) fn text(&self, name: &'static str) -> Option<&'a str> {
        self.item.get(name)?.as_s().ok().map(String::as_str)
    }

    pub(crate) fn map(&self, name: &'static str) -> impl Iterator<Item = (&'a String, &'a AttributeValue)> + use<'a> {
        self.item.get(name).and_then(|value| value.as_m().ok()).into_iter().flatten()
    }

    pub(crate) fn parsed<T: FromStr>(&self, name: &'static str) -> Result<T, Error> {
        self.parsed_if_there(name)?.ok_or_else(|| self.corrupt(name))
    }

    pub(crate) fn parsed_if_there<T: FromStr>(&self, name: &'static str) -> Result<Option<T>, Error> {
        let text = match self.item.get(name) {
            None => return Ok(None),
            Some(AttributeValue::S(text) | AttributeValue::N(text)) => text,
            Some(_) => return Err(self.corrupt(name)),
        };
        text.parse().map(Some).map_err(|_| self.corrupt(name))
    }

    pub(crate) fn time(&self, name: &'static str) -> Result<Timestamp, Error> {
        Timestamp::from_second(self.parsed(name)?).map_err(|_| self.corrupt(name))
    }
}
