//! Totals of carts, held against the sandbox, which computes them on its own, and against totals worked out by hand.

use std::fmt::Write as _;

use fixtures::Shop;
use reqwest::Method;
use serde_json::{Value, json};

const CURRENCIES: [&str; 12] = ["usd", "eur", "gbp", "jpy", "krw", "clp", "kwd", "bhd", "isk", "ugx", "huf", "brl"];

/// The kinds of price, each with the quantities at which something happens.
fn kinds() -> Vec<(&'static str, Value, Vec<u32>)> {
    let graduated = json!([
        { "up_to": 5, "unit_amount": 2000 },
        { "up_to": 10, "unit_amount_decimal": "1500.25", "flat_amount": 500 },
        { "up_to": null, "unit_amount_decimal": "99.995" },
    ]);
    let volume = json!([
        { "up_to": 50, "unit_amount": 150, "flat_amount": 1000 },
        { "up_to": 200, "unit_amount_decimal": "120.125", "flat_amount_decimal": "0.5" },
        { "up_to": null, "unit_amount_decimal": "95.5" },
    ]);
    vec![
        ("unit", json!({ "unit_amount": 1299 }), vec![1, 3, 76_000]),
        ("cheap", json!({ "unit_amount": 99 }), vec![7, 999_999]),
        ("fraction", json!({ "unit_amount_decimal": "0.35" }), vec![1, 2, 10, 999_999]),
        ("finest", json!({ "unit_amount_decimal": "0.000000500001" }), vec![1, 999_999]),
        ("half", json!({ "unit_amount_decimal": "12.5" }), vec![1, 2, 3, 77_777]),
        (
            "box_up",
            json!({ "unit_amount_decimal": "700.5", "transform_quantity": { "divide_by": 6, "round": "up" } }),
            vec![1, 6, 7, 12, 600_001],
        ),
        (
            "box_down",
            json!({ "unit_amount": 701, "transform_quantity": { "divide_by": 12, "round": "down" } }),
            vec![11, 12, 23, 24, 999_999],
        ),
        (
            "graduated",
            json!({ "billing_scheme": "tiered", "tiers_mode": "graduated", "tiers": graduated }),
            vec![1, 5, 6, 7, 10, 11, 400_001],
        ),
        (
            "volume",
            json!({ "billing_scheme": "tiered", "tiers_mode": "volume", "tiers": volume }),
            vec![1, 50, 51, 53, 200, 201, 500_001],
        ),
        ("monthly", json!({ "unit_amount_decimal": "333.335", "recurring": { "interval": "month" } }), vec![1, 100]),
        (
            "seats",
            json!({ "billing_scheme": "tiered", "tiers_mode": "graduated", "tiers": graduated,
                    "recurring": { "interval": "month" } }),
            vec![6, 11],
        ),
        (
            "metered",
            json!({ "unit_amount": 40, "recurring": { "interval": "month", "usage_type": "metered", "meter": "mtr_x" } }),
            vec![1, 9],
        ),
    ]
}

/// What whole amounts are multiples of: Stripe takes three decimals only with a 0 at the end, and two decimals of currencies
/// that have none only as 00.
///
/// Sources: <https://docs.stripe.com/currencies#three-decimal>, <https://docs.stripe.com/currencies#special-cases>
fn step(currency: &str) -> u32 {
    match currency {
        "kwd" | "bhd" => 10,
        "isk" | "ugx" => 100,
        _ => 1,
    }
}

/// The same terms with whole amounts that are multiples of `step`.
fn in_steps(terms: &Value, step: u32) -> Value {
    match terms {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| match value.as_u64() {
                Some(amount) if matches!(name.as_str(), "unit_amount" | "flat_amount") => {
                    (name.clone(), json!(amount * u64::from(step)))
                }
                _ => (name.clone(), in_steps(value, step)),
            })
            .collect(),
        Value::Array(parts) => parts.iter().map(|part| in_steps(part, step)).collect(),
        other => other.clone(),
    }
}

/// All kinds in all currencies, and a round price in each: Stripe refuses payments below a minimum. Each currency has prices
/// of its own, named by it, and is one of those of the prices `…_all`, whose own is the first.
fn catalogue() -> Value {
    let mut prices = Vec::new();
    let mut kinds: Vec<_> = kinds().into_iter().map(|(kind, terms, _)| (kind, terms)).collect();
    kinds.push(("round", json!({ "unit_amount": 50_000 })));
    for (kind, terms) in kinds {
        let price = |name: &str, currency: &str| {
            let mut price = json!({ "id": format!("price_{kind}_{name}"), "product": "prod_a", "currency": currency });
            let step = if kind == "round" { 1 } else { step(currency) };
            price.as_object_mut().unwrap().extend(in_steps(&terms, step).as_object().unwrap().clone());
            price
        };
        prices.extend(CURRENCIES.map(|currency| price(currency, currency)));
        let mut all = price("all", CURRENCIES[0]);
        let options = CURRENCIES[1..].iter().map(|currency| {
            let terms = price("all", currency);
            let amounts = ["unit_amount", "unit_amount_decimal", "tiers"].into_iter();
            let amounts = amounts.filter_map(|name| Some((name.to_owned(), terms.get(name)?.clone())));
            ((*currency).to_owned(), Value::Object(amounts.collect()))
        });
        all["currency_options"] = Value::Object(options.collect());
        prices.push(all);
    }
    json!({ "products": [{ "id": "prod_a", "name": "A" }], "prices": prices })
}

/// A session of the sandbox for these lines, with what it charges for each, before discounts, shipping and tax.
async fn in_sandbox(shop: &Shop, lines: &[(&str, u32)], currency: &str) -> Value {
    let recurs = lines.iter().any(|(price, _)| is_recurring(price));
    let mut form = format!(
        "mode={}&currency={currency}&success_url=https%3A%2F%2Fshop.example&expand[]=line_items",
        if recurs { "subscription" } else { "payment" }
    );
    for (index, (price, quantity)) in lines.iter().enumerate() {
        write!(form, "&line_items[{index}][price]={price}").unwrap();
        if !price.contains("metered") {
            write!(form, "&line_items[{index}][quantity]={quantity}").unwrap();
        }
    }
    shop.stripe(Method::POST, "/v1/checkout/sessions", &form).await
}

fn is_recurring(price: &str) -> bool {
    ["monthly", "seats", "metered"].iter().any(|kind| price.contains(kind))
}

async fn in_cart(shop: &Shop, lines: &[(&str, u32)], currency: &str) -> Value {
    let items: Vec<_> = lines.iter().map(|(price, quantity)| json!({ "price": price, "quantity": quantity })).collect();
    shop.visitor().post_with(&[("X-Currency", currency)], "/cart/add", json!({ "items": items })).await.ok()
}

/// Holds a cart's total, each of its lines and what is paid again against what the sandbox charges.
#[track_caller]
fn agree(cart: &Value, session: &Value, what: &str) {
    let [items, charged] = [&cart["items"], &session["line_items"]["data"]].map(|lines| lines.as_array().unwrap());
    let sum = |lines: &[&Value]| -> u64 { lines.iter().map(|line| line["amount_subtotal"].as_u64().unwrap()).sum() };

    assert_eq!(cart["total_price_minor"], session["amount_subtotal"], "{what}");
    assert_eq!(items.len(), charged.len(), "{what}");
    for (item, charged) in items.iter().zip(charged) {
        assert_eq!(item["price"], charged["price"]["id"], "{what}");
        assert_eq!(item["total_price_minor"], charged["amount_subtotal"], "{what}: {}", item["price"]);
    }
    let again: Vec<_> = charged.iter().filter(|line| is_recurring(line["price"]["id"].as_str().unwrap())).collect();
    match &cart["recurring"] {
        Value::Null => assert_eq!(again.len(), 0, "{what}"),
        recurring => {
            assert!(!again.is_empty(), "{what}");
            assert_eq!(recurring["total_price_minor"], sum(&again), "{what}");
            assert_eq!((&recurring["interval"], &recurring["interval_count"]), (&json!("month"), &json!(1)), "{what}");
        }
    }
}

#[tokio::test]
async fn every_total_and_every_line_are_what_the_sandbox_charges() {
    let shop = Shop::open_on(&catalogue(), []).await;
    let mut compared = 0;

    for currency in CURRENCIES {
        for (kind, _, quantities) in kinds() {
            for quantity in quantities {
                // Many of what costs more come to more than one payment may be.
                let quantity = if quantity > 1000 { quantity / step(currency) } else { quantity };
                for name in [currency, "all"] {
                    let (price, round) = (format!("price_{kind}_{name}"), format!("price_round_{name}"));
                    let lines = [(price.as_str(), quantity), (round.as_str(), 1)];

                    let cart = in_cart(&shop, &lines, currency).await;

                    assert_eq!(cart["currency"], currency);
                    let session = in_sandbox(&shop, &lines, currency).await;
                    agree(&cart, &session, &format!("{quantity} × {price} in {currency}"));
                    compared += 1;
                }
            }
        }
    }

    assert!(compared >= 1000, "{compared}");
}

/// Sources: <https://docs.stripe.com/products-prices/pricing-models>,
/// <https://docs.stripe.com/billing/subscriptions/decimal-amounts#rounding>, <https://docs.stripe.com/currencies#zero-decimal>
#[tokio::test]
async fn totals_are_those_worked_out_by_hand() {
    let shop = Shop::open_on(&catalogue(), []).await;
    let cases = [
        ("price_unit_usd", 3, 3897, "38.97", "$38.97"),
        ("price_unit_jpy", 3, 3897, "3897", "¥3,897"),
        ("price_unit_kwd", 3, 38_970, "38.97", "KWD\u{a0}38.970"),
        // 12.5 = 13: a fraction may come to a total that has no 0 at its end.
        ("price_half_kwd", 1, 13, "0.013", "KWD\u{a0}0.013"),
        ("price_unit_eur", 100, 129_900, "1299", "€1,299.00"),
        // 0.35 = 0, 0.70 = 1, 3.50 = 4, 349,999.65 = 350,000
        ("price_fraction_usd", 1, 0, "0", "$0.00"),
        ("price_fraction_usd", 2, 1, "0.01", "$0.01"),
        ("price_fraction_usd", 10, 4, "0.04", "$0.04"),
        ("price_fraction_usd", 999_999, 350_000, "3500", "$3,500.00"),
        // 0.500000500000499999 is just above a half.
        ("price_finest_usd", 999_999, 1, "0.01", "$0.01"),
        ("price_finest_usd", 999_996, 0, "0", "$0.00"),
        // 12.5 = 13, 25, 37.5 = 38
        ("price_half_usd", 1, 13, "0.13", "$0.13"),
        ("price_half_usd", 3, 38, "0.38", "$0.38"),
        // 1 box at 700.5 = 701, 2 boxes = 1401
        ("price_box_up_usd", 6, 701, "7.01", "$7.01"),
        ("price_box_up_usd", 7, 1401, "14.01", "$14.01"),
        ("price_box_down_usd", 11, 0, "0", "$0.00"),
        ("price_box_down_usd", 23, 701, "7.01", "$7.01"),
        // 5 × 2000, then 1500.25 + 500
        ("price_graduated_usd", 5, 10_000, "100", "$100.00"),
        ("price_graduated_usd", 6, 12_000, "120", "$120.00"),
        // 10,000 + 2 × 1500.25 + 500 = 13,500.5
        ("price_graduated_usd", 7, 13_501, "135.01", "$135.01"),
        // 10,000 + 7501.25 + 500 + 99.995 = 18,101.245
        ("price_graduated_usd", 11, 18_101, "181.01", "$181.01"),
        ("price_volume_usd", 50, 8500, "85", "$85.00"),
        // 51 × 120.125 + 0.5 = 6126.875
        ("price_volume_usd", 51, 6127, "61.27", "$61.27"),
        // 201 × 95.5 = 19,195.5
        ("price_volume_usd", 201, 19_196, "191.96", "$191.96"),
        ("price_metered_usd", 9, 0, "0", "$0.00"),
        // More than one payment may be, and still exact.
        ("price_unit_usd", 999_999, 1_298_998_701, "12989987.01", "$12,989,987.01"),
        ("price_unit_isk", 1, 129_900, "1299", "ISK\u{a0}1,299"),
        ("price_half_isk", 1, 13, "0.13", "ISK\u{a0}0.13"),
        ("price_round_isk", 2, 100_000, "1000", "ISK\u{a0}1,000"),
        ("price_round_ugx", 2, 100_000, "1000", "UGX\u{a0}1,000"),
    ];

    for (price, quantity, minor, major, written) in cases {
        let (_, currency) = price.rsplit_once('_').unwrap();
        let cart = in_cart(&shop, &[(price, quantity)], currency).await;
        for sum in [&cart, &cart["items"][0]] {
            let shown = (&sum["total_price_minor"], sum["total_price"].to_string(), &sum["total_price_with_currency"]);
            assert_eq!(shown, (&json!(minor), major.to_owned(), &json!(written)), "{quantity} × {price}");
        }
    }
}

#[tokio::test]
async fn each_line_is_rounded_before_they_are_summed_up() {
    let shop = Shop::open_on(&catalogue(), []).await;
    let lines = [("price_half_usd", 1), ("price_fraction_usd", 10), ("price_volume_usd", 51), ("price_round_usd", 1)];

    let cart = in_cart(&shop, &lines, "usd").await;

    assert_eq!(cart["total_price_minor"], 13 + 4 + 6127 + 50_000);
    agree(&cart, &in_sandbox(&shop, &lines, "usd").await, "four lines");
}

/// Source: <https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts>
#[tokio::test]
async fn a_total_above_stripes_maximum_is_refused_until_it_is_reduced() {
    let shop = Shop::open_on(&catalogue(), []).await;
    let visitor = shop.add("price_unit_usd", 76_983).await;

    assert_eq!(visitor.checkout().await.error(400), "amount_too_large");

    visitor.set("price_unit_usd", 76_982).await.ok();
    assert_eq!(visitor.checkout().await.ok()["amount_total"], 99_999_618);
}

/// Source: <https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts>
#[tokio::test]
async fn a_total_below_stripes_minimum_is_refused_until_it_is_raised() {
    let shop = Shop::open_on(&catalogue(), []).await;
    let visitor = shop.add("price_half_usd", 3).await;

    assert_eq!(visitor.checkout().await.error(400), "amount_too_small");

    visitor.add("price_half_usd", 1).await.ok();
    assert_eq!(visitor.checkout().await.ok()["amount_total"], 50);
}

#[tokio::test]
async fn unit_prices_are_listed_with_all_their_digits() {
    let shop = Shop::open_on(&catalogue(), []).await;

    let listed = shop.get("/products").await.ok();

    let unit = |id: &str| {
        let prices = listed["data"][0]["prices"].as_array().unwrap();
        prices.iter().find(|price| price["id"] == id).unwrap()["unit_price_with_currency"].clone()
    };
    assert_eq!(unit("price_unit_usd"), "$12.99");
    assert_eq!(unit("price_fraction_usd"), "$0.0035");
    assert_eq!(unit("price_half_jpy"), "¥12.5");
    assert_eq!(unit("price_box_up_usd"), "$7.005");
    assert_eq!(unit("price_metered_usd"), "$0.40");
    assert_eq!(unit("price_graduated_usd"), Value::Null);
}

/// Sources: <https://docs.stripe.com/products-prices/pricing-models>: `unit_amount` is that of a package where there is
/// `transform_quantity`, and tiers have no single one.
#[tokio::test]
async fn a_line_says_what_each_unit_costs_where_one_amount_does() {
    let shop = Shop::open_on(&catalogue(), []).await;
    let unit = async |price: &str, currency: &str| {
        let cart = in_cart(&shop, &[(price, 12)], currency).await;
        cart["items"][0]["unit_price_with_currency"].clone()
    };

    assert_eq!(unit("price_unit_usd", "usd").await, "$12.99");
    assert_eq!(unit("price_unit_all", "eur").await, "€12.99");
    assert_eq!(unit("price_fraction_all", "usd").await, "$0.0035");
    assert_eq!(unit("price_half_all", "jpy").await, "¥12.5");
    assert_eq!(unit("price_metered_usd", "usd").await, "$0.40");
    for kind in ["box_up", "box_down", "graduated", "volume", "seats"] {
        assert_eq!(unit(&format!("price_{kind}_usd"), "usd").await, Value::Null, "{kind}");
    }
}

/// What is paid again is no matter of the first payment: a trial defers it, and one-time lines are not paid again.
#[tokio::test]
async fn a_cart_says_what_is_paid_again_and_how_often() {
    let quarterly = |id: &str, amount: u32, more: Value| {
        let mut recurring = json!({ "interval": "month", "interval_count": 3 });
        recurring.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "id": id, "product": "prod_a", "currency": "usd", "unit_amount": amount, "recurring": recurring })
    };
    let prices = [
        quarterly("price_plan", 1250, json!({ "trial_period_days": 14 })),
        quarterly("price_seat", 400, json!({})),
        quarterly("price_use", 7, json!({ "usage_type": "metered", "meter": "mtr_x" })),
        json!({ "id": "price_setup", "product": "prod_a", "currency": "usd", "unit_amount": 9900 }),
    ];
    let catalogue = json!({ "products": [{ "id": "prod_a", "name": "A" }], "prices": prices });
    let shop = Shop::open_on(&catalogue, []).await;
    let visitor = shop.add("price_setup", 1).await;

    assert_eq!(visitor.cart().await["recurring"], Value::Null);
    for (price, quantity) in [("price_plan", 1), ("price_seat", 3), ("price_use", 5)] {
        visitor.add(price, quantity).await.ok();
    }

    assert_eq!(
        visitor.cart().await["recurring"],
        json!({ "interval": "month", "interval_count": 3, "total_price_minor": 2450, "total_price": 24.5,
                "total_price_with_currency": "$24.50" })
    );
    shop.stripe(Method::POST, "/v1/prices/price_seat", "active=false").await;
    let without = visitor.cart().await;
    assert_eq!(
        (&without["recurring"]["total_price_minor"], &without["total_price_minor"]),
        (&json!(1250), &json!(11_150))
    );
}

#[tokio::test]
async fn a_line_that_cannot_be_bought_has_no_amount() {
    let shop = Shop::open_on(&catalogue(), []).await;
    let visitor = shop.add("price_monthly_usd", 1).await;
    visitor.add("price_unit_usd", 2).await.ok();

    shop.stripe(Method::POST, "/v1/prices/price_monthly_usd", "active=false").await;

    let cart = visitor.cart().await;
    for field in ["unit_price_with_currency", "total_price", "total_price_with_currency", "total_price_minor"] {
        assert_eq!(cart["items"][0][field], Value::Null, "{field}");
    }
    assert_eq!((&cart["total_price_minor"], &cart["recurring"]["total_price_minor"]), (&json!(2598), &json!(0)));
}
