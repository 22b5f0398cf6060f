//! What becomes of an order's money after it was made: captures, holds that end, refunds, disputes.

use std::time::Duration;

use cart::{DisputeReading, Money, OrderNumber, Progress, Reading, Timestamp};
use fixtures::{Shop, order_number};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

/// A shop that captures by hand, if that is wanted, and a session that was just paid.
pub(crate) async fn paid(capture: &str, price: &str, action: &str) -> (Shop, Value) {
    let shop = Shop::open_with([("CHECKOUT_CAPTURE", capture)]).await;
    let session = shop.add(price, 2).await.checkout().await.ok();
    shop.press(&session, action).await;
    shop.sandbox().settled().await;
    (shop, session)
}

/// What an order shows of its money.
pub(crate) async fn money(shop: &Shop, session: &Value) -> (String, i64, i64) {
    let order = shop.order(&order_number(session)).await.ok();
    let amount = |name: &str| order[name].as_i64().unwrap();
    (order["status"].as_str().unwrap().to_owned(), amount("captured"), amount("refunded"))
}

pub(crate) fn as_read(status: &str, captured: i64, refunded: i64) -> (String, i64, i64) {
    (status.to_owned(), captured, refunded)
}

/// The event that the order's last write tells.
async fn told(shop: &Shop, session: &Value) -> Value {
    let row = shop.table("ORDERS_TABLE").get(&order_number(session)).await.unwrap();
    row["event"]["S"].clone()
}

pub(crate) async fn intent(shop: &Shop, session: &Value) -> String {
    let path = format!("/v1/checkout/sessions/{}", session["id"].as_str().unwrap());
    shop.stripe(Method::GET, &path, "").await["payment_intent"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_a_bank_holds_is_captured_in_whole_or_in_part_given_up_or_not_taken_in_time() {
    // The mugs come to 24.00.
    for (case, form, then) in [
        ("capture", Some(""), as_read("paid", 2400, 0)),
        ("capture", Some("amount_to_capture=1000"), as_read("paid", 1000, 0)),
        ("cancel", Some(""), as_read("canceled", 0, 0)),
        ("in seven days", None, as_read("canceled", 0, 0)),
    ] {
        let (shop, session) = paid("manual", "price_mug", "pay").await;
        assert_eq!(money(&shop, &session).await, as_read("authorized", 0, 0), "{case}");
        assert_eq!(told(&shop, &session).await, "order.authorized");

        match form {
            Some(form) => {
                let path = format!("/v1/payment_intents/{}/{case}", intent(&shop, &session).await);
                shop.stripe(Method::POST, &path, form).await;
            }
            None => shop.sandbox().advance(Duration::from_hours(7 * 24 + 1)),
        }
        shop.sandbox().settled().await;

        assert_eq!(money(&shop, &session).await, then, "{case}");
        assert_eq!(shop.order(&order_number(&session)).await.ok()["total"], 2400);
    }
}

#[tokio::test]
async fn refunds_are_judged_against_what_was_captured() {
    let (shop, session) = paid("manual", "price_mug", "pay").await;
    let path = format!("/v1/payment_intents/{}/capture", intent(&shop, &session).await);
    shop.stripe(Method::POST, &path, "amount_to_capture=1000").await;

    let mut seen = Vec::new();
    for amount in [300, 700] {
        shop.refund(&order_number(&session), amount).await;
        shop.sandbox().settled().await;
        seen.push(money(&shop, &session).await);
    }

    assert_eq!(seen, [as_read("partially_refunded", 1000, 300), as_read("refunded", 1000, 1000)]);
}

#[tokio::test]
async fn a_refund_that_fails_is_taken_off_again() {
    let (shop, session) = paid("", "price_mug", "pay").await;
    for amount in [400, 2000] {
        shop.refund(&order_number(&session), amount).await;
    }
    shop.sandbox().settled().await;
    assert_eq!(money(&shop, &session).await, as_read("refunded", 2400, 2400));
    let refund = shop.event("refund.created")["data"]["object"]["id"].clone();

    shop.sandbox().fail_refund(refund.as_str().unwrap()).unwrap();
    shop.sandbox().settled().await;

    assert_eq!(money(&shop, &session).await, as_read("partially_refunded", 2400, 400));
}

#[tokio::test]
async fn a_failed_refund_is_told_once() {
    let (shop, session) = paid("", "price_mug", "pay").await;
    shop.refund(&order_number(&session), 400).await;
    shop.sandbox().settled().await;
    shop.sandbox().pause_webhooks(true);
    let refund = shop.event("refund.created")["data"]["object"]["id"].clone();
    shop.sandbox().fail_refund(refund.as_str().unwrap()).unwrap();

    let mut events = Vec::new();
    for kind in ["refund.updated", "refund.failed", "charge.refund.updated"] {
        assert_eq!(shop.deliver(&shop.event(kind)).await.ok()["handled"], true, "{kind}");
        events.push(told(&shop, &session).await);
    }

    assert_eq!(events, [json!("order.refund_failed"), Value::Null, Value::Null]);
}

#[tokio::test]
async fn a_dispute_is_written_down_until_it_is_decided() {
    for (is_won, status) in [(true, "won"), (false, "lost")] {
        let (shop, session) = paid("", "price_mug", "pay").await;

        let dispute = shop.sandbox().dispute(&intent(&shop, &session).await).unwrap();
        shop.sandbox().settled().await;
        let opened = shop.stored_dispute(&session).await;
        shop.sandbox().close_dispute(&dispute, is_won).unwrap();
        shop.sandbox().settled().await;
        let closed = shop.stored_dispute(&session).await;

        let of_stripe = shop.stripe(Method::GET, &format!("/v1/disputes/{dispute}"), "").await;
        assert_eq!((&opened["status"], &opened["amount"]), (&json!("needs_response"), &json!(2400)));
        assert_eq!(opened["due_by"], of_stripe["evidence_details"]["due_by"]);
        assert_eq!((&closed["status"], &closed["reason"]), (&json!(status), &json!("fraudulent")));
        assert_eq!(money(&shop, &session).await, as_read("paid", 2400, 0));
    }
}

#[tokio::test]
async fn opening_and_closing_of_a_dispute_are_told_once_each() {
    let (shop, session) = paid("", "price_mug", "pay").await;
    shop.sandbox().pause_webhooks(true);
    let dispute = shop.sandbox().dispute(&intent(&shop, &session).await).unwrap();

    let mut events = Vec::new();
    for kind in ["charge.dispute.funds_withdrawn", "charge.dispute.created"] {
        assert_eq!(shop.deliver(&shop.event(kind)).await.ok()["handled"], true, "{kind}");
        events.push(told(&shop, &session).await);
    }
    shop.sandbox().close_dispute(&dispute, true).unwrap();
    for kind in ["charge.dispute.closed", "charge.dispute.funds_reinstated"] {
        shop.deliver(&shop.event(kind)).await.ok();
        events.push(told(&shop, &session).await);
    }

    assert_eq!(events, [json!("order.disputed"), Value::Null, json!("order.dispute_closed"), Value::Null]);
}

#[tokio::test]
async fn a_debit_that_the_bank_returns_is_a_lost_dispute_also_of_an_order_that_nothing_had_brought() {
    let shop = Shop::open().await;
    shop.sandbox().pause_webhooks(true);
    let session = shop.add("price_mug", 2).await.checkout().await.ok();
    shop.press(&session, "pay_later").await;
    shop.sandbox().settle(session["id"].as_str().unwrap(), true).unwrap();
    shop.sandbox().dispute(&intent(&shop, &session).await).unwrap();

    assert_eq!(shop.deliver(&shop.event("charge.dispute.created")).await.ok()["handled"], true);

    assert_eq!(money(&shop, &session).await, as_read("paid", 2400, 0));
    assert_eq!(shop.stored_dispute(&session).await["status"], "lost");
    assert_eq!(told(&shop, &session).await, "order.dispute_closed");
}

#[tokio::test]
async fn a_key_that_may_not_read_disputes_still_makes_the_order() {
    let shop = Shop::open().await;
    shop.sandbox().pause_webhooks(true);
    let session = shop.add("price_mug", 2).await.checkout().await.ok();
    shop.press(&session, "pay").await;
    let key = shop.stack().environment().get("STRIPE_SECRET_KEY").unwrap();
    shop.sandbox().dispute(&intent(&shop, &session).await).unwrap();
    shop.sandbox().restrict_key(
        key,
        &["rak_checkout_session_write", "rak_payment_intent_read", "rak_charge_read", "rak_invoice_read"],
    );

    assert_eq!(shop.deliver(&shop.event("charge.dispute.created")).await.ok()["handled"], true);

    assert_eq!(money(&shop, &session).await, as_read("paid", 2400, 0));
    assert_eq!(shop.stored_dispute(&session).await, Value::Null);
}

#[tokio::test]
async fn a_payment_of_another_integration_is_left_alone() {
    let (shop, session) = paid("", "price_mug", "pay").await;
    let form =
        "mode=payment&success_url=https://other.example/&line_items[0][price]=price_mug&line_items[0][quantity]=1";
    let strange = shop.stripe(Method::POST, "/v1/checkout/sessions", form).await;
    shop.press(&strange, "pay").await;
    shop.sandbox().pause_webhooks(true);
    shop.sandbox().dispute(&intent(&shop, &strange).await).unwrap();

    for kind in ["charge.dispute.created", "payment_intent.succeeded"] {
        assert_eq!(shop.deliver(&shop.event(kind)).await.ok()["handled"], false, "{kind}");
    }

    assert_eq!(shop.order(&order_number(&strange)).await.error(404), "order_not_found");
    assert_eq!(money(&shop, &session).await, as_read("paid", 2400, 0));
}

/// Readings that were made one after the other and arrive all at once, in any order, on the real protocol.
#[tokio::test(flavor = "multi_thread")]
async fn of_readings_that_arrive_at_once_the_latest_stays() {
    let (shop, session) = paid("", "price_mug", "pay").await;
    let services = shop.stack().services();
    let orders = store::Orders::new(&services.database, &services.environment).unwrap();
    let index = store::OrderIndex::new(&services.database, &services.environment).unwrap();
    let number: OrderNumber = order_number(&session).parse().unwrap();
    let usd = |minor: i64| Money::new(minor, cart::Currency::USD);
    let from = cart::whole_millisecond(Timestamp::now());
    let mut readings: Vec<_> = (1..=20)
        .map(|after| Reading {
            at: from + Duration::from_millis(after),
            // Every third one opens the order again.
            progress: if after % 3 == 0 { Progress::Waiting } else { Progress::Settled },
            captured: usd(2400),
            refunded: usd(i64::try_from(after).unwrap() * 7 % 20 * 100),
            refund_is_pending: Some(after % 7 == 0),
            dispute: DisputeReading::None,
        })
        .collect();
    let latest = readings.last().unwrap().clone();
    readings.sort_by_key(|reading| reading.at.as_millisecond() * 7 % 20);

    let followed = join_all(readings.iter().map(|reading| orders.follow(number, reading, &index, &[]))).await;

    assert!(followed.iter().all(Result::is_ok), "{followed:?}");
    let standing = orders.find(number).await.unwrap().unwrap().standing;
    assert_eq!((standing.refunded, standing.read_at), (latest.refunded, Some(latest.at)));
    assert_eq!(index.open(None).await.unwrap().numbers, []);
}
