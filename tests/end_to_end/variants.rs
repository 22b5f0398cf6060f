//! What tells a product's prices apart, all the way from the list to the event.

use fixtures::Shop;
use serde_json::{Map, Value, json};
use tracing::Level;

use crate::log::Captured;

/// A product with prices of these ids and metadata.
fn catalogue(prices: &[(&str, Value)]) -> Value {
    let price = |(id, metadata): &(&str, Value)| {
        json!({ "id": id, "product": "prod_tea", "currency": "usd", "unit_amount": 500, "nickname": format!("Tea {id}"),
                "metadata": metadata })
    };
    json!({ "products": [{ "id": "prod_tea", "name": "Tea" }], "prices": prices.iter().map(price).collect::<Vec<_>>() })
}

/// Metadata of so many bytes, in keys and values, as large as Stripe lets them be.
///
/// Source: <https://docs.stripe.com/metadata#data>
fn metadata(bytes: usize) -> Value {
    let mut entries = Map::new();
    let mut left = bytes;
    while left > 0 {
        let key = format!("{:k>40}", entries.len());
        let value = "v".repeat((left - 40).min(500));
        left -= 40 + value.len();
        entries.insert(key, json!(value));
    }
    assert!(entries.len() <= 50, "{bytes}");
    json!(entries)
}

/// Everything that shows the lines of an order of one unit of each of these prices.
async fn shown(shop: &Shop, prices: &[&str]) -> Vec<Vec<Value>> {
    let visitor = shop.visitor();
    for price in prices {
        visitor.add(price, 1).await.ok();
    }
    let number = shop.pay(&visitor.checkout().await.ok()).await;
    let order = shop.order(&number).await.ok();
    let admin = shop.get(&format!("/admin/orders/{number}")).await.ok()["data"][0].take();
    let event = shop.published().await.into_iter().find(|event| event.detail["order"] == number.as_str()).unwrap();
    [order, admin, event.detail].map(|shown| shown["lines"].as_array().unwrap().clone()).to_vec()
}

#[tokio::test]
async fn names_and_metadata_of_prices_go_from_the_list_to_the_event() {
    let prices = [("price_green", json!({ "grams": "100", "colour": "grün" })), ("price_black", json!({}))];
    let shop = Shop::open_on(&catalogue(&prices), []).await;

    let listed = shop.get("/products/prod_tea").await.ok();
    let visitor = shop.add("price_green", 1).await;
    let cart = visitor.add("price_black", 1).await.ok();
    for (id, metadata) in &prices {
        let of_list = listed["prices"].as_array().unwrap().iter().find(|price| price["id"] == *id).unwrap();
        let of_cart = cart["items"].as_array().unwrap().iter().find(|item| item["price"] == *id).unwrap();
        for shown in [of_list, of_cart] {
            assert_eq!((&shown["nickname"], &shown["metadata"]), (&json!(format!("Tea {id}")), metadata));
        }
    }
    for lines in shown(&shop, &["price_green", "price_black"]).await {
        for (line, (id, metadata)) in lines.iter().zip(&prices) {
            assert_eq!((&line["price"], &line["nickname"]), (&json!(id), &json!(format!("Tea {id}"))));
            assert_eq!(line["price_metadata"], *metadata, "{line}");
        }
    }
}

#[tokio::test]
async fn metadata_of_prices_beyond_32_kb_are_left_out_of_the_order_with_a_warning() {
    let prices = [("price_a", metadata(16_384)), ("price_b", metadata(16_384)), ("price_c", metadata(41))];
    let shop = Shop::open_on(&catalogue(&prices), []).await;
    let warnings = |captured: &Captured| {
        let lines = captured.lines();
        let warned = lines.iter().filter(|line| line.contains("metadata of the order's prices"));
        warned.map(|line| serde_json::from_str::<Value>(line).unwrap()).collect::<Vec<_>>()
    };
    let (captured, _guard) = Captured::begin(Level::INFO.as_str());

    for lines in shown(&shop, &["price_a", "price_b"]).await {
        assert_eq!((&lines[0]["price_metadata"], &lines[1]["price_metadata"]), (&prices[0].1, &prices[1].1));
    }
    assert_eq!(warnings(&captured), Vec::<Value>::new());

    for lines in shown(&shop, &["price_a", "price_b", "price_c"]).await {
        assert!(lines.iter().all(|line| line["price_metadata"] == json!({})), "{lines:?}");
    }
    let warned = warnings(&captured);
    assert_eq!(warned.len(), 1, "{warned:?}");
    assert_eq!((&warned[0]["level"], &warned[0]["fields"]["bytes"]), (&json!("WARN"), &json!(32_809)));
}
