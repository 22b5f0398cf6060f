//! `POST /cart/update`.

use fixtures::Shop;
use serde_json::json;

#[tokio::test]
async fn a_quantity_is_set_not_added() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 2).await;

    let cart = visitor.set("price_mug", 5).await.ok();

    assert_eq!(cart["items"][0]["quantity"], 5);
}

#[tokio::test]
async fn a_known_price_that_is_not_in_the_cart_is_added() {
    let shop = Shop::open().await;
    let visitor = shop.visitor();

    let opened = visitor.set("price_mug", 1).await.ok();
    let cart = visitor.set("price_tshirt", 2).await.ok();

    assert_eq!(opened["item_count"], 1);
    assert_eq!(cart["item_count"], 3);
}

#[tokio::test]
async fn zero_removes_a_line() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 2).await;
    visitor.add("price_tshirt", 2).await.ok();

    let cart = visitor
        .post_form("/cart/update", "updates[price_mug][quantity]=0&updates[price_tshirt][quantity]=1")
        .await
        .ok();

    assert_eq!(cart["items"].as_array().unwrap().len(), 1);
    assert_eq!(cart["items"][0]["price"], "price_tshirt");
    assert_eq!(cart["item_count"], 1);
}

#[tokio::test]
async fn zero_for_a_price_that_is_not_in_the_cart_changes_nothing() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 2).await;

    let cart = visitor.set("price_nowhere", 0).await.ok();

    assert_eq!(cart["item_count"], 2);
    assert_eq!(cart["version"], 1);
    assert_eq!(shop.visitor().set("price_mug", 0).await.ok()["number"], json!(null));
}

#[tokio::test]
async fn an_unknown_price_is_not_found() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 2).await;

    let answer = visitor.set("price_nowhere", 1).await;

    assert_eq!(answer.error(404), "price_not_found");
    assert_eq!(visitor.cart().await["item_count"], 2);
}

#[tokio::test]
async fn metadata_and_lines_are_updated_independently() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 2).await;

    let first = visitor.update(json!({ "metadata": { "is_gift": "yes", "note": "hi" } })).await.ok();
    let second = visitor.set("price_mug", 3).await.ok();
    let third = visitor.update(json!({ "metadata": { "is_gift": "no" } })).await.ok();

    assert_eq!(first["item_count"], 2);
    assert_eq!(second["metadata"], json!({ "is_gift": "yes", "note": "hi" }));
    assert_eq!(third["metadata"], json!({ "is_gift": "no" }));
    assert_eq!(third["item_count"], 3);
}

#[tokio::test]
async fn attributes_alone_keep_the_quantity() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 2).await;
    let bounds = json!({ "enabled": true, "minimum": 1, "maximum": 10 });

    let updates = json!({ "price_mug": { "description": "blue", "adjustable_quantity": bounds } });
    visitor.update(json!({ "updates": updates })).await.ok();

    let cart = visitor.cart().await;
    assert_eq!(cart["items"][0]["quantity"], 2);
    assert_eq!(cart["items"][0]["description"], "blue");
    assert_eq!(cart["items"][0]["adjustable_quantity"], bounds);
}

#[tokio::test]
async fn attributes_of_a_line_that_is_not_there_change_nothing() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 2).await;

    let cart = visitor.update(json!({ "updates": { "price_tshirt": { "description": "red" } } })).await.ok();

    assert_eq!(cart["items"].as_array().unwrap().len(), 1);
    assert_eq!(cart["version"], 1);
}

#[tokio::test]
async fn a_stale_if_match_is_refused() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;
    visitor.add("price_mug", 1).await.ok();
    let body = json!({ "updates": { "price_mug": { "quantity": 9 } } });

    let stale = visitor.post_with(&[("if-match", "\"1\"")], "/cart/update", body.clone()).await;
    let current = visitor.post_with(&[("if-match", "\"2\"")], "/cart/update", body).await;

    assert_eq!(stale.error(412), "version_mismatch");
    assert_eq!(current.ok()["item_count"], 9);
}
