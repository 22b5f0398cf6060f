//! The items that stand for events, as version 0.1.0's pipes read them, too. What is published of them is in `published`.

use fixtures::{Shop, StripeAnswer, order_number};
use ordering::Events;
use serde_json::{Value, json};

/// While an update goes on, and after a rollback, pipes of this version read what the present one writes.
const TEMPLATE: &str = include_str!("../upgrade/0.1.0/template.yaml");

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

        if kind.starts_with("checkout.") {
            // The sample is about a session of this shop, but not one that its Stripe has.
            assert_eq!(answer.error(500), "server_error", "{kind}");
        } else {
            // The sample is about a payment that this shop does not have.
            let is_strange = ["charge.", "payment_intent.", "refund."].iter().any(|about| kind.starts_with(about));
            assert_eq!(answer.ok()["handled"], !is_strange, "{kind}");
        }
    }
}

/// Stripe's event about a session that ended at this second.
fn expired(session: &Value, at: i64) -> Value {
    json!({ "id": "evt_1", "type": "checkout.session.expired", "created": at, "data": { "object": session } })
}

async fn note(shop: &Shop, session: &Value) -> Option<Value> {
    shop.table("CARTS_TABLE").get(&format!("abandoned-{}", session["id"].as_str().unwrap())).await
}

#[tokio::test]
async fn an_abandoned_cart_has_a_recovery_link_only_if_the_shopper_agreed() {
    for (promotions, link) in [("opt_in", "https://buy.stripe.com/r/live_1"), ("opt_out", "")] {
        let shop = Shop::open_on_wires([]).await;
        let visitor = shop.visitor();
        let cart = visitor.add("price_mug", 1).await.ok();
        let mut session = visitor.checkout().await.ok();
        let ended = session["expires_at"].as_i64().unwrap();
        let link_to = |url: &str| json!({ "recovery": { "enabled": true, "url": url, "expires_at": 9 } });
        session["status"] = json!("expired");
        session["consent"] = json!({ "promotions": promotions });
        session["after_expiration"] = link_to("https://buy.stripe.com/r/live_1");
        let answer = StripeAnswer::Error { status: 200, headers: vec![], body: session.to_string() };
        shop.wire().stripe_answers(Some(answer));
        // What the event says of these is not believed.
        session["consent"] = json!({ "promotions": "opt_in" });
        session["after_expiration"] = link_to("https://evil.example/");
        session["expires_at"] = json!(ended + 1);
        session["metadata"]["stripe_payments_cart_number"] = json!("be45cb2605bf36bebde684841a28f0fd");
        let event = expired(&session, ended);

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
async fn a_session_that_stripe_does_not_call_expired_stays_the_carts_and_is_not_abandoned() {
    let shop = Shop::open_on_wires([]).await;
    let visitor = shop.add("price_mug", 1).await;
    let session = visitor.checkout().await.ok();
    let number = visitor.number().await;
    let before = shop.table("CARTS_TABLE").get(&number).await;
    let mut told = session.clone();
    told["status"] = json!("expired");
    let event = expired(&told, session["expires_at"].as_i64().unwrap());
    let of_another_shop = json!({ "stripe_payments_shop": "another-shop", "stripe_payments_cart_number": number,
                                  "stripe_payments_cart_version": "1" });
    let mut answers = Vec::new();
    for (field, value, handled) in [
        ("status", json!("open"), true),
        ("status", json!("complete"), true),
        ("status", json!("something_newer"), true),
        ("status", json!(null), true),
        ("metadata", json!({}), false),
        ("metadata", json!(null), false),
        ("metadata", of_another_shop, false),
    ] {
        let mut answer = told.clone();
        answer[field] = value;
        answers.push((200, answer, 200, Some(handled)));
    }
    let refusal = |code: &str| json!({ "error": { "type": "invalid_request_error", "code": code } });
    answers.push((404, refusal("resource_missing"), 500, None));
    answers.push((429, refusal("rate_limit"), 503, None));
    answers.push((500, json!({}), 503, None));
    for (status, body, answered, handled) in answers {
        let answer = StripeAnswer::Error { status, headers: vec![], body: body.to_string() };
        shop.wire().stripe_answers(Some(answer));
        shop.wire().plan(None);

        let answer = shop.deliver(&event).await;

        assert_eq!((answer.status, answer.json()["handled"].as_bool()), (answered, handled), "{body}");
        assert_eq!(shop.wire().dynamodb_calls().iter().filter(|call| *call != "DynamoDB GetItem").count(), 0, "{body}");
    }
    assert_eq!(shop.table("CARTS_TABLE").get(&number).await, before);
    assert!(note(&shop, &session).await.is_none());

    // It can still be paid: the same page is handed out.
    shop.wire().stripe_answers(None);
    assert_eq!(visitor.checkout().await.ok()["id"], session["id"]);
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
