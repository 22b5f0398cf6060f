//! What repairs itself: missed webhooks, late refunds, expired sessions, stuck idempotency keys, expired carts.

use std::time::Duration;

use cart::Timestamp;
use fixtures::{Shop, order_number};
use ordering::Fulfilment;
use reqwest::Method;
use serde_json::{Value, json};

/// A time as tables store it.
fn seconds_from_now(seconds: i64) -> Value {
    json!({ "N": (cart::Timestamp::now().as_second() + seconds).to_string() })
}

#[tokio::test]
async fn the_sync_makes_the_orders_that_no_webhook_brought() {
    let shop = Shop::open().await;
    shop.sandbox().pause_webhooks(true);
    let mut sessions = Vec::new();
    for (action, settles) in [("pay", None), ("pay_later", Some(true)), ("pay_later", Some(false)), ("fail", None)] {
        let visitor = shop.add("price_mug", 2).await;
        let session = visitor.checkout().await.ok();
        shop.press(&session, action).await;
        if action == "pay_later" {
            shop.deliver(&shop.event("checkout.session.completed")).await.ok();
        }
        if let Some(succeeds) = settles {
            shop.sandbox().settle(session["id"].as_str().unwrap(), succeeds).unwrap();
        }
        sessions.push(session);
    }

    let first = shop.stack().sync().await.unwrap();
    let second = shop.stack().sync().await.unwrap();

    assert_eq!((first.repaired, second.repaired), (3, 0));
    let mut statuses = Vec::new();
    for session in &sessions {
        statuses.push(shop.order(&order_number(session)).await.json()["status"].clone());
    }
    assert_eq!(json!(statuses), json!(["paid", "paid", "payment_failed", 404]));
}

#[tokio::test]
async fn an_order_is_missed_if_its_webhook_had_time_to_arrive() {
    let trial = r#"{"subscription":{"subscription_data":{"trial_period_days":14}}}"#;
    let shop = Shop::open_with([("CHECKOUT_SESSION_OVERRIDES", trial)]).await;
    let fulfilment = Fulfilment::new(shop.stack().services()).unwrap();
    let repair = async |minutes: u64| {
        let (now, hours) = (Timestamp::now() + Duration::from_mins(minutes), Duration::from_hours(96));
        let (repaired, tally) = Box::pin(tally::of(fulfilment.repair(now - hours, now, Timestamp::now()))).await;
        let missed = tally.counted().find(|(name, _)| *name == "OrderMissed").map_or(0, |(_, count)| count);
        (repaired.unwrap(), missed)
    };
    // The second has no payment of its own: it begins with a trial.
    for (price, minutes, found) in
        [("price_mug", 6, (1, 1)), ("price_club_monthly", 6, (1, 1)), ("price_mug", 4, (1, 0))]
    {
        shop.sandbox().pause_webhooks(true);
        let session = shop.add(price, 1).await.checkout().await.ok();
        shop.press(&session, "pay").await;

        assert_eq!(repair(minutes).await, found, "{price}, {minutes} minutes");
        assert_eq!(repair(minutes).await, (0, 0), "it is there now");
    }

    // One that comes to be paid later was not missed.
    let session = shop.add("price_mug", 1).await.checkout().await.ok();
    shop.press(&session, "pay_later").await;
    shop.deliver(&shop.event("checkout.session.completed")).await.ok();
    shop.sandbox().settle(session["id"].as_str().unwrap(), true).unwrap();
    assert_eq!(repair(60).await, (1, 0));
}

#[tokio::test]
async fn a_refund_that_arrives_first_makes_the_order() {
    let shop = Shop::open().await;
    shop.sandbox().pause_webhooks(true);
    let visitor = shop.add("price_mug", 2).await;
    let session = visitor.checkout().await.ok();
    shop.press(&session, "pay").await;
    let completed = shop.event("checkout.session.completed");
    shop.refund(&order_number(&session), 400).await;

    shop.deliver(&shop.event("charge.refunded")).await.ok();
    let first = shop.order(&order_number(&session)).await.ok();
    shop.deliver(&completed).await.ok();

    assert_eq!((&first["status"], &first["refunded"]), (&json!("partially_refunded"), &json!(400)));
    assert_eq!(shop.order(&order_number(&session)).await.ok(), first);
}

#[tokio::test]
async fn a_refund_of_a_subscriptions_first_invoice_changes_its_order() {
    let shop = Shop::open().await;
    shop.sandbox().pause_webhooks(true);
    let visitor = shop.add("price_club_monthly", 1).await;
    visitor.add("price_mug", 1).await.ok();
    let session = visitor.checkout().await.ok();
    shop.press(&session, "pay").await;
    shop.deliver(&shop.event("checkout.session.completed")).await.ok();
    let before = shop.order(&order_number(&session)).await.ok();

    let mut states = Vec::new();
    for amount in [500, 1200] {
        shop.refund(&order_number(&session), amount).await;
        assert_eq!(shop.deliver(&shop.event("charge.refunded")).await.ok()["handled"], true);
        let order = shop.order(&order_number(&session)).await.ok();
        states.push((order["status"].clone(), order["refunded"].clone()));
    }

    assert_eq!((&before["status"], &before["total"]), (&json!("paid"), &json!(1700)));
    assert_eq!(states, [(json!("partially_refunded"), json!(500)), (json!("refunded"), json!(1700))]);
}

#[tokio::test]
async fn an_expired_session_is_forgotten_and_the_next_checkout_makes_another() {
    let shop = Shop::open_on_wires([]).await;
    let visitor = shop.add("price_mug", 1).await;
    let first = visitor.checkout().await.ok();
    shop.sandbox().advance(std::time::Duration::from_hours(25));
    let expired = shop.event("checkout.session.expired");
    shop.wire().plan(None);
    assert_eq!(shop.deliver(&expired).await.ok()["handled"], true);
    let asked = "Stripe GET /v1/checkout/sessions/{id}";
    assert_eq!(
        shop.wire().calls(),
        [asked, "DynamoDB UpdateItem", "DynamoDB PutItem"],
        "forgotten, and noted as abandoned, once Stripe has said so"
    );

    shop.wire().plan(None);
    let second = visitor.checkout().await.ok();
    let calls = shop.wire().calls();
    // This event is late: the session is no longer the cart's.
    shop.deliver(&expired).await.ok();

    assert_ne!(second["id"], first["id"]);
    assert!(!calls.iter().any(|call| call.contains("{id}")), "Stripe need not be asked about the first: {calls:?}");
    assert_eq!(visitor.checkout().await.ok()["id"], second["id"]);
}

#[tokio::test]
async fn a_session_that_is_about_to_expire_is_not_handed_out_again() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;
    let first = visitor.checkout().await.ok();
    shop.table("CARTS_TABLE").set(&visitor.number().await, "pc.x", seconds_from_now(9 * 60)).await;

    let second = visitor.checkout().await.ok();

    assert_ne!(second["id"], first["id"]);
    assert_eq!(shop.session_statuses(), ["expired", "open"]);
}

#[tokio::test]
async fn an_answer_of_500_that_stripe_keeps_does_not_block_the_checkout() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;
    shop.sandbox().fail_next("POST", "/v1/checkout/sessions");

    let session = visitor.checkout().await.ok();

    assert_eq!(session["status"], "open");
    let keys: Vec<_> = shop.session_requests().into_iter().filter_map(|request| request.idempotency_key).collect();
    assert_eq!(keys.len(), 3, "{keys:?}");
    assert_eq!(keys[0], keys[1], "the answer may have been lost on the way");
    assert!(keys[2].starts_with(&keys[0]) && keys[2] != keys[0], "{keys:?}");
    assert_eq!(visitor.checkout().await.ok()["id"], session["id"]);
}

#[tokio::test]
async fn a_session_paid_while_a_changed_cart_is_checked_out_is_an_order_and_the_change_stays() {
    let shop = Shop::open().await;
    shop.sandbox().pause_webhooks(true);
    let visitor = shop.add("price_mug", 2).await;
    let first = visitor.checkout().await.ok();
    visitor.add("price_tshirt", 1).await.ok();
    shop.press(&first, "pay").await;

    let second = visitor.checkout().await.ok();

    assert_eq!(shop.order(&order_number(&first)).await.ok()["total"], 2400);
    assert_eq!((&second["status"], &second["amount_total"]), (&json!("open"), &json!(3200)));
    let cart = visitor.cart().await;
    assert_eq!((&cart["status"], &cart["item_count"]), (&json!("checkout"), &json!(1)));
    shop.press(&second, "pay").await;
    shop.deliver(&shop.event("checkout.session.completed")).await.ok();
    assert_eq!(shop.marks(&second).await, json!([]));
}

#[tokio::test]
async fn a_second_payment_for_the_same_units_is_marked_though_the_cart_goes_on() {
    let shop = Shop::open().await;
    shop.sandbox().pause_webhooks(true);
    let visitor = shop.add("price_mug", 1).await;
    let first = visitor.checkout().await.ok();
    visitor.add("price_tshirt", 1).await.ok();
    let second = visitor.checkout().await.ok();
    visitor.add("price_poster", 1).await.ok();
    shop.press(&second, "pay").await;
    shop.deliver(&shop.event("checkout.session.completed")).await.ok();

    // As if Stripe had not expired the first session in time.
    let copy = shop.stripe(Method::POST, "/v1/checkout/sessions", &shop.form_of(&first)).await;
    shop.press(&copy, "pay").await;
    shop.deliver(&shop.event("checkout.session.completed")).await.ok();

    assert_eq!(shop.marks(&second).await, json!([]));
    assert_eq!(shop.marks(&copy).await, json!(["cart_paid_twice"]));
    assert_eq!(visitor.cart().await["item_count"], 1);
}

/// The session that a cart recorded is held to what Stripe said when it made it.
#[tokio::test]
async fn an_amount_other_than_the_expected_one_is_stored_and_marked() {
    for (member, odd) in
        [("m", json!({ "N": "2399" })), ("c", json!({ "S": "eur" })), ("l", json!({ "S": "of other lines" }))]
    {
        let shop = Shop::open().await;
        let visitor = shop.add("price_mug", 2).await;
        let session = visitor.checkout().await.ok();
        shop.table("CARTS_TABLE").set(&visitor.number().await, &format!("pc.{member}"), odd).await;

        let number = shop.pay(&session).await;

        assert_eq!(shop.order(&number).await.ok()["total"], 2400);
        assert_eq!(shop.marks(&session).await, json!(["unexpected_amount"]), "{member}");
    }
}

/// Of a session that the cart has not recorded, only what no cart has made is odd.
#[tokio::test]
async fn a_session_of_which_nothing_is_recorded_is_marked_for_lines_from_elsewhere() {
    let shop = Shop::open().await;
    shop.sandbox().pause_webhooks(true);
    let visitor = shop.add("price_mug", 2).await;
    let form = shop.form_of(&visitor.checkout().await.ok());
    let strange = "&line_items[1][price]=price_tshirt&line_items[1][quantity]=1";

    for (form, total, marks) in [
        (form.clone(), 2400, json!([])),
        (format!("{form}{strange}"), 5600, json!(["cart_paid_twice", "unexpected_amount"])),
    ] {
        let copy = shop.stripe(Method::POST, "/v1/checkout/sessions", &form).await;
        shop.press(&copy, "pay").await;
        shop.deliver(&shop.event("checkout.session.completed")).await.ok();

        assert_eq!(shop.order(&order_number(&copy)).await.ok()["total"], total);
        assert_eq!(shop.marks(&copy).await, marks);
    }
}

#[tokio::test]
async fn a_trial_and_an_adjusted_quantity_are_nothing_odd() {
    let trial = r#"{"subscription":{"subscription_data":{"trial_period_days":14}}}"#;
    let shop = Shop::open_with([("CHECKOUT_SESSION_OVERRIDES", trial)]).await;
    let subscriber = shop.add("price_club_monthly", 1).await.checkout().await.ok();
    let visitor = shop.visitor();
    let mug = json!({ "price": "price_mug", "adjustable_quantity": { "enabled": true } });
    visitor.post("/cart/add", json!({ "items": [mug] })).await.ok();
    let adjusted = visitor.checkout().await.ok();
    let lines = format!("/v1/checkout/sessions/{}/line_items", adjusted["id"].as_str().unwrap());
    let line = shop.stripe(Method::GET, &lines, "").await["data"][0]["id"].as_str().unwrap().to_owned();

    shop.press(&subscriber, "pay").await;
    shop.press(&adjusted, &format!("pay&quantity[{line}]=3")).await;
    shop.sandbox().settled().await;

    for (session, total) in [(&subscriber, 0), (&adjusted, 3600)] {
        assert_eq!(shop.order(&order_number(session)).await.ok()["total"], total);
        assert_eq!(shop.marks(session).await, json!([]));
    }
}

#[tokio::test]
async fn no_write_revives_an_expired_cart() {
    let shop = Shop::open().await;
    shop.sandbox().pause_webhooks(true);
    let visitor = shop.visitor();
    let old = visitor.add("price_mug", 2).await.ok();
    let session = visitor.checkout().await.ok();
    visitor.add("price_tshirt", 1).await.ok();
    let token = visitor.token().unwrap();
    shop.table("CARTS_TABLE").set(&visitor.number().await, "exp", seconds_from_now(-1)).await;

    // All at once, as requests may race the expiry.
    let [one, two, three] = [(); 3].map(|()| shop.visitor_with(&token));
    let (added, updated, cleared) = tokio::join!(one.add("price_mug", 1), two.set("price_mug", 5), three.clear());
    shop.press(&session, "pay").await;
    shop.deliver(&shop.event("checkout.session.completed")).await.ok();

    for answer in [added, updated] {
        assert_ne!(answer.ok()["number"], old["number"]);
    }
    assert_eq!(cleared.ok()["number"], Value::Null);
    assert_eq!(shop.visitor_with(&token).cart().await["number"], Value::Null);
    assert_eq!(shop.visitor_with(&token).checkout().await.error(400), "cart_empty");
    assert_eq!(shop.order(&order_number(&session)).await.ok()["total"], 2400);
}

/// Lost after it was placed: its cart says that it was.
#[tokio::test]
async fn an_order_that_is_gone_is_made_again_by_whatever_tells_of_it() {
    let shop = Shop::open().await;
    let session = shop.add("price_mug", 2).await.checkout().await.ok();
    let number = shop.pay(&session).await;
    let completed = shop.event("checkout.session.completed");
    let before = shop.order(&number).await.ok();

    for teller in ["webhook", "landing", "sync"] {
        shop.table("ORDERS_TABLE").delete(&number).await;
        match teller {
            "webhook" => assert_eq!(shop.deliver(&completed).await.ok()["handled"], true),
            "landing" => assert!(shop.get(&shop.landing(&session)).await.location().ends_with(&number)),
            _ => assert_eq!(shop.stack().sync().await.unwrap().repaired, 1),
        }

        let mut again = shop.order(&number).await.ok();
        again["created_at"] = before["created_at"].clone();
        assert_eq!(again, before, "{teller}");
    }
    assert_eq!(shop.marks(&session).await, json!([]));
}
