//! The catalogue of before.

use serde_json::{Value, json};

use crate::shop::{Shop, assert_still_shown, order_of};

/// The products with these ids, of an answer of `GET /products`.
fn ids(products: &Value) -> Vec<&str> {
    products["data"].as_array().unwrap().iter().map(|product| product["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_products_are_listed_as_before() {
    let shop = Shop::open().await;

    let products = shop.get("/products?limit=100").await.ok();

    assert_still_shown(&products, &shop.snapshot.products(), "products");
}

#[tokio::test]
async fn a_price_whose_product_was_unknown_is_sold_once_the_product_is_heard_of() {
    for happening in ["price_created", "product_created"] {
        let shop = Shop::open().await;
        let price = shop.happens("price_created")["data"]["object"]["id"].as_str().unwrap().to_owned();

        shop.deliver_own(&shop.happens(happening)).await;

        let cart = shop.shopper("empty").add(&price, 1).await.ok();
        assert_eq!((&cart["item_count"], &cart["total_price_minor"]), (&json!(1), &json!(4200)), "{happening}");
        assert_eq!(cart["products"]["prod_soon"]["name"], "Teapot", "{happening}");
    }
}

#[tokio::test]
async fn a_sync_brings_what_was_missing_and_leaves_the_rest_alone() {
    let shop = Shop::open().await;
    let [carts, orders] = [shop.rows("carts").await, shop.rows("orders").await];

    shop.stack().sync().await.unwrap();

    let then = shop.snapshot.products();
    let mut now = shop.get("/products?limit=100").await.ok();
    assert!(ids(&now).contains(&"prod_soon") && !ids(&then).contains(&"prod_soon"));
    now["data"].as_array_mut().unwrap().retain(|product| product["id"] != "prod_soon");
    assert_still_shown(&now, &then, "products");
    assert_eq!(shop.rows("carts").await, carts);
    assert_eq!(shop.rows("orders").await, orders);
}

#[tokio::test]
async fn a_sync_makes_the_order_of_a_session_of_before_whose_event_was_lost() {
    let shop = Shop::open().await;
    let event = shop.happens("paid");

    shop.stack().sync().await.unwrap();

    let order = shop.order(&order_of(&event)).await.ok();
    assert_eq!(order["status"], "paid");
    assert_eq!(shop.shopper("paid_later").cart().await["status"], "completed");
}
