//! Orders of before, and sessions of before that become orders.

use serde_json::{Value, json};

use crate::shop::{Shop, assert_still_shown, order_number, order_of};

/// The rows that tell of abandoned carts, which are not carts themselves.
async fn abandoned(shop: &Shop) -> Vec<Value> {
    let mut rows = shop.rows("carts").await;
    rows.retain(|row| row["number"]["S"].as_str().unwrap().starts_with("abandoned-"));
    rows
}

#[tokio::test]
async fn every_order_is_shown_as_before() {
    let shop = Shop::open().await;

    for (name, shown) in shop.snapshot.orders() {
        let number = order_number(&shown.session);
        assert_still_shown(&shop.order(&number).await.ok(), &shown.order, &name);
    }
}

#[tokio::test]
async fn a_session_of_before_that_is_paid_becomes_an_order_and_completes_its_cart() {
    for (cart, happening, total, lines) in [
        ("paid_later", "paid", 2900, 1),
        ("subscribed_later", "subscribed", 1700, 2),
        ("paid_47_keys", "paid_47_keys", 2900, 1),
    ] {
        let shop = Shop::open().await;
        let event = shop.happens(happening);

        // Stripe delivers at least once.
        for _ in 0..2 {
            shop.deliver_own(&event).await;
        }

        let order = shop.order(&order_of(&event)).await.ok();
        assert_eq!((&order["status"], &order["total"]), (&json!("paid"), &json!(total)), "{cart}");
        assert_eq!(order["lines"].as_array().unwrap().len(), lines, "{cart}");
        let shopper = shop.shopper(cart);
        let now = shopper.cart().await;
        assert_eq!((&now["status"], &now["item_count"]), (&json!("completed"), &json!(0)), "{cart}");
        assert_eq!(now["number"], shopper.then["number"], "{cart}");
        assert_eq!(shop.rows("orders").await.len(), shop.snapshot.rows("orders").len() + 1, "{cart}");
    }
}

#[tokio::test]
async fn an_order_has_the_texts_with_which_its_lines_were_checked_out_before() {
    let shop = Shop::open().await;
    let event = shop.happens("paid");

    shop.deliver_own(&event).await;

    assert_eq!(shop.order(&order_of(&event)).await.ok()["lines"][0]["description"], "For Ann");
}

#[tokio::test]
async fn what_was_added_since_the_checkout_stays_in_the_cart_when_the_session_is_paid() {
    let shop = Shop::open().await;
    let event = shop.happens("changed_and_paid");

    shop.deliver_own(&event).await;

    let order = shop.order(&order_of(&event)).await.ok();
    assert_eq!((&order["status"], &order["subtotal"]), (&json!("paid"), &json!(2400)));
    let cart = shop.shopper("changed_and_paid_later").cart().await;
    assert_eq!((&cart["status"], &cart["item_count"]), (&json!("active"), &json!(1)));
    assert_eq!(cart["items"][0]["price"], "price_tshirt");
}

#[tokio::test]
async fn a_session_whose_cart_has_expired_becomes_an_order_all_the_same() {
    let shop = Shop::open().await;
    let event = shop.happens("expired_paid");

    shop.deliver_own(&event).await;

    assert_eq!(shop.order(&order_of(&event)).await.ok()["status"], "paid");
}

/// The links of 0.1.0 name no cart, so Stripe is not asked.
#[tokio::test]
async fn the_landing_page_of_a_session_of_before_leaves_the_order_to_the_event() {
    let shop = Shop::open().await;
    let event = shop.happens("paid");
    let link = format!("/finish-order?session_id={}", event["data"]["object"]["id"].as_str().unwrap());
    let asked = shop.stripe.calls().len();

    let before = shop.get(&link).await;
    let asked_by_landing = shop.stripe.calls().len() - asked;
    shop.deliver_own(&event).await;
    let after = shop.get(&link).await;

    let page = format!("https://shop.example/thank-you?order={}", order_of(&event));
    assert_eq!((before.location(), asked_by_landing), (format!("{page}&payment=pending").as_str(), 0));
    assert_eq!(after.location(), page);
    assert_eq!(shop.shopper("paid_later").cart().await["status"], "completed");
}

/// The guide to operating adds the cart's number to the link.
#[tokio::test]
async fn the_landing_page_finishes_a_session_of_before_and_the_event_finds_the_order() {
    let shop = Shop::open().await;
    let event = shop.happens("paid");
    let session = event["data"]["object"]["id"].as_str().unwrap();
    let number = shop.shopper("paid_later").then["number"].clone();

    let landing = shop.get(&format!("/finish-order?session_id={session}&cart={}", number.as_str().unwrap())).await;
    let order = shop.order(&order_of(&event)).await.ok();
    shop.deliver_own(&event).await;

    let page = format!("https://shop.example/thank-you?order={}", order_of(&event));
    assert_eq!((landing.status, landing.header("location")), (303, Some(page.as_str())));
    assert_eq!(shop.shopper("paid_later").cart().await["status"], "completed");
    assert_eq!(shop.order(&order_of(&event)).await.ok(), order);
}

#[tokio::test]
async fn the_landing_page_sends_a_shopper_who_has_not_paid_back_to_the_cart() {
    let shop = Shop::open().await;
    let session = shop.snapshot.session_of("paid_later");
    let number = shop.shopper("paid_later").then["number"].clone();

    let landing = shop.get(&format!("/finish-order?session_id={session}&cart={}", number.as_str().unwrap())).await;

    assert_eq!((landing.status, landing.header("location")), (303, Some("https://shop.example/cart")));
    assert_eq!(shop.rows("orders").await.len(), shop.snapshot.rows("orders").len());
}

#[tokio::test]
async fn a_delayed_payment_of_before_succeeds_or_fails() {
    for (name, status) in [("delayed_and_paid", "paid"), ("delayed_and_failed", "payment_failed")] {
        let shop = Shop::open().await;
        let mut expected = shop.snapshot.order(name).order;
        expected["status"] = json!(status);
        let event = shop.happens(name);

        shop.deliver_own(&event).await;

        assert_still_shown(&shop.order(&order_of(&event)).await.ok(), &expected, name);
    }
}

#[tokio::test]
async fn a_refund_changes_an_order_of_before() {
    let shop = Shop::open().await;
    let carts = shop.rows("carts").await;

    for (name, happening, status, refunded) in [
        ("completed", "completed_refunded_in_part", "partially_refunded", 400),
        ("completed", "completed_refunded", "refunded", 14_810),
        ("partially_refunded", "partially_refunded_refunded", "refunded", 2900),
        ("subscription", "subscription_refunded_in_part", "partially_refunded", 500),
        ("subscription", "subscription_refunded", "refunded", 1700),
        ("paid_a_second_time", "paid_a_second_time_refunded", "refunded", 2900),
        ("paid_and_changed", "paid_and_changed_refunded", "refunded", 2900),
        // Its cart is gone: DynamoDB deletes what has expired.
        ("gone", "gone_refunded", "partially_refunded", 1000),
    ] {
        let shown = shop.snapshot.order(name);

        shop.deliver_own(&shop.happens(happening)).await;

        let order = shop.order(&order_number(&shown.session)).await.ok();
        assert_eq!((&order["status"], &order["refunded"]), (&json!(status), &json!(refunded)), "{happening}");
        let mut rest = shown.order;
        for changed in ["refunded", "refunded_with_currency", "status"] {
            rest.as_object_mut().unwrap().remove(changed);
        }
        assert_still_shown(&order, &rest, happening);
    }
    assert_eq!(shop.rows("carts").await, carts, "a refund gives nothing back into a cart");
}

#[tokio::test]
async fn marks_of_before_outlive_a_refund() {
    let shop = Shop::open().await;
    let session = shop.snapshot.order("paid_a_second_time").session;
    let marked = async || {
        let rows = shop.rows("orders").await;
        let row = rows.iter().find(|row| row["number"]["S"] == order_number(&session)).unwrap();
        row.to_string().contains("cart_paid_twice")
    };
    assert!(marked().await);

    shop.deliver_own(&shop.happens("paid_a_second_time_refunded")).await;

    assert!(marked().await);
}

#[tokio::test]
async fn a_session_of_before_that_expires_is_forgotten_and_told_of_once() {
    let shop = Shop::open().await;
    let told = abandoned(&shop).await.len();
    let event = shop.happens("expires");
    let path = format!("/v1/checkout/sessions/{}", event["data"]["object"]["id"].as_str().unwrap());
    let asked = || {
        let requests = shop.stripe.calls().into_iter().map(|call| call.request);
        requests.filter(|request| request.contains(&path)).collect::<Vec<_>>()
    };

    for _ in 0..2 {
        shop.deliver_own(&event).await;
    }
    assert_eq!(asked(), vec![format!("GET {path}"); 2], "Stripe says whether it is over");

    let rows = abandoned(&shop).await;
    assert_eq!(rows.len(), told + 1);
    let session = &event["data"]["object"]["id"];
    let row = rows.iter().find(|row| row["session"]["S"] == *session).unwrap();
    let shopper = shop.shopper("expires_later");
    assert_eq!(row["cart"]["S"], shopper.then["number"]);
    assert_still_shown(&shopper.cart().await, &shopper.then, "expires_later");
    assert_eq!(shopper.checkout().await.ok()["status"], "open");
    assert_eq!(asked().len(), 2, "at checkout Stripe need not be asked about a session that is over");
}
