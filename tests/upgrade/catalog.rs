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

/// Lets a product or a price change at Stripe, and delivers the event that tells of it.
async fn change(shop: &Shop, kind: &str, id: &str, changes: &Value) {
    let path = format!("/v1/{kind}s/{id}");
    let mut object = shop.stripe.object(&path).unwrap_or_else(|| json!({ "id": id, "object": kind }));
    object.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    shop.stripe.learn([(format!("GET {path}"), json!({ "status": 200, "body": object }))].into_iter().collect());
    let mut event = shop.happens("product_created");
    event["type"] = json!(format!("{kind}.updated"));
    event["data"]["object"] = json!({ "id": id, "object": kind });
    // Later than whatever is known.
    event["created"] = json!(9_999_999_999_i64);
    shop.deliver_own(&event).await;
}

/// The listed products with these ids, of which each is listed once at most.
#[track_caller]
fn listed<'a>(products: &'a Value, id: &str) -> Option<&'a Value> {
    let mut all = products["data"].as_array().unwrap().iter().filter(|product| product["id"] == id);
    let found = all.next();
    assert!(all.next().is_none(), "{id} is listed twice");
    found
}

/// Asserts that nothing is left of what 0.1.0 kept under the ids of products.
async fn assert_nothing_is_left(shop: &Shop) {
    for row in shop.rows("catalog").await {
        let key = row["id"]["S"].as_str().unwrap();
        assert!(row.get("prices").is_none() && row["kind"]["S"] != "product", "{row}");
        assert!(key.starts_with("product#") || row.get("price").is_some() || row.get("product").is_none(), "{row}");
    }
}

#[tokio::test]
async fn between_an_update_and_the_sync_the_shop_goes_on_and_nothing_is_listed_twice() {
    let shop = Shop::open().await;
    let shopper = shop.shopper("empty");
    assert_eq!(shopper.add("price_mug", 1).await.ok()["item_count"], 1);

    change(&shop, "product", "prod_mug", &json!({ "name": "Cup" })).await;
    change(&shop, "price", "price_tshirt", &json!({ "nickname": "Shirt" })).await;
    change(&shop, "product", "prod_poster", &json!({ "active": false })).await;
    change(&shop, "price", "price_tree", &json!({ "active": false })).await;
    let new_price = json!({ "product": "prod_mug", "currency": "usd", "unit_amount": 900, "active": true });
    change(&shop, "price", "price_new", &new_price).await;

    assert_eq!(shopper.cart().await["products"]["prod_mug"]["name"], "Cup");
    assert_eq!(shopper.add("price_new", 1).await.ok()["item_count"], 2);
    let shown = async |when: &str| {
        let page = shop.get("/products?limit=100").await.ok();
        assert_eq!(listed(&page, "prod_poster"), None, "{when}");
        let [mug, shirt, tree] = ["prod_mug", "prod_tshirt", "prod_tree"].map(|id| listed(&page, id).unwrap().clone());
        let prices = |product: &Value| -> Vec<_> {
            let prices = product["prices"].as_array().unwrap().iter();
            prices.map(|price| price["id"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!((&mug["name"], prices(&mug).len()), (&json!("Cup"), 2), "{when}: {mug}");
        assert_eq!(shirt["prices"][0]["nickname"], "Shirt", "{when}");
        assert_eq!(prices(&tree), Vec::<String>::new(), "{when}");
        for product in page["data"].as_array().unwrap() {
            let alone = shop.get(&format!("/products/{}", product["id"].as_str().unwrap())).await.ok();
            assert_eq!(alone, *product, "{when}");
        }
        // Page by page it is the same.
        let mut paged = Vec::new();
        let mut after = String::new();
        loop {
            let next = shop.get(&format!("/products?limit=2&starting_after={after}")).await.ok();
            paged.extend(next["data"].as_array().unwrap().clone());
            if next["has_more"] == false {
                break;
            }
            paged.last().unwrap()["id"].as_str().unwrap().clone_into(&mut after);
        }
        assert_eq!(json!(paged), page["data"], "{when}");
        page
    };
    let mut before = shown("before the sync").await;
    shop.stack().sync().await.unwrap();
    let after = shown("after the sync").await;

    // The product that 0.1.0 had not heard of is there, too, and what it did not keep of products.
    before["data"].as_array_mut().unwrap().retain(|product| product["id"] != "prod_soon");
    for product in before["data"].as_array_mut().unwrap() {
        let after = listed(&after, product["id"].as_str().unwrap()).unwrap();
        assert_still_shown(after, product, "products");
    }
    assert_nothing_is_left(&shop).await;
    assert_eq!(shop.stack().sync().await.unwrap().written, 0);
}

#[tokio::test]
async fn what_functions_of_0_1_0_write_beside_is_made_right_by_the_next_sync() {
    let shop = Shop::open().await;
    let of_before = shop.rows("catalog").await;
    shop.stack().sync().await.unwrap();
    let right = shop.get("/products?limit=100").await.ok();
    // A function of 0.1.0 takes an event about the product, and one about a price that is archived and back again.
    let soon = json!({ "N": (jiff::Timestamp::now().as_millisecond() + 5).to_string() });
    let row = |key: &str, rows: &[Value]| rows.iter().find(|row| row["id"]["S"] == key).unwrap().clone();
    let mut product = row("prod_mug", &of_before);
    product["product"] = json!({ "S": product["product"]["S"].as_str().unwrap().replace("Stoneware mug", "Old mug") });
    product["product_ms"] = soon.clone();
    let mut price = row("price_mug", &shop.rows("catalog").await);
    price["price"] =
        json!({ "S": price["price"]["S"].as_str().unwrap().replace("\"active\":true", "\"active\":false") });
    price["product"] = product["product"].clone();
    for stamp in ["price_ms", "product_ms"] {
        price[stamp] = soon.clone();
    }
    shop.table("CATALOG_TABLE").put(&product).await;
    shop.table("CATALOG_TABLE").put(&price).await;

    shop.stack().sync().await.unwrap();

    assert_eq!(shop.get("/products?limit=100").await.ok(), right);
    assert_nothing_is_left(&shop).await;
    let cart = shop.shopper("empty").add("price_mug", 1).await.ok();
    assert_eq!(cart["products"]["prod_mug"]["name"], "Stoneware mug");
    assert_eq!(shop.stack().sync().await.unwrap().written, 0);
}

/// Each in turn, as functions of 0.1.0 left it: what it says does not outlive the next sync, and one that says the same is
/// left as it is.
#[tokio::test]
async fn a_copy_of_a_product_that_says_otherwise_is_written_again_whenever_it_was_written() {
    let shop = Shop::open().await;
    shop.stack().sync().await.unwrap();
    let rows = shop.rows("catalog").await;
    let row = |key: &str| rows.iter().find(|row| row["id"]["S"] == key).unwrap().clone();
    let stamp_of = |row: &Value| row["product_ms"]["N"].as_str().unwrap().parse::<i64>().unwrap();
    let own = row("product#prod_mug");
    for (name, later_by, is_written) in [
        ("Stoneware mug", 0, false),
        ("Stoneware mug", 1, false),
        ("Old mug", -1, true),
        ("Old mug", 0, true),
        ("Old mug", 1, true),
    ] {
        let mut price = row("price_mug");
        let copy = price["product"]["S"].as_str().unwrap().replace("Stoneware mug", name);
        price["product"] = json!({ "S": copy });
        price["product_ms"] = json!({ "N": (stamp_of(&own) + later_by).to_string() });
        shop.table("CATALOG_TABLE").put(&price).await;
        shop.table("CATALOG_TABLE").put(&own).await;

        let written = shop.stack().sync().await.unwrap().written;

        assert_eq!(written > 0, is_written, "{name}, {later_by}: {written}");
        let rows = shop.rows("catalog").await;
        let price = rows.iter().find(|row| row["id"]["S"] == "price_mug").unwrap();
        assert!(price["product"]["S"].as_str().unwrap().contains("Stoneware mug"), "{name}, {later_by}: {price}");
        assert_eq!(shop.stack().sync().await.unwrap().written, 0, "{name}, {later_by}");
    }
}

/// In 0.1.0 they had one row.
#[tokio::test]
async fn a_product_and_a_price_of_one_id_are_told_apart() {
    let shop = Shop::open().await;
    let template = |id: &str| shop.stripe.object(id).unwrap();
    let (mut product, mut price) = (template("/v1/products/prod_mug"), template("/v1/prices/price_mug"));
    product["id"] = json!("gold");
    price["id"] = json!("gold");
    price["product"] = json!("gold");
    price["lookup_key"] = json!("gold");
    let answers = [("GET /v1/products/gold", &product), ("GET /v1/prices/gold", &price)];
    let answers = answers.map(|(path, body)| (path.to_owned(), json!({ "status": 200, "body": body })));
    shop.stripe.learn(answers.into_iter().collect());
    let rows = shop.rows("catalog").await;
    let row = |key: &str| rows.iter().find(|row| row["id"]["S"] == key).unwrap().to_string();
    let [of_product, mut of_price] = [("prod_mug", row("prod_mug")), ("price_mug", row("price_mug"))]
        .map(|(id, row)| serde_json::from_str::<Value>(&row.replace(id, "gold").replace("prod_mug", "gold")).unwrap());
    of_price.as_object_mut().unwrap().extend(of_product.as_object().unwrap().clone());
    shop.table("CATALOG_TABLE").put(&of_price).await;

    let shopper = shop.shopper("empty");
    assert_eq!(shopper.add("gold", 1).await.ok()["item_count"], 1);
    shop.stack().sync().await.unwrap();

    assert_eq!(shopper.add("gold", 1).await.ok()["item_count"], 2);
    let page = shop.get("/products?limit=100").await.ok();
    assert_eq!(listed(&page, "gold").unwrap()["prices"][0]["id"], "gold");
    assert_nothing_is_left(&shop).await;
    assert_eq!(shop.stack().sync().await.unwrap().written, 0);
}
