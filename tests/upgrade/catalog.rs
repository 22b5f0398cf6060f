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
    let [carts, orders] = [shop.rows("carts").await, known_to_0_1_0(&shop).await];

    shop.stack().sync().await.unwrap();

    let then = shop.snapshot.products();
    let mut now = shop.get("/products?limit=100").await.ok();
    assert!(ids(&now).contains(&"prod_soon") && !ids(&then).contains(&"prod_soon"));
    now["data"].as_array_mut().unwrap().retain(|product| product["id"] != "prod_soon");
    assert_still_shown(&now, &then, "products");
    assert_eq!(shop.rows("carts").await, carts);
    // What was read of their money is written down, and tells nothing.
    assert_eq!(known_to_0_1_0(&shop).await, orders);
}

/// The rows of orders without what the first sync adds, and without what the last write told.
async fn known_to_0_1_0(shop: &Shop) -> Vec<Value> {
    let mut rows = shop.rows("orders").await;
    for row in &mut rows {
        row.as_object_mut().unwrap().retain(|name, _| !["captured", "read", "event"].contains(&name.as_str()));
    }
    rows
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

/// 0.1.0 believed what an event said, and its date: a register that is dated in the future kept out all that came later.
#[tokio::test]
async fn what_a_forged_event_of_before_wrote_does_not_outlive_the_next_sync() {
    let now = jiff::Timestamp::now().as_millisecond();
    for stamp in [now + 1000, now + 60 * 60 * 1000, 9_999_999_999_999, i64::MAX] {
        for taken_off in [false, true] {
            let shop = Shop::open().await;
            let forged = |text: &Value, name: &str, value: Value| {
                let mut object: Value = serde_json::from_str(text["S"].as_str().unwrap()).unwrap();
                object[name] = value;
                object["active"] = json!(!taken_off);
                json!({ "S": object.to_string() })
            };
            for mut row in shop.rows("catalog").await {
                for (register, time, name, value) in
                    [("price", "price_ms", "unit_amount", json!(1)), ("product", "product_ms", "name", json!("Forged"))]
                {
                    if let Some(text) = row.get(register) {
                        row[register] = forged(text, name, value);
                        row[time] = json!({ "N": stamp.to_string() });
                    }
                }
                if taken_off {
                    row.as_object_mut().unwrap().remove("kind");
                }
                shop.table("CATALOG_TABLE").put(&row).await;
            }
            let forged = shop.get("/products?limit=100").await.ok();
            assert!(forged["data"].as_array().unwrap().iter().all(|product| product["name"] == "Forged"));

            shop.stack().sync().await.unwrap();

            let mut now = shop.get("/products?limit=100").await.ok();
            now["data"].as_array_mut().unwrap().retain(|product| product["id"] != "prod_soon");
            assert_still_shown(&now, &shop.snapshot.products(), &format!("{stamp}, {taken_off}: products"));
            let described = shop.shopper("described");
            assert_still_shown(&described.cart().await["products"], &described.then["products"], "products");
            for row in shop.rows("catalog").await {
                for text in ["price", "product"].iter().filter_map(|register| row[register]["S"].as_str()) {
                    assert!(!text.contains("Forged") && !text.contains("\"unit_amount\":1,"), "{row}");
                }
            }
        }
    }
}
