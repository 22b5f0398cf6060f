//! What quantities of prices come to, and that carts lose nothing on the way.

#![expect(clippy::unwrap_used, reason = "a test's helper has nobody to hand an error to")]

use std::collections::BTreeMap;

use cart::{
    Addition, Cart, Change, Currency, Lifetime, LineId, LineUpdate, Offer, Offers, Price, Product, Quantity, Rejection,
    Timestamp, Token, Totals,
};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

fn price(id: &str, terms: &Value) -> Price {
    let mut price = json!({ "id": id, "product": "prod_a", "currency": "usd" });
    price.as_object_mut().unwrap().extend(terms.as_object().unwrap().clone());
    serde_json::from_value(price).unwrap()
}

fn amount(price: &Price, quantity: u64) -> i128 {
    price.amount(quantity, Currency::USD).unwrap().minor()
}

fn quantity() -> impl Strategy<Value = u64> {
    prop_oneof![1_u64..200, Just(999_999), 1_u64..999_999]
}

/// An amount in minor units with up to twelve decimals, as Stripe writes it.
fn decimal() -> impl Strategy<Value = String> {
    prop_oneof!["[0-9]{1,8}", "[0-9]{1,6}\\.[0-9]{1,12}", "0\\.0{0,11}[1-9]"]
}

/// Two to four tiers, the last without an end.
fn tiers() -> impl Strategy<Value = Value> {
    vec((1_u64..500, decimal(), proptest::option::of(decimal())), 2..5).prop_map(|tiers| {
        let last = tiers.len() - 1;
        let mut end = 0;
        let tier = |(index, (units, unit, flat)): (usize, (u64, String, Option<String>))| {
            end += units;
            let up_to = (index < last).then_some(end);
            json!({ "up_to": up_to, "unit_amount_decimal": unit, "flat_amount_decimal": flat })
        };
        tiers.into_iter().enumerate().map(tier).collect()
    })
}

/// The terms of prices whose total never falls when more is bought. Those by volume may: the next tier is cheaper.
fn growing_terms() -> impl Strategy<Value = Value> {
    prop_oneof![
        (0_i64..=99_999_999).prop_map(|unit| json!({ "unit_amount": unit })),
        decimal().prop_map(|unit| json!({ "unit_amount_decimal": unit })),
        (decimal(), 1_u64..100, "up|down").prop_map(|(unit, size, round)| {
            json!({ "unit_amount_decimal": unit, "transform_quantity": { "divide_by": size, "round": round } })
        }),
        tiers().prop_map(|tiers| json!({ "billing_scheme": "tiered", "tiers_mode": "graduated", "tiers": tiers })),
    ]
}

fn terms() -> impl Strategy<Value = Value> {
    let volume =
        tiers().prop_map(|tiers| json!({ "billing_scheme": "tiered", "tiers_mode": "volume", "tiers": tiers }));
    prop_oneof![4 => growing_terms(), 1 => volume]
}

proptest! {
    #[test]
    fn buying_more_never_costs_less(terms in growing_terms(), fewer in quantity(), more in quantity()) {
        let price = price("price_a", &terms);
        let (fewer, more) = (fewer.min(more), fewer.max(more));

        prop_assert!(amount(&price, fewer) <= amount(&price, more), "{terms}");
        prop_assert!(amount(&price, fewer) >= 0);
    }

    #[test]
    fn a_line_is_never_further_off_than_half_a_minor_unit(unit in decimal(), quantity in quantity()) {
        let price = price("price_a", &json!({ "unit_amount_decimal": unit }));
        let (whole, fraction) = unit.split_once('.').unwrap_or((&unit, ""));
        let trillionths: i128 = format!("{whole}{fraction:0<12}").parse().unwrap();

        let off = amount(&price, quantity) * 10_i128.pow(12) - trillionths * i128::from(quantity);

        // Half a unit rounds away from zero.
        prop_assert!(-5 * 10_i128.pow(11) < off && off <= 5 * 10_i128.pow(11), "{unit} × {quantity}");
    }

    #[test]
    fn where_a_unit_has_a_price_of_its_own_the_amount_follows_from_it(terms in terms(), quantity in quantity()) {
        let price = price("price_a", &terms);

        if let Some(each) = price.each(Currency::USD) {
            prop_assert_eq!(each.times(quantity).rounded(), amount(&price, quantity), "{}", terms);
        }
    }

    #[test]
    fn adding_and_removing_again_leaves_nothing_behind(
        held in vec((terms(), quantity()), 0..4),
        added in vec((terms(), quantity()), 1..4),
    ) {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let named = |kind: &str, lines: Vec<(Value, u64)>| -> Vec<(Price, Quantity)> {
            let line = |(index, (terms, quantity)): (usize, (Value, u64))| {
                (price(&format!("price_{kind}_{index}"), &terms), Quantity::new(quantity).unwrap())
            };
            lines.into_iter().enumerate().map(line).collect()
        };
        let [held, added] = [named("held", held), named("added", added)];
        let product: Product = serde_json::from_value(json!({ "id": "prod_a" })).unwrap();
        let offer = |(price, _): &(Price, Quantity)| Offer { price: price.clone(), product: product.clone() };
        let offers: Offers = held.iter().chain(&added).map(offer).collect();
        let total = |cart: &Cart| Totals::new(cart, &offers, Currency::USD).total;
        let items = |lines: &[(Price, Quantity)]| {
            lines.iter().map(|(price, quantity)| Addition::new(price.id.clone(), *quantity)).collect()
        };
        let mut cart = Cart::new(Token::from_bytes([7; 16]).number(), now, Lifetime::default());
        if !held.is_empty() {
            cart.apply(&Change::add(items(&held)).unwrap(), &offers, now).unwrap();
        }
        let before = cart.clone();

        cart.apply(&Change::add(items(&added)).unwrap(), &offers, now).unwrap();
        let amounts: BTreeMap<_, _> =
            held.iter().chain(&added).map(|(price, quantity)| (&price.id, amount(price, (*quantity).into()))).collect();
        let totals = Totals::new(&cart, &offers, Currency::USD);
        let lines = totals.lines.iter().map(|priced| (&priced.line.price, priced.amount.unwrap().minor()));
        prop_assert_eq!(lines.collect::<BTreeMap<_, _>>(), amounts.clone());
        prop_assert_eq!(totals.total.minor(), amounts.values().sum::<i128>());
        let removals = added.iter().map(|(price, _)| LineUpdate::Remove(LineId::from(&price.id))).collect();
        cart.apply(&Change::update(removals), &offers, now).unwrap();

        prop_assert_eq!(cart.lines(), before.lines());
        prop_assert_eq!(cart.currency(), before.currency());
        prop_assert_eq!(total(&cart), total(&before));
    }
}

#[test]
fn stripes_own_example_of_rounding_comes_out_as_documented() {
    // <https://docs.stripe.com/billing/subscriptions/decimal-amounts#rounding>: 0.05 × 30 = 1.5 is 2 cents.
    let storage = price("price_a", &json!({ "unit_amount_decimal": "0.05" }));

    assert_eq!(amount(&storage, 30), 2);
    assert_eq!(amount(&storage, 29), 1);
    assert_eq!(amount(&storage, 9), 0);
}

#[test]
fn the_price_of_one_unit_is_exact_or_absent() {
    let usd = Currency::USD;
    let unit = |terms: Value| price("price_a", &terms).unit(usd).map(|unit| unit.major(usd));
    let tier = json!([{ "up_to": null, "unit_amount": 100 }]);

    assert_eq!(unit(json!({ "unit_amount": 1200 })).as_deref(), Some("12"));
    assert_eq!(unit(json!({ "unit_amount_decimal": "0.35" })).as_deref(), Some("0.0035"));
    assert_eq!(unit(json!({ "custom_unit_amount": { "preset": 1500 } })).as_deref(), Some("15"));
    assert_eq!(unit(json!({ "custom_unit_amount": {} })), None);
    assert_eq!(unit(json!({ "billing_scheme": "tiered", "tiers_mode": "volume", "tiers": tier })), None);
}

#[test]
fn each_unit_has_a_price_of_its_own_unless_tiers_packages_or_the_shopper_decide() {
    let each = |terms: Value| {
        let price = price("price_a", &terms);
        ["usd", "eur", "jpy"].map(|code| {
            let currency = code.parse().unwrap();
            price.each(currency).map(|unit| unit.major(currency))
        })
    };
    let options = json!({ "eur": { "unit_amount_decimal": "0.25" } });
    let packages = |size: u32| {
        let packages = json!({ "divide_by": size, "round": "up" });
        json!({ "unit_amount": 700, "transform_quantity": packages })
    };
    let metered = json!({ "unit_amount": 40, "recurring": { "interval": "month", "usage_type": "metered" } });
    let one_tier = json!([{ "up_to": null, "unit_amount": 100 }]);

    assert_eq!(
        each(json!({ "unit_amount": 1200, "currency_options": options })),
        [Some("12".to_owned()), Some("0.0025".to_owned()), None]
    );
    assert_eq!(each(metered)[0].as_deref(), Some("0.4"));
    assert_eq!(each(packages(1))[0].as_deref(), Some("7"));
    assert_eq!(each(packages(6))[0], None);
    assert_eq!(each(json!({ "custom_unit_amount": { "preset": 1500 } }))[0], None);
    for mode in ["volume", "graduated"] {
        let terms = json!({ "billing_scheme": "tiered", "tiers_mode": mode, "tiers": one_tier });
        assert_eq!(each(terms)[0], None, "{mode}");
    }
}

/// Every kind of price: its terms without the amounts, and the amounts that it has in a currency.
fn kinds() -> [(&'static str, Value, Value); 7] {
    let tiers = json!({ "tiers": [{ "up_to": 5, "unit_amount": 200 }, { "up_to": null, "flat_amount": 300 }] });
    let tiered = |mode: &str| json!({ "billing_scheme": "tiered", "tiers_mode": mode });
    let boxes = json!({ "transform_quantity": { "divide_by": 6, "round": "up" } });
    [
        ("per unit", json!({}), json!({ "unit_amount": 1200 })),
        ("free", json!({}), json!({ "unit_amount": 0 })),
        ("decimal", json!({}), json!({ "unit_amount_decimal": "0.35" })),
        ("graduated", tiered("graduated"), tiers.clone()),
        ("volume", tiered("volume"), tiers),
        ("packages", boxes, json!({ "unit_amount": 700 })),
        ("custom", json!({}), json!({ "custom_unit_amount": { "minimum": 100, "preset": null } })),
    ]
}

fn merged(parts: &[&Value]) -> Value {
    parts.iter().flat_map(|part| part.as_object().unwrap().clone()).collect()
}

/// A price of each kind in usd and eur, with or without the amounts of each.
fn of_each_kind(in_usd: bool, in_eur: bool) -> impl Iterator<Item = (&'static str, Price)> {
    kinds().into_iter().map(move |(kind, terms, amounts)| {
        let nothing = json!({});
        let eur = if in_eur { &amounts } else { &nothing };
        let options = json!({ "currency_options": { "eur": eur } });
        let own = if in_usd { &amounts } else { &nothing };
        (kind, price("price_a", &merged(&[&terms, own, &options])))
    })
}

#[test]
fn an_amount_that_is_absent_is_not_zero() {
    let [usd, eur, jpy] = ["usd", "eur", "jpy"].map(|code| code.parse::<Currency>().unwrap());
    for (in_usd, in_eur) in [(true, true), (true, false), (false, true), (false, false)] {
        for (kind, price) in of_each_kind(in_usd, in_eur) {
            for (currency, sells) in [(usd, in_usd), (eur, in_eur), (jpy, false)] {
                let amount = [1, 6, 999_999].map(|quantity| price.amount(quantity, currency).is_some());

                assert_eq!(amount, [sells; 3], "{kind} in {currency}");
                assert_eq!(price.sells_in(currency), sells, "{kind} in {currency}");
                assert!(sells || price.unit(currency).is_none(), "{kind} in {currency}");
            }
            let expected: Vec<Currency> = [(usd, in_usd), (eur, in_eur)]
                .into_iter()
                .filter_map(|(currency, sells)| sells.then_some(currency))
                .collect();
            assert_eq!(price.currencies().collect::<Vec<_>>(), expected, "{kind}");
        }
    }
}

#[test]
fn a_price_without_an_amount_is_not_added() {
    let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let product: Product = serde_json::from_value(json!({ "id": "prod_a" })).unwrap();
    let add = |price: Price, currency: &str| {
        let offers: Offers = [Offer { price: price.clone(), product: product.clone() }].into_iter().collect();
        let change = Change::add(vec![Addition::new(price.id, Quantity::new(1).unwrap())]).unwrap();
        let mut cart = Cart::new(Token::from_bytes([7; 16]).number(), now, Lifetime::default());
        cart.apply(&change.in_currency(Some(currency.parse().unwrap())), &offers, now)
    };
    for (kind, price) in of_each_kind(true, false) {
        assert!(matches!(add(price.clone(), "eur"), Err(Rejection::MixedCurrency { .. })), "{kind}");
        assert!(add(price, "usd").is_ok(), "{kind}");
    }
    for (kind, price) in of_each_kind(false, true) {
        for currency in ["usd", "eur"] {
            assert!(matches!(add(price.clone(), currency), Err(Rejection::PriceNotFound(_))), "{kind} in {currency}");
        }
    }
}

#[test]
fn a_line_whose_price_lost_its_amount_is_unavailable() {
    let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let product: Product = serde_json::from_value(json!({ "id": "prod_a" })).unwrap();
    let offers = |price: Price| -> Offers { [Offer { price, product: product.clone() }].into_iter().collect() };
    for ((kind, before), (_, after)) in of_each_kind(true, true).zip(of_each_kind(true, false)) {
        let change = Change::add(vec![Addition::new(before.id.clone(), Quantity::new(1).unwrap())]).unwrap();
        let mut cart = Cart::new(Token::from_bytes([7; 16]).number(), now, Lifetime::default());
        cart.apply(&change.in_currency(Some("eur".parse().unwrap())), &offers(before), now).unwrap();

        let offers = offers(after);
        let totals = Totals::new(&cart, &offers, Currency::USD);

        assert_eq!(totals.unavailable().count(), 1, "{kind}");
        assert_eq!(totals.total.minor(), 0, "{kind}");
    }
}

#[test]
fn a_quantity_beyond_the_last_tier_has_no_amount() {
    let tiers = json!([{ "up_to": 5, "unit_amount": 200 }, { "up_to": 10, "unit_amount": 100 }]);
    for (mode, ten) in [("graduated", 1500), ("volume", 1000)] {
        let terms = json!({ "billing_scheme": "tiered", "tiers_mode": mode, "tiers": tiers });
        let price = price("price_a", &terms);

        assert_eq!(amount(&price, 10), ten, "{mode}");
        assert_eq!(price.amount(11, Currency::USD), None, "{mode}");
    }
}

#[test]
fn a_price_knows_that_stripe_left_tiers_out() {
    let tiers = json!([{ "up_to": null, "unit_amount": 200 }]);
    let lacks = |options: Value| {
        let terms = json!({ "billing_scheme": "tiered", "tiers_mode": "volume", "tiers": tiers });
        price("price_a", &merged(&[&terms, &json!({ "currency_options": options })])).lacks_tiers()
    };

    assert!(lacks(json!({ "usd": {}, "eur": { "tiers": tiers }, "jpy": {} })));
    assert!(!lacks(json!({ "usd": {}, "eur": { "tiers": tiers } })));
    assert!(!lacks(json!({ "usd": {} })), "its own tiers are in the price itself");
    assert!(!lacks(Value::Null));
    assert!(!price("price_a", &json!({ "unit_amount": 1, "currency_options": { "eur": {} } })).lacks_tiers());
}
