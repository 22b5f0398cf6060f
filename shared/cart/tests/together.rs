//! What may stand in one cart together, whatever was added, set and removed in whatever order.

#![expect(clippy::unwrap_used, reason = "a test that panics fails, as it should")]

use cart::{
    Addition, Attributes, Cart, Change, Currency, Lifetime, LineId, LineUpdate, Offer, Offers, Price, PriceId, Product,
    Quantity, Setting, Timestamp, Token, Totals,
};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Two prices of each kind: plain and chosen by the shopper, in one currency and in two, once and every month.
fn shop() -> Offers {
    let product: Product = serde_json::from_value(json!({ "id": "prod_a" })).unwrap();
    let plain = json!({ "unit_amount": 100 });
    let chosen = json!({ "custom_unit_amount": { "minimum": 100 } });
    let mut prices = Vec::new();
    for (own, other) in [("usd", "eur"), ("eur", "usd")] {
        for amount in [&plain, &chosen] {
            for options in [json!({}), json!({ other: amount })] {
                for recurring in [Value::Null, json!({ "interval": "month" })] {
                    prices.extend([0, 1].map(|_| (own, amount.clone(), options.clone(), recurring.clone())));
                }
            }
        }
    }
    let offer = |(index, (own, amount, options, recurring)): (usize, (&str, Value, Value, Value))| {
        let mut price = json!({
            "id": id(index), "product": "prod_a", "currency": own, "currency_options": options, "recurring": recurring,
        });
        price.as_object_mut().unwrap().extend(amount.as_object().unwrap().clone());
        Offer { price: serde_json::from_value::<Price>(price).unwrap(), product: product.clone() }
    };
    prices.into_iter().enumerate().map(offer).collect()
}

const PRICES: usize = 32;

fn id(index: usize) -> PriceId {
    format!("price_{index}").parse().unwrap()
}

/// Mostly plain prices, so that carts fill up.
fn price() -> impl Strategy<Value = PriceId> {
    (0..PRICES, 0..4).prop_map(|(index, kind)| id(if kind > 0 { index & !0b1000 } else { index }))
}

fn item() -> impl Strategy<Value = Addition> {
    let quantity = prop_oneof![3 => Just(1), 1 => 1_u64..3];
    (price(), quantity, attributes()).prop_map(|(price, quantity, attributes)| {
        Addition::new(price, Quantity::new(quantity).unwrap()).with_attributes(attributes)
    })
}

/// Mostly none, sometimes one of three.
fn attributes() -> impl Strategy<Value = Attributes> {
    let engraved = |text: char| Attributes::new([("engraving".to_owned(), text.to_string())]).unwrap();
    prop_oneof![2 => Just(Attributes::default()), 1 => (0..3_u8).prop_map(move |index| engraved((b'a' + index).into()))]
}

fn setting() -> impl Strategy<Value = Setting> {
    item().prop_map(|item| Setting::new(item.line(), item.quantity))
}

fn change() -> impl Strategy<Value = Change> {
    let line =
        prop_oneof![setting().prop_map(LineUpdate::Set), item().prop_map(|item| LineUpdate::Remove(item.line())),];
    let one = setting().prop_map(|setting| Change::Line(LineUpdate::Set(setting)));
    let currency = prop_oneof![Just(None), Just(Some("usd")), Just(Some("eur"))];
    let parsed = |currency: Option<&str>| currency.map(|code| code.parse::<Currency>().unwrap());
    prop_oneof![
        8 => (vec(item(), 1..4), currency.clone())
            .prop_map(move |(items, currency)| Change::add(items).unwrap().in_currency(parsed(currency))),
        8 => (vec(line, 1..4), currency)
            .prop_map(move |(lines, currency)| Change::update(distinct(lines)).in_currency(parsed(currency))),
        2 => one,
        1 => Just(Change::Clear),
    ]
}

/// Keeps the first update of each line.
fn distinct(lines: Vec<LineUpdate>) -> Vec<LineUpdate> {
    let mut seen = std::collections::BTreeSet::new();
    lines.into_iter().filter(|line| seen.insert(line.line().clone())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn all_lines_have_one_own_currency_and_a_chosen_amount_is_alone(changes in vec(change(), 1..12)) {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let offers = shop();
        let mut cart = Cart::new(Token::from_bytes([7; 16]).number(), now, Lifetime::default());

        for change in changes {
            let before = cart.clone();
            if cart.apply(&change, &offers, now).is_err() {
                prop_assert_eq!(&cart, &before);
                continue;
            }

            let prices: Vec<&Price> = cart.lines().iter().map(|line| &offers.get(&line.price).unwrap().price).collect();
            let own: std::collections::BTreeSet<_> = prices.iter().map(|price| price.currency.to_string()).collect();
            let chosen = prices.iter().any(|price| price.custom_unit_amount.is_some());
            prop_assert!(own.len() <= 1, "{:?}", cart.lines());
            if chosen {
                prop_assert_eq!((cart.lines().len(), cart.item_count(), cart.recurrence()), (1, 1, None));
            }
            let ids: std::collections::BTreeSet<_> = cart.lines().iter().map(|line| &line.id).collect();
            prop_assert_eq!(ids.len(), cart.lines().len());
            prop_assert!(cart.lines().iter().all(|line| line.id == LineId::new(&line.price, &line.attributes)));
            let recurring: Vec<_> =
                cart.lines().iter().filter(|line| line.recurrence.is_some()).map(|line| &line.price).collect();
            prop_assert_eq!(recurring.iter().collect::<std::collections::BTreeSet<_>>().len(), recurring.len());
            let known = cart.own_currency().map(|own| own.to_string());
            prop_assert_eq!(known, own.into_iter().next().filter(|_| !chosen));
            let totals = Totals::new(&cart, &offers, Currency::USD);
            prop_assert_eq!((totals.unavailable().count(), totals.check_custom_amount()), (0, Ok(())));
        }
    }

    /// What the cart knows itself is enough: a cart that is handed no more offers than it asks for decides the same.
    #[test]
    fn offers_that_the_cart_does_not_ask_for_make_no_difference(changes in vec(change(), 1..12)) {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let offers = shop();
        let mut cart = Cart::new(Token::from_bytes([7; 16]).number(), now, Lifetime::default());

        for change in changes {
            let asked = change.prices().unwrap();
            let asked = asked.iter().chain(cart.prices_to_look_up(&change, &Offers::default()));
            let few: Offers = asked.map(|price| Offer::clone(offers.get(price).unwrap())).collect();
            let mut by_few = cart.clone();

            let outcome = by_few.apply(&change, &few, now);

            prop_assert_eq!(outcome, cart.apply(&change, &offers, now));
            prop_assert_eq!(&by_few, &cart);
        }
    }
}
