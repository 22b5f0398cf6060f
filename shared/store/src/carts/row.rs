//! A cart as an item.
//!
//! One item per cart, so that every change is one write. Attributes have short names because DynamoDB bills by the kilobyte
//! of the whole item, names included:
//!
//! | attribute | what |
//! |---|---|
//! | `number` | the key |
//! | `f` | the format's version: 2 where a line has, or had, attributes; else 1, which version 0.1.0 reads too |
//! | `v` | the cart's version |
//! | `q` | line → quantity |
//! | `o` | line → position |
//! | `a` | line → `enabled:minimum:maximum` |
//! | `lb` | line → the same in numbers, `n` and `x`, which a guard can compare: of at most [`MAX_NUMERIC_BOUNDS`] lines that have bounds in `a`. Counts only while `ov` is `v`, and for lines that have bounds in `a`; absent in rows of version 0.1.0 |
//! | `t` | line → description |
//! | `la` | line → its attributes, where it has some; absent in rows of version 0.1.0 |
//! | `fl` | what a line was called before its price was succeeded → the line; absent where none was |
//! | `r` | the recurring prices (a set; absent when empty) |
//! | `ivl` | how often they recur; stale once `r` is empty |
//! | `cur` | the currency; stale once `q` is empty |
//! | `own` | the own currency of all lines' prices; counts only while `ov` is `v`. Absent where that does not say what may be beside the lines: a shopper chooses an amount, or an earlier release wrote the row |
//! | `ov` | the version for which `own`, `tx` and `lb` hold: releases that do not know them change the cart and count up `v` alone |
//! | `tx` | at least what the texts come to ([`Cart::text_bytes`]); counts only while `ov` is `v` |
//! | `meta` | metadata |
//! | `pc` | the current session: `s` id, `v` cart version, `h` digest of its parameters, `x` expiry (absent: over), `a` adjustable on Stripe's page, `c` currency, `m` expected subtotal and `l` digest of the expected lines, `t` price → description for version 0.1.0, which finds them nowhere else; `true` where they are long: then it does not read the row |
//! | `st` | the order's number, once completed |
//! | `so` | the version at which units were last sold; absent before |
//! | `created`, `updated`, `exp` | seconds since 1970; `exp` is the table's TTL attribute |
//! | `w0` to `w3` | marks of the latest writes, see [`WriteId`] |
//! | `k` | digest of a request's key → its time, digest and session, see [`IdempotencyKey`] |
//! | `gh`, `gn` | a clock hour, and how many landings of that hour named another session than `pc` has, see [`Hourly`]; absent before |
//! | `sh`, `sn` | the same for new sessions |
//! | `ch`, `cn` | the same for promotion codes that could not be used |
//!
//! A line stands under its id ([`cart::LineId`]): the price's, where it has no attributes.
//!
//! What stands below `created` is not the cart's own: a write of the whole cart leaves it alone.
//!
//! [`Hourly`]: super::Hourly

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use cart::{
    AdjustableQuantity, Attributes, Bounds, Cart, CurrentSession, Description, Expected, Lifetime, Line, LineId,
    Metadata, Money, Quantity, Recurrence, SessionId, Snapshot, Status, Timestamp,
};

use super::write_id::WriteId;
use crate::expression::Update;
use crate::item::{Item, Reader, number, seconds, text};
use crate::{Error, IdempotencyKey};

pub(crate) const NUMBER: &str = "number";
pub(crate) const FORMAT: &str = "f";
pub(crate) const VERSION: &str = "v";
pub(crate) const QUANTITIES: &str = "q";
pub(crate) const POSITIONS: &str = "o";
pub(crate) const ADJUSTABLE: &str = "a";
pub(crate) const NUMERIC_BOUNDS: &str = "lb";
pub(crate) const MINIMUM: &str = "n";
pub(crate) const MAXIMUM: &str = "x";
pub(crate) const TEXTS: &str = "t";
pub(crate) const ATTRIBUTES: &str = "la";
pub(crate) const FORMER: &str = "fl";
pub(crate) const RECURRING: &str = "r";
pub(crate) const RECURRENCE: &str = "ivl";
pub(crate) const CURRENCY: &str = "cur";
pub(crate) const OWN_CURRENCY: &str = "own";
pub(crate) const OWN_CURRENCY_VERSION: &str = "ov";
pub(crate) const TEXT_BYTES: &str = "tx";
pub(crate) const METADATA: &str = "meta";
pub(crate) const SESSION: &str = "pc";
pub(crate) const COMPLETED: &str = "st";
pub(crate) const CREATED: &str = "created";
pub(crate) const UPDATED: &str = "updated";
pub(crate) const EXPIRES: &str = "exp";
pub(crate) const SOLD: &str = "so";
pub(crate) const REQUESTS: &str = "k";
pub(crate) const GUESSES_HOUR: &str = "gh";
pub(crate) const GUESSES: &str = "gn";
pub(crate) const SESSIONS_HOUR: &str = "sh";
pub(crate) const SESSIONS: &str = "sn";
pub(crate) const WRONG_CODES_HOUR: &str = "ch";
pub(crate) const WRONG_CODES: &str = "cn";

/// What says which lines the cart has. The format follows from them.
const LINES: [&str; 11] = [
    FORMAT,
    QUANTITIES,
    POSITIONS,
    ADJUSTABLE,
    NUMERIC_BOUNDS,
    TEXTS,
    ATTRIBUTES,
    FORMER,
    RECURRING,
    RECURRENCE,
    TEXT_BYTES,
];

/// What else belongs to the cart itself and is written with every change of it, but for its key and its current session.
const BESIDE_LINES: [&str; 10] =
    [VERSION, CURRENCY, OWN_CURRENCY, OWN_CURRENCY_VERSION, METADATA, COMPLETED, SOLD, CREATED, UPDATED, EXPIRES];

pub(crate) const SESSION_ID: &str = "s";
/// The path of the current session's id.
pub(crate) const CURRENT_SESSION_ID: &str = "pc.s";
pub(crate) const SESSION_EXPIRY: &str = "x";
const SESSION_PARAMETERS: &str = "h";
const SESSION_CURRENCY: &str = "c";
const SESSION_SUBTOTAL: &str = "m";
const SESSION_LINES: &str = "l";

/// How many bytes the current session's copy of the lines' texts has at most, with the prices that they stand under.
const LONGEST_COPY: usize = 512;

pub(crate) const TABLE: &str = "carts";
/// The format of a row whose lines have no attributes.
pub(crate) const PLAIN_FORMAT: u32 = 1;
/// The format of any row: the latest that is read. A later one is not guessed at.
pub(crate) const LATEST_FORMAT: u32 = 2;

/// The row of a new cart.
pub(crate) fn fresh(cart: &Cart, write_id: &WriteId, key: Option<&IdempotencyKey>, now: Timestamp) -> Item {
    let mut item = write(cart);
    item.insert(REQUESTS.into(), map(key.map(|key| (key.key(), key.entry(now, None)))));
    item.insert(write_id.attribute().into(), write_id.as_set());
    item
}

/// Says all of a cart that was read as `before` and shall be `after`, provided that it is still at the same version and has the
/// same current session.
///
/// A session is recorded without a new version, and other lines may be with it: at the prices that it sells.
pub(crate) fn replace(before: &Cart, after: &Cart) -> Update {
    let mut update = at_version(before.version());
    write_in(&mut update, after, LINES.into_iter().chain(BESIDE_LINES));
    let known = before.current_session().map(|known| update.value(text(&known.id)));
    update.guard(match known {
        None => format!("attribute_not_exists({SESSION})"),
        Some(known) => format!("{SESSION}.{SESSION_ID} = {known}"),
    });
    if before.current_session() != after.current_session() {
        match after.current_session() {
            None => update.remove(SESSION),
            Some(session) => {
                let value = update.value(current_session(session));
                update.set(format_args!("{SESSION} = {value}"));
            }
        }
    }
    update
}

/// Says the lines of `cart`, which is at the version that was read.
pub(crate) fn set_lines(update: &mut Update, cart: &Cart) {
    write_in(update, cart, LINES);
}

/// Says these attributes of a cart, also which of them it does not have.
fn write_in(update: &mut Update, cart: &Cart, names: impl IntoIterator<Item = &'static str>) {
    let mut item = write(cart);
    for name in names {
        match item.remove(name) {
            None => update.remove(name),
            Some(value) => {
                let value = update.value(value);
                update.set(format_args!("{name} = {value}"));
            }
        }
    }
}

/// The condition that the cart is still at `version`.
pub(crate) fn at_version(version: u64) -> Update {
    let mut guard = Update::default();
    let value = guard.value(number(version));
    guard.guard(format!("{VERSION} = {value}"));
    guard
}

/// The attributes of a cart.
fn write(cart: &Cart) -> Item {
    let lines = || cart.lines().iter();
    let has_attributes = lines().any(|line| line.id.has_attributes());
    let mut item = Item::from([
        (NUMBER.into(), text(cart.number())),
        (FORMAT.into(), number(if has_attributes { LATEST_FORMAT } else { PLAIN_FORMAT })),
        (VERSION.into(), number(cart.version())),
        (QUANTITIES.into(), map(lines().map(|line| (line.id.as_str(), number(line.quantity))))),
        (POSITIONS.into(), map(lines().map(|line| (line.id.as_str(), number(line.position))))),
        (
            ADJUSTABLE.into(),
            map(lines().filter_map(|line| Some((line.id.as_str(), adjustable(line.adjustable_quantity.as_ref()?))))),
        ),
        (NUMERIC_BOUNDS.into(), map(lines().filter_map(numeric_bounds_of).take(MAX_NUMERIC_BOUNDS))),
        (
            TEXTS.into(),
            map(lines().filter_map(|line| Some((line.id.as_str(), text(line.description.as_ref()?.as_str()))))),
        ),
        (
            ATTRIBUTES.into(),
            map(lines()
                .filter(|line| line.id.has_attributes())
                .map(|line| (line.id.as_str(), attributes(&line.attributes)))),
        ),
        (OWN_CURRENCY_VERSION.into(), number(cart.version())),
        (TEXT_BYTES.into(), number(cart.text_bytes())),
        (METADATA.into(), metadata(cart.metadata())),
        (CREATED.into(), seconds(cart.created_at())),
        (UPDATED.into(), seconds(cart.updated_at())),
        (EXPIRES.into(), seconds(cart.expires_at())),
    ]);
    let former = || lines().flat_map(|line| line.former.iter().map(|former| (former.as_str(), text(&line.id))));
    if former().next().is_some() {
        item.insert(FORMER.into(), map(former()));
    }
    if let Some(version) = cart.sold_at() {
        item.insert(SOLD.into(), number(version));
    }
    if let Some(currency) = cart.currency() {
        item.insert(CURRENCY.into(), text(currency));
    }
    if let Some(own) = cart.own_currency() {
        item.insert(OWN_CURRENCY.into(), text(own));
    }
    if let Some(recurrence) = cart.recurrence() {
        let prices = lines().filter(|line| line.recurrence.is_some()).map(|line| line.price.to_string());
        item.insert(RECURRENCE.into(), text(recurrence.to_string()));
        item.insert(RECURRING.into(), AttributeValue::Ss(prices.collect()));
    }
    if let Some(session) = cart.current_session() {
        item.insert(SESSION.into(), current_session(session));
    }
    if let Status::Completed(order) = cart.status() {
        item.insert(COMPLETED.into(), text(order));
    }
    item
}

/// Reads a cart back.
pub(crate) fn read(item: &Item, lifetime: Lifetime) -> Result<Cart, Error> {
    let reader = Reader { table: TABLE, item };
    if !(PLAIN_FORMAT..=LATEST_FORMAT).contains(&reader.parsed::<u32>(FORMAT)?) {
        return Err(reader.corrupt(FORMAT));
    }
    let version = reader.parsed(VERSION)?;
    let own_currency = reader.parsed_if_there(OWN_CURRENCY)?;
    let is_current = reader.parsed_if_there(OWN_CURRENCY_VERSION)? == Some(version);
    let metadata = reader.map(METADATA).filter_map(entry);

    let snapshot = Snapshot {
        number: reader.parsed(NUMBER)?,
        version,
        status: reader.parsed_if_there(COMPLETED)?.map_or(Status::Active, Status::Completed),
        lines: read_lines(&reader)?,
        currency: reader.parsed_if_there(CURRENCY)?,
        own_currency: own_currency.filter(|_| is_current),
        metadata: Metadata::stored(metadata),
        current_session: item
            .get(SESSION)
            .map(|value| read_current_session(value).ok_or_else(|| reader.corrupt(SESSION)))
            .transpose()?,
        sold_at: reader.parsed_if_there(SOLD)?,
        created_at: reader.time(CREATED)?,
        updated_at: reader.time(UPDATED)?,
        expires_at: reader.time(EXPIRES)?,
    };
    Ok(Cart::restore(snapshot, lifetime))
}

fn read_lines(reader: &Reader<'_>) -> Result<Vec<Line>, Error> {
    let map = |name| reader.item.get(name).and_then(|map| map.as_m().ok());
    let [positions, adjustables, texts, attributes] = [POSITIONS, ADJUSTABLE, TEXTS, ATTRIBUTES].map(map);
    let recurrence: Option<Recurrence> = reader.parsed_if_there(RECURRENCE)?;
    let recurring = reader.item.get(RECURRING).and_then(|set| set.as_ss().ok()).map(Vec::as_slice).unwrap_or_default();

    let mut former: BTreeMap<&str, Vec<LineId>> = BTreeMap::new();
    for (id, line) in map(FORMER).into_iter().flatten() {
        if let Ok(line) = line.as_s() {
            former.entry(line).or_default().push(LineId::kept(id));
        }
    }

    let lines = reader.map(QUANTITIES).map(|(key, quantity)| {
        let (id, price) = LineId::with_price(key).ok()?;
        Some(Line {
            attributes: if id.has_attributes() {
                Attributes::stored(attributes.and_then(|map| map.get(key))?.as_m().ok()?.iter().filter_map(entry))
            } else {
                Attributes::default()
            },
            quantity: Quantity::new(quantity.as_n().ok()?.parse().ok()?).ok()?,
            adjustable_quantity: match adjustables.and_then(|map| map.get(key)) {
                None => None,
                Some(value) => Some(read_adjustable(value.as_s().ok()?)?),
            },
            description: match texts.and_then(|map| map.get(key)) {
                None => None,
                Some(value) => Some(Description::stored(value.as_s().ok()?)),
            },
            recurrence: recurrence.filter(|_| recurring.iter().any(|recurring| *recurring == price.as_str())),
            position: positions.and_then(|map| map.get(key))?.as_n().ok()?.parse().ok()?,
            former: former.get(key.as_str()).into_iter().flatten().cloned().collect(),
            id,
            price,
        })
    });
    lines.collect::<Option<_>>().ok_or_else(|| reader.corrupt(QUANTITIES))
}

pub(crate) fn metadata(metadata: &Metadata) -> AttributeValue {
    map(metadata.iter().map(|(key, value)| (key, text(value))))
}

pub(crate) fn attributes(attributes: &Attributes) -> AttributeValue {
    map(attributes.iter().map(|(key, value)| (key, text(value))))
}

/// A key and its text; `None` for what is no text.
fn entry((key, value): (&String, &AttributeValue)) -> Option<(String, String)> {
    Some((key.clone(), value.as_s().ok()?.clone()))
}

/// What the text of bounds begins with that do not hold, because the shopper may not change the quantity.
pub(crate) const NOT_ADJUSTABLE: &str = "0:";

pub(crate) fn adjustable(adjustable: &AdjustableQuantity) -> AttributeValue {
    let bound = |bound: Option<u32>| bound.map(|bound| bound.to_string()).unwrap_or_default();
    text(format!("{}:{}:{}", u8::from(adjustable.enabled()), bound(adjustable.minimum()), bound(adjustable.maximum())))
}

/// How many lines have their bounds in numbers, too, so that an item stays small. Where others change, the rules decide.
pub(crate) const MAX_NUMERIC_BOUNDS: usize = 12;
/// The longest id of such a line, for the same reason.
const MAX_NUMERIC_BOUNDS_ID: usize = 42;

/// The bounds that a line is given, in numbers; `None` where none hold, or they do not stand in the row.
pub(crate) fn numeric_bounds(line: &LineId, adjustable: &AdjustableQuantity) -> Option<AttributeValue> {
    let Bounds { minimum, maximum } = Bounds::new(Some(adjustable), None);
    let bounds = [(MINIMUM, minimum.unwrap_or(0)), (MAXIMUM, maximum.unwrap_or(Quantity::MAX))];
    let stands = adjustable.enabled() && line.as_str().len() <= MAX_NUMERIC_BOUNDS_ID;
    stands.then(|| map(bounds.map(|(name, bound)| (name, number(bound)))))
}

fn numeric_bounds_of(line: &Line) -> Option<(&str, AttributeValue)> {
    Some((line.id.as_str(), numeric_bounds(&line.id, line.adjustable_quantity.as_ref()?)?))
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

pub(crate) fn current_session(session: &CurrentSession) -> AttributeValue {
    let texts = session.descriptions.iter();
    let length: usize = texts.clone().map(|(price, description)| price.as_str().len() + description.len()).sum();
    let texts = match length {
        0 => None,
        1..=LONGEST_COPY => Some(map(texts.map(|(price, description)| (price.as_str(), text(description))))),
        _ => Some(AttributeValue::Bool(true)),
    };
    let texts = texts.map(|texts| (TEXTS, texts));
    let adjustable = session.adjustable.then_some((ADJUSTABLE, AttributeValue::Bool(true)));
    let expected = session.expected.iter().flat_map(|expected| {
        let Expected { subtotal, lines } = expected;
        [
            (SESSION_CURRENCY, text(subtotal.currency())),
            (SESSION_SUBTOTAL, number(subtotal.minor())),
            (SESSION_LINES, text(lines)),
        ]
    });
    map([
        (SESSION_ID, text(&session.id)),
        (VERSION, number(session.version)),
        (SESSION_PARAMETERS, text(&session.parameters)),
    ]
    .into_iter()
    .chain(session.expires_at.map(|time| (SESSION_EXPIRY, seconds(time))))
    .chain(texts)
    .chain(adjustable)
    .chain(expected))
}

fn read_current_session(value: &AttributeValue) -> Option<CurrentSession> {
    let map = value.as_m().ok()?;
    Some(CurrentSession {
        id: map.get(SESSION_ID)?.as_s().ok()?.parse().ok()?,
        version: map.get(VERSION)?.as_n().ok()?.parse().ok()?,
        parameters: map.get(SESSION_PARAMETERS)?.as_s().ok()?.clone(),
        expires_at: match map.get(SESSION_EXPIRY) {
            None => None,
            Some(value) => Some(Timestamp::from_second(value.as_n().ok()?.parse().ok()?).ok()?),
        },
        descriptions: match map.get(TEXTS) {
            None | Some(AttributeValue::Bool(_)) => BTreeMap::new(),
            Some(texts) => {
                let texts = texts.as_m().ok()?.iter();
                texts
                    .map(|(price, text)| Some((price.parse().ok()?, text.as_s().ok()?.clone())))
                    .collect::<Option<_>>()?
            }
        },
        adjustable: map.contains_key(ADJUSTABLE),
        expected: match map.get(SESSION_LINES) {
            None => None,
            Some(lines) => Some(Expected {
                subtotal: Money::new(
                    map.get(SESSION_SUBTOTAL)?.as_n().ok()?.parse::<i128>().ok()?,
                    map.get(SESSION_CURRENCY)?.as_s().ok()?.parse().ok()?,
                ),
                lines: lines.as_s().ok()?.clone(),
            }),
        },
    })
}

/// The id of the current session alone.
pub(crate) fn current_session_id(item: &Item) -> Result<Option<SessionId>, Error> {
    let Some(session) = item.get(SESSION) else { return Ok(None) };
    let id = session.as_m().ok().and_then(|map| map.get(SESSION_ID)?.as_s().ok()?.parse().ok());
    id.map(Some).ok_or_else(|| Reader { table: TABLE, item }.corrupt(SESSION))
}

pub(crate) fn map<'a>(entries: impl IntoIterator<Item = (&'a str, AttributeValue)>) -> AttributeValue {
    AttributeValue::M(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<HashMap<_, _>>())
}
