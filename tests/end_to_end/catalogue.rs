//! Prices and products that change while they are in carts, and those that the catalogue does not know yet.

use fixtures::{Shop, StripeAnswer, Visitor};
use reqwest::Method;
use serde_json::{Value, json};

/// Asserts that the cart shows two lines, warns about `gone`, and totals the other.
#[track_caller]
fn shows_as_gone(cart: &Value, gone: &str, rest: i64) {
    assert_eq!(cart["warnings"], json!([{ "code": "price_inactive", "price": gone, "id": gone }]));
    for item in cart["items"].as_array().unwrap() {
        assert_eq!(item["available"], item["price"] != gone, "{item}");
    }
    assert_eq!(cart["total_price_minor"], rest);
    assert_eq!(cart["item_count"], 2);
}

async fn stops_at_checkout(visitor: &Visitor<'_>, gone: &str) {
    let answer = visitor.checkout().await;
    assert_eq!(answer.error(409), "cart_changed");
    assert_eq!(answer.json()["details"]["prices"], json!([gone]));
}

async fn with_mug_and_tshirt(shop: &Shop) -> Visitor<'_> {
    let visitor = shop.add("price_mug", 1).await;
    visitor.add("price_tshirt", 1).await.ok();
    visitor
}

#[tokio::test]
async fn an_archived_product_takes_its_prices_with_it_and_brings_them_back() {
    let shop = Shop::open().await;
    let visitor = with_mug_and_tshirt(&shop).await;

    shop.stripe(Method::POST, "/v1/products/prod_mug", "active=false").await;

    shows_as_gone(&visitor.cart().await, "price_mug", 3200);
    stops_at_checkout(&visitor, "price_mug").await;
    assert_eq!(visitor.add("price_mug", 1).await.error(404), "price_not_found");
    shop.stripe(Method::POST, "/v1/products/prod_mug", "active=true").await;
    assert_eq!(visitor.checkout().await.ok()["amount_total"], 4400);
}

#[tokio::test]
async fn a_deleted_price_can_be_removed_and_the_rest_is_bought() {
    let shop = Shop::open().await;
    let visitor = with_mug_and_tshirt(&shop).await;

    assert!(shop.sandbox().delete_price("price_mug"));
    shop.sandbox().settled().await;

    shows_as_gone(&visitor.cart().await, "price_mug", 3200);
    stops_at_checkout(&visitor, "price_mug").await;
    assert_eq!(visitor.add("price_mug", 1).await.error(404), "price_not_found");
    visitor.set("price_mug", 0).await.ok();
    assert_eq!(visitor.checkout().await.ok()["amount_total"], 3200);
}

#[tokio::test]
async fn a_deleted_product_is_not_listed() {
    let catalogue = json!({ "products": [{ "id": "prod_a", "name": "A" }, { "id": "prod_b", "name": "B" }] });
    let shop = Shop::open_on(&catalogue, []).await;

    shop.stripe(Method::DELETE, "/v1/products/prod_a", "").await;

    let listed = shop.get("/products").await.ok();
    let ids: Vec<_> = listed["data"].as_array().unwrap().iter().map(|product| &product["id"]).collect();
    assert_eq!(ids, ["prod_b"]);
}

#[tokio::test]
async fn no_text_of_a_merchant_or_a_shopper_breaks_the_json_of_a_cart() {
    let text = "\"}],\"x\":{\\ \n\t\u{1} </script> é 🦀";
    // Shoppers may not send control characters.
    let shoppers = "\"}],\"x\":{\\ </script> é 🦀";
    let catalogue = json!({
        "products": [{ "id": "prod_odd", "name": text, "metadata": { text: text } }],
        "prices": [{ "id": "price_odd", "product": "prod_odd", "currency": "usd", "unit_amount": 100, "nickname": text }],
    });
    let shop = Shop::open_on(&catalogue, []).await;
    let visitor = shop.add("price_odd", 1).await;
    let updates = json!({ "price_odd": { "description": shoppers } });
    visitor.update(json!({ "updates": updates, "metadata": { "note": shoppers } })).await.ok();

    let cart = visitor.cart().await;
    let (item, product) = (&cart["items"][0], &cart["products"]["prod_odd"]);
    for shown in [&product["name"], &product["metadata"][text], &item["nickname"]] {
        assert_eq!(shown, text, "{cart}");
    }
    for shown in [&item["description"], &cart["metadata"]["note"]] {
        assert_eq!(shown, shoppers, "{cart}");
    }
    assert_eq!(cart["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_price_that_lost_the_carts_currency_is_left_out() {
    let shop = Shop::open().await;
    let visitor = shop.visitor();
    let body = json!({ "items": [{ "price": "price_tshirt" }, { "price": "price_cards_volume" }] });
    visitor.post_with(&[("x-currency", "eur")], "/cart/add", body).await.ok();

    let price = shop.stripe(Method::POST, "/v1/prices/price_tshirt", "currency_options=").await;

    assert_eq!(price["active"], true);
    shows_as_gone(&visitor.cart().await, "price_tshirt", 140 + 900);
    stops_at_checkout(&visitor, "price_tshirt").await;
}

#[tokio::test]
async fn a_price_that_was_archived_without_an_event_stops_the_checkout() {
    let shop = Shop::open().await;
    let visitor = with_mug_and_tshirt(&shop).await;
    shop.sandbox().pause_webhooks(true);
    shop.stripe(Method::POST, "/v1/prices/price_mug", "active=false").await;

    stops_at_checkout(&visitor, "price_mug").await;

    // Checkout learned it from Stripe's refusal.
    shows_as_gone(&visitor.cart().await, "price_mug", 3200);
}

#[tokio::test]
async fn a_price_that_arrives_before_its_product_is_not_lost() {
    let shop = Shop::open().await;
    shop.sandbox().pause_webhooks(true);
    shop.stripe(Method::POST, "/v1/products", "id=prod_new&name=New").await;
    shop.stripe(Method::POST, "/v1/prices", "product=prod_new&currency=usd&unit_amount=700").await;
    let (price, product) = (shop.event("price.created"), shop.event("product.created"));
    let id = price["data"]["object"]["id"].as_str().unwrap();

    shop.deliver(&price).await.ok();
    let visitor = shop.visitor();
    assert_eq!(visitor.add(id, 1).await.ok()["total_price_minor"], 700);
    shop.deliver(&product).await.ok();

    assert_eq!(visitor.cart().await["products"]["prod_new"]["name"], "New");
}

#[tokio::test]
async fn an_unknown_price_is_fetched_once_and_kept() {
    let shop = Shop::open().await;
    shop.sandbox().pause_webhooks(true);
    let id = shop.price(777).await;
    let before = shop.sandbox().requests().len();

    let visitor = shop.add(&id, 1).await;
    let cart = visitor.add(&id, 1).await.ok();
    shop.add(&id, 1).await;

    assert_eq!(cart["total_price_minor"], 1554);
    let asked: Vec<_> = shop.sandbox().requests().split_off(before).into_iter().map(|request| request.path).collect();
    assert_eq!(asked, [format!("/v1/prices/{id}")]);
}

#[tokio::test]
async fn an_id_that_stripe_does_not_know_is_asked_for_once() {
    let shop = Shop::open().await;
    let visitor = shop.visitor();

    for _ in 0..5 {
        assert_eq!(visitor.add("price_made_up", 1).await.error(404), "price_not_found");
    }

    assert_eq!(shop.stripe_requests("GET", "/v1/prices/price_made_up"), 1);
}

#[tokio::test]
async fn an_id_that_stripe_did_not_know_is_sold_after_its_event() {
    let shop = Shop::open_on_wires([]).await;
    let visitor = shop.visitor();
    let id = shop.price(5).await;
    let not_found = json!({ "error": { "type": "invalid_request_error", "code": "resource_missing" } });
    shop.wire().stripe_answers(Some(StripeAnswer::Error { status: 404, headers: vec![], body: not_found.to_string() }));
    assert_eq!(visitor.add(&id, 1).await.error(404), "price_not_found");
    shop.wire().stripe_answers(None);

    shop.deliver(&shop.event("price.created")).await.ok();

    assert_eq!(visitor.add(&id, 1).await.ok()["item_count"], 1);
}

#[tokio::test]
async fn an_unknown_price_that_cannot_be_bought_is_asked_for_once() {
    let shop = Shop::open().await;
    shop.sandbox().pause_webhooks(true);
    let archived = shop.stripe(Method::POST, "/v1/prices", "product=prod_calendar&currency=usd&unit_amount=700").await;
    let inactive =
        shop.stripe(Method::POST, "/v1/prices", "product=prod_mug&currency=usd&unit_amount=7&active=false").await;

    for price in [archived, inactive] {
        let id = price["id"].as_str().unwrap();
        for _ in 0..3 {
            assert_eq!(shop.visitor().add(id, 1).await.error(404), "price_not_found");
        }
        assert_eq!(shop.stripe_requests("GET", &format!("/v1/prices/{id}")), 1);
    }
}

#[tokio::test]
async fn in_tagged_mode_only_products_with_the_tag_are_sold() {
    let shop = Shop::open_with([("SYNC_MODE", "tagged")]).await;
    let visitor = shop.visitor();
    let listed = || async { shop.get("/products").await.ok()["data"].as_array().unwrap().len() };
    assert_eq!(visitor.add("price_mug", 1).await.error(404), "price_not_found");
    assert_eq!(listed().await, 0);

    // The tag may be spelled with an underscore.
    shop.stripe(Method::POST, "/v1/products/prod_mug", "metadata[enupal_sync]=1").await;
    assert_eq!(visitor.add("price_mug", 1).await.ok()["item_count"], 1);
    assert_eq!(listed().await, 1);

    shop.stripe(Method::POST, "/v1/products/prod_mug", "metadata[enupal_sync]=").await;
    assert_eq!(visitor.cart().await["warnings"][0]["price"], "price_mug");
    stops_at_checkout(&visitor, "price_mug").await;
    assert_eq!(listed().await, 0);

    shop.stripe(Method::POST, "/v1/products/prod_mug", "metadata[enupal-sync]=").await;
    shop.stripe(Method::POST, "/v1/products/prod_mug", "metadata[enupal-sync]=yes").await;
    shop.stack().sync().await.unwrap();
    assert_eq!(visitor.checkout().await.ok()["amount_total"], 1200);
}

#[tokio::test]
async fn the_tag_is_a_setting() {
    let shop = Shop::open_with([("SYNC_MODE", "tagged"), ("SYNC_TAG", "web")]).await;
    shop.stripe(Method::POST, "/v1/products/prod_mug", "metadata[enupal-sync]=1").await;
    shop.stripe(Method::POST, "/v1/products/prod_tshirt", "metadata[web]=1").await;
    let visitor = shop.visitor();

    assert_eq!(visitor.add("price_mug", 1).await.error(404), "price_not_found");
    assert_eq!(visitor.add("price_tshirt", 1).await.ok()["item_count"], 1);
}

#[tokio::test]
async fn in_tagged_mode_an_unknown_price_of_an_untagged_product_is_asked_for_once() {
    let shop = Shop::open_with([("SYNC_MODE", "tagged")]).await;
    shop.sandbox().pause_webhooks(true);
    let price = shop.stripe(Method::POST, "/v1/prices", "product=prod_mug&currency=usd&unit_amount=700").await;
    let id = price["id"].as_str().unwrap();

    for _ in 0..3 {
        assert_eq!(shop.visitor().add(id, 1).await.error(404), "price_not_found");
    }

    assert_eq!(shop.stripe_requests("GET", &format!("/v1/prices/{id}")), 1);
}
