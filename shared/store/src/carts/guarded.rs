//! Changes said as one guarded expression.
//!
//! A guard is sufficient for the rules of [`cart`] to accept the change and for the expression to have their result.
//! It is not necessary: where it fails, the rules decide. So the guards may be coarse, never lax.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use cart::{
    Addition, AdjustableQuantity, Cart, Change, Currency, Description, Lifetime, Line, LineUpdate, Metadata, Offers,
    Price, PriceId, Quantity, Timestamp,
};

use super::row::{
    self, ADJUSTABLE, COMPLETED, CURRENCY, EXPIRES, METADATA, OWN_CURRENCY, OWN_CURRENCY_VERSION, POSITIONS,
    QUANTITIES, RECURRENCE, RECURRING, TEXTS, UPDATED, VERSION,
};
use crate::expression::{Update, all, any};
use crate::item::{number, seconds, text};

/// DynamoDB's limit for the text of one expression.
///
/// Source: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>
const MAX_EXPRESSION: usize = 4096;
/// More lines than this do not fit one expression, so it is not worth putting one together.
const MAX_LINES: usize = 40;
/// The most currencies that one guard names.
const MAX_CURRENCIES: usize = 20;

/// An addition, and the price that it is of.
#[derive(Clone, Copy)]
struct Priced<'a> {
    item: &'a Addition,
    price: &'a Price,
}

impl<'a> Priced<'a> {
    /// `None` where the price is not for sale.
    fn new(item: &'a Addition, offers: &'a Offers) -> Option<Self> {
        Some(Self { item, price: &offers.for_sale(&item.price)?.price })
    }
}

/// The change as an expression; `None` where it cannot be said as one.
pub(super) fn expression(change: &Change, offers: &Offers, now: Timestamp, lifetime: Lifetime) -> Option<Update> {
    let mut update = Update::default();
    open_cart(&mut update, now, lifetime);
    match change {
        Change::Add { items, currency, metadata } => {
            let items: Vec<_> = items.iter().map(|item| Priced::new(item, offers)).collect::<Option<_>>()?;
            add(&mut update, &items, *currency, now)?;
            attach(&mut update, metadata.as_ref());
        }
        Change::Update { lines, currency, metadata } => {
            set(&mut update, lines, offers, *currency, metadata.is_some(), now)?;
            attach(&mut update, metadata.as_ref());
        }
        Change::Clear => clear(&mut update),
    }
    update.lengths().iter().all(|length| *length <= MAX_EXPRESSION).then_some(update)
}

/// What every change does: guards that the cart is open, counts up the version, renews the life.
fn open_cart(update: &mut Update, now: Timestamp, lifetime: Lifetime) {
    let [one, time, expiry] = [number(1), seconds(now), seconds(lifetime.after(now))].map(|value| update.value(value));
    // Where there is no cart, this does not hold either.
    update.guard(format!("{EXPIRES} > {time}"));
    update.guard(format!("attribute_not_exists({COMPLETED})"));
    update.set(format!("{VERSION} = {VERSION} + {one}"));
    update.set(format!("{UPDATED} = {time}"));
    update.set(format!("{EXPIRES} = {expiry}"));
}

fn add(update: &mut Update, items: &[Priced<'_>], preferred: Option<Currency>, now: Timestamp) -> Option<()> {
    if items.len() > MAX_LINES {
        return None;
    }
    share_currency(update, items, preferred)?;
    share_recurrence(update, items)?;
    guard_room(update, items);
    let zero = update.value(number(0));
    for (index, Priced { item, .. }) in items.iter().enumerate() {
        let price = update.name(item.price.as_str());
        let units = update.value(number(item.quantity));
        let most = update.value(number(Quantity::MAX - item.quantity.get()));
        let held = format!("{QUANTITIES}.{price}");
        update.guard(format!("attribute_not_exists({held}) OR {held} <= {most}"));
        update.set(format!("{held} = if_not_exists({held}, {zero}) + {units}"));
        place(update, item, now, index);
    }
    Some(())
}

fn set(
    update: &mut Update,
    lines: &[LineUpdate],
    offers: &Offers,
    preferred: Option<Currency>,
    attaches: bool,
    now: Timestamp,
) -> Option<()> {
    if lines.len() > MAX_LINES || (lines.is_empty() && !attaches) {
        return None;
    }
    let set = lines.iter().filter_map(LineUpdate::addition);
    let items: Vec<_> = set.map(|item| Priced::new(item, offers)).collect::<Option<_>>()?;
    let removed: Vec<&PriceId> = lines.iter().filter_map(LineUpdate::removed).collect();

    if !removed.is_empty() && items.iter().any(|priced| priced.price.recurring.is_some()) {
        // One expression cannot add to and delete from the set of recurring prices.
        return None;
    }
    if items.is_empty() {
        keep_own_currency(update);
    } else {
        share_currency(update, &items, preferred)?;
        share_recurrence(update, &items)?;
        guard_room(update, &items);
    }
    guard_removal(update, &items, &removed, attaches);
    for (index, line) in lines.iter().enumerate() {
        set_line(update, line, now, index);
    }
    if !removed.is_empty() {
        let prices = removed.iter().map(ToString::to_string).collect();
        let prices = update.value(AttributeValue::Ss(prices));
        update.delete(format!("{RECURRING} {prices}"));
    }
    Some(())
}

/// Guards that removing lines changes something, and that a line is left to hold the cart's currency.
fn guard_removal(update: &mut Update, items: &[Priced<'_>], removed: &[&PriceId], attaches: bool) {
    if removed.is_empty() {
        return;
    }
    if !items.is_empty() {
        // Removing all lines would free the currency for the new ones. One line that stays says it does not.
        let stays = any(items.iter().map(|priced| exists(update, &priced.item.price)));
        update.guard(stays);
    } else if !attaches {
        // Removing what is not there changes nothing.
        let there = any(removed.iter().map(|price| exists(update, price)));
        update.guard(there);
    }
}

/// Updates the line `index` of those that are updated together.
fn set_line(update: &mut Update, line: &LineUpdate, now: Timestamp, index: usize) {
    match line {
        LineUpdate::Set(item) => {
            let price = update.name(item.price.as_str());
            let units = update.value(number(item.quantity));
            update.set(format!("{QUANTITIES}.{price} = {units}"));
            place(update, item, now, index);
        }
        LineUpdate::Describe { price, adjustable_quantity, description } => {
            let there = exists(update, price);
            update.guard(there);
            describe(update, price, adjustable_quantity.as_ref(), description.as_ref());
        }
        LineUpdate::Remove(price) => {
            let price = update.name(price.as_str());
            for map in [QUANTITIES, POSITIONS, ADJUSTABLE, TEXTS] {
                update.remove(format!("{map}.{price}"));
            }
        }
    }
}

fn clear(update: &mut Update) {
    let empty = update.value(AttributeValue::M(HashMap::new()));
    for map in [QUANTITIES, POSITIONS, ADJUSTABLE, TEXTS, METADATA] {
        update.set(format!("{map} = {empty}"));
    }
    for stale in [RECURRING, RECURRENCE, CURRENCY, OWN_CURRENCY, OWN_CURRENCY_VERSION] {
        update.remove(stale);
    }
}

/// What the row knows of its lines' own currency still holds after a change that adds no line.
fn keep_own_currency(update: &mut Update) {
    let [zero, one] = [0, 1].map(|digit| update.value(number(digit)));
    // In a row that has none, this stays behind the version, so that it never counts.
    update.set(format!("{OWN_CURRENCY_VERSION} = if_not_exists({OWN_CURRENCY_VERSION}, {zero}) + {one}"));
}

/// Guards that the items agree with the cart on the currency and on the own currency of prices, and sets both; `None` where
/// the items do not agree with each other, or have an amount that the shopper chooses: what is beside them matters then.
fn share_currency(update: &mut Update, items: &[Priced<'_>], preferred: Option<Currency>) -> Option<()> {
    let fits = |currency: Currency| items.iter().all(|priced| priced.price.sells_in(currency));
    let price = items.first()?.price;
    let first = preferred.unwrap_or(price.currency);
    let own = price.currency;
    if !fits(first) || items.iter().any(|priced| priced.price.currency != own || priced.price.is_custom()) {
        return None;
    }
    let [zero, one] = [0, 1].map(|digit| update.value(number(digit)));
    let shared = price.currencies().filter(|currency| fits(*currency)).take(MAX_CURRENCIES);
    let offered: Vec<_> = shared.map(|currency| update.value(text(currency))).collect();
    let [first, own] = [first, own].map(|currency| update.value(text(currency)));
    // A cart without lines may still have the currency of its last ones.
    let agrees = all([
        format!("{CURRENCY} IN ({})", offered.join(", ")),
        format!("{OWN_CURRENCY} = {own}"),
        format!("{OWN_CURRENCY_VERSION} = {VERSION}"),
        format!("size({QUANTITIES}) > {zero}"),
    ]);
    update.guard(format!("attribute_not_exists({CURRENCY}) OR ({agrees})"));
    update.set(format!("{CURRENCY} = if_not_exists({CURRENCY}, {first})"));
    update.set(format!("{OWN_CURRENCY} = {own}"));
    update.set(format!("{OWN_CURRENCY_VERSION} = {VERSION} + {one}"));
    Some(())
}

/// Guards that the recurring items agree with the cart on how often they recur, and sets it; `None` where they do not agree
/// with each other.
fn share_recurrence(update: &mut Update, items: &[Priced<'_>]) -> Option<()> {
    let mut recurrences = items.iter().filter_map(|priced| priced.price.recurrence());
    if let Some(recurrence) = recurrences.next() {
        if recurrences.any(|other| other != recurrence) {
            return None;
        }
        let value = update.value(text(recurrence));
        update.guard(format!("attribute_not_exists({RECURRENCE}) OR {RECURRENCE} = {value}"));
        update.set(format!("{RECURRENCE} = {value}"));
        let recurring = items.iter().filter(|priced| priced.price.recurring.is_some());
        let prices = recurring.map(|priced| priced.item.price.to_string());
        let prices = update.value(AttributeValue::Ss(prices.collect()));
        update.add(format!("{RECURRING} {prices}"));
    }
    Some(())
}

/// Guards that the items fit: they do if there is room for all of them as new lines, or if none is new.
fn guard_room(update: &mut Update, items: &[Priced<'_>]) {
    // This few lines fit, whether they recur or not.
    let few = at_most(update, Cart::MAX_LINES_PER_KIND, items.len());
    let known = all(items.iter().map(|priced| exists(update, &priced.item.price)));
    let mut alternatives = vec![few, known];
    if items.iter().all(|priced| priced.price.recurring.is_none()) {
        let many = at_most(update, Cart::MAX_LINES, items.len());
        alternatives.push(all([format!("attribute_not_exists({RECURRENCE})"), many]));
    }
    update.guard(any(alternatives));
}

/// The condition that the cart's lines and `more` of them stay within `limit`.
fn at_most(update: &mut Update, limit: usize, more: usize) -> String {
    match limit.checked_sub(more) {
        Some(rest) => format!("size({QUANTITIES}) <= {}", update.value(number(rest))),
        None => format!("attribute_not_exists({QUANTITIES})"),
    }
}

/// Sets what a line has beside its quantity.
fn place(update: &mut Update, item: &Addition, now: Timestamp, index: usize) {
    let price = update.name(item.price.as_str());
    let position = update.value(number(Line::position_at(now, index)));
    update.set(format!("{POSITIONS}.{price} = if_not_exists({POSITIONS}.{price}, {position})"));
    describe(update, &item.price, item.adjustable_quantity.as_ref(), item.description.as_ref());
}

fn describe(
    update: &mut Update,
    price: &PriceId,
    adjustable_quantity: Option<&AdjustableQuantity>,
    description: Option<&Description>,
) {
    let price = update.name(price.as_str());
    if let Some(adjustable_quantity) = adjustable_quantity {
        let value = update.value(row::adjustable(adjustable_quantity));
        update.set(format!("{ADJUSTABLE}.{price} = {value}"));
    }
    if let Some(description) = description {
        if description.is_blank() {
            update.remove(format!("{TEXTS}.{price}"));
        } else {
            let value = update.value(text(description.as_str()));
            update.set(format!("{TEXTS}.{price} = {value}"));
        }
    }
}

fn attach(update: &mut Update, metadata: Option<&Metadata>) {
    if let Some(metadata) = metadata {
        let value = update.value(row::metadata(metadata));
        update.set(format!("{METADATA} = {value}"));
    }
}

fn exists(update: &mut Update, price: &PriceId) -> String {
    format!("attribute_exists({QUANTITIES}.{})", update.name(price.as_str()))
}
