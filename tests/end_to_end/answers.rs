//! Whole answers, kept in `snapshots/` so that a reader sees what the API says.
//!
//! After a wanted change, `INSTA_UPDATE=always cargo test answers` writes them again; the difference is for review.

use fixtures::{Answer, Shop};
use reqwest::Method;
use serde_json::{Value, json};

/// A shop whose pages are not on a random port.
async fn shop() -> Shop {
    Shop::open_with([
        ("PUBLIC_URL", "https://api.shop.example"),
        ("SUCCESS_URL", "https://shop.example/thanks/{number}"),
        ("CANCEL_URL", "https://shop.example/cart"),
    ])
    .await
}

/// The body of an answer, with Stripe at an address that is the same in every run.
fn body(shop: &Shop, answer: &Answer) -> Value {
    serde_json::from_str(&answer.text.replace(&shop.sandbox().url(), "https://stripe.example")).unwrap()
}

#[tokio::test]
async fn a_cart_of_all_kinds_of_lines() {
    let shop = shop().await;
    let visitor = shop.visitor();
    let bounds = json!({ "enabled": true, "minimum": 1, "maximum": 10 });
    let items = json!([
        { "price": "price_mug", "quantity": 2, "description": "blue", "adjustable_quantity": bounds },
        { "price": "price_cards_volume", "quantity": 60 },
        { "price": "price_pencils_box", "quantity": 7 },
        { "price": "price_club_monthly" },
        { "price": "price_tshirt" },
    ]);
    visitor.post("/cart/add", json!({ "items": items, "metadata": { "is_gift": "yes" } })).await.ok();
    shop.stripe(Method::POST, "/v1/prices/price_tshirt", "active=false").await;

    let answer = visitor.send(Method::GET, "/cart", &[], Vec::new()).await;

    assert_eq!(answer.status, 200);
    insta::assert_json_snapshot!(body(&shop, &answer), {
        ".number" => "[number]",
        ".meta.timestamps.created_at" => "[time]",
        ".meta.timestamps.updated_at" => "[time]",
        ".meta.timestamps.expires_at" => "[time]",
        ".**.created" => "[time]",
        ".**.updated" => "[time]",
    });
}

/// A snapshot has its keys sorted; a cart has Enupal's eight first, and what is added to them behind.
#[tokio::test]
async fn the_keys_of_a_cart_and_of_its_lines_stand_in_their_order() {
    let shop = shop().await;
    let visitor = shop.add("price_club_monthly", 2).await;
    let of_enupal = [
        "{\"number\":",
        "metadata",
        "total_price",
        "total_price_with_currency",
        "currency",
        "item_count",
        "items",
        "\"object\":\"price\"",
        "price",
        "quantity",
    ];
    let of_the_line = [
        "adjustable_quantity",
        "description",
        "available",
        "unit_price_with_currency",
        "total_price",
        "total_price_with_currency",
        "total_price_minor",
    ];
    let behind = ["products", "status", "version", "total_price_minor", "recurring", "warnings", "meta"];

    let text = visitor.send(Method::GET, "/cart", &[], Vec::new()).await.text;

    let mut rest = text.as_str();
    for key in of_enupal.into_iter().chain(of_the_line).chain(behind) {
        let written = if key.starts_with(['{', '"']) { key.to_owned() } else { format!(",\"{key}\":") };
        let (_, after) = rest.split_once(&written).unwrap_or_else(|| panic!("no {key} in {rest}"));
        rest = after;
    }
}

#[tokio::test]
async fn an_empty_cart() {
    let shop = shop().await;

    let answer = shop.get("/cart").await;

    assert_eq!(answer.status, 200);
    insta::assert_json_snapshot!(body(&shop, &answer));
}

#[tokio::test]
async fn a_checkout_session() {
    let shop = shop().await;
    let visitor = shop.add("price_mug", 2).await;
    visitor.update(json!({ "metadata": { "is_gift": "yes" } })).await.ok();

    let checkout = json!({ "email": "ann@shop.example", "promotion_code": "WELCOME10" });
    let mut answer = visitor.post("/cart/checkout", checkout).await;

    assert_eq!(answer.status, 200);
    answer.text = answer.text.replace(&visitor.number().await, "[number]");
    insta::assert_json_snapshot!(body(&shop, &answer), {
        ".id" => "[session]",
        ".url" => "[the page at Stripe]",
        ".created" => "[time]",
        ".expires_at" => "[time]",
        ".metadata.stripe_payments_reference" => "[reference]",
    });
}

#[tokio::test]
async fn an_order() {
    let shop = shop().await;
    let visitor = shop.add("price_mug", 2).await;
    let items = json!([{ "price": "price_poster", "quantity": 1, "description": "rolled" }]);
    visitor.post("/cart/add", json!({ "items": items, "metadata": { "is_gift": "yes" } })).await.ok();
    let session = visitor.post("/cart/checkout", json!({ "promotion_code": "WELCOME10" })).await.ok();
    let number = shop.pay(&session).await;
    shop.refund(&number, 500).await;

    let answer = shop.order(&number).await;

    assert_eq!(answer.status, 200);
    insta::assert_json_snapshot!(body(&shop, &answer), {
        ".number" => "[order]",
        ".reference" => "[reference]",
        ".created_at" => "[time]",
    });
}

#[tokio::test]
async fn a_page_of_products() {
    let shop = shop().await;

    let answer = shop.get("/products?limit=2&starting_after=prod_donation").await;

    assert_eq!(answer.status, 200);
    insta::assert_json_snapshot!(body(&shop, &answer), { ".**.created" => "[time]", ".**.updated" => "[time]" });
}

#[tokio::test]
async fn an_error() {
    let shop = shop().await;

    let answer = shop.visitor().add("price_mug", 0).await;

    assert_eq!(answer.status, 400);
    insta::assert_json_snapshot!(body(&shop, &answer), { ".request_id" => "[request]" });
}
