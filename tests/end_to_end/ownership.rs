//! Whose session is it: several shops, Enupal's plugin and strangers share a Stripe account.

use std::time::Duration;

use fixtures::{Shop, order_number};
use ordering::Events;
use reqwest::Method;
use serde_json::{Value, json};

const KINDS: [&str; 4] = [
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
];

/// An event of this kind about a finished session with this metadata.
fn event(kind: &str, metadata: &Value) -> Value {
    let session = json!({
        "id": "cs_test_foreign", "object": "checkout.session", "status": "complete", "payment_status": "paid",
        "mode": "payment", "amount_total": 100, "expires_at": 1, "metadata": metadata,
    });
    json!({ "id": "evt_1", "type": kind, "created": 2, "data": { "object": session } })
}

/// A session with one mug, made at Stripe by another program with this metadata.
async fn made_elsewhere(shop: &Shop, metadata: &[(&str, &str)]) -> Value {
    let mut form =
        "mode=payment&success_url=https://other.example/&line_items[0][price]=price_mug&line_items[0][quantity]=1"
            .to_owned();
    for (key, value) in metadata {
        form.extend(["&metadata[", key, "]=", value]);
    }
    shop.stripe(Method::POST, "/v1/checkout/sessions", &form).await
}

fn writes(calls: &[String]) -> Vec<&String> {
    let reads = ["DynamoDB GetItem", "DynamoDB BatchGetItem"];
    calls.iter().filter(|call| !reads.contains(&call.as_str())).collect()
}

#[tokio::test]
async fn events_about_the_sessions_of_others_write_nothing_and_ask_stripe_nothing() {
    let shop = Shop::open_on_wires([("SHOP_ID", "this-shop,this-shop-before")]).await;
    let visitor = shop.visitor();
    let number = visitor.add("price_mug", 1).await.ok()["number"].clone();
    let unknown = "be45cb2605bf36bebde684841a28f0fd";
    let cart = |number: &Value, shop: &str| {
        json!({
            "stripe_payments_cart_number": number, "stripe_payments_cart_version": "1", "stripe_payments_shop": shop,
        })
    };
    let others = [
        ("Enupal's plugin", json!({ "stripe_payments_cart_number": number })),
        ("another shop", cart(&number, "another-shop")),
        ("a shop whose id begins alike", cart(&number, "this-shop-before-that")),
        (
            "no shop, and no cart of the number",
            json!({
                "stripe_payments_cart_number": unknown, "stripe_payments_cart_version": "1",
            }),
        ),
        ("a stranger", json!({ "order_id": "6735" })),
        ("nothing", json!({})),
        ("null", Value::Null),
    ];
    for (whose, metadata) in &others {
        for kind in KINDS {
            let before = shop.wire().calls().len();

            let answer = shop.deliver(&event(kind, metadata)).await.ok();

            assert_eq!(answer["handled"], false, "{kind} of {whose}");
            let calls = &shop.wire().calls()[before..];
            assert!(writes(calls).is_empty(), "{kind} of {whose}: {calls:?}");
        }
    }
}

#[tokio::test]
async fn an_own_session_that_stripe_does_not_know_is_sent_back_and_counted_and_writes_nothing() {
    let shop = Shop::open_on_wires([("SHOP_ID", "this-shop")]).await;
    let number = shop.add("price_mug", 1).await.cart().await["number"].clone();
    let own = json!({
        "stripe_payments_cart_number": number, "stripe_payments_cart_version": "1", "stripe_payments_shop": "this-shop",
    });
    let events = Events::new(shop.stack().services()).unwrap();
    for kind in KINDS {
        let event = event(kind, &own);
        shop.wire().plan(None);

        let answer = shop.deliver(&event).await;
        let event = serde_json::from_value(event).unwrap();
        let (refused, tally) = Box::pin(tally::of(events.handle(&event, jiff::Timestamp::now()))).await;

        assert_eq!(answer.error(500), "server_error", "{kind}");
        assert_eq!(
            refused.unwrap_err().to_string(),
            "Stripe does not know the session cs_test_foreign of this shop",
            "{kind}"
        );
        assert_eq!(tally.counted().collect::<Vec<_>>(), [("SessionUnknown", 1)], "{kind}");
        assert!(writes(&shop.wire().dynamodb_calls()).is_empty(), "{kind}: {:?}", shop.wire().calls());
    }
    // A shopper who lands with the same id is sent to the shop.
    let landed = shop.get(&format!("/finish-order?session_id=cs_test_foreign&cart={}", number.as_str().unwrap())).await;
    assert_eq!(landed.location(), format!("{}/", shop.stack().url()));
}

/// Source: <https://docs.stripe.com/connect/webhooks>
#[tokio::test]
async fn events_of_a_connected_account_or_of_the_other_mode_write_nothing_and_ask_nothing() {
    let shop = Shop::open_on_wires([]).await;
    let visitor = shop.add("price_mug", 1).await;
    let session = visitor.checkout().await.ok();
    shop.press(&session, "pay").await;
    let objects = [
        ("checkout", shop.event("checkout.session.completed")["data"]["object"].clone()),
        ("charge", shop.event("charge.succeeded")["data"]["object"].clone()),
        ("price", shop.stripe(Method::GET, "/v1/prices/price_mug", "").await),
        ("product", shop.stripe(Method::GET, "/v1/products/prod_mug", "").await),
    ];
    for kind in Events::HANDLED {
        let of_subject = objects.iter().find(|(subject, _)| kind.split('.').next() == Some(subject));
        // An event about another part of a payment is read as far as it is like that of a charge.
        let (_, object) = of_subject.unwrap_or(&objects[1]);
        let event = json!({
            "id": "evt_1", "object": "event", "type": kind, "created": 1, "livemode": false, "account": null,
            "data": { "object": object },
        });
        for (field, values) in [("account", vec![json!("acct_1"), json!("")]), ("livemode", vec![json!(true)])] {
            for value in values {
                let mut foreign = event.clone();
                foreign[field] = value;
                shop.wire().plan(None);

                let answer = shop.deliver(&foreign).await.ok();

                assert_eq!(answer, json!({ "received": true, "handled": false }), "{kind}, {field}");
                assert_eq!(shop.wire().calls(), [""; 0], "{kind}, {field}");
            }
        }
    }
    let own = shop.event("checkout.session.completed");
    assert_eq!((&own["livemode"], shop.deliver(&own).await.ok()["handled"].clone()), (&json!(false), json!(true)));
}

#[tokio::test]
async fn a_session_of_others_that_names_a_cart_makes_no_order_by_its_event_or_its_landing_page() {
    let shop = Shop::open_with([("SHOP_ID", "this-shop")]).await;
    let visitor = shop.visitor();
    let cart = visitor.add("price_poster", 3).await.ok();
    let number = cart["number"].as_str().unwrap();
    let named = [("stripe_payments_cart_number", number), ("stripe_payments_cart_version", "1")];
    let cart_number = number;
    for foreign in [
        made_elsewhere(&shop, &[named.as_slice(), &[("stripe_payments_shop", "another-shop")]].concat()).await,
        made_elsewhere(&shop, &named[..1]).await,
    ] {
        let number = shop.pay(&foreign).await;
        let told = (shop.order(&number).await.status, visitor.cart().await);
        let id = foreign["id"].as_str().unwrap();
        let landed = shop.get(&format!("/finish-order?session_id={id}&cart={cart_number}")).await;

        assert_eq!(told, (404, cart.clone()));
        assert_eq!(landed.location(), format!("{}/", shop.stack().url()));
        assert_eq!(shop.order(&number).await.status, 404);
        assert_eq!(visitor.cart().await, cart);
    }
}

#[tokio::test]
async fn every_session_and_what_it_makes_names_the_shop() {
    let shop = Shop::open_with([("SHOP_ID", "this-shop,this-shop-before")]).await;
    for (price, made) in [("price_mug", "payment_intent_data"), ("price_club_monthly", "subscription_data")] {
        let visitor = shop.visitor();
        visitor.add(price, 1).await.ok();

        let session = visitor.checkout().await.ok();

        let requests = shop.sandbox().requests();
        let sent = &requests.iter().rfind(|request| request.path == "/v1/checkout/sessions").unwrap().params;
        assert_eq!(session["metadata"]["stripe_payments_shop"], "this-shop");
        assert_eq!(sent[made]["metadata"]["stripe_payments_shop"], "this-shop");
    }
}

#[tokio::test]
async fn sessions_of_a_former_id_and_those_without_one_are_still_fulfilled() {
    let shop = Shop::open_with([("SHOP_ID", "this-shop,this-shop-before")]).await;
    for more in [&[("stripe_payments_shop", "this-shop-before")][..], &[]] {
        let visitor = shop.visitor();
        let cart = visitor.add("price_mug", 1).await.ok();
        let number = cart["number"].as_str().unwrap();
        let named = [("stripe_payments_cart_number", number), ("stripe_payments_cart_version", "1")];
        let session = made_elsewhere(&shop, &[named.as_slice(), more].concat()).await;

        let number = shop.pay(&session).await;

        assert_eq!(shop.order(&number).await.ok()["status"], "paid", "{more:?}");
        assert_eq!(visitor.cart().await["status"], "completed", "{more:?}");
    }
}

#[tokio::test]
async fn what_has_an_order_here_is_ours_whatever_its_shop_says() {
    let before = Shop::open_with([("SHOP_ID", "before")]).await;
    let visitor = before.visitor();
    visitor.add("price_mug", 2).await.ok();
    let session = visitor.checkout().await.ok();
    let number = before.pay(&session).await;
    let after = before.behind(before.stack().dynamodb_url(), [("SHOP_ID", "after")]).await;

    let completed = after.deliver(&before.event("checkout.session.completed")).await.ok();
    before.sandbox().pause_webhooks(true);
    before.refund(&number, 400).await;
    let refunded = after.deliver(&before.event("charge.refunded")).await.ok();

    assert_eq!((&completed["handled"], &refunded["handled"]), (&json!(true), &json!(true)));
    let order = after.order(&number).await.ok();
    assert_eq!((&order["status"], &order["refunded"]), (&json!("partially_refunded"), &json!(400)));
}

/// All rows of a shop that tell of orders and carts.
async fn rows(shop: &Shop) -> Vec<Value> {
    let mut rows = Vec::new();
    for table in ["CARTS_TABLE", "ORDERS_TABLE", "ORDER_INDEX_TABLE"] {
        rows.extend(shop.table(table).scan().await);
    }
    // How far the search for orders of version 0.1.0 is.
    rows.retain(|row| row["way"]["S"] != "progress");
    rows.sort_by_key(Value::to_string);
    rows
}

#[tokio::test]
async fn shops_on_one_account_keep_their_hands_off_each_others_orders_refunds_and_pages() {
    let shop = Shop::open_with([("SHOP_ID", "this-shop")]).await;
    let other = shop.beside("other-shop").await;
    shop.sandbox().pause_webhooks(true);
    let mut sessions = Vec::new();
    for (price, action) in [
        ("price_mug", Some("pay")),
        ("price_mug", Some("pay_later")),
        ("price_club_monthly", Some("pay")),
        ("price_mug", None),
    ] {
        let session = shop.add(price, 2).await.checkout().await.ok();
        if let Some(action) = action {
            shop.press(&session, action).await;
        }
        sessions.push(session);
    }
    let [paid, delayed, subscribed, abandoned] = &sessions[..] else { panic!("four sessions") };
    shop.deliver(&shop.event("checkout.session.completed")).await.ok();
    for session in [paid, subscribed] {
        shop.get(&shop.landing(session)).await;
        shop.refund(&order_number(session), 100).await;
    }
    shop.sandbox().settle(delayed["id"].as_str().unwrap(), true).unwrap();
    let payment =
        shop.stripe(Method::GET, &format!("/v1/checkout/sessions/{}", paid["id"].as_str().unwrap()), "").await;
    shop.sandbox().dispute(payment["payment_intent"].as_str().unwrap()).unwrap();
    shop.sandbox().advance(Duration::from_hours(25));
    // A cart of its own, so that there is something to touch.
    other.add("price_mug", 1).await;
    let before = rows(&other).await;

    for event in shop.sandbox().events() {
        let about = event["type"].as_str().unwrap();
        if about.starts_with("product.") || about.starts_with("price.") {
            continue;
        }
        assert_eq!(other.deliver(&event).await.ok()["handled"], false, "{event}");
    }
    for session in &sessions {
        let landing = shop.landing(session).replace(shop.stack().url(), other.stack().url());
        assert_eq!(other.get(&landing).await.status, 303);
        assert_eq!(other.order(&order_number(session)).await.status, 404);
    }
    assert_eq!(other.stack().sync().await.unwrap().repaired, 0);
    // One that begins later finds all of it at Stripe, and nothing of its own.
    let later = shop.beside("later-shop").await;
    assert_eq!(later.stack().sync().await.unwrap().repaired, 0);

    assert_eq!(rows(&other).await, before);
    assert_eq!(rows(&later).await, Vec::<Value>::new());
    // They are this shop's all the same.
    for event in shop.sandbox().events() {
        shop.deliver(&event).await;
    }
    let mut statuses = Vec::new();
    for session in [paid, delayed, subscribed] {
        statuses.push(shop.order(&order_number(session)).await.ok()["status"].clone());
    }
    assert_eq!(json!(statuses), json!(["partially_refunded", "paid", "partially_refunded"]));
    let note = format!("abandoned-{}", abandoned["id"].as_str().unwrap());
    assert!(shop.table("CARTS_TABLE").get(&note).await.is_some());
}

/// A payment in payment mode bears the shop's name itself.
#[tokio::test]
async fn stripe_is_not_asked_about_a_payment_that_names_another_shop() {
    let shop = Shop::open_with([("SHOP_ID", "this-shop")]).await;
    let other = shop.beside("other-shop").await;
    shop.sandbox().pause_webhooks(true);
    let session = shop.add("price_mug", 2).await.checkout().await.ok();
    shop.press(&session, "pay").await;
    shop.refund(&order_number(&session), 100).await;
    let events: Vec<_> = ["charge.refunded", "payment_intent.succeeded"].iter().map(|kind| shop.event(kind)).collect();
    let asked = shop.sandbox().requests().len();

    for event in events {
        assert_eq!(other.deliver(&event).await.ok()["handled"], false, "{event}");
    }

    assert_eq!(shop.sandbox().requests().len(), asked);
}
