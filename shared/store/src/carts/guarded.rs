//! Changes said as one guarded expression.
//!
//! A guard is sufficient for the rules of [`cart`] to accept the change and for the expression to have their result.
//! It is not necessary: where it fails, the rules decide. So the guards may be coarse, never lax.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::slice;

use aws_sdk_dynamodb::types::AttributeValue;
use cart::{
    Addition, AdjustableQuantity, Attributes, Bounds, Cart, Change, Currency, Details, Lifetime, Line, LineId,
    LineUpdate, Metadata, Offers, Price, Quantity, Setting, Timestamp,
};

use super::row::{
    self, ADJUSTABLE, ATTRIBUTES, COMPLETED, CURRENCY, EXPIRES, FORMAT, FORMER, LATEST_FORMAT, MAXIMUM, METADATA,
    MINIMUM, NUMERIC_BOUNDS, OWN_CURRENCY, OWN_CURRENCY_VERSION, PLAIN_FORMAT, POSITIONS, QUANTITIES, RECURRENCE,
    RECURRING, TEXT_BYTES, TEXTS, UPDATED, VERSION,
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

/// The most lines of one change whose own bounds are compared: what more would take leaves room for the lines.
const MAX_COMPARED: usize = 8;
/// How many units a line may hold for several more to be compared with its own maximum. The last is for lines without one.
const STEPS: [u32; 7] = [1, 2, 4, 8, 16, 32, 500_000];

/// Units that a change puts into a line.
struct Units<'a> {
    line: Cow<'a, LineId>,
    price: &'a Price,
    quantity: Quantity,
    details: &'a Details,
    /// What makes a new line another one than others of the price. An update brings none.
    attributes: Option<&'a Attributes>,
}

impl<'a> Units<'a> {
    /// `None` where the price is not for sale.
    fn added(item: &'a Addition, offers: &'a Offers) -> Option<Self> {
        Some(Self {
            line: Cow::Owned(item.line()),
            price: &offers.for_sale(&item.price)?.price,
            quantity: item.quantity,
            details: &item.details,
            attributes: Some(&item.attributes).filter(|attributes| !attributes.is_empty()),
        })
    }

    /// `None` where the price is not for sale.
    fn set(setting: &'a Setting, offers: &'a Offers) -> Option<Self> {
        Some(Self {
            price: &offers.for_sale(&setting.line.price()?)?.price,
            line: Cow::Borrowed(&setting.line),
            quantity: setting.quantity,
            details: &setting.details,
            attributes: None,
        })
    }
}

impl Units<'_> {
    /// The merchant's bounds, and those that the line is given with the change.
    fn bounds(&self) -> Bounds {
        Bounds::new(self.details.adjustable_quantity.as_ref(), Some(self.price))
    }
}

/// The change as an expression; `None` where it cannot be said as one.
pub(super) fn expression(change: &Change, offers: &Offers, now: Timestamp, lifetime: Lifetime) -> Option<Update> {
    // Where not all of an addition fits, the rules decide on the rest.
    let change = &*change.whole().ok()?;
    let mut update = Update::default();
    open_cart(&mut update, now, lifetime);
    match change {
        Change::Add { items, currency, metadata, .. } => {
            let items: Vec<_> = items.iter().map(|item| Units::added(item, offers)).collect::<Option<_>>()?;
            add(&mut update, &items, *currency, now)?;
            attach(&mut update, metadata.as_ref());
        }
        Change::Update { lines, currency, metadata } => {
            set(&mut update, lines, offers, *currency, metadata.is_some(), now)?;
            attach(&mut update, metadata.as_ref());
        }
        Change::Line(line) => {
            let there = exists(&mut update, line.line());
            update.guard(there);
            set(&mut update, slice::from_ref(line), offers, None, false, now)?;
        }
        Change::Clear => clear(&mut update),
    }
    lengthen_texts(&mut update, change.most_text())?;
    update.lengths().iter().all(|length| *length <= MAX_EXPRESSION).then_some(update)
}

/// What every change does: guards that the cart is open, counts up the version, renews the life.
fn open_cart(update: &mut Update, now: Timestamp, lifetime: Lifetime) {
    let [one, time, expiry] = [number(1), seconds(now), seconds(lifetime.after(now))].map(|value| update.value(value));
    // Where there is no cart, this does not hold either.
    update.guard(format_args!("{EXPIRES} > {time}"));
    update.guard(format_args!("attribute_not_exists({COMPLETED})"));
    let latest = update.value(number(LATEST_FORMAT));
    update.guard(format_args!("{FORMAT} <= {latest}"));
    update.set(format_args!("{VERSION} = {VERSION} + {one}"));
    update.set(format_args!("{UPDATED} = {time}"));
    update.set(format_args!("{EXPIRES} = {expiry}"));
}

fn add(update: &mut Update, items: &[Units<'_>], preferred: Option<Currency>, now: Timestamp) -> Option<()> {
    if items.len() > MAX_LINES {
        return None;
    }
    share_currency(update, items, preferred)?;
    share_recurrence(update, items)?;
    guard_room(update, items);
    let zero = update.value(number(0));
    for (index, units) in items.iter().enumerate() {
        let line = update.name(units.line.as_str());
        let quantity = update.value(number(units.quantity));
        let held = format!("{QUANTITIES}.{line}");
        guard_sum(update, units, &held, items.len())?;
        update.set(format_args!("{held} = if_not_exists({held}, {zero}) + {quantity}"));
        place(update, units, now, index);
    }
    if items.iter().any(|units| units.attributes.is_some()) {
        // Rows of version 0.1.0 have no map to put them into.
        update.guard(format_args!("attribute_exists({ATTRIBUTES})"));
        let latest = update.value(number(LATEST_FORMAT));
        update.set(format_args!("{FORMAT} = {latest}"));
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
    let set = lines.iter().filter_map(LineUpdate::setting);
    let items: Vec<_> = set.map(|setting| Units::set(setting, offers)).collect::<Option<_>>()?;
    let removed: Vec<&LineId> = lines.iter().filter_map(LineUpdate::removed).collect();

    if !removed.is_empty() && items.iter().any(|units| units.price.recurring.is_some()) {
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
    let mut settings = items.iter();
    for (index, line) in lines.iter().enumerate() {
        match line {
            LineUpdate::Set(_) => set_line(update, settings.next()?, now, index)?,
            LineUpdate::Describe { line, details } => {
                // The line of an archived price may go on at another.
                line.price().and_then(|price| offers.for_sale(&price))?;
                let there = exists(update, line);
                update.guard(there);
                describe(update, line, details, index);
            }
            LineUpdate::Remove(line) => remove(update, line),
        }
    }
    if !removed.is_empty() {
        let prices: BTreeSet<_> = removed.iter().filter_map(|line| line.price()).map(String::from).collect();
        let prices = update.value(AttributeValue::Ss(prices.into_iter().collect()));
        update.delete(format_args!("{RECURRING} {prices}"));
    }
    Some(())
}

/// Guards that removing lines changes something, and that a line is left to hold the cart's currency.
fn guard_removal(update: &mut Update, items: &[Units<'_>], removed: &[&LineId], attaches: bool) {
    if removed.is_empty() {
        return;
    }
    // Another line may have been called so, and what one was called before goes with it.
    update.guard(format_args!("attribute_not_exists({FORMER})"));
    if !items.is_empty() {
        // Removing all lines would free the currency for the new ones. One line that stays says it does not.
        let stays = any(items.iter().map(|units| exists(update, &units.line)));
        update.guard(stays);
    } else if !attaches {
        // Removing what is not there changes nothing.
        let there = any(removed.iter().map(|line| exists(update, line)));
        update.guard(there);
    }
}

/// Guards that a line, where there is one already, has room for the units; `None` where there cannot be room.
fn guard_sum(update: &mut Update, units: &Units<'_>, held: &str, beside: usize) -> Option<()> {
    let bounds = units.bounds();
    let most = bounds.maximum.unwrap_or(Quantity::MAX).min(Quantity::MAX).checked_sub(units.quantity.get());
    let least = bounds.minimum.unwrap_or(0).saturating_sub(units.quantity.get());
    let mut fits = Vec::new();
    if bounds.admit(units.quantity) {
        fits.push(format!("attribute_not_exists({held})"));
    }
    // DynamoDB refuses a range that ends before it begins, as bounds do that leave no quantity.
    if let Some(most) = most.filter(|most| least <= *most) {
        let [least, most] = [least, most].map(|bound| update.value(number(bound)));
        fits.push(format!("{held} BETWEEN {least} AND {most}"));
    }
    if fits.is_empty() {
        return None;
    }
    update.guard(any(fits));
    guard_own_bounds(update, units, |update| room_within(update, units, held, beside));
    Some(())
}

/// Guards that a line keeps to its own bounds, unless it is given others now: it has none, or one of these conditions on their
/// numbers holds. The numbers count for the version that the row is at: [`share_currency`] sees to that.
fn guard_own_bounds(update: &mut Update, units: &Units<'_>, within: impl FnOnce(&mut Update) -> Vec<String>) {
    if units.details.adjustable_quantity.is_none() {
        let own = format!("{ADJUSTABLE}.{}", update.name(units.line.as_str()));
        let off = update.value(text(row::NOT_ADJUSTABLE));
        let none = [format!("attribute_not_exists({own})"), format!("begins_with({own}, {off})")];
        let within = within(update);
        update.guard(any(none.into_iter().chain(within)));
    }
}

/// Conditions, each of which says that a line has room for more units within its own bounds. None can add: one unit more fits where
/// there are less than the maximum, and several fit by steps.
fn room_within(update: &mut Update, units: &Units<'_>, held: &str, beside: usize) -> Vec<String> {
    let bounds = format!("{NUMERIC_BOUNDS}.{}", update.name(units.line.as_str()));
    let above = format!("{bounds}.{MINIMUM} <= {held}");
    match units.quantity {
        Quantity::ONE if beside <= MAX_COMPARED => vec![all([above, format!("{held} < {bounds}.{MAXIMUM}")])],
        several if beside == 1 => {
            let step = |step: u32| {
                let [step, sum] = [step, step + several.get()].map(|units| update.value(number(units)));
                all([above.clone(), format!("{held} <= {step}"), format!("{bounds}.{MAXIMUM} >= {sum}")])
            };
            STEPS.map(step).into()
        }
        _ => Vec::new(),
    }
}

/// Sets the line `index` of those that are updated together. One with attributes has to be there. `None` where the quantity is
/// out of bounds, which only a line that has it already may keep.
fn set_line(update: &mut Update, units: &Units<'_>, now: Timestamp, index: usize) -> Option<()> {
    if !units.bounds().admit(units.quantity) {
        return None;
    }
    let line = update.name(units.line.as_str());
    let quantity = update.value(number(units.quantity));
    guard_own_bounds(update, units, |_| {
        let [minimum, maximum] = [MINIMUM, MAXIMUM].map(|bound| format!("{NUMERIC_BOUNDS}.{line}.{bound}"));
        if index < MAX_COMPARED { vec![format!("{quantity} BETWEEN {minimum} AND {maximum}")] } else { Vec::new() }
    });
    let there = exists(update, &units.line);
    if units.line.has_attributes() {
        update.guard(there);
    } else {
        // A line that was once called so would be meant.
        update.guard(format_args!("{there} OR attribute_not_exists({FORMER}.{line})"));
    }
    update.set(format_args!("{QUANTITIES}.{line} = {quantity}"));
    place(update, units, now, index);
    Some(())
}

/// Removes a line. Its price no longer recurs in the cart: it must not stand on another line.
fn remove(update: &mut Update, line: &LineId) {
    guard_only_line(update, line);
    let name = update.name(line.as_str());
    for map in [QUANTITIES, POSITIONS, ADJUSTABLE, TEXTS] {
        update.remove(format_args!("{map}.{name}"));
    }
    if line.has_attributes() {
        update.guard(format_args!("attribute_exists({ATTRIBUTES})"));
        update.remove(format_args!("{ATTRIBUTES}.{name}"));
    }
}

/// Guards that a price which recurs in the cart does so on this line.
fn guard_only_line(update: &mut Update, line: &LineId) {
    let there = exists(update, line);
    let price = line.price().map(|price| update.value(text(price)));
    let elsewhere = price.map(|price| format!("NOT contains({RECURRING}, {price})"));
    update.guard(any([there].into_iter().chain(elsewhere)));
}

fn clear(update: &mut Update) {
    let empty = update.value(AttributeValue::M(HashMap::new()));
    for map in [QUANTITIES, POSITIONS, ADJUSTABLE, NUMERIC_BOUNDS, TEXTS, ATTRIBUTES, METADATA] {
        update.set(format_args!("{map} = {empty}"));
    }
    let plain = update.value(number(PLAIN_FORMAT));
    update.set(format_args!("{FORMAT} = {plain}"));
    for stale in [FORMER, RECURRING, RECURRENCE, CURRENCY, OWN_CURRENCY] {
        update.remove(stale);
    }
    let [zero, one] = [0, 1].map(|digit| update.value(number(digit)));
    update.set(format_args!("{TEXT_BYTES} = {zero}"));
    update.set(format_args!("{OWN_CURRENCY_VERSION} = {VERSION} + {one}"));
}

/// Guards that there is room for `more` bytes of text, and counts them; `None` where no cart has that much. What they replace is
/// not known: once the count is too high, the rules count again.
fn lengthen_texts(update: &mut Update, more: usize) -> Option<()> {
    if more > 0 {
        let rest = Cart::MAX_TEXT.checked_sub(more)?;
        let [more, rest] = [more, rest].map(|bytes| update.value(number(bytes)));
        update.guard(format_args!("{TEXT_BYTES} <= {rest}"));
        update.guard(format_args!("{OWN_CURRENCY_VERSION} = {VERSION}"));
        update.set(format_args!("{TEXT_BYTES} = {TEXT_BYTES} + {more}"));
    }
    Some(())
}

/// What the row knows of its lines' own currency still holds after a change that adds no line.
fn keep_own_currency(update: &mut Update) {
    let [zero, one] = [0, 1].map(|digit| update.value(number(digit)));
    // In a row that has none, this stays behind the version, so that it never counts.
    update.set(format_args!("{OWN_CURRENCY_VERSION} = if_not_exists({OWN_CURRENCY_VERSION}, {zero}) + {one}"));
}

/// Guards that the items agree with the cart on the currency and on the own currency of prices, and sets both; `None` where
/// the items do not agree with each other, or have an amount that the shopper chooses: what is beside them matters then.
fn share_currency(update: &mut Update, items: &[Units<'_>], preferred: Option<Currency>) -> Option<()> {
    let fits = |currency: Currency| items.iter().all(|units| units.price.sells_in(currency));
    let price = items.first()?.price;
    let first = preferred.unwrap_or(price.currency);
    let own = price.currency;
    if !fits(first) || items.iter().any(|units| units.price.currency != own || units.price.is_custom()) {
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
        format!("size({QUANTITIES}) > {zero}"),
    ]);
    // What an earlier release wrote may have texts and bounds that the numbers do not count yet.
    update.guard(format_args!("{OWN_CURRENCY_VERSION} = {VERSION}"));
    update.guard(format_args!("attribute_not_exists({CURRENCY}) OR {agrees}"));
    update.set(format_args!("{CURRENCY} = if_not_exists({CURRENCY}, {first})"));
    update.set(format_args!("{OWN_CURRENCY} = {own}"));
    update.set(format_args!("{OWN_CURRENCY_VERSION} = {VERSION} + {one}"));
    Some(())
}

/// Guards that the recurring items agree with the cart on how often they recur, and that each is the only line of its price, and
/// sets it; `None` where they do not agree with each other.
fn share_recurrence(update: &mut Update, items: &[Units<'_>]) -> Option<()> {
    let mut recurrences = items.iter().filter_map(|units| units.price.recurrence());
    if let Some(recurrence) = recurrences.next() {
        if recurrences.any(|other| other != recurrence) {
            return None;
        }
        let value = update.value(text(recurrence));
        update.guard(format_args!("attribute_not_exists({RECURRENCE}) OR {RECURRENCE} = {value}"));
        update.set(format_args!("{RECURRENCE} = {value}"));
        let recurring: Vec<_> = items.iter().filter(|units| units.price.recurring.is_some()).collect();
        let prices: BTreeSet<_> = recurring.iter().map(|units| units.price.id.to_string()).collect();
        if prices.len() < recurring.len() {
            return None;
        }
        for units in recurring {
            guard_only_line(update, &units.line);
        }
        let prices = update.value(AttributeValue::Ss(prices.into_iter().collect()));
        update.add(format_args!("{RECURRING} {prices}"));
    }
    Some(())
}

/// Guards that the items fit: they do if there is room for all of them as new lines, or if none is new.
fn guard_room(update: &mut Update, items: &[Units<'_>]) {
    // This few lines fit, whether they recur or not.
    let few = at_most(update, Cart::MAX_LINES_PER_KIND, items.len());
    let known = all(items.iter().map(|units| exists(update, &units.line)));
    let mut alternatives = vec![few, known];
    if items.iter().all(|units| units.price.recurring.is_none()) {
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
fn place(update: &mut Update, units: &Units<'_>, now: Timestamp, index: usize) {
    let line = update.name(units.line.as_str());
    let position = update.value(number(Line::position_at(now, index)));
    update.set(format_args!("{POSITIONS}.{line} = if_not_exists({POSITIONS}.{line}, {position})"));
    if let Some(attributes) = units.attributes {
        let value = update.value(row::attributes(attributes));
        update.set(format_args!("{ATTRIBUTES}.{line} = {value}"));
    }
    describe(update, &units.line, units.details, index);
}

fn describe(update: &mut Update, id: &LineId, details: &Details, index: usize) {
    let line = update.name(id.as_str());
    if let Some(adjustable_quantity) = &details.adjustable_quantity {
        let value = update.value(row::adjustable(adjustable_quantity));
        update.set(format_args!("{ADJUSTABLE}.{line} = {value}"));
        if adjustable_quantity.enabled() {
            compare(update, id, adjustable_quantity, index);
        }
    }
    if let Some(description) = &details.description {
        if description.is_blank() {
            update.remove(format_args!("{TEXTS}.{line}"));
        } else {
            let value = update.value(text(description.as_str()));
            update.set(format_args!("{TEXTS}.{line} = {value}"));
        }
    }
}

/// Puts the bounds that a line is given into the row in numbers, too, where there is room; else the rules decide on its next
/// change.
fn compare(update: &mut Update, id: &LineId, adjustable: &AdjustableQuantity, index: usize) {
    let numbers = format!("{NUMERIC_BOUNDS}.{}", update.name(id.as_str()));
    let Some(bounds) = row::numeric_bounds(id, adjustable).filter(|_| index < MAX_COMPARED) else {
        update.guard(format_args!("attribute_exists({NUMERIC_BOUNDS})"));
        update.remove(numbers);
        return;
    };
    let [bounds, room] = [bounds, number(row::MAX_NUMERIC_BOUNDS - index)].map(|value| update.value(value));
    // Rows of version 0.1.0 have no map to put them into.
    update.guard(format_args!("size({NUMERIC_BOUNDS}) < {room} OR attribute_exists({numbers})"));
    update.set(format_args!("{numbers} = {bounds}"));
}

fn attach(update: &mut Update, metadata: Option<&Metadata>) {
    if let Some(metadata) = metadata {
        let value = update.value(row::metadata(metadata));
        update.set(format_args!("{METADATA} = {value}"));
    }
}

fn exists(update: &mut Update, line: &LineId) -> String {
    format!("attribute_exists({QUANTITIES}.{})", update.name(line.as_str()))
}
