//! What the tables' streams say was written.
//!
//! An event is recorded by the write that it tells of, in the row itself. So no event tells of something that did not happen,
//! none is forgotten in a crash, and no function writes twice.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use cart::{News, Order, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use settings::Environment;

use crate::Error;
use crate::carts::Abandoned;
use crate::carts::abandoned;
use crate::item::Item;
use crate::orders::row::{self, NUMBER};

/// A record of a stream, as Lambda hands it to a function.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html>
#[derive(Clone, Debug, Deserialize)]
pub struct StreamRecord {
    /// Distinguishes the record from all others of the region, whenever and however often it is read.
    #[serde(rename = "eventID")]
    pub id: String,
    /// What was done: `INSERT`, `MODIFY` or `REMOVE`.
    #[serde(rename = "eventName")]
    done: String,
    /// The stream.
    #[serde(rename = "eventSourceARN")]
    stream: String,
    #[serde(rename = "dynamodb")]
    change: StreamChange,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StreamChange {
    sequence_number: String,
    /// In seconds since 1970; whole ones or not.
    #[serde(default)]
    approximate_creation_date_time: Option<f64>,
    /// The item as it is afterwards.
    #[serde(default)]
    new_image: HashMap<String, Value>,
}

/// What was written, as far as others are told of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Written {
    /// An order.
    Order {
        /// The order, as it is afterwards.
        order: Box<Order>,
        /// Whether it was made by this write.
        is_new: bool,
        /// What there is to tell besides that.
        news: Option<News>,
    },
    /// A cart was abandoned.
    Abandoned(Abandoned),
}

/// Reads records of the streams of both tables.
#[derive(Clone, Debug)]
pub struct Streams {
    carts: String,
    orders: String,
}

impl Streams {
    /// The streams of the tables in `CARTS_TABLE` and `ORDERS_TABLE`.
    ///
    /// # Errors
    ///
    /// A setting is missing.
    pub fn new(environment: &Environment) -> Result<Self, settings::Error> {
        let of = |setting| Ok::<_, settings::Error>(format!(":table/{}/stream/", environment.required(setting)?));
        Ok(Self { carts: of("CARTS_TABLE")?, orders: of("ORDERS_TABLE")? })
    }

    /// What a record tells; `None` where it tells of nothing.
    ///
    /// # Errors
    ///
    /// The item is corrupt.
    pub fn read(&self, record: &StreamRecord) -> Result<Option<Written>, Error> {
        let is_new = match record.done.as_str() {
            "INSERT" => true,
            "MODIFY" => false,
            _ => return Ok(None),
        };
        if record.stream.contains(&self.orders) {
            row::told(&record.item()?, is_new)
        } else if record.stream.contains(&self.carts) && is_new && abandoned::is_note(record.key()) {
            abandoned::read(&record.item()?).map(|abandoned| Some(Written::Abandoned(abandoned)))
        } else {
            Ok(None)
        }
    }
}

impl StreamRecord {
    /// The record's place in its stream.
    #[must_use]
    pub fn sequence_number(&self) -> &str {
        &self.change.sequence_number
    }

    /// The stream.
    #[must_use]
    pub fn stream(&self) -> &str {
        &self.stream
    }

    /// When it was written, about.
    #[must_use]
    pub fn written_at(&self) -> Option<Timestamp> {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "whole seconds until the year 9999, as a stream gives them"
        )]
        let seconds = self.change.approximate_creation_date_time.map(|seconds| seconds as i64)?;
        Timestamp::from_second(seconds).ok()
    }

    /// The key of the item, where its image has one.
    #[must_use]
    pub fn key(&self) -> &str {
        self.change.new_image.get(NUMBER).and_then(|number| number["S"].as_str()).unwrap_or_default()
    }

    fn item(&self) -> Result<Item, Error> {
        let unreadable = || Error::Corrupt { table: "streamed", key: String::new(), attribute: "NewImage" };
        let attributes = self.change.new_image.iter();
        attributes.map(|(name, value)| Ok((name.clone(), attribute(value).ok_or_else(unreadable)?))).collect()
    }
}

/// An attribute in DynamoDB's JSON; `None` where it is malformed, or of a kind that no row has.
fn attribute(value: &Value) -> Option<AttributeValue> {
    let (kind, value) = value.as_object()?.iter().next()?;
    let texts = || value.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>();
    Some(match kind.as_str() {
        "S" => AttributeValue::S(value.as_str()?.to_owned()),
        "N" => AttributeValue::N(value.as_str()?.to_owned()),
        "BOOL" => AttributeValue::Bool(value.as_bool()?),
        "NULL" => AttributeValue::Null(value.as_bool()?),
        "SS" => AttributeValue::Ss(texts()?),
        "NS" => AttributeValue::Ns(texts()?),
        "L" => AttributeValue::L(value.as_array()?.iter().map(attribute).collect::<Option<_>>()?),
        "M" => {
            let members = value.as_object()?.iter().map(|(name, value)| Some((name.clone(), attribute(value)?)));
            AttributeValue::M(members.collect::<Option<_>>()?)
        }
        _ => return None,
    })
}
