//! A price or a product as an item.

use aws_sdk_dynamodb::types::AttributeValue;
use cart::Offer;

use crate::Error;
use crate::expression::Update;
use crate::item::{Item, Reader};

pub(super) const ID: &str = "id";
pub(super) const KIND: &str = "kind";
pub(super) const PRICE: &str = "price";
pub(super) const PRICE_STAMP: &str = "price_ms";
pub(super) const PRODUCT: &str = "product";
pub(super) const PRODUCT_STAMP: &str = "product_ms";
pub(super) const PRICES: &str = "prices";
pub(super) const TABLE: &str = "catalogue";

/// A register of a row: the attribute with its value, and the one with the time as of which it is known.
pub(super) type Register = (&'static str, &'static str);
pub(super) const PRICE_REGISTER: Register = (PRICE, PRICE_STAMP);
pub(super) const PRODUCT_REGISTER: Register = (PRODUCT, PRODUCT_STAMP);

/// Moves a register forward, where the time that is known `precedes` (`<` or `<=`) the new one.
pub(super) fn advance_if_newer(
    update: &mut Update,
    register: Register,
    value: &AttributeValue,
    time: &AttributeValue,
    precedes: &str,
) {
    let [name, stamp] = [register.0, register.1].map(|name| update.name(name));
    let [value, time] = [value, time].map(|value| update.value(value.clone()));
    update.guard(format!("attribute_not_exists({stamp}) OR {stamp} {precedes} {time}"));
    update.set(format!("{name} = {value}"));
    update.set(format!("{stamp} = {time}"));
}

pub(super) fn register<T: serde::de::DeserializeOwned>(row: &Item, name: &'static str) -> Result<Option<T>, Error> {
    let reader = Reader { table: TABLE, item: row };
    reader.text(name).map(|json| serde_json::from_str(json).map_err(|_| reader.corrupt(name))).transpose()
}

pub(super) fn read_offer(row: &Item) -> Result<Option<Offer>, Error> {
    let (Some(price), Some(product)) = (register(row, PRICE)?, register(row, PRODUCT)?) else {
        return Ok(None);
    };
    Ok(Some(Offer { price, product }))
}
