//! Ways to an order other than its number, and what the sync does with them.

use std::time::Duration;

use cart::Timestamp;
use fixtures::{Shop, order_number};
use reqwest::Method;
use serde_json::{Value, json};
use stripe_sandbox::Sandbox;
use sync::{Asked, Sync};

use crate::after_payment::{as_read, intent, money, paid};

/// What leads to an order, without its number.
async fn ways(shop: &Shop) -> Vec<String> {
    let rows = shop.table("ORDER_INDEX_TABLE").scan().await;
    let mut ways: Vec<_> = rows.iter().map(|row| row["way"]["S"].as_str().unwrap().to_owned()).collect();
    // How far the scan for earlier orders is.
    ways.retain(|way| way != "progress");
    ways.sort();
    ways
}

#[tokio::test]
async fn an_order_is_on_the_way_of_the_open_ones_until_its_money_is_where_it_stays() {
    let (shop, session) = paid("manual", "price_mug", "pay").await;
    let intent = intent(&shop, &session).await;
    let [payment, email] = [format!("payment_intent#{intent}"), "email#shopper@example.com".to_owned()];
    let reference = session["metadata"]["stripe_payments_reference"].as_str().unwrap();
    let closed = [email, payment, format!("reference#{reference}"), "time".to_owned()];
    let mut open = closed.to_vec();
    open.insert(1, "open".to_owned());

    let mut seen = vec![ways(&shop).await];
    shop.stripe(Method::POST, &format!("/v1/payment_intents/{intent}/capture"), "").await;
    shop.sandbox().settled().await;
    seen.push(ways(&shop).await);
    let dispute = shop.sandbox().dispute(&intent).unwrap();
    shop.sandbox().settled().await;
    seen.push(ways(&shop).await);
    shop.sandbox().close_dispute(&dispute, true).unwrap();
    shop.sandbox().settled().await;
    seen.push(ways(&shop).await);

    assert_eq!(seen, [open.clone(), closed.to_vec(), open, closed.to_vec()]);
}

#[tokio::test]
async fn an_event_about_a_known_payment_does_not_ask_which_session_it_belongs_to() {
    for (price, mode) in [("price_mug", "payment"), ("price_club_monthly", "subscription")] {
        let (shop, session) = paid("", price, "pay").await;
        assert_eq!(session["mode"], mode);
        shop.sandbox().pause_webhooks(true);
        shop.refund(&order_number(&session), 100).await;
        let before = shop.sandbox().requests().len();

        assert_eq!(shop.deliver(&shop.event("charge.refunded")).await.ok()["handled"], true);

        let asked: Vec<_> = shop.sandbox().requests()[before..].iter().map(|request| request.path.clone()).collect();
        let session = format!("/v1/checkout/sessions/{}", session["id"].as_str().unwrap());
        let payments = (mode == "subscription").then(|| "/v1/invoice_payments".to_owned());
        // Whether the refund is on its way, and may come back.
        let refunds = "/v1/refunds".to_owned();
        assert_eq!(asked, [session].into_iter().chain(payments).chain([refunds]).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn the_sync_follows_an_open_order_however_old_it_is_and_forgets_it_when_it_is_closed() {
    let (shop, session) = paid("", "price_mug", "pay_later").await;
    assert_eq!(money(&shop, &session).await, as_read("awaiting_payment", 0, 0));
    // Stripe sends no event, and its list of the last days does not have the session any more.
    shop.sandbox().pause_webhooks(true);
    shop.sandbox().settle(session["id"].as_str().unwrap(), true).unwrap();
    let fulfilment = ordering::Fulfilment::new(shop.stack().services()).unwrap();
    let in_thirty_days = Timestamp::now() + Duration::from_hours(30 * 24);
    let four_days = Duration::from_hours(4 * 24);

    let found =
        Box::pin(fulfilment.repair(in_thirty_days - four_days, in_thirty_days, Timestamp::now())).await.unwrap();
    let followed = Box::pin(fulfilment.follow_open(Timestamp::now())).await.unwrap();

    assert_eq!((found, followed), (0, 1));
    assert_eq!(money(&shop, &session).await, as_read("paid", 2400, 0));
    let before = shop.sandbox().requests().len();
    assert_eq!(Box::pin(fulfilment.follow_open(Timestamp::now())).await.unwrap(), 0);
    assert_eq!(shop.sandbox().requests().len(), before, "no order is open");
}

/// Source for refunds that wait: <https://docs.stripe.com/refunds#insufficient-balance>
#[tokio::test]
async fn an_order_is_open_while_a_refund_is_on_its_way() {
    for (price, arrives) in [("price_mug", true), ("price_mug", false), ("price_club_monthly", false)] {
        let (shop, session) = paid("", price, "pay").await;
        let (_, captured, _) = money(&shop, &session).await;
        shop.sandbox().change_dashboard(|dashboard| dashboard.balance_covers_refunds = false);
        shop.refund(&order_number(&session), 400).await;
        shop.sandbox().settled().await;
        let waiting = (money(&shop, &session).await, ways(&shop).await.contains(&"open".to_owned()));
        shop.sandbox().pause_webhooks(true);
        let refund = shop.event("refund.created")["data"]["object"]["id"].as_str().unwrap().to_owned();
        let end = if arrives { Sandbox::complete_refund } else { Sandbox::fail_refund };
        end(shop.sandbox(), &refund).unwrap();

        let fulfilment = ordering::Fulfilment::new(shop.stack().services()).unwrap();
        let changed = Box::pin(fulfilment.follow_open(Timestamp::now())).await.unwrap();

        let case = format!("{price}, {arrives}");
        assert_eq!(waiting, (as_read("partially_refunded", captured, 400), true), "{case}");
        let then = if arrives { as_read("partially_refunded", captured, 400) } else { as_read("paid", captured, 0) };
        assert_eq!((money(&shop, &session).await, changed), (then, usize::from(!arrives)), "{case}");
        assert!(!ways(&shop).await.contains(&"open".to_owned()), "{case}");
    }
}

/// As where a merchant has deleted the test data of the account.
#[tokio::test]
async fn an_open_order_whose_session_stripe_does_not_know_stays_and_no_run_fails() {
    let (shop, session) = paid("", "price_mug", "pay_later").await;
    let orders = shop.table("ORDERS_TABLE");
    let mut row = orders.get(&order_number(&session)).await.unwrap();
    let known = session["id"].as_str().unwrap();
    row["order"]["S"] = row["order"]["S"].as_str().unwrap().replace(known, "cs_test_gone").into();
    orders.put(&row).await;
    let fulfilment = ordering::Fulfilment::new(shop.stack().services()).unwrap();

    let (followed, tally) = Box::pin(tally::of(fulfilment.follow_open(Timestamp::now()))).await;

    assert_eq!(followed.unwrap(), 0);
    assert_eq!(tally.counted().collect::<Vec<_>>(), [("SessionUnknown", 1)]);
    assert_eq!(money(&shop, &session).await, as_read("awaiting_payment", 0, 0));
}

#[tokio::test]
async fn two_syncs_at_once_follow_an_order_once() {
    let (shop, session) = paid("", "price_mug", "pay_later").await;
    shop.sandbox().pause_webhooks(true);
    shop.sandbox().settle(session["id"].as_str().unwrap(), true).unwrap();

    let (one, other) = tokio::join!(shop.stack().sync(), shop.stack().sync());

    assert!(one.is_ok() && other.is_ok());
    assert_eq!(money(&shop, &session).await, as_read("paid", 2400, 0));
    assert!(!ways(&shop).await.contains(&"open".to_owned()));
}

/// After a rollback, or while both versions run.
#[tokio::test]
async fn an_order_that_version_0_1_0_closed_leaves_the_way_of_the_open_ones() {
    let (shop, session) = paid("", "price_mug", "pay_later").await;
    shop.sandbox().pause_webhooks(true);
    shop.sandbox().settle(session["id"].as_str().unwrap(), true).unwrap();
    shop.table("ORDERS_TABLE").set(&order_number(&session), "status", json!({ "S": "paid" })).await;
    assert!(ways(&shop).await.contains(&"open".to_owned()));

    shop.stack().sync().await.unwrap();

    assert!(!ways(&shop).await.contains(&"open".to_owned()));
}

/// A row as version 0.1.0 wrote it.
#[tokio::test]
async fn an_order_of_version_0_1_0_follows_too() {
    let (shop, session) = paid("manual", "price_mug", "pay").await;
    let orders = shop.table("ORDERS_TABLE");
    let mut row = orders.get(&order_number(&session)).await.unwrap();
    let attributes = row.as_object_mut().unwrap();
    attributes.retain(|name, _| !["captured", "read", "event", "dispute"].contains(&name.as_str()));
    // It knew no other word for what a bank holds.
    attributes.insert("status".to_owned(), json!({ "S": "awaiting_payment" }));
    orders.put(&row).await;
    for row in shop.table("ORDER_INDEX_TABLE").scan().await {
        shop.table("ORDER_INDEX_TABLE").delete_row(&row).await;
    }
    shop.sandbox().pause_webhooks(true);
    let path = format!("/v1/payment_intents/{}/capture", intent(&shop, &session).await);
    shop.stripe(Method::POST, &path, "").await;

    assert_eq!(shop.stack().sync().await.unwrap().repaired, 1);

    assert_eq!(money(&shop, &session).await, as_read("paid", 2400, 0));
    assert_eq!(shop.stack().sync().await.unwrap().repaired, 0);
    assert_eq!(ways(&shop).await.len(), 4, "it is entered with its first step");
}

/// Has an order look as version 0.1.0 left it: no way leads to it.
async fn as_of_0_1_0(shop: &Shop, session: &Value) {
    let orders = shop.table("ORDERS_TABLE");
    let mut row = orders.get(&order_number(session)).await.unwrap();
    row.as_object_mut().unwrap().retain(|name, _| !["captured", "read"].contains(&name.as_str()));
    orders.put(&row).await;
    let index = shop.table("ORDER_INDEX_TABLE");
    for row in index.scan().await {
        let is_its = row["order"]["S"].as_str().unwrap().ends_with(&order_number(session));
        if is_its || row["way"]["S"] == "progress" {
            index.delete_row(&json!({ "way": row["way"], "order": row["order"] })).await;
        }
    }
}

async fn sync(shop: &Shop, asked: Value) -> Result<sync::Report, sync::Error> {
    Sync::new(shop.stack().services()).unwrap().run("test", &Asked::read(asked)?).await
}

#[tokio::test]
async fn the_sync_enters_orders_of_version_0_1_0_once() {
    let (shop, session) = paid("", "price_mug", "pay_later").await;
    let other = shop.add("price_mug", 1).await.checkout().await.ok();
    shop.pay(&other).await;
    let before = ways(&shop).await;
    for session in [&session, &other] {
        as_of_0_1_0(&shop, session).await;
    }
    assert_eq!(ways(&shop).await, Vec::<String>::new());

    // A run would also enter the orders of the last days.
    let fulfilment = ordering::Fulfilment::new(shop.stack().services()).unwrap();
    fulfilment.enter_earlier(false).await.unwrap();
    let once = ways(&shop).await;
    as_of_0_1_0(&shop, &other).await;
    shop.table("ORDER_INDEX_TABLE").put(&json!({ "way": { "S": "progress" }, "order": { "S": "scan" } })).await;
    fulfilment.enter_earlier(false).await.unwrap();
    let twice = ways(&shop).await;
    fulfilment.enter_earlier(true).await.unwrap();

    assert_eq!(once, before);
    assert_eq!(once.iter().filter(|way| *way == "open").count(), 1);
    assert_eq!(twice.len(), before.len() - 4, "what was scanned is not scanned again");
    assert_eq!(ways(&shop).await, before);
}

#[tokio::test]
async fn an_index_that_is_lost_is_made_again() {
    let (shop, session) = paid("", "price_mug", "pay_later").await;
    let other = shop.add("price_mug", 1).await.checkout().await.ok();
    shop.pay(&other).await;
    let before = ways(&shop).await;
    let index = shop.table("ORDER_INDEX_TABLE");
    for row in index.scan().await {
        index.delete_row(&row).await;
    }

    sync(&shop, json!({ "index": true })).await.unwrap();

    assert_eq!(ways(&shop).await, before);
    assert_eq!(money(&shop, &session).await, as_read("awaiting_payment", 0, 0));
}

#[tokio::test]
async fn the_scan_goes_on_where_it_stopped() {
    let (shop, session) = paid("", "price_mug", "pay").await;
    let other = shop.add("price_mug", 1).await.checkout().await.ok();
    shop.pay(&other).await;
    for session in [&session, &other] {
        as_of_0_1_0(&shop, session).await;
    }
    // DynamoDB scans rows by the hash of their key: the first of two comes back with the second as the rest.
    let first = shop.table("ORDERS_TABLE").first_key().await;
    let progress = json!({ "way": { "S": "progress" }, "order": { "S": "scan" }, "after": first["number"] });
    shop.table("ORDER_INDEX_TABLE").put(&progress).await;

    ordering::Fulfilment::new(shop.stack().services()).unwrap().enter_earlier(false).await.unwrap();

    assert_eq!(ways(&shop).await.iter().filter(|way| *way == "time").count(), 1);
}

/// Functions of version 0.1.0 may make orders after the scan, while both run or after a rollback.
#[tokio::test]
async fn every_run_enters_the_orders_of_the_last_days_that_no_way_leads_to() {
    for price in ["price_mug", "price_club_monthly"] {
        let (shop, session) = paid("", price, "pay").await;
        let before = ways(&shop).await;
        sync(&shop, json!({})).await.unwrap();
        let scanned =
            shop.table("ORDER_INDEX_TABLE").scan().await.into_iter().find(|row| row["way"]["S"] == "progress");
        as_of_0_1_0(&shop, &session).await;
        shop.table("ORDER_INDEX_TABLE").put(&scanned.unwrap()).await;

        sync(&shop, json!({})).await.unwrap();

        assert_eq!(ways(&shop).await, before, "{price}");
        let asked = shop.sandbox().requests().len();
        sync(&shop, json!({})).await.unwrap();
        let requests = shop.sandbox().requests();
        let again = requests[asked..].iter().any(|request| request.path.starts_with("/v1/checkout/sessions/"));
        assert!(!again, "{price}: it is entered once");
    }
}

#[tokio::test]
async fn a_part_of_the_sync_that_fails_is_named_and_the_others_go_on() {
    let shop = Shop::open().await;
    let key = shop.stack().environment().get("STRIPE_SECRET_KEY").unwrap();
    let path = "/v1/products";
    let form = "name=Kettle&default_price_data[currency]=usd&default_price_data[unit_amount]=4000";
    shop.sandbox().pause_webhooks(true);
    shop.stripe(Method::POST, path, form).await;
    shop.sandbox().restrict_key(key, &["rak_product_read", "rak_plan_read", "rak_webhook_read"]);

    let error = sync(&shop, json!({})).await.unwrap_err().to_string();

    assert!(error.starts_with("paid sessions: ") && error.contains("rak_checkout_session_read"), "{error}");
    let names = shop.get("/products?limit=100").await.ok()["data"].to_string();
    assert!(names.contains("Kettle"), "{names}");
}

#[tokio::test]
async fn the_sync_looks_back_as_far_as_it_is_asked() {
    let shop = Shop::open().await;

    for (asked, fault) in [
        (json!({ "days": 0 }), Some("days must be between 1 and 30")),
        (json!({ "days": 31 }), Some("days must be between 1 and 30")),
        (json!({ "days": "30" }), Some("invalid type")),
        (json!({ "index": 1 }), Some("invalid type")),
        // What the schedule sends.
        (json!({ "version": "0", "id": "x", "detail-type": "Scheduled Event", "source": "aws.scheduler" }), None),
        (json!({ "days": 30 }), None),
        (Value::Null, None),
    ] {
        let run = sync(&shop, asked.clone()).await;
        match fault {
            Some(fault) => assert!(run.unwrap_err().to_string().contains(fault), "{asked}"),
            None => assert!(run.is_ok(), "{asked}"),
        }
    }

    let since = shop.sandbox().requests().len();
    sync(&shop, json!({ "days": 30 })).await.unwrap();
    let requests = shop.sandbox().requests();
    let listed = requests[since..].iter().find(|request| request.path == "/v1/checkout/sessions").unwrap();
    let from = listed.params["created"]["gte"].as_str().unwrap().parse::<i64>().unwrap();
    let days = (Timestamp::now().as_second() - from) / (24 * 60 * 60);
    assert_eq!(days, 30);
}

/// `POST /admin/sync` of the local stack.
#[tokio::test]
async fn a_developer_runs_the_sync_by_hand_also_at_another_time() {
    let shop = Shop::open().await;
    shop.sandbox().pause_webhooks(true);
    let session = shop.add("price_mug", 2).await.checkout().await.ok();
    shop.press(&session, "pay").await;
    // It is no route of the API in AWS.
    let client = reqwest::Client::new();
    let url = format!("{}/admin/sync", shop.stack().url());
    let post = async |body: &str| {
        let response = client.post(&url).body(body.to_owned()).send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_str::<Value>(&response.text().await.unwrap()).unwrap())
    };

    for (body, fault) in [
        ("[]", "the body must be a JSON object"),
        ("{", "the body must be a JSON object"),
        (r#"{"days":0}"#, "the event is malformed: days must be between 1 and 30"),
        (r#"{"at":"tomorrow"}"#, "at must be a time such as 2026-12-24T18:00:00Z"),
        (r#"{"at":7}"#, "at must be a time such as 2026-12-24T18:00:00Z"),
    ] {
        let (status, answer) = post(body).await;
        assert_eq!((status, &answer["message"]), (400, &json!(fault)), "{body}");
    }
    // In a month nobody looks back as far as today.
    let in_a_month = Timestamp::now() + Duration::from_hours(30 * 24);
    let repaired = async |body: &str| match post(body).await {
        (200, report) => report["repaired"].clone(),
        (status, answer) => panic!("{status}: {answer}"),
    };
    assert_eq!(repaired(&json!({ "at": in_a_month.to_string() }).to_string()).await, 0);
    assert_eq!(repaired("").await, 1);
    assert_eq!(money(&shop, &session).await, as_read("paid", 2400, 0));
    assert_eq!(client.get(&url).send().await.unwrap().status(), 405);
    let foreign = client.post(&url).header("origin", "https://evil.example").send().await.unwrap();
    assert_eq!(foreign.status(), 403);
}
