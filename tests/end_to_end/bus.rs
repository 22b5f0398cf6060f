//! What the tables' streams tell of: template.yaml makes events of it.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use fixtures::{Shop, order_number};
use reqwest::Method;
use serde_json::{Value, json};

const TEMPLATE: &str = include_str!("../../template.yaml");

type Item = HashMap<String, AttributeValue>;

/// The item with this number in the table that this setting names.
async fn item(shop: &Shop, table: &str, number: &str) -> Option<Item> {
    let environment = shop.stack().environment();
    let connection = &shop.stack().services().database;
    let table = environment.get(table).unwrap();
    let key = AttributeValue::S(number.to_owned());
    connection.client().get_item().table_name(table).key("number", key).send().await.unwrap().item
}

async fn order(shop: &Shop, number: &str) -> Item {
    item(shop, "ORDERS_TABLE", number).await.unwrap()
}

/// The event that the order's item stands for, beside `order.created`.
fn event(item: &Item) -> Option<&str> {
    item.get("event").map(|event| event.as_s().unwrap().as_str())
}

/// What the resource's templates take from an item: attribute and type.
fn wanted(resource: &str) -> Vec<(&str, &str)> {
    let block = TEMPLATE.split_once(&format!("\n  {resource}:\n")).unwrap().1;
    let block = block.split_once("\n\n").unwrap().0;
    block
        .split("<$.dynamodb.NewImage.")
        .skip(1)
        .map(|path| path.split_once('>').unwrap().0.split_once('.').unwrap())
        .collect()
}

#[track_caller]
fn has_all(item: &Item, resource: &str) {
    let wanted = wanted(resource);
    assert!(wanted.len() > 2, "{wanted:?}");
    for (name, kind) in wanted {
        let value = item.get(name).unwrap_or_else(|| panic!("{resource} wants {name}, which {item:?} lacks"));
        assert_eq!((value.is_s(), value.is_n()), (kind == "S", kind == "N"), "{name}");
    }
}

#[tokio::test]
async fn an_order_tells_that_it_is_paid_and_that_it_is_refunded() {
    let shop = Shop::open().await;
    let visitor = shop.visitor();
    visitor.add("price_mug", 2).await.ok();
    let number = shop.pay(&visitor.checkout().await.ok()).await;
    let paid = order(&shop, &number).await;
    let intent = shop.event("checkout.session.completed")["data"]["object"]["payment_intent"].clone();
    let headers = [("authorization", "Bearer sk_test_x"), ("content-type", "application/x-www-form-urlencoded")];
    let url = format!("{}/v1/refunds", shop.sandbox().url());
    let body = format!("payment_intent={}&amount=400", intent.as_str().unwrap());

    shop.send(Method::POST, &url, &headers, body.into_bytes()).await.ok();
    shop.sandbox().settled().await;

    assert_eq!(event(&paid), Some("order.paid"));
    assert_eq!(event(&order(&shop, &number).await), Some("order.refunded"));
    for resource in ["OrderCreated", "OrderChanged"] {
        has_all(&paid, resource);
        for (name, _) in wanted(resource) {
            assert_ne!(name, "order", "the document holds who bought");
        }
    }
}

#[tokio::test]
async fn a_delayed_payment_tells_only_what_became_of_it() {
    for (succeeds, told) in [(true, "order.paid"), (false, "payment.failed")] {
        let shop = Shop::open().await;
        let visitor = shop.visitor();
        visitor.add("price_mug", 1).await.ok();
        let session = visitor.checkout().await.ok();
        shop.press(&session, "pay_later").await;
        shop.sandbox().settled().await;
        let waiting = order(&shop, &order_number(&session)).await;

        shop.sandbox().settle(session["id"].as_str().unwrap(), succeeds).unwrap();
        shop.sandbox().settled().await;

        assert_eq!(event(&waiting), None);
        has_all(&waiting, "OrderCreated");
        assert_eq!(event(&order(&shop, &order_number(&session)).await), Some(told));
    }
}

/// The samples in events/stripe, by type.
fn samples() -> Vec<Value> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../events/stripe");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let samples = files.filter(|file| file.extension().is_some_and(|extension| extension == "json"));
    samples
        .map(|file| {
            let sample: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
            assert_eq!(sample["type"].as_str(), file.file_stem().unwrap().to_str());
            sample
        })
        .collect()
}

#[tokio::test]
async fn the_sample_of_every_event_is_handled_and_every_type_is_in_the_deploy_guide() {
    let guide = include_str!("../../docs/deploy.md");
    let shop = Shop::open().await;
    let samples = samples();
    assert_eq!(samples.len(), 11);

    for sample in samples {
        let kind = sample["type"].as_str().unwrap();
        let answer = shop.deliver(&sample).await.ok();

        // The payment of the sample's refund is none of this shop's.
        assert_eq!(answer["handled"], kind != "charge.refunded", "{kind}");
        assert!(guide.contains(&format!("`{kind}`")), "docs/deploy.md lacks {kind}");
    }
}

/// A session as Stripe's event about its end has it.
fn expired(session: &Value, at: i64) -> Value {
    let mut session = session.clone();
    session["status"] = json!("expired");
    session["after_expiration"] =
        json!({ "recovery": { "enabled": true, "url": "https://buy.stripe.com/r/live_1", "expires_at": 9 } });
    json!({ "id": "evt_1", "type": "checkout.session.expired", "created": at, "data": { "object": session } })
}

async fn note(shop: &Shop, session: &Value) -> Option<Item> {
    item(shop, "CARTS_TABLE", &format!("abandoned-{}", session["id"].as_str().unwrap())).await
}

#[tokio::test]
async fn an_abandoned_cart_is_told_with_a_link_only_where_the_shopper_agreed() {
    for (promotions, link) in [("opt_in", "https://buy.stripe.com/r/live_1"), ("opt_out", "")] {
        let shop = Shop::open().await;
        let visitor = shop.visitor();
        let cart = visitor.add("price_mug", 1).await.ok();
        let mut session = visitor.checkout().await.ok();
        session["consent"] = json!({ "promotions": promotions });
        let event = expired(&session, session["expires_at"].as_i64().unwrap());

        shop.deliver(&event).await.ok();
        let first = note(&shop, &session).await.unwrap();
        shop.deliver(&event).await.ok();

        has_all(&first, "CartAbandoned");
        assert_eq!(first["recovery_url"].as_s().unwrap(), link);
        assert_eq!(first["cart"].as_s().unwrap(), cart["number"].as_str().unwrap());
        assert!(first["exp"].is_n(), "notes expire by themselves");
        assert_eq!(note(&shop, &session).await.unwrap(), first, "and are written once");
        assert_eq!(visitor.cart().await["item_count"], 1, "the shopper may go on");
    }
}

#[tokio::test]
async fn a_page_that_another_took_the_place_of_is_not_abandoned() {
    let shop = Shop::open().await;
    let visitor = shop.visitor();
    visitor.add("price_mug", 1).await.ok();
    let first = visitor.checkout().await.ok();
    visitor.add("price_mug", 1).await.ok();
    visitor.checkout().await.ok();

    shop.sandbox().settled().await;

    assert_eq!(shop.event("checkout.session.expired")["data"]["object"]["id"], first["id"]);
    assert!(note(&shop, &first).await.is_none());
}
