//! A cart as an item.
//!
//! One item per cart, so that every change is one write. Names are short because DynamoDB bills by the kilobyte of the
//! whole item, names included:
//!
//! | attribute | what |
//! |---|---|
//! | `number` | the key |
//! | `f` | the format's version, 1 |
//! | `v` | the cart's version |
//! | `q` | price → quantity |
//! | `o` | price → position |
//! | `a` | price → `enabled:minimum:maximum` |
//! | `t` | price → description |
//! | `r` | the recurring prices (a set; absent when empty) |
//! | `ivl` | how often they recur; stale once `r` is empty |
//! | `cur` | the currency; stale once `q` is empty |
//! | `meta` | metadata |
//! | `pc` | the pending checkout: `s` session, `v` cart version, `h` digest of its parameters, `x` expiry |
//! | `st` | the order's number, once completed |
//! | `created`, `updated`, `exp` | seconds since 1970; `exp` is the table's TTL attribute |
//! | `w` | the last writer: tells a retried write from a lost one |

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use cart::{
    AdjustableQuantity, Cart, Description, Lifetime, Line, Metadata, PendingCheckout, PriceId, Quantity, Recurrence,
    Snapshot, Status, Timestamp,
};

use crate::Error;
use crate::item::{Item, Reader, number, seconds, text};

pub(crate) const NUMBER: &str = "number";
pub(crate) const FORMAT: &str = "f";
pub(crate) const VERSION: &str = "v";
pub(crate) const QUANTITIES: &str = "q";
pub(crate) const POSITIONS: &str = "o";
pub(crate) const ADJUSTABLE: &str = "a";
pub(crate) const TEXTS: &str = "t";
pub(crate) const RECURRING: &str = "r";
pub(crate) const RECURRENCE: &str = "ivl";
pub(crate) const CURRENCY: &str = "cur";
pub(crate) const METADATA: &str = "meta";
pub(crate) const PENDING: &str = "pc";
pub(crate) const COMPLETED: &str = "st";
pub(crate) const CREATED: &str = "created";
pub(crate) const UPDATED: &str = "updated";
pub(crate) const EXPIRES: &str = "exp";
pub(crate) const WRITER: &str = "w";

const TABLE: &str = "carts";

/// Writes a whole cart, as written by `writer`.
pub(crate) fn write(cart: &Cart, writer: &str) -> Item {
    let lines = || cart.lines().iter();
    let mut item = Item::from([
        (NUMBER.into(), text(cart.number())),
        (FORMAT.into(), number(1)),
        (VERSION.into(), number(cart.version())),
        (QUANTITIES.into(), map(lines().map(|line| (line.price.as_str(), number(line.quantity))))),
        (POSITIONS.into(), map(lines().map(|line| (line.price.as_str(), number(line.position))))),
        (
            ADJUSTABLE.into(),
            map(lines().filter_map(|line| Some((line.price.as_str(), adjustable(line.adjustable_quantity.as_ref()?))))),
        ),
        (
            TEXTS.into(),
            map(lines().filter_map(|line| Some((line.price.as_str(), text(line.description.as_ref()?.as_str()))))),
        ),
        (METADATA.into(), metadata(cart.metadata())),
        (CREATED.into(), seconds(cart.created_at())),
        (UPDATED.into(), seconds(cart.updated_at())),
        (EXPIRES.into(), seconds(cart.expires_at())),
        (WRITER.into(), text(writer)),
    ]);
    if let Some(currency) = cart.currency() {
        item.insert(CURRENCY.into(), text(currency));
    }
    if let Some(recurrence) = cart.recurrence() {
        let prices = lines().filter(|line| line.recurrence.is_some()).map(|line| line.price.to_string());
        item.insert(RECURRENCE.into(), text(recurrence.to_string()));
        item.insert(RECURRING.into(), AttributeValue::Ss(prices.collect()));
    }
    if let Some(checkout) = cart.pending() {
        item.insert(PENDING.into(), pending(checkout));
    }
    if let Status::Completed(order) = cart.status() {
        item.insert(COMPLETED.into(), text(order));
    }
    item
}

/// Reads a cart back.
pub(crate) fn read(item: &Item, lifetime: Lifetime) -> Result<Cart, Error> {
    let reader = Reader { table: TABLE, item };
    let recurrence: Option<Recurrence> = reader.parsed_if_there(RECURRENCE)?;
    let recurring = item.get(RECURRING).and_then(|set| set.as_ss().ok()).map(Vec::as_slice).unwrap_or_default();
    let positions = item.get(POSITIONS).and_then(|map| map.as_m().ok());
    let adjustables = item.get(ADJUSTABLE).and_then(|map| map.as_m().ok());
    let texts = item.get(TEXTS).and_then(|map| map.as_m().ok());

    let lines = reader
        .map(QUANTITIES)
        .map(|(price, quantity)| {
            Some(Line {
                price: price.parse::<PriceId>().ok()?,
                quantity: Quantity::new(quantity.as_n().ok()?.parse().ok()?).ok()?,
                adjustable_quantity: match adjustables.and_then(|map| map.get(price)) {
                    None => None,
                    Some(value) => Some(read_adjustable(value.as_s().ok()?)?),
                },
                description: match texts.and_then(|map| map.get(price)) {
                    None => None,
                    Some(value) => Some(Description::new(value.as_s().ok()?).ok()?),
                },
                recurrence: recurrence.filter(|_| recurring.contains(price)),
                position: positions.and_then(|map| map.get(price))?.as_n().ok()?.parse().ok()?,
            })
        })
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| reader.corrupt(QUANTITIES))?;
    let metadata = reader.map(METADATA).filter_map(|(key, value)| Some((key.clone(), value.as_s().ok()?.clone())));

    let snapshot = Snapshot {
        number: reader.parsed(NUMBER)?,
        version: reader.parsed(VERSION)?,
        status: reader.parsed_if_there(COMPLETED)?.map_or(Status::Active, Status::Completed),
        lines,
        currency: reader.parsed_if_there(CURRENCY)?,
        metadata: Metadata::new(metadata).map_err(|_| reader.corrupt(METADATA))?,
        pending: item
            .get(PENDING)
            .map(|value| read_pending(value).ok_or_else(|| reader.corrupt(PENDING)))
            .transpose()?,
        created_at: reader.time(CREATED)?,
        updated_at: reader.time(UPDATED)?,
        expires_at: reader.time(EXPIRES)?,
    };
    Ok(Cart::restore(snapshot, lifetime))
}

/// Whether `writer` wrote this state of the item.
pub(crate) fn is_by(item: &Item, writer: &str) -> bool {
    item.get(WRITER).and_then(|value| value.as_s().ok()).is_some_and(|last| last == writer)
}

pub(crate) fn metadata(metadata: &Metadata) -> AttributeValue {
    map(metadata.iter().map(|(key, value)| (key, text(value))))
}

pub(crate) fn adjustable(adjustable: &AdjustableQuantity) -> AttributeValue {
    let bound = |bound: Option<u32>| bound.map(|bound| bound.to_string()).unwrap_or_default();
    text(format!("{}:{}:{}", u8::from(adjustable.enabled()), bound(adjustable.minimum()), bound(adjustable.maximum())))
}

fn read_adjustable(value: &str) -> Option<AdjustableQuantity> {
    let mut parts = value.split(':');
    let enabled = parts.next()? == "1";
    let mut bound = || match parts.next()? {
        "" => Some(None),
        digits => digits.parse().ok().map(Some),
    };
    AdjustableQuantity::new(enabled, bound()?, bound()?).ok()
}

pub(crate) fn pending(checkout: &PendingCheckout) -> AttributeValue {
    map([
        ("s", text(&checkout.session)),
        ("v", number(checkout.version)),
        ("h", text(&checkout.parameters)),
        ("x", seconds(checkout.expires_at)),
    ])
}

fn read_pending(value: &AttributeValue) -> Option<PendingCheckout> {
    let map = value.as_m().ok()?;
    Some(PendingCheckout {
        session: map.get("s")?.as_s().ok()?.clone(),
        version: map.get("v")?.as_n().ok()?.parse().ok()?,
        parameters: map.get("h")?.as_s().ok()?.clone(),
        expires_at: Timestamp::from_second(map.get("x")?.as_n().ok()?.parse().ok()?).ok()?,
    })
}

fn map<'a>(entries: impl IntoIterator<Item = (&'a str, AttributeValue)>) -> AttributeValue {
    AttributeValue::M(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<HashMap<_, _>>())
}
