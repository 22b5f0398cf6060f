//! One product with thousands of prices.

use fixtures::{Answer, Shop};
use reqwest::Method;
use serde_json::{Value, json};

/// How many prices the product ever had, and how many of them are active: more than news of it reach at once.
const PRICES: usize = 3000;
const ACTIVE: usize = 600;

fn id(index: usize) -> String {
    format!("price_{index:05}")
}

/// The prices of `prod_large`, oldest first, of which the newest are active.
fn prices(all: usize, active: usize) -> Vec<Value> {
    let price = |index: usize| {
        json!({ "id": id(index), "product": "prod_large", "currency": "usd", "unit_amount": 100 + index,
                "created": 1_600_000_000 + index, "active": index >= all - active })
    };
    // Stripe lists the newest first.
    (0..all).rev().map(price).collect()
}

fn catalogue(all: usize, active: usize) -> Value {
    let products = json!([{ "id": "prod_large", "name": "Large" }, { "id": "prod_small", "name": "Small" }]);
    let mut prices = prices(all, active);
    prices.push(json!({ "id": "price_small", "product": "prod_small", "currency": "usd", "unit_amount": 500 }));
    json!({ "products": products, "prices": prices })
}

/// The names of the product in the rows of its prices, by the prices' keys.
async fn names(shop: &Shop) -> Vec<(String, String)> {
    let rows = shop.table("CATALOG_TABLE").scan().await;
    let of_product = rows.iter().filter(|row| row["price"]["S"].as_str().is_some_and(|price| price.contains("_large")));
    let named = of_product.map(|row| {
        let product: Value = serde_json::from_str(row["product"]["S"].as_str().unwrap()).unwrap();
        (row["id"]["S"].as_str().unwrap().to_owned(), product["name"].as_str().unwrap().to_owned())
    });
    let mut named: Vec<_> = named.collect();
    named.sort();
    named
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_with_thousands_of_prices_is_sold_and_listed_as_every_other() {
    let shop = Shop::open_on(&catalogue(PRICES, ACTIVE), []).await;

    let newest = id(PRICES - 1);
    assert_eq!(shop.add(&newest, 1).await.cart().await["total_price_minor"], 100 + PRICES - 1);
    let listed = shop.get("/products").await.ok();
    let [large, small] = listed["data"].as_array().unwrap().as_slice() else { panic!("{listed}") };
    let listed: Vec<_> = large["prices"].as_array().unwrap().iter().map(|price| price["id"].clone()).collect();
    let expected: Vec<_> = (PRICES - ACTIVE..PRICES).take(500).map(id).collect();
    assert_eq!(json!(listed), json!(expected), "oldest first");
    assert_eq!((&large["has_more_prices"], &small["has_more_prices"]), (&json!(true), &json!(false)));
    let largest = shop.table("CATALOG_TABLE").scan().await.iter().map(|row| row.to_string().len()).max().unwrap();
    assert!(largest < 2000, "a row of {largest} bytes");

    // News of the product.
    shop.stripe(Method::POST, "/v1/products/prod_large", "name=Larger").await;
    let after = names(&shop).await;
    let renamed = after.iter().filter(|(_, name)| name == "Larger").count();
    assert_eq!((after.len(), renamed), (PRICES, 500));

    shop.stack().sync().await.unwrap();
    assert!(names(&shop).await.iter().all(|(_, name)| name == "Larger"));
    assert_eq!(shop.stack().sync().await.unwrap().written, 0);
}

#[tokio::test]
async fn news_of_a_product_reach_its_active_prices_alone_and_what_is_no_news_reaches_none() {
    let shop = Shop::open_on(&catalogue(12, 3), []).await;
    let written = async |shop: &Shop| {
        let rows = shop.table("CATALOG_TABLE").scan().await;
        rows.into_iter().filter(|row| row.get("price").is_some()).collect::<Vec<_>>()
    };

    shop.stripe(Method::POST, "/v1/products/prod_large", "name=Larger").await;
    let named = names(&shop).await;
    let renamed: Vec<_> = named.iter().filter(|(_, name)| name == "Larger").map(|(id, _)| id.as_str()).collect();
    assert_eq!(renamed, [id(9), id(10), id(11)]);

    // The time of its last change is all that is new, which carts do not wait for.
    let before = written(&shop).await;
    shop.stripe(Method::POST, "/v1/products/prod_large", "tax_code=").await;
    shop.stripe(Method::POST, "/v1/products/prod_large", "name=Larger").await;
    assert_eq!(written(&shop).await, before);
    shop.stripe(Method::POST, "/v1/products/prod_large", "default_price=price_00010").await;
    assert_ne!(written(&shop).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_add_of_many_unknown_prices_costs_a_few_requests_for_each() {
    let shop = Shop::open_on_wires([]).await;
    let mut ids = Vec::new();
    for amount in 1..=40 {
        let form = format!("product=prod_mug&currency=usd&unit_amount={amount}&lookup_key=key_{amount}");
        let price = shop.stripe(Method::POST, "/v1/prices", &form).await;
        ids.push(price["id"].as_str().unwrap().to_owned());
    }
    let items: Vec<_> = ids.iter().map(|id| json!({ "price": id })).collect();
    shop.wire().plan(None);

    let cart = shop.visitor().post("/cart/add", json!({ "items": items })).await.ok();

    assert_eq!(cart["total_price_minor"], (1..=40).sum::<i64>());
    let calls = shop.wire().calls();
    let of_stripe = calls.iter().filter(|call| call.starts_with("Stripe")).count();
    assert_eq!(of_stripe, 40);
    // Two reads, the price's row and its lookup key's; for all together, the first look and the cart.
    assert!(calls.len() - of_stripe <= 4 * 40 + 2, "{}", calls.len());
}

/// How many bytes Lambda gets of an answer, of 6 MB at most: its body is a text of JSON.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
fn as_lambda_gets_it(answer: &Answer) -> usize {
    json!({ "body": answer.text }).to_string().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_ends_before_it_is_larger_than_four_megabytes() {
    // What Lambda gets has four bytes for a quote, and seven for a character without a sign of its own.
    for (sign, length) in [("\"", 125), ("\u{1}", 72)] {
        pages_end_by_size(&sign.repeat(length)).await;
    }
}

/// As large as Stripe's longest values are once Lambda has escaped them.
async fn pages_end_by_size(text: &str) {
    let long: serde_json::Map<String, Value> = (0..20).map(|index| (format!("key_{index}"), json!(text))).collect();
    let products: Vec<_> = (0..6).map(|index| json!({ "id": format!("prod_{index}"), "name": "P" })).collect();
    // Two products have more than fits one page together, and one has so much alone.
    let sizes = [1, 250, 250, 450, 1, 1];
    let prices: Vec<_> = sizes
        .iter()
        .enumerate()
        .flat_map(|(product, count)| {
            (0..*count).map({
                let long = &long;
                move |index| {
                    json!({ "id": format!("price_{product}_{index}"), "product": format!("prod_{product}"),
                            "currency": "usd", "unit_amount": 100, "metadata": long })
                }
            })
        })
        .collect();
    let shop = Shop::open_on(&json!({ "products": products, "prices": prices }), []).await;

    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let page = shop.get(&format!("/products?starting_after={after}")).await;
        assert!(as_lambda_gets_it(&page) <= 4_000_000, "{text:.1}: {} bytes", as_lambda_gets_it(&page));
        let page = page.ok();
        for product in page["data"].as_array().unwrap() {
            let count = product["prices"].as_array().unwrap().len();
            seen.push((product["id"].as_str().unwrap().to_owned(), count, product["has_more_prices"] == true));
        }
        if page["has_more"] == false {
            break;
        }
        after.clone_from(&seen.last().unwrap().0);
    }

    assert_eq!(
        seen.iter().map(|(id, ..)| id.as_str()).collect::<Vec<_>>(),
        ["prod_0", "prod_1", "prod_2", "prod_3", "prod_4", "prod_5"]
    );
    for (index, (id, count, has_more)) in seen.iter().enumerate() {
        assert_eq!(*count < sizes[index], *has_more, "{text:.1}: {id}: {count}");
        assert!(*has_more || id != "prod_3", "{text:.1}: {count}");
    }
    let alone = shop.get("/products/prod_3").await;
    assert!(as_lambda_gets_it(&alone) <= 4_000_000 && alone.ok()["has_more_prices"] == true);
}
