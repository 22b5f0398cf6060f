//! Random changes that often come near the limits of lines and quantities.

use cart::{
    Addition, AdjustableQuantity, Attributes, CartNumber, Change, Currency, Description, Details, Lifetime, LineId,
    LineUpdate, Metadata, Offer, Offers, Price, PriceId, Product, Quantity, Setting, Timestamp, Token,
};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng as _, RngExt as _};
use serde_json::json;

/// A source of random numbers, always made from a fixed seed, so that a failure can be repeated.
pub(crate) type Numbers = Xoshiro256PlusPlus;

/// How many prices the shop has: all those that a change of these histories names.
const PRICES: u64 = 480;

/// The price whose amount the shopper chooses.
pub(crate) const GIFT: u64 = 9;

pub(crate) fn lifetime() -> Lifetime {
    Lifetime::days(7).unwrap()
}

pub(crate) fn start() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

/// Draws the time of the next change: mostly some seconds later, sometimes the same, rarely after the cart has expired.
pub(crate) fn moment_after(now: Timestamp, numbers: &mut Numbers) -> Timestamp {
    let milliseconds = match numbers.random_range(0..40) {
        0 => 7 * 24 * 60 * 60 * 1000 + numbers.random_range(0..3) * 500 - 500,
        1..10 => 0,
        _ => numbers.random_range(0..5000),
    };
    now + std::time::Duration::from_millis(milliseconds)
}

/// The number of a cart, another one for each seed and generation.
pub(crate) fn number(seed: u64, generation: u64) -> CartNumber {
    Token::from_bytes((u128::from(seed) << 64 | u128::from(generation)).to_le_bytes()).number()
}

/// As many prices as the changes name, in eight kinds that differ in currencies and interval; the shopper chooses the amount
/// of one.
pub(crate) fn shop() -> Offers {
    let product: Product = serde_json::from_value(json!({ "id": "prod_a" })).unwrap();
    (0..PRICES).map(|index| Offer { price: price(index), product: product.clone() }).collect()
}

fn price(index: u64) -> Price {
    let (own, other, interval) = match index % 8 {
        0..3 => ("usd", None, None),
        3 => ("usd", Some("eur"), None),
        4 => ("eur", None, None),
        5 => ("eur", Some("usd"), Some("month")),
        6 => ("usd", None, Some("month")),
        _ => ("usd", None, Some("year")),
    };
    let mut price = json!({ "id": price_id(index), "product": "prod_a", "currency": own, "unit_amount": 100 });
    if index == GIFT {
        price["unit_amount"] = json!(null);
        price["custom_unit_amount"] = json!({ "minimum": 100 });
    }
    if let Some(other) = other {
        price["currency_options"] = json!({ other: { "unit_amount": 90 } });
    }
    if let Some(interval) = interval {
        price["recurring"] = json!({ "interval": interval });
    }
    serde_json::from_value(price).unwrap()
}

pub(crate) fn item(price: u64, quantity: u64) -> Addition {
    Addition::new(price_id(price), Quantity::new(quantity).unwrap())
}

fn price_id(price: u64) -> PriceId {
    // As long as Stripe's own.
    format!("price_1OaBcDEfGhIjKlMnOpQr{price:04}").parse().unwrap()
}

/// Draws an item of one of `prices` prices. Few prices make lines merge, many fill the cart up.
fn some_item(numbers: &mut Numbers, prices: u64) -> Addition {
    let quantity = match numbers.random_range(0..20) {
        0 => 999_999,
        1 => numbers.random_range(999_990..1_000_000),
        _ => numbers.random_range(1..=5),
    };
    let item = item(numbers.random_range(0..prices), quantity).with_attributes(attributes(numbers));
    Addition { details: details(numbers), ..item }
}

fn some_setting(numbers: &mut Numbers, prices: u64) -> Setting {
    let item = some_item(numbers, prices);
    Setting { details: item.details.clone(), ..Setting::new(item.line(), item.quantity) }
}

fn details(numbers: &mut Numbers) -> Details {
    Details { adjustable_quantity: adjustable(numbers), description: description(numbers) }
}

/// Draws mostly none, so that most lines are plain.
fn attributes(numbers: &mut Numbers) -> Attributes {
    let text = match numbers.random_range(0..12) {
        0 => "Ann",
        1 => "Bob ☂",
        _ => return Attributes::default(),
    };
    Attributes::new([("engraving".to_owned(), text.to_owned())]).unwrap()
}

fn adjustable(numbers: &mut Numbers) -> Option<AdjustableQuantity> {
    let enabled = numbers.random_ratio(1, 2);
    let (minimum, maximum) = match numbers.random_range(0..12) {
        0 => (None, None),
        1 => (Some(1), Some(10)),
        2 => (None, Some(999_999)),
        3 => (Some(2), Some(6)),
        4 => (Some(3), None),
        5 => (None, Some(20)),
        _ => return None,
    };
    Some(AdjustableQuantity::new(enabled, minimum, maximum).unwrap())
}

fn description(numbers: &mut Numbers) -> Option<Description> {
    let text = match numbers.random_range(0..8) {
        0 => "blue ☂".to_owned(),
        1 => " ".to_owned(),
        2 => "x".repeat(500),
        _ => return None,
    };
    Some(Description::new(text).unwrap())
}

fn metadata(numbers: &mut Numbers) -> Option<Metadata> {
    match numbers.random_range(0..6) {
        0 => Some(Metadata::default()),
        1 => Some(Metadata::new([("note".to_owned(), numbers.next_u64().to_string())]).unwrap()),
        2 => {
            // Near the limit of a cart's texts, and beyond it beside others.
            let entry = |index| (format!("note {index}"), "x".repeat(490));
            Some(Metadata::new((0..numbers.random_range(1..36)).map(entry)).unwrap())
        }
        _ => None,
    }
}

fn currency(numbers: &mut Numbers) -> Option<Currency> {
    match numbers.random_range(0..8) {
        0 => Some("eur".parse().unwrap()),
        1 => Some("usd".parse().unwrap()),
        2 => Some("jpy".parse().unwrap()),
        _ => None,
    }
}

/// Keeps the first of each line.
fn distinct<T>(lines: Vec<T>, id: impl Fn(&T) -> LineId) -> Vec<T> {
    let mut seen = std::collections::BTreeSet::new();
    lines.into_iter().filter(|line| seen.insert(id(line))).collect()
}

/// Draws a change, of all kinds that a request can ask for.
pub(crate) fn change(numbers: &mut Numbers) -> Change {
    let many = numbers.random_ratio(1, 8);
    let prices = if many { 160 } else { 10 };
    let count = if many { numbers.random_range(15..75) } else { numbers.random_range(1..=3) };
    match numbers.random_range(0..20) {
        0..10 => {
            let items = (0..count).map(|_| some_item(numbers, prices)).collect();
            let change = if numbers.random_ratio(1, 3) {
                Change::add_what_fits(items)
            } else {
                Change::add(distinct(items, Addition::line)).unwrap()
            };
            change.in_currency(currency(numbers)).with_metadata(metadata(numbers))
        }
        10 => Change::Line(line_update(numbers, prices)),
        11..19 => {
            let count = if numbers.random_ratio(1, 12) { 0 } else { count };
            let lines = (0..count).map(|_| line_update(numbers, prices)).collect();
            let lines = distinct(lines, |line: &LineUpdate| line.line().clone());
            Change::update(lines).in_currency(currency(numbers)).with_metadata(metadata(numbers))
        }
        _ => Change::Clear,
    }
}

fn line_update(numbers: &mut Numbers, prices: u64) -> LineUpdate {
    match numbers.random_range(0..6) {
        0..3 => LineUpdate::Set(some_setting(numbers, prices)),
        3 => LineUpdate::Describe { line: some_item(numbers, prices).line(), details: details(numbers) },
        _ => LineUpdate::Remove(some_item(numbers, prices).line()),
    }
}
