//! How often the catalogue is read.

use fixtures::{Call, Shop, Wire};
use serde_json::{Value, json};

/// Opens a shop of a hundred prices, and a second one on the same tables whose DynamoDB calls are counted.
async fn shops(cache_seconds: &str) -> (Shop, Wire, Shop) {
    let prices: Vec<Value> = (0..100)
        .map(|index| json!({ "id": format!("price_{index}"), "product": "prod_a", "currency": "usd", "unit_amount": 10 }))
        .collect();
    let shop = Shop::open_on(&json!({ "products": [{ "id": "prod_a", "name": "A" }], "prices": prices }), []).await;
    let (dynamodb, [dynamodb_url]) = Wire::to([shop.stack().dynamodb_url()]).await;
    let behind = shop.behind(&dynamodb_url, [("CATALOG_CACHE_SECONDS", cache_seconds)]).await;
    dynamodb.take();
    (shop, dynamodb, behind)
}

fn items(prices: std::ops::Range<usize>) -> Value {
    let items: Vec<_> = prices.map(|index| json!({ "price": format!("price_{index}") })).collect();
    json!({ "items": items })
}

/// Returns the operations on the catalogue's table.
fn on_the_catalogue(seen: Vec<Call>, shop: &Shop) -> Vec<String> {
    let table = format!("\"{}\"", shop.table("CATALOG_TABLE").name());
    seen.into_iter().filter(|seen| seen.body.contains(&table)).map(|seen| seen.operation).collect()
}

#[tokio::test]
async fn a_cold_add_of_a_hundred_lines_reads_one_batch_and_a_warm_one_nothing() {
    let (_origin, dynamodb, shop) = shops("60").await;
    let visitor = shop.visitor();

    assert_eq!(visitor.post("/cart/add", items(0..100)).await.ok()["item_count"], 100);
    assert_eq!(on_the_catalogue(dynamodb.take(), &shop), ["BatchGetItem"]);

    assert_eq!(visitor.post("/cart/add", items(0..100)).await.ok()["item_count"], 200);
    assert_eq!(shop.visitor().post("/cart/add", items(7..9)).await.ok()["item_count"], 2);
    assert_eq!(on_the_catalogue(dynamodb.take(), &shop), [""; 0]);
}

#[tokio::test]
async fn a_cold_get_of_a_hundred_lines_reads_one_batch_and_a_warm_one_nothing() {
    let (_origin, dynamodb, shop) = shops("60").await;
    let visitor = shop.visitor();
    visitor.post("/cart/add", items(0..100)).await.ok();
    dynamodb.take();

    // The function `get` has a memory of its own.
    assert_eq!(visitor.cart().await["total_price_minor"], 1000);
    assert_eq!(on_the_catalogue(dynamodb.take(), &shop), ["BatchGetItem"]);

    assert_eq!(visitor.cart().await["total_price_minor"], 1000);
    assert_eq!(on_the_catalogue(dynamodb.take(), &shop), [""; 0]);
}

#[tokio::test]
async fn a_cold_add_to_a_cart_reads_one_batch_for_all_its_lines() {
    let (_origin, dynamodb, shop) = shops("0").await;
    let visitor = shop.visitor();
    visitor.post("/cart/add", items(0..50)).await.ok();
    assert_eq!(on_the_catalogue(dynamodb.take(), &shop), ["BatchGetItem"]);

    visitor.post("/cart/add", items(50..60)).await.ok();
    assert_eq!(on_the_catalogue(dynamodb.take(), &shop), ["BatchGetItem"]);

    let update = json!({ "updates": { "price_60": { "quantity": 2 }, "price_0": { "quantity": 0 } } });
    assert_eq!(visitor.update(update).await.ok()["items"].as_array().unwrap().len(), 60);
    assert_eq!(on_the_catalogue(dynamodb.take(), &shop), ["BatchGetItem"]);
}

#[tokio::test]
async fn add_may_use_a_remembered_price_and_checkout_always_reads_it() {
    let (origin, dynamodb, shop) = shops("3600").await;
    let visitor = shop.visitor();
    visitor.post("/cart/add", items(0..2)).await.ok();
    origin.stripe(reqwest::Method::POST, "/v1/prices/price_0", "active=false").await;
    dynamodb.take();

    assert_eq!(visitor.add("price_0", 1).await.status, 200);
    let answer = visitor.checkout().await;

    assert_eq!(answer.error(409), "cart_changed");
    assert_eq!(on_the_catalogue(dynamodb.take(), &shop), ["BatchGetItem"]);
}
