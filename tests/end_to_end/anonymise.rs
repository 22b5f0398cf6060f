//! `POST /admin/orders/{number}/anonymise` and `POST /admin/anonymise`.

use std::time::Duration;

use cart::{SessionId, Timestamp};
use fixtures::{Shop, Visitor, order_number};
use futures_util::future::join_all;
use ordering::Fulfilment;
use reqwest::Method;
use serde_json::{Value, json};
use store::{Abandoned, Carts};

use crate::admin_orders::Ledger;
use crate::after_payment::intent;

/// What a shopper writes into a cart, and what Stripe's page asks of them.
const WRITTEN: [&str; 3] = ["for Ann", "written by Ann", "https://buy.stripe.com/r/of_Ann"];

/// A shop whose page asks for all that it can, and a session that was paid with it. A page of the cart had ended before, and the
/// shopper may go on from a link.
struct Bought {
    shop: Shop,
    session: Value,
    number: String,
    abandoned: SessionId,
}

impl Bought {
    async fn with_capture(capture: &str) -> Self {
        let shop = Shop::open_with([
            ("CHECKOUT_CAPTURE", capture),
            ("CHECKOUT_SHIPPING_COUNTRIES", "US"),
            ("CHECKOUT_PHONE", "true"),
            ("CHECKOUT_BILLING_ADDRESS", "required"),
        ])
        .await;
        let visitor = shop.visitor();
        let session = fill(&visitor).await;
        let number = shop.pay(&session).await;
        let abandoned: SessionId = "cs_test_before".parse().unwrap();
        note(&shop, &session, &abandoned).await;
        Self { shop, session, number, abandoned }
    }

    async fn anonymise(&self) -> Value {
        let path = format!("/admin/orders/{}/anonymise", self.number);
        self.shop.send(Method::POST, &path, &[], Vec::new()).await.ok()["data"][0].clone()
    }

    /// What was said about the buyer when it was bought: on Stripe's page, and by themselves.
    fn personal(&self) -> Vec<String> {
        let session = self.shop.event("checkout.session.completed")["data"]["object"].clone();
        let details = &session["customer_details"];
        let texts = [&details["email"], &details["name"], &details["phone"], &details["address"]["line1"]];
        let mut texts: Vec<_> = texts.into_iter().map(|text| text.as_str().unwrap().to_owned()).collect();
        texts.extend(WRITTEN.map(str::to_owned));
        texts
    }

    /// What of it stands anywhere in the shop's tables.
    async fn stored(&self) -> Vec<String> {
        let stored = everything(&self.shop).await;
        self.personal().into_iter().filter(|text| stored.contains(text.as_str())).collect()
    }
}

/// All rows of all tables in which a shopper leaves something.
pub(crate) async fn everything(shop: &Shop) -> String {
    let mut stored = String::new();
    for table in ["CARTS_TABLE", "ORDERS_TABLE", "ORDER_INDEX_TABLE"] {
        for row in shop.table(table).scan().await {
            stored.push_str(&row.to_string());
        }
    }
    stored
}

/// Fills a cart with what a shopper writes, and checks it out.
async fn fill(visitor: &Visitor<'_>) -> Value {
    let items = json!([{ "price": "price_mug", "quantity": 2, "description": "for Ann" }]);
    let body = json!({ "items": items, "metadata": { "note": "written by Ann" } });
    visitor.post("/cart/add", body).await.ok();
    visitor.checkout().await.ok()
}

/// Notes that a page of the session's cart has ended, as its event does.
pub(crate) async fn note(shop: &Shop, session: &Value, ended: &SessionId) {
    let services = shop.stack().services();
    let carts = Carts::new(&services.database, &services.environment).unwrap();
    let cart = session["metadata"]["stripe_payments_cart_number"].as_str().unwrap().parse().unwrap();
    let recovery_url = Some("https://buy.stripe.com/r/of_Ann".to_owned());
    let abandoned = Abandoned { session: ended.clone(), cart, recovery_url };
    carts.record_abandoned(&abandoned, Timestamp::now()).await.unwrap();
}

async fn row(shop: &Shop, number: &str) -> Value {
    shop.table("ORDERS_TABLE").get(number).await.unwrap()
}

#[tokio::test]
async fn nothing_that_is_stored_tells_of_the_buyer_any_more_and_the_sale_stays() {
    let bought = Bought::with_capture("").await;
    let Bought { shop, number, .. } = &bought;
    assert_eq!(bought.stored().await, bought.personal());
    let shown = shop.order(number).await.ok();
    let before = row(shop, number).await;

    let anonymous = bought.anonymise().await;

    assert_eq!(bought.stored().await, Vec::<String>::new());
    assert!(anonymous["anonymised_at"].is_string(), "{anonymous}");
    assert_eq!(anonymous["customer"]["email"], Value::Null);
    assert_eq!(anonymous["total"], 2400);
    let mut expected = shown;
    expected["lines"][0]["description"] = Value::Null;
    assert_eq!(shop.order(number).await.ok(), expected, "the thank-you page shows the same, without texts");
    let after = row(shop, number).await;
    assert_eq!(before["event"]["S"], "order.paid");
    assert_eq!(after["event"], Value::Null, "nothing is told again");
    for attribute in ["status", "captured", "refunded", "total", "created", "read", "cart", "session", "f"] {
        assert_eq!(after[attribute], before[attribute], "{attribute}");
    }
    let ways = shop.table("ORDER_INDEX_TABLE").scan().await;
    let ways: Vec<_> = ways.iter().map(|row| row["way"]["S"].as_str().unwrap().split('#').next().unwrap()).collect();
    assert!(ways.contains(&"time") && ways.contains(&"payment_intent") && ways.contains(&"reference"), "{ways:?}");
    assert!(!ways.contains(&"email"), "{ways:?}");
    assert_eq!(shop.get("/admin/orders?email=shopper%40example.com").await.ok()["data"], json!([]));
}

#[tokio::test]
async fn to_repeat_it_changes_nothing() {
    let bought = Bought::with_capture("").await;
    let once = bought.anonymise().await;
    let stored = row(&bought.shop, &bought.number).await;

    let answers = join_all((0..8).map(|_| bought.anonymise())).await;

    assert!(answers.iter().all(|answer| *answer == once));
    assert_eq!(row(&bought.shop, &bought.number).await, stored);
}

/// Everything that may still arrive about an order is delivered, and the sync looks for all that it can miss.
#[tokio::test]
async fn nothing_that_arrives_later_brings_the_buyer_back() {
    let bought = Bought::with_capture("manual").await;
    let Bought { shop, session, number, abandoned } = &bought;
    let intent = intent(shop, session).await;
    bought.anonymise().await;

    for event in shop.sandbox().events() {
        shop.deliver(&event).await;
    }
    let landed = shop.get(&shop.landing(session)).await;
    assert_eq!(landed.status, 303);
    shop.stripe(Method::POST, &format!("/v1/payment_intents/{intent}/capture"), "").await;
    shop.refund(number, 400).await;
    let dispute = shop.sandbox().dispute(&intent).unwrap();
    shop.sandbox().settled().await;
    shop.sandbox().close_dispute(&dispute, true).unwrap();
    shop.sandbox().settled().await;
    // The page ended before the order was made anonymous, and its event comes now.
    note(shop, session, abandoned).await;
    note(shop, session, &"cs_test_late".parse().unwrap()).await;
    let fulfilment = Fulfilment::new(shop.stack().services()).unwrap();
    let now = Timestamp::now() + Duration::from_hours(1);
    Box::pin(fulfilment.repair(now - Duration::from_hours(24 * 30), now, now)).await.unwrap();
    Box::pin(fulfilment.follow_open(now)).await.unwrap();
    fulfilment.enter_earlier(true).await.unwrap();

    assert_eq!(bought.stored().await, Vec::<String>::new());
    let order = shop.get(&format!("/admin/orders/{number}")).await.ok()["data"][0].clone();
    assert_eq!(
        (&order["status"], &order["refunded"]),
        (&json!("partially_refunded"), &json!(400)),
        "its money is followed"
    );
    assert_eq!(order["dispute"]["status"], "won");
    let late = shop.table("CARTS_TABLE").get("abandoned-cs_test_late").await.unwrap();
    assert_eq!(late["recovery_url"]["S"], "", "it is told without the link");
}

/// No way leads to an order of version 0.1.0 until the first sync, or its first step.
#[tokio::test]
async fn an_order_of_version_0_1_0_stays_anonymous_when_it_is_entered() {
    for by_a_sync in [true, false] {
        let bought = Bought::with_capture("").await;
        let Bought { shop, number, .. } = &bought;
        let mut earlier = row(shop, number).await;
        earlier.as_object_mut().unwrap().retain(|name, _| !["captured", "read"].contains(&name.as_str()));
        shop.table("ORDERS_TABLE").put(&earlier).await;
        for row in shop.table("ORDER_INDEX_TABLE").scan().await {
            shop.table("ORDER_INDEX_TABLE").delete_row(&json!({ "way": row["way"], "order": row["order"] })).await;
        }
        let fulfilment = Fulfilment::new(shop.stack().services()).unwrap();
        // Both have read the order before it is made anonymous, or after.
        let enter = async {
            if by_a_sync {
                fulfilment.enter_earlier(true).await.unwrap();
            } else {
                shop.refund(number, 400).await;
            }
        };

        let (_, ()) = tokio::join!(bought.anonymise(), enter);

        assert_eq!(bought.stored().await, Vec::<String>::new());
        let found = shop.get("/admin/orders").await.ok()["data"][0].clone();
        assert_eq!(found["number"], number.as_str());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_races_with_what_befalls_the_money_and_neither_is_lost() {
    for _ in 0..5 {
        let bought = Bought::with_capture("").await;
        let Bought { shop, number, .. } = &bought;

        let refunds = async {
            for amount in [100, 200, 300] {
                shop.refund(number, amount).await;
            }
        };
        let anonymous = async {
            for _ in 0..3 {
                bought.anonymise().await;
            }
        };
        tokio::join!(refunds, anonymous);

        assert_eq!(bought.stored().await, Vec::<String>::new());
        assert_eq!(shop.order(number).await.ok()["refunded"], 600);
    }
}

/// What was added after checkout goes on in the same cart.
#[tokio::test]
async fn a_cart_that_goes_on_keeps_its_lines_and_loses_what_was_written() {
    let shop = Shop::open().await;
    let visitor = shop.visitor();
    let session = fill(&visitor).await;
    let later = json!([{ "price": "price_tshirt", "quantity": 1, "description": "for Ann" }]);
    visitor.post("/cart/add", json!({ "items": later })).await.ok();
    let number = shop.pay(&session).await;
    let page = visitor.checkout().await.ok();
    let before = visitor.cart().await;
    assert_eq!(before["items"][0]["description"], "for Ann");

    let path = format!("/admin/orders/{number}/anonymise");
    let (answer, added) = tokio::join!(shop.send(Method::POST, &path, &[], Vec::new()), visitor.add("price_poster", 1));

    answer.ok();
    added.ok();
    let after = visitor.cart().await;
    assert_eq!(after["item_count"], 2);
    assert!(!after.to_string().contains("Ann"), "{after}");
    assert!(after["version"].as_u64() >= before["version"].as_u64().map(|version| version + 2), "{after}");
    assert!(!everything(&shop).await.contains("Ann"));
    assert_ne!(visitor.checkout().await.ok()["id"], page["id"], "the page with the texts is not handed out again");
}

#[tokio::test]
async fn a_buyer_is_taken_out_of_all_orders_of_their_address_a_hundred_at_a_time() {
    let shop = Shop::open().await;
    let ledger = Ledger::of(&shop).await;
    for index in 0..119 {
        let mut order = ledger.order(index);
        order.customer.email =
            Some(if index % 2 == 0 { "Shopper@Example.com " } else { "shopper@example.com" }.to_owned());
        ledger.write(&order).await;
    }
    let mut other = ledger.order("other");
    other.customer.email = Some("bob@example.com".to_owned());
    ledger.write(&other).await;
    // One that is gone has left a row.
    shop.table("ORDERS_TABLE").delete(&ledger.order(7).number.to_string()).await;
    let data_request = || async { shop.get("/admin/orders?email=shopper%40example.com&limit=100").await.ok() };
    let (page, anonymise) = (data_request().await, json!({ "email": " SHOPPER@example.com" }));
    assert_eq!(page["data"].as_array().unwrap().len(), 100);

    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(shop.visitor().post("/admin/anonymise", anonymise.clone()).await.ok());
    }

    let done: Vec<_> = answers.iter().map(|answer| answer["anonymised"].as_u64().unwrap()).collect();
    let more: Vec<_> = answers.iter().map(|answer| answer["more"].as_bool().unwrap()).collect();
    assert_eq!((done.iter().sum::<u64>(), done[2]), (119, 0), "{done:?}");
    assert_eq!(more, [true, false, false]);
    assert!(!everything(&shop).await.to_lowercase().contains("shopper@example.com"));
    assert_eq!(data_request().await["data"], json!([]));
    let others = shop.get("/admin/orders?email=bob%40example.com").await.ok();
    assert_eq!(others["data"][0]["customer"]["email"], "bob@example.com");

    let form = b"email=bob%40example.com".to_vec();
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let by_form = shop.send(Method::POST, "/admin/anonymise", &headers, form).await.ok();
    assert_eq!(by_form, json!({ "anonymised": 1, "more": false }));
}

#[tokio::test]
async fn calls_side_by_side_take_each_order_once() {
    let shop = Shop::open().await;
    let ledger = Ledger::of(&shop).await;
    for index in 0..9 {
        ledger.write(&ledger.order(index)).await;
    }

    let calls = (0..5).map(|_| async {
        shop.visitor().post("/admin/anonymise", json!({ "email": "shopper@example.com" })).await.ok()
    });
    let answers = join_all(calls).await;

    assert_eq!(answers.iter().map(|answer| answer["anonymised"].as_u64().unwrap()).sum::<u64>(), 10);
}

#[tokio::test]
async fn a_later_purchase_is_a_new_order() {
    let bought = Bought::with_capture("").await;
    bought.anonymise().await;

    let again = fill(&bought.shop.visitor()).await;
    bought.shop.pay(&again).await;

    let found = bought.shop.get("/admin/orders?email=shopper%40example.com").await.ok();
    assert_eq!(found["data"].as_array().unwrap().len(), 1);
    assert_eq!(found["data"][0]["number"], order_number(&again));
}
