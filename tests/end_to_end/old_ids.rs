//! Products and prices that were made before 2018-05-21, when merchants chose their ids: with dots, colons, spaces, slashes and
//! what else there is.
//!
//! Source: <https://docs.stripe.com/upgrades#2018-05-21>

use fixtures::Shop;
use reqwest::Method;
use serde_json::{Value, json};

const IDS: [&str; 9] = [
    "gold 1.5:plan",
    "tea/green/100g",
    "50% off? #1",
    "a.b",
    "\"quoted\\\"",
    "{x}&y=z;+",
    "<b>'1'</b>",
    "product#gold",
    "price_$q(|)^!*,@`",
];

/// An id as it stands in a path, a query or a form.
fn encoded(id: &str) -> String {
    let byte = |byte: u8| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    id.bytes().map(byte).collect()
}

/// A product and a price of the same id, for each.
fn catalogue() -> Value {
    let products: Vec<_> = IDS.iter().map(|id| json!({ "id": id, "name": format!("The {id}") })).collect();
    let price = |(index, id): (usize, &&str)| json!({ "id": id, "product": id, "currency": "usd", "unit_amount": 100 + index, "lookup_key": format!("key {index}") });
    let prices: Vec<_> = IDS.iter().enumerate().map(price).collect();
    json!({ "products": products, "prices": prices })
}

fn total() -> usize {
    (0..IDS.len()).map(|index| 100 + index).sum()
}

#[tokio::test]
async fn ids_of_any_shape_are_listed_added_changed_and_bought() {
    let shop = Shop::open_on(&catalogue(), []).await;
    let listed = shop.get("/products?limit=100").await.ok();
    let mut expected = IDS;
    expected.sort_unstable();
    let ids: Vec<_> = listed["data"].as_array().unwrap().iter().map(|product| product["id"].clone()).collect();
    assert_eq!(json!(ids), json!(expected));
    for product in listed["data"].as_array().unwrap() {
        assert_eq!(product["prices"][0]["id"], product["id"]);
        let id = product["id"].as_str().unwrap();
        if !id.contains('/') {
            assert_eq!(shop.get(&format!("/products/{}", encoded(id))).await.ok(), *product, "{id}");
        }
        let after = shop.get(&format!("/products?limit=1&starting_after={}", encoded(id))).await.ok();
        let next = expected.iter().skip_while(|other| **other != id).nth(1);
        assert_eq!(after["data"][0]["id"].as_str(), next.copied(), "{id}");
    }

    let visitor = shop.visitor();
    for (index, id) in IDS.iter().enumerate() {
        let added = if index % 2 == 0 {
            visitor.add(id, 1).await
        } else {
            visitor.post_form("/cart/add", &format!("items[0][price]={}&items[0][quantity]=1", encoded(id))).await
        };
        assert_eq!(added.ok()["item_count"], index + 1, "{id}");
    }
    for id in IDS {
        visitor.set(id, 3).await.ok();
        let form = format!("updates[{}][quantity]=2", encoded(id));
        // A bracket in a name ends it, as in PHP.
        let cart = visitor.post_form("/cart/update", &form).await.ok();
        let item = cart["items"].as_array().unwrap().iter().find(|item| item["price"] == id).unwrap();
        assert_eq!((&item["quantity"], &cart["products"][id]["name"]), (&json!(2), &json!(format!("The {id}"))));
    }
    let cart = visitor.cart().await;
    assert_eq!((&cart["total_price_minor"], &cart["warnings"]), (&json!(2 * total()), &json!([])));

    let session = visitor.checkout().await.ok();
    assert_eq!(session["amount_total"], 2 * total());
    let number = shop.pay(&session).await;
    let order = shop.order(&number).await.ok();
    let prices: Vec<_> = order["lines"].as_array().unwrap().iter().map(|line| line["price"].clone()).collect();
    assert_eq!(json!(prices), json!(IDS));
    assert_eq!(visitor.cart().await["status"], "completed");
    assert_eq!(shop.stored_order(&number).await["marks"], json!([]));
}

#[tokio::test]
async fn ids_of_any_shape_follow_stripe() {
    let shop = Shop::open_on(&catalogue(), []).await;
    let visitor = shop.visitor();
    for id in IDS {
        visitor.add(id, 1).await.ok();

        shop.stripe(Method::POST, &format!("/v1/products/{}", encoded(id)), "name=New").await;
        shop.stripe(Method::POST, &format!("/v1/prices/{}", encoded(id)), "nickname=New").await;

        let cart = visitor.cart().await;
        let item = cart["items"].as_array().unwrap().iter().find(|item| item["price"] == id).unwrap();
        assert_eq!((&item["nickname"], &cart["products"][id]["name"]), (&json!("New"), &json!("New")), "{id}");
        shop.stripe(Method::POST, &format!("/v1/prices/{}", encoded(id)), "active=false").await;
    }
    let answer = visitor.checkout().await;
    assert_eq!(answer.error(409), "cart_changed");
    assert_eq!(answer.json()["details"]["prices"], json!(IDS));
    assert_eq!(shop.stack().sync().await.unwrap().written, 0);
}

#[tokio::test]
async fn an_unknown_price_with_an_id_of_any_shape_is_fetched() {
    let shop = Shop::open_on(&json!({}), []).await;
    for (index, id) in IDS.iter().enumerate() {
        let answer = shop.visitor().add(id, 1).await;

        assert_eq!(answer.error(404), "price_not_found", "{index}");
        assert_eq!(answer.json()["message"], format!("Cannot find price: {id}"));
        assert_eq!(shop.stripe_requests("GET", &format!("/v1/prices/{}", encoded(id))), 1, "{id}");
    }
}

/// Ids that no merchant chose, as far as is known: the shop can do without what has them, and no shopper can help it.
#[tokio::test]
async fn a_price_that_cannot_be_read_is_none() {
    let ids = ["a~b", "ü", ".", ".."];
    let products: Vec<_> = ids.iter().map(|id| json!({ "id": id, "name": "P" })).collect();
    let price = |id: &&str| json!({ "id": "price_readable", "product": id, "currency": "usd", "unit_amount": 100 });
    for id in &ids {
        let mug = json!({ "id": "price_other", "product": "prod_other", "currency": "usd", "unit_amount": 100 });
        let mut all = json!({ "products": products, "prices": [price(id), mug] });
        all["products"].as_array_mut().unwrap().push(json!({ "id": "prod_other", "name": "P" }));
        let shop = Shop::open_on(&all, []).await;
        let visitor = shop.visitor();

        assert_eq!(visitor.add("price_readable", 1).await.error(404), "price_not_found", "{id}");
        assert_eq!(shop.add("price_other", 1).await.set("price_readable", 1).await.error(404), "price_not_found");
        let some = json!({ "items": [{ "price": "price_readable" }, { "price": "price_other" }], "options": { "add_all_or_nothing": false } });
        let cart = visitor.post("/cart/add", some).await.ok();
        assert_eq!((&cart["item_count"], &cart["errors"][0]["code"]), (&json!(1), &json!("price_not_found")), "{id}");
    }
}
