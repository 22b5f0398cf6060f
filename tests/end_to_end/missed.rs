//! What the sync finds in Stripe's list of events, because it came by no webhook.

use std::time::Duration;

use cart::{CartNumber, Timestamp};
use fixtures::{Shop, order_number};
use ordering::Events;
use reqwest::Method;
use serde_json::{Value, json};
use sync::{Asked, Sync};

use crate::after_payment::{as_read, intent, money, paid};

/// What the list of events brings `minutes` later: how much was taken up, and how much of that had been missed.
async fn found(shop: &Shop, minutes: u64) -> (usize, u32) {
    let events = Events::new(shop.stack().services()).unwrap();
    let (now, days) = (Timestamp::now(), Duration::from_hours(4 * 24));
    let at = now + Duration::from_mins(minutes);
    let (repaired, tally) = Box::pin(tally::of(events.repair(at - days, at, now))).await;
    let missed = tally.counted().find(|(name, _)| *name == "OrderMissed").map_or(0, |(_, count)| count);
    (repaired.unwrap(), missed)
}

/// Has the row say that Stripe was asked long after whatever has happened so far.
async fn read_later(shop: &Shop, session: &Value) {
    let tomorrow = Timestamp::now() + Duration::from_hours(24);
    let read = json!({ "N": tomorrow.as_millisecond().to_string() });
    shop.table("ORDERS_TABLE").set(&order_number(session), "read", read).await;
}

#[tokio::test]
async fn what_befell_an_order_unheard_is_found_and_counted_once() {
    for (price, what) in [
        ("price_mug", "a refund"),
        ("price_mug", "a refund that fails"),
        ("price_mug", "a dispute"),
        ("price_club_monthly", "a refund"),
    ] {
        let (shop, session) = paid("", price, "pay").await;
        let (_, captured, _) = money(&shop, &session).await;
        let intent = match price {
            "price_mug" => Some(intent(&shop, &session).await),
            _ => None,
        };
        if what == "a refund that fails" {
            shop.refund(&order_number(&session), 400).await;
            shop.sandbox().settled().await;
        }
        shop.sandbox().pause_webhooks(true);
        let (status, refunded) = match what {
            "a refund" => {
                shop.refund(&order_number(&session), 400).await;
                ("partially_refunded", 400)
            }
            "a refund that fails" => {
                let refund = shop.event("refund.created")["data"]["object"]["id"].clone();
                shop.sandbox().fail_refund(refund.as_str().unwrap()).unwrap();
                ("paid", 0)
            }
            _ => {
                shop.sandbox().dispute(&intent.unwrap()).unwrap();
                ("paid", 0)
            }
        };

        assert_eq!(found(&shop, 6).await, (1, 1), "{what} of {price}");

        let case = format!("{what} of {price}");
        assert_eq!(money(&shop, &session).await, as_read(status, captured, refunded), "{case}");
        let row = shop.table("ORDERS_TABLE").get(&order_number(&session)).await.unwrap();
        assert_eq!(row.get("dispute").is_some(), what == "a dispute", "{case}");
        assert_eq!(found(&shop, 6).await, (0, 0), "{case}: it is known now");
    }
}

#[tokio::test]
async fn what_had_no_time_to_arrive_was_not_missed() {
    let (shop, session) = paid("", "price_mug", "pay").await;
    shop.sandbox().pause_webhooks(true);
    shop.refund(&order_number(&session), 400).await;

    assert_eq!(found(&shop, 4).await, (1, 0));
}

#[tokio::test]
async fn stripe_is_not_asked_about_an_order_that_was_read_after_the_event() {
    let (shop, session) = paid("", "price_mug", "pay").await;
    shop.refund(&order_number(&session), 400).await;
    shop.sandbox().settled().await;
    read_later(&shop, &session).await;
    let before = shop.sandbox().requests().len();

    assert_eq!(found(&shop, 6).await, (0, 0));

    let asked: Vec<_> = shop.sandbox().requests()[before..].iter().map(|request| request.path.clone()).collect();
    assert_eq!(asked, ["/v1/events"]);
}

#[tokio::test]
async fn a_page_whose_end_came_by_no_event_is_an_abandoned_cart() {
    let shop = Shop::open().await;
    let session = shop.add("price_mug", 1).await.checkout().await.ok();
    shop.sandbox().pause_webhooks(true);
    shop.sandbox().advance(Duration::from_hours(25));
    let note = format!("abandoned-{}", session["id"].as_str().unwrap());
    assert_eq!(shop.table("CARTS_TABLE").get(&note).await, None);

    // The sandbox is a day ahead.
    let day = 25 * 60;
    assert_eq!(found(&shop, day + 6).await, (1, 1));
    assert!(shop.table("CARTS_TABLE").get(&note).await.is_some());
    assert_eq!(found(&shop, day + 6).await, (0, 0));
}

#[tokio::test]
async fn a_page_that_the_merchant_closed_is_taken_off_its_cart() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;
    let session = visitor.checkout().await.ok();
    let id = session["id"].as_str().unwrap();
    shop.sandbox().pause_webhooks(true);
    shop.stripe(Method::POST, &format!("/v1/checkout/sessions/{id}/expire"), "").await;

    assert_eq!(found(&shop, 6).await.0, 1);
    assert_eq!(found(&shop, 6).await.0, 0);
    let number: CartNumber = visitor.cart().await["number"].as_str().unwrap().parse().unwrap();
    let row = shop.table("CARTS_TABLE").get(&number.to_string()).await.unwrap();
    assert!(row["pc"]["M"].get("x").is_none(), "{row}");
}

#[tokio::test]
async fn what_befell_the_payments_of_others_is_left_alone_and_asked_about_once_a_run() {
    let shop = Shop::open().await;
    let form =
        "mode=payment&success_url=https://other.example/&line_items[0][price]=price_mug&line_items[0][quantity]=1";
    let session = shop.stripe(Method::POST, "/v1/checkout/sessions", form).await;
    shop.press(&session, "pay").await;
    let payment = intent(&shop, &session).await;
    for amount in [100, 200] {
        let form = format!("payment_intent={payment}&amount={amount}");
        shop.stripe(Method::POST, "/v1/refunds", &form).await;
    }
    shop.sandbox().settled().await;
    let before = shop.sandbox().requests().len();

    assert_eq!(found(&shop, 6).await, (0, 0));

    let requests = shop.sandbox().requests();
    let asked = requests[before..].iter().filter(|request| request.path == "/v1/checkout/sessions").count();
    assert_eq!(asked, 1);
    assert!(shop.table("ORDERS_TABLE").scan().await.is_empty());
}

#[tokio::test]
async fn a_key_of_the_version_before_repairs_sessions_and_copies_the_catalogue() {
    let shop = Shop::open().await;
    let key = shop.stack().environment().get("STRIPE_SECRET_KEY").unwrap().to_owned();
    let session = shop.add("price_mug", 1).await.checkout().await.ok();
    shop.sandbox().pause_webhooks(true);
    shop.press(&session, "pay").await;
    let form = "name=Kettle&default_price_data[currency]=usd&default_price_data[unit_amount]=4000";
    shop.stripe(Method::POST, "/v1/products", form).await;
    // What the guide of 0.1.0 asked for.
    let rights = [
        "rak_checkout_session_write",
        "rak_product_read",
        "rak_plan_read",
        "rak_promotion_code_read",
        "rak_payment_intent_read",
        "rak_charge_read",
        "rak_invoice_read",
    ];
    shop.sandbox().restrict_key(&key, &rights);

    let sync = Sync::new(shop.stack().services()).unwrap();
    let error = Box::pin(sync.run("test", &Asked::default())).await.unwrap_err().to_string();

    assert!(error.starts_with("events: ") && error.contains("rak_event_read"), "{error}");
    assert_eq!(shop.order(&order_number(&session)).await.ok()["status"], "paid");
    assert!(shop.get("/products?limit=100").await.ok()["data"].to_string().contains("Kettle"));
    // Nor does a stack on a laptop need more to start.
    let other = shop.beside("other-shop").await;
    assert!(other.get("/products?limit=100").await.ok()["data"].to_string().contains("Kettle"));
}
