//! The items that template.yaml's pipes turn into events.

use fixtures::{Shop, order_number};
use ordering::Events;
use serde_json::{Value, json};

const TEMPLATE: &str = include_str!("../../template.yaml");

async fn order(shop: &Shop, number: &str) -> Value {
    shop.table("ORDERS_TABLE").get(number).await.unwrap()
}

/// The event that an order's item stands for. `order.created` comes in addition.
fn event(item: &Value) -> Option<&str> {
    item.get("event").map(|event| event["S"].as_str().unwrap())
}

/// The attributes that a pipe's template takes from an item, with their types.
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
fn has_all(item: &Value, resource: &str) {
    let wanted = wanted(resource);
    assert!(wanted.len() > 2, "{wanted:?}");
    for (name, kind) in wanted {
        assert!(["S", "N"].contains(&kind), "{name} is taken as {kind}");
        assert!(item[name][kind].is_string(), "{resource} wants {name} as {kind}, which {item} lacks");
    }
}

#[tokio::test]
async fn an_order_makes_an_event_when_paid_and_when_refunded() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 2).await;
    let number = shop.pay(&visitor.checkout().await.ok()).await;
    let paid = order(&shop, &number).await;

    shop.refund(&number, 400).await;

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
async fn a_delayed_payment_makes_an_event_only_once_it_succeeds_or_fails() {
    for (succeeds, told) in [(true, "order.paid"), (false, "payment.failed")] {
        let shop = Shop::open().await;
        let visitor = shop.add("price_mug", 1).await;
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
async fn every_event_that_is_handled_has_a_sample_and_is_in_the_deploy_guide() {
    let (_, section) = include_str!("../../docs/deploy.md").split_once("\n## 3. The webhook\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let bullets = section.lines().filter(|line| line.starts_with("- "));
    let mut listed: Vec<&str> = bullets.flat_map(|line| line.split('`').skip(1).step_by(2)).collect();
    listed.sort_unstable();
    assert_eq!(listed, Events::HANDLED, "docs/deploy.md");

    let shop = Shop::open().await;
    let mut samples = samples();
    samples.sort_by_key(|sample| sample["type"].to_string());
    let kinds: Vec<_> = samples.iter().map(|sample| sample["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, Events::HANDLED, "events/stripe");

    for sample in samples {
        let kind = sample["type"].as_str().unwrap();
        let answer = shop.deliver(&sample).await;

        if kind.starts_with("checkout.") && kind != "checkout.session.expired" {
            // The sample is about a session of this shop, but not one that its Stripe has.
            assert_eq!(answer.error(500), "server_error", "{kind}");
        } else {
            // The sample is about a payment that this shop does not have.
            let is_strange = ["charge.", "payment_intent.", "refund."].iter().any(|about| kind.starts_with(about));
            assert_eq!(answer.ok()["handled"], !is_strange, "{kind}");
        }
    }
}

/// Makes Stripe's event about a session that expired.
fn expired(session: &Value, at: i64) -> Value {
    let mut session = session.clone();
    session["status"] = json!("expired");
    session["after_expiration"] =
        json!({ "recovery": { "enabled": true, "url": "https://buy.stripe.com/r/live_1", "expires_at": 9 } });
    json!({ "id": "evt_1", "type": "checkout.session.expired", "created": at, "data": { "object": session } })
}

async fn note(shop: &Shop, session: &Value) -> Option<Value> {
    shop.table("CARTS_TABLE").get(&format!("abandoned-{}", session["id"].as_str().unwrap())).await
}

#[tokio::test]
async fn an_abandoned_cart_has_a_recovery_link_only_if_the_shopper_agreed() {
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
        assert_eq!(first["recovery_url"]["S"], link);
        assert_eq!(first["cart"]["S"], cart["number"]);
        assert!(first["exp"]["N"].is_string(), "notes expire by themselves");
        assert_eq!(note(&shop, &session).await.unwrap(), first, "and are written once");
        assert_eq!(visitor.cart().await["item_count"], 1, "the shopper may go on");
    }
}

#[tokio::test]
async fn a_session_that_a_newer_one_replaced_is_not_abandoned() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;
    let first = visitor.checkout().await.ok();
    visitor.add("price_mug", 1).await.ok();
    visitor.checkout().await.ok();

    shop.sandbox().settled().await;

    assert_eq!(shop.event("checkout.session.expired")["data"]["object"]["id"], first["id"]);
    assert!(note(&shop, &first).await.is_none());
}
