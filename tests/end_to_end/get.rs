//! `GET /cart`.

use fixtures::Shop;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn without_a_cart_there_are_no_items_and_no_token_is_given() {
    let shop = Shop::open().await;

    let answer = shop.get("/cart").await;

    assert_eq!(answer.ok()["items"], json!([]));
    assert_eq!(answer.ok()["number"], json!(null));
    assert_eq!(answer.header("set-cookie"), None);
    assert_eq!(answer.header("cart-token"), None);
}

#[tokio::test]
async fn the_first_keys_are_in_enupals_order() {
    let shop = Shop::open().await;
    let visitor = shop.visitor();

    let text = visitor.add("price_mug", 1).await.text;

    let keys = [
        "number",
        "metadata",
        "total_price",
        "total_price_with_currency",
        "currency",
        "item_count",
        "items",
        "products",
    ];
    let places: Vec<_> = keys.iter().map(|key| text.find(&format!("\"{key}\":")).unwrap()).collect();
    assert!(places.is_sorted(), "{text}");
}

#[tokio::test]
async fn an_answer_to_a_change_is_the_cart_that_get_shows() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 2).await;
    visitor.add("price_tshirt", 1).await.ok();

    let changed = visitor.update(json!({ "updates": { "price_mug": { "description": "blue" } } })).await.ok();

    assert_eq!(visitor.cart().await, changed);
}

#[tokio::test]
async fn an_etag_names_the_version() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;
    let answer = visitor.add("price_mug", 1).await;

    assert_eq!(answer.header("etag"), Some("\"2\""));
    assert_eq!(answer.ok()["version"], 2);
}

/// A tag that the client has says nothing of the prices, which change without the cart.
#[tokio::test]
async fn a_cart_is_sent_whole_to_a_client_that_has_its_version() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;
    let tag = format!("\"{}\"", visitor.cart().await["version"]);
    shop.stripe(Method::POST, "/v1/prices/price_mug", "active=false").await;

    for known in [tag.as_str(), "*"] {
        let answer = visitor.send(Method::GET, "/cart", &[("if-none-match", known)], Vec::new()).await;

        assert_eq!(answer.header("etag"), Some(tag.as_str()));
        assert_eq!(answer.ok()["items"][0]["available"], false);
    }
}

#[tokio::test]
async fn every_cart_route_also_answers_under_one_leading_segment() {
    let shop = Shop::open().await;
    let visitor = shop.visitor();
    let add = json!({ "items": [{ "price": "price_mug" }] });

    visitor.post("/enupal-stripe/cart/add", add).await.ok();
    let update = json!({ "updates": { "price_mug": { "quantity": 3 } } });
    visitor.post("/enupal-payments/cart/update", update).await.ok();
    let session = visitor.post("/shop/cart/checkout", json!({})).await.ok();
    let cart = shop.visitor_with(&visitor.token().unwrap()).cart().await;
    visitor.post("/x/cart/clear", json!({})).await.ok();

    assert_eq!(session["object"], "checkout.session");
    assert_eq!(cart["item_count"], 3);
    assert_eq!(visitor.cart().await["item_count"], 0);
}
