//! The rules of a cart, one statement each.
#![expect(clippy::unwrap_used, reason = "a test that panics fails, as it should")]

use std::collections::BTreeMap;

use cart::{
    Addition, AdjustableQuantity, Cart, Change, Currency, Description, Lifetime, LineId, LineUpdate, Metadata, Offer,
    Offers, OrderNumber, Price, Quantity, Rejection, Status, Timestamp, Token,
};
use serde_json::json;

fn now() -> Timestamp {
    "2026-01-01T12:00:00Z".parse().unwrap()
}

fn later(days: i64) -> Timestamp {
    Timestamp::from_second(now().as_second() + days * 86_400).unwrap()
}

fn cart() -> Cart {
    Cart::new(Token::from_bytes([1; 16]).number(), now(), Lifetime::default())
}

fn price(id: &str) -> Price {
    priced(id, json!({}))
}

fn monthly(id: &str) -> Price {
    priced(id, json!({ "type": "recurring", "recurring": { "interval": "month" } }))
}

#[expect(clippy::needless_pass_by_value, reason = "callers pass literals")]
fn priced(id: &str, more: serde_json::Value) -> Price {
    let mut price = json!({ "id": id, "currency": "usd", "product": "prod_a", "unit_amount": 100 });
    price.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(price).unwrap()
}

fn item(price: &Price, quantity: u64) -> Addition {
    Addition::new(price.id.clone(), Quantity::new(quantity).unwrap())
}

/// A change, with what is for sale.
#[derive(Clone)]
struct Asked {
    change: Change,
    offers: Offers,
}

fn ask<'a>(change: Change, prices: impl IntoIterator<Item = &'a Price>) -> Asked {
    let product = serde_json::from_value(json!({ "id": "prod_a" })).unwrap();
    let offer = |price: &Price| Offer { price: price.clone(), product: cart::Product::clone(&product) };
    Asked { change, offers: prices.into_iter().map(offer).collect() }
}

impl Asked {
    fn in_currency(self, code: &str) -> Self {
        Self { change: self.change.in_currency(Some(code.parse().unwrap())), ..self }
    }

    fn with_metadata(self, metadata: Metadata) -> Self {
        Self { change: self.change.with_metadata(Some(metadata)), ..self }
    }

    fn of(&self, cart: &mut Cart, now: Timestamp) -> Result<(), Rejection> {
        cart.apply(&self.change, &self.offers, now)
    }
}

fn add(price: &Price, quantity: u64) -> Asked {
    ask(Change::add(vec![item(price, quantity)]).unwrap(), [price])
}

fn add_one_of_each(prices: &[Price]) -> Asked {
    ask(Change::add(prices.iter().map(|price| item(price, 1)).collect()).unwrap(), prices)
}

fn set(price: &Price, quantity: u64) -> Asked {
    ask(Change::update(vec![LineUpdate::Set(item(price, quantity))]), [price])
}

fn clear() -> Asked {
    ask(Change::Clear, [])
}

fn shown(cart: &Cart) -> Vec<(&str, u32)> {
    cart.lines().iter().map(|line| (line.price.as_str(), line.quantity.get())).collect()
}

fn holding(changes: &[Asked]) -> Cart {
    let mut cart = cart();
    for change in changes {
        change.of(&mut cart, now()).unwrap();
    }
    cart
}

#[track_caller]
fn assert_refused(cart: &Cart, change: &Asked, expected: &Rejection) {
    let mut changed = cart.clone();

    assert_eq!(change.of(&mut changed, now()).as_ref(), Err(expected));

    assert_eq!(&changed, cart, "a refused change changed the cart");
}

#[test]
fn adding_sums_and_setting_sets() {
    let (a, b) = (price("price_a"), price("price_b"));

    let cart = holding(&[add(&a, 2), add(&b, 1), add(&a, 1), set(&b, 7)]);

    assert_eq!(shown(&cart), [("price_a", 3), ("price_b", 7)]);
    assert_eq!(cart.item_count(), 10);
    assert_eq!(cart.version(), 4);
}

#[test]
fn every_change_renews_the_life_and_nothing_else_does() {
    let mut cart = holding(&[add(&price("price_a"), 1)]);
    assert_eq!(cart.expires_at(), later(7));

    set(&price("price_a"), 1).of(&mut cart, later(2)).unwrap();
    assert_eq!(cart.expires_at(), later(9));

    let absent = ask(Change::update(vec![LineUpdate::Remove("price_b".parse().unwrap())]), []);
    absent.of(&mut cart, later(3)).unwrap();
    assert_eq!((cart.expires_at(), cart.version()), (later(9), 2));
}

#[test]
fn an_expired_cart_takes_no_change() {
    let mut cart = holding(&[add(&price("price_a"), 1)]);

    assert!(cart.is_open(later(6)));
    assert!(!cart.is_open(later(7)));
    assert_eq!(clear().of(&mut cart, later(7)), Err(Rejection::Closed));
}

#[test]
fn a_quantity_past_the_largest_is_refused() {
    let a = price("price_a");
    let cart = holding(&[add(&a, 999_998)]);

    assert_refused(&cart, &add(&a, 2), &Rejection::QuantityTooLarge);
    assert_eq!(Change::add(vec![item(&a, 999_999), item(&a, 1)]), Err(Rejection::QuantityTooLarge));
    assert_eq!(Quantity::new(0), Err(Rejection::QuantityTooSmall));
    assert_eq!(Quantity::new(u64::MAX), Err(Rejection::QuantityTooLarge));
}

#[test]
fn the_first_line_decides_the_currency_until_the_cart_is_empty() {
    let dollars = price("price_a");
    let euros = priced("price_b", json!({ "currency": "eur" }));
    let mut cart = holding(&[add(&dollars, 1)]);

    let mixed = Rejection::MixedCurrency { price: euros.id.clone(), currency: Currency::USD };
    assert_refused(&cart, &add(&euros, 1), &mixed);
    clear().of(&mut cart, now()).unwrap();
    assert_eq!(cart.currency(), None);
    add(&euros, 1).of(&mut cart, now()).unwrap();

    assert_eq!(cart.currency(), Some("eur".parse().unwrap()));
}

#[test]
fn a_price_with_other_currencies_joins_a_cart_in_one_of_them() {
    let euros = priced("price_a", json!({ "currency": "eur" }));
    let both = priced("price_b", json!({ "currency_options": { "eur": { "unit_amount": 90 } } }));

    let cart = holding(&[add(&euros, 1), add(&both, 1)]);
    let preferred = holding(&[add(&both, 1).in_currency("eur")]);

    assert_eq!(cart.currency(), Some("eur".parse().unwrap()));
    assert_eq!(preferred.currency(), Some("eur".parse().unwrap()));
    let yen = add(&both, 1).in_currency("jpy");
    let mixed = Rejection::MixedCurrency { price: both.id.clone(), currency: "jpy".parse().unwrap() };
    assert_refused(&self::cart(), &yen, &mixed);
}

#[test]
fn recurring_lines_share_one_interval() {
    let month = monthly("price_a");
    let quarter =
        priced("price_b", json!({ "type": "recurring", "recurring": { "interval": "month", "interval_count": 3 } }));
    let mut cart = holding(&[add(&month, 1), add(&price("price_c"), 1)]);

    assert!(matches!(add(&quarter, 1).of(&mut cart.clone(), now()), Err(Rejection::MixedInterval { .. })));
    let swapped = vec![LineUpdate::Remove(month.id.clone()), LineUpdate::Set(item(&quarter, 1))];
    ask(Change::update(swapped), [&quarter]).of(&mut cart, now()).unwrap();

    assert_eq!(cart.recurrence().unwrap().to_string(), "3month");
}

#[test]
fn a_cart_holds_a_hundred_lines_or_twenty_of_each_kind() {
    let prices: Vec<_> = (0..101).map(|index| price(&format!("price_{index}"))).collect();
    let hundred = add_one_of_each(&prices[..100]);
    let twenty = add_one_of_each(&prices[..20]);
    let recurring: Vec<_> = (0..21).map(|index| monthly(&format!("price_m{index}"))).collect();
    let monthly_twenty = add_one_of_each(&recurring[..20]);

    let full = holding(std::slice::from_ref(&hundred));
    assert_refused(&full, &add(&prices[100], 1), &Rejection::TooManyItems);
    assert_refused(&full, &add(&recurring[0], 1), &Rejection::TooManyItems);
    let mixed = holding(&[twenty, monthly_twenty]);
    assert_refused(&mixed, &add(&prices[20], 1), &Rejection::TooManyItems);
    assert_refused(&mixed, &add(&recurring[20], 1), &Rejection::TooManyItems);
}

#[test]
fn attributes_are_replaced_where_given_and_a_blank_description_removes_it() {
    let a = price("price_a");
    let bounds = AdjustableQuantity::new(true, Some(1), Some(10)).unwrap();
    let described = Addition {
        description: Some(Description::new("blue").unwrap()),
        adjustable_quantity: Some(bounds.clone()),
        ..item(&a, 1)
    };
    let blank = LineUpdate::Describe {
        price: a.id.clone(),
        adjustable_quantity: None,
        description: Some(Description::new(" ").unwrap()),
    };

    let described = holding(&[ask(Change::add(vec![described]).unwrap(), [&a]), add(&a, 1)]);
    let mut undescribed = described.clone();
    ask(Change::update(vec![blank]), []).of(&mut undescribed, now()).unwrap();

    assert_eq!(described.lines()[0].description.as_ref().unwrap().as_str(), "blue");
    assert_eq!(described.lines()[0].adjustable_quantity, Some(bounds.clone()));
    assert_eq!(undescribed.lines()[0].description, None);
    assert_eq!(undescribed.lines()[0].adjustable_quantity, Some(bounds));
    assert_eq!(shown(&undescribed), [("price_a", 2)]);
}

#[test]
fn what_is_not_for_sale_cannot_be_put_into_a_cart() {
    let (a, b) = (price("price_a"), price("price_b"));
    let archived = Price { active: false, ..a.clone() };
    let cart = holding(&[add(&b, 1)]);

    for change in [Change::add(vec![item(&a, 1)]).unwrap(), Change::update(vec![LineUpdate::Set(item(&a, 1))])] {
        let not_found = Rejection::PriceNotFound(a.id.clone());
        assert_refused(&cart, &ask(change.clone(), []), &not_found);
        assert_refused(&cart, &ask(change, [&archived]), &not_found);
    }
}

#[test]
fn metadata_are_replaced_where_given() {
    let metadata = |value: &str| Metadata::new([("key".to_owned(), value.to_owned())]).unwrap();
    let a = price("price_a");

    let cart = holding(&[add(&a, 1).with_metadata(metadata("one")), add(&a, 1)]);
    let replaced = holding(&[add(&a, 1).with_metadata(metadata("one")), set(&a, 1).with_metadata(metadata("two"))]);

    assert_eq!(cart.metadata().get("key"), Some("one"));
    assert_eq!(replaced.metadata().get("key"), Some("two"));
}

fn sold(price: &Price, units: u64) -> BTreeMap<LineId, u64> {
    BTreeMap::from([(LineId::from(&price.id), units)])
}

#[test]
fn paying_an_unchanged_cart_completes_it_whatever_the_shopper_changed_on_stripes_page() {
    let a = price("price_a");
    let order = OrderNumber::of_session(&"cs_1".parse().unwrap());
    let cart = holding(&[add(&a, 5)]);

    let paid = cart.clone().paid(order, cart.version(), &sold(&a, 2), now());

    assert_eq!(paid.status(), Status::Completed(order));
    assert_eq!(shown(&paid), []);
    assert!(!paid.is_open(now()));
}

#[test]
fn paying_a_changed_cart_leaves_what_was_not_paid() {
    let (a, b) = (price("price_a"), price("price_b"));
    let order = OrderNumber::of_session(&"cs_1".parse().unwrap());
    let before = holding(&[add(&a, 2)]);
    let mut after = before.clone();
    add(&a, 1).of(&mut after, now()).unwrap();
    add(&b, 4).of(&mut after, now()).unwrap();

    let paid = after.paid(order, before.version(), &sold(&a, 2), now());

    assert_eq!(paid.status(), Status::Active);
    assert_eq!(shown(&paid), [("price_a", 1), ("price_b", 4)]);
}

#[test]
fn a_completed_cart_stays_completed_by_its_first_order() {
    let a = price("price_a");
    let cart = holding(&[add(&a, 1)]);
    let version = cart.version();
    let first = cart.paid(OrderNumber::of_session(&"cs_1".parse().unwrap()), version, &sold(&a, 1), now());

    let second = first.clone().paid(OrderNumber::of_session(&"cs_2".parse().unwrap()), version, &sold(&a, 1), now());

    assert_eq!(second, first);
}
