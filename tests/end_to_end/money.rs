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

/// All kinds in all currencies, and a round price in each: Stripe refuses payments below a minimum.
fn catalogue() -> Value {
    let mut prices = Vec::new();
    for currency in CURRENCIES {
        let base = |id: String| json!({ "id": id, "product": "prod_a", "currency": currency });
        let mut round = base(format!("price_round_{currency}"));
        round["unit_amount"] = json!(50_000);
        prices.push(round);
        for (kind, terms, _) in kinds() {
            let mut price = base(format!("price_{kind}_{currency}"));
            price.as_object_mut().unwrap().extend(in_steps(&terms, step(currency)).as_object().unwrap().clone());
            prices.push(price);
        }
    }
    json!({ "products": [{ "id": "prod_a", "name": "A" }], "prices": prices })
}

/// Returns what the sandbox charges for these lines, before discounts, shipping and tax.
async fn in_sandbox(shop: &Shop, lines: &[(&str, u32)]) -> Value {
    let recurs = lines.iter().any(|(price, _)| ["monthly", "seats", "metered"].iter().any(|kind| price.contains(kind)));
    let mut form =
        format!("mode={}&success_url=https%3A%2F%2Fshop.example", if recurs { "subscription" } else { "payment" });
    for (index, (price, quantity)) in lines.iter().enumerate() {
        write!(form, "&line_items[{index}][price]={price}").unwrap();
        if !price.contains("metered") {
            write!(form, "&line_items[{index}][quantity]={quantity}").unwrap();
        }
    }
    shop.stripe(Method::POST, "/v1/checkout/sessions", &form).await["amount_subtotal"].clone()
}

async fn in_cart(shop: &Shop, lines: &[(&str, u32)]) -> Value {
    let items: Vec<_> = lines.iter().map(|(price, quantity)| json!({ "price": price, "quantity": quantity })).collect();
    shop.visitor().post("/cart/add", json!({ "items": items })).await.ok()
}

#[tokio::test]
async fn every_total_is_what_the_sandbox_charges() {
    let shop = Shop::open_on(&catalogue(), []).await;
    let mut compared = 0;

    for currency in CURRENCIES {
        for (kind, _, quantities) in kinds() {
            for quantity in quantities {
                // Many of what costs more come to more than one payment may be.
                let quantity = if quantity > 1000 { quantity / step(currency) } else { quantity };
                let (price, round) = (format!("price_{kind}_{currency}"), format!("price_round_{currency}"));
                let lines = [(price.as_str(), quantity), (round.as_str(), 1)];

                let cart = in_cart(&shop, &lines).await;

                assert_eq!(cart["total_price_minor"], in_sandbox(&shop, &lines).await, "{quantity} × {price}");
                assert_eq!(cart["currency"], currency);
                compared += 1;
            }
        }
    }

    assert!(compared >= 500, "{compared}");
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
        let cart = in_cart(&shop, &[(price, quantity)]).await;
        let shown = (&cart["total_price_minor"], cart["total_price"].to_string(), &cart["total_price_with_currency"]);
        assert_eq!(shown, (&json!(minor), major.to_owned(), &json!(written)), "{quantity} × {price}");
    }
}

#[tokio::test]
async fn each_line_is_rounded_before_they_are_summed_up() {
    let shop = Shop::open_on(&catalogue(), []).await;
    let lines = [("price_half_usd", 1), ("price_fraction_usd", 10), ("price_volume_usd", 51), ("price_round_usd", 1)];

    let cart = in_cart(&shop, &lines).await;

    assert_eq!(cart["total_price_minor"], 13 + 4 + 6127 + 50_000);
    assert_eq!(cart["total_price_minor"], in_sandbox(&shop, &lines).await);
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
