//! How many calls a request makes, counted on the wire.

use fixtures::{Answer, Shop, Visitor};
use reqwest::Method;
use serde_json::json;

/// Returns the calls to DynamoDB and Stripe while `act` runs.
async fn calls_of(shop: &Shop, act: impl Future<Output = Answer>) -> Vec<String> {
    shop.wire().plan(None);
    let answer = act.await;
    assert!(answer.status < 400, "{}", answer.text);
    shop.wire().calls()
}

#[tokio::test]
async fn a_warm_request_to_a_cart_is_one_request_to_dynamodb() {
    let shop = Shop::open_on_wires([]).await;
    let warm_up = shop.visitor();
    for price in ["price_mug", "price_tshirt", "price_poster", "price_sticker"] {
        warm_up.add(price, 1).await.ok();
        warm_up.set(price, 2).await.ok();
    }
    warm_up.cart().await;
    let visitor = shop.visitor();
    let get = |visitor: &Visitor<'_>| {
        let token = visitor.token().unwrap();
        let shop = &shop;
        async move { shop.send(Method::GET, "/cart", &[("cart-token", token.as_str())], Vec::new()).await }
    };

    assert_eq!(calls_of(&shop, visitor.add("price_mug", 1)).await, ["DynamoDB PutItem"], "a new cart");
    assert_eq!(calls_of(&shop, visitor.add("price_mug", 1)).await, ["DynamoDB UpdateItem"], "a known line");
    assert_eq!(calls_of(&shop, visitor.add("price_tshirt", 1)).await, ["DynamoDB UpdateItem"], "a new line");
    let engraved = |text: &str| json!({ "items": [{ "price": "price_mug", "attributes": { "engraving": text } }] });
    for what in ["a new line with attributes", "a known line with attributes"] {
        let added = visitor.post("/cart/add", engraved("Ann"));
        assert_eq!(calls_of(&shop, added).await, ["DynamoDB UpdateItem"], "{what}");
    }
    for quantity in [3, 0] {
        let set = visitor.set("price_mug~5T-OOLPWXXw", quantity);
        assert_eq!(calls_of(&shop, set).await, ["DynamoDB UpdateItem"], "a line with attributes set to {quantity}");
    }
    assert_eq!(calls_of(&shop, shop.visitor().post("/cart/add", engraved("Ann"))).await, ["DynamoDB PutItem"]);
    assert_eq!(calls_of(&shop, get(&visitor)).await, ["DynamoDB GetItem"]);
    assert_eq!(calls_of(&shop, visitor.set("price_mug", 5)).await, ["DynamoDB UpdateItem"], "another quantity");
    assert_eq!(calls_of(&shop, visitor.set("price_poster", 1)).await, ["DynamoDB UpdateItem"], "a line by update");
    assert_eq!(calls_of(&shop, visitor.set("price_mug", 0)).await, ["DynamoDB UpdateItem"], "a line less");
    let attached = visitor.update(json!({ "metadata": { "is_gift": "yes" } }));
    assert_eq!(calls_of(&shop, attached).await, ["DynamoDB UpdateItem"], "metadata");
    assert_eq!(calls_of(&shop, visitor.clear()).await, ["DynamoDB UpdateItem"]);
    assert_eq!(calls_of(&shop, visitor.add("price_mug", 1)).await, ["DynamoDB UpdateItem"], "after a clear");
    assert_eq!(calls_of(&shop, shop.get("/cart")).await, Vec::<String>::new(), "without a token");
}

#[tokio::test]
async fn a_line_with_bounds_of_its_own_is_changed_by_one_request() {
    let shop = Shop::open_on_wires([]).await;
    let warm_up = shop.add("price_mug", 1).await;
    warm_up.add("price_tshirt", 1).await.ok();
    warm_up.set("price_mug", 2).await.ok();
    // Its quantity, its bounds, quantities that it is set to, and units that are added to it.
    let cases: [(u32, serde_json::Value, &[u32], &[u32]); 5] = [
        (2, json!({ "enabled": true, "minimum": 2, "maximum": 10 }), &[10, 2, 3], &[1, 4, 1, 1]),
        (1, json!({ "enabled": true, "maximum": 10 }), &[10, 1], &[1, 2, 4]),
        (5, json!({ "enabled": true, "minimum": 5 }), &[900, 5], &[1, 100, 1000]),
        (5, json!({ "enabled": true }), &[900, 5], &[1, 100, 1000]),
        (1, json!({ "enabled": false, "minimum": 5, "maximum": 10 }), &[900, 5], &[1, 100, 1000]),
    ];
    for (quantity, bounds, set, added) in cases {
        for attributes in [json!({}), json!({ "engraving": "Ann" })] {
            let more = |quantity: u32| json!({ "items": [{ "price": "price_mug", "attributes": attributes, "quantity": quantity }] });
            let mut first = more(quantity);
            first["items"][0]["adjustable_quantity"] = bounds.clone();
            let visitor = shop.add("price_tshirt", 1).await;
            assert_eq!(calls_of(&shop, visitor.post("/cart/add", first)).await, ["DynamoDB UpdateItem"], "{bounds}");
            let line = visitor.cart().await["items"][1]["id"].as_str().unwrap().to_owned();
            for &quantity in set {
                let set = visitor.set(&line, quantity);
                assert_eq!(calls_of(&shop, set).await, ["DynamoDB UpdateItem"], "{bounds} set to {quantity}");
            }
            for &units in added {
                let add = visitor.post("/cart/add", more(units));
                assert_eq!(calls_of(&shop, add).await, ["DynamoDB UpdateItem"], "{bounds}: {units} more");
            }
            let expected = set.last().unwrap() + added.iter().sum::<u32>();
            assert_eq!(visitor.cart().await["items"][1]["quantity"], expected, "{bounds}");
        }
    }
}

#[tokio::test]
async fn a_cart_of_an_earlier_release_costs_a_second_write_once() {
    let shop = Shop::open_on_wires([]).await;
    shop.add("price_tshirt", 1).await;
    let visitor = shop.add("price_mug", 1).await;
    visitor.add_as_0_1_0_did("price_tshirt", 1).await;

    let first = calls_of(&shop, visitor.add("price_mug", 1)).await;
    let second = calls_of(&shop, visitor.add("price_mug", 1)).await;

    assert_eq!(first, ["DynamoDB UpdateItem", "DynamoDB UpdateItem"]);
    assert_eq!(second, ["DynamoDB UpdateItem"]);
}

#[tokio::test]
async fn an_idempotency_key_costs_no_further_request_once_there_is_a_cart() {
    let shop = Shop::open_on_wires([]).await;
    let visitor = shop.add("price_mug", 1).await;
    let body = json!({ "items": [{ "price": "price_mug" }] });
    let add = || visitor.post_with(&[("idempotency-key", "0b7e6b1c")], "/cart/add", body.clone());

    assert_eq!(calls_of(&shop, add()).await, ["DynamoDB UpdateItem"]);
    assert_eq!(calls_of(&shop, add()).await, ["DynamoDB UpdateItem"], "again");
    assert_eq!(visitor.cart().await["item_count"], 2);
    let clear = || visitor.post_with(&[("idempotency-key", "5d1c9e02")], "/cart/clear", json!({}));
    for what in ["a clear", "a clear again"] {
        assert_eq!(calls_of(&shop, clear()).await, ["DynamoDB UpdateItem"], "{what}");
    }
}

#[tokio::test]
async fn the_webhook_of_a_paid_session_is_two_requests_to_dynamodb() {
    let shop = Shop::open_on_wires([]).await;
    let visitor = shop.add("price_mug", 2).await;
    let session = visitor.checkout().await.ok();
    shop.press(&session, "pay").await;
    let event = shop.event("checkout.session.completed");
    shop.wire().plan(None);

    shop.deliver(&event).await.ok();

    assert_eq!(shop.wire().dynamodb_calls(), ["DynamoDB GetItem", "DynamoDB TransactWriteItems"]);
}
