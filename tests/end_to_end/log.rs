//! What the log says, and what it never says.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use cart::Timestamp;
use fixtures::{Fault, Plan, Shop, Visitor, When};
use reqwest::Method;
use serde_json::{Value, json};
use settings::Environment;
use tracing_subscriber::fmt::MakeWriter;

/// The log of a test.
#[derive(Clone, Default)]
pub(crate) struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    /// Captures what is logged on this thread until the guard is dropped. A test's whole shop runs on its thread.
    pub(crate) fn begin(level: &str) -> (Self, tracing::subscriber::DefaultGuard) {
        let captured = Self::default();
        let environment = Environment::from_iter([("AWS_LAMBDA_LOG_LEVEL", level)]);
        let subscriber = web::subscriber(&environment, captured.clone());
        (captured, tracing::subscriber::set_default(subscriber))
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// The lines about requests to `function`.
    pub(crate) fn of(&self, function: &str) -> Vec<Value> {
        let lines = self.lines();
        let lines = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["function"] == function).collect()
    }
}

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Captured {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn a_call_that_is_repeated_adds_no_line() {
    let (captured, _guard) = Captured::begin("INFO");
    let shop = Shop::open_on_wires([]).await;
    let visitor = shop.add("price_mug", 1).await;
    visitor.cart().await;

    for fault in [Fault::Cut, Fault::Broken, Fault::Throttled] {
        let before = captured.lines().len();
        shop.wire().plan(Some(Plan { call: 0, fault, when: When::Before, ends: false }));
        visitor.cart().await;

        assert_eq!(captured.lines().len(), before + 1, "{fault:?}: {:?}", captured.lines());
        assert_eq!(captured.of("get").last().unwrap()["db"], 2, "{fault:?}");
    }
}

#[tokio::test]
async fn a_request_is_one_short_line() {
    let (captured, _guard) = Captured::begin("INFO");
    let shop = Shop::open().await;
    let visitor = shop.visitor();

    let cart = visitor.add("price_mug", 1).await.ok();
    visitor.cart().await;
    visitor.cart().await;
    shop.order("0").await;

    let add = captured.of("add").remove(0);
    assert_eq!((&add["status"], &add["cart"], &add["cold"]), (&json!(200), &cart["number"], &json!(true)));
    assert!(add["db"].as_u64() > Some(0) && add["ms"].is_u64(), "{add}");
    assert!(add["request_id"].as_str().unwrap().starts_with("local-"));
    // Every function is cold once, as it is in AWS.
    for (get, cold) in captured.of("get").iter().zip([true, false]) {
        assert_eq!((&get["cart"], &get["cold"], &get["db"]), (&cart["number"], &json!(cold), &json!(2)));
    }
    assert_eq!(captured.of("order")[0]["status"], 404);
    // The embedded DynamoDB has lines of its own, and the first is that of the sync with which a shop opens.
    let lines: Vec<_> = captured.lines().into_iter().filter(|line| line.contains("\"function\"")).collect();
    assert_eq!(lines.len(), 1 + 4, "{lines:#?}");
    for line in lines {
        // Lambda's request ids are 36 characters long.
        assert!(line.len() + 36 <= 300, "{line}");
    }
}

/// Lambda ignores the level of a line without a timestamp.
#[tokio::test]
async fn every_line_has_a_level_and_a_time() {
    let (captured, _guard) = Captured::begin("INFO");
    let shop = Shop::open().await;

    shop.visitor().cart().await;
    tracing::error!("cannot start");

    let lines = captured.lines();
    assert!(lines.iter().any(|line| line.contains("cannot start")));
    for line in lines {
        let line: Value = serde_json::from_str(&line).unwrap();
        assert!(line["timestamp"].as_str().unwrap().parse::<Timestamp>().is_ok(), "{line}");
        assert!(["INFO", "WARN", "ERROR"].contains(&line["level"].as_str().unwrap()), "{line}");
    }
}

#[tokio::test]
async fn a_run_of_sync_is_one_line_with_the_cause_if_it_failed() {
    let (captured, _guard) = Captured::begin("INFO");
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;
    let session = visitor.checkout().await.ok();
    shop.sandbox().pause_webhooks(true);
    shop.press(&session, "pay").await;

    shop.stack().sync().await.unwrap();
    shop.table("CATALOG_TABLE").drop().await;
    shop.stack().sync().await.unwrap_err();

    let runs = captured.of("sync");
    assert_eq!(runs.len(), 3, "the first is the one with which a shop opens");
    assert_eq!((&runs[1]["level"], &runs[1]["Orders"], &runs[1]["status"]), (&json!("INFO"), &json!(1), &Value::Null));
    assert!(runs[1]["ms"].is_u64() && runs[1]["db"].as_u64() > Some(0), "{}", runs[1]);
    assert_eq!(runs[2]["level"], "ERROR");
    assert!(runs[2]["cause"].as_str().unwrap().contains("Scan"), "{}", runs[2]);
    assert!(captured.lines().iter().any(|line| line.contains("syncing")), "how far it is");
}

#[tokio::test]
async fn what_happened_is_counted_in_the_line_of_the_request() {
    let (captured, _guard) = Captured::begin("INFO");
    let shop = Shop::open_with([("METRICS_NAMESPACE", "Cartwright/shop")]).await;
    let visitor = shop.add("price_mug", 1).await;
    visitor.checkout().await.ok();
    visitor.checkout().await.ok();
    visitor.add("price_mug", 1).await.ok();
    let session = visitor.checkout().await.ok();

    shop.pay(&session).await;
    shop.deliver(&shop.event("checkout.session.completed")).await.ok();

    let made = |line: &Value, name: &str| line[name].as_u64().unwrap_or_default();
    let checkouts = captured.of("checkout");
    let counted: Vec<_> = checkouts
        .iter()
        .map(|line| [made(line, "SessionsCreated"), made(line, "SessionsReused"), made(line, "SessionsExpired")])
        .collect();
    assert_eq!(counted, [[1, 0, 0], [0, 1, 0], [1, 0, 1]]);
    let webhooks = captured.of("stripe-webhook");
    let sum = |name| webhooks.iter().map(|line| made(line, name)).sum::<u64>();
    assert_eq!((sum("Orders"), sum("DuplicatesSuppressed"), sum("DoubtfulOrders")), (1, 1, 0));
    let order = webhooks.iter().find(|line| line["Orders"] == 1).unwrap();
    let directive = &order["_aws"]["CloudWatchMetrics"][0];
    assert_eq!(directive["Namespace"], "Cartwright/shop");
    assert_eq!(directive["Metrics"], json!([{ "Name": "Orders", "Unit": "Count" }]));
    assert!(order["_aws"]["Timestamp"].is_u64());
    assert!(captured.of("add").iter().all(|line| line["_aws"].is_null()), "nothing happened there");
}

#[tokio::test]
async fn the_cause_of_a_5xx_stands_in_its_line() {
    let (captured, _guard) = Captured::begin("INFO");
    let shop = Shop::open().await;
    shop.table("ORDERS_TABLE").drop().await;

    let answer = shop.order("55a109cdfba5b6648676ee8c21e22322").await;

    let line = captured.of("order").remove(0);
    assert_eq!((&line["status"], &line["level"]), (&json!(500), &json!("ERROR")));
    assert_eq!(line["request_id"], answer.json()["request_id"]);
    assert!(line["cause"].as_str().unwrap().contains("GetItem"), "{line}");
    assert_eq!(answer.error(500), "server_error");
    assert!(!answer.text.contains("GetItem"), "{}", answer.text);
}

/// Does everything that a shop does, with good and bad input.
async fn everything(shop: &Shop, visitor: &Visitor<'_>) -> Value {
    let hidden = [("x-forwarded-for", "203.0.113.7"), ("content-type", "application/json")];
    visitor.add("price_mug", 2).await.ok();
    visitor.update(json!({ "metadata": { "note": "call Ann Example" } })).await.ok();
    visitor.send(Method::POST, "/cart/add", &hidden, b"{\"items\":\"ann@example.com\"}".to_vec()).await;
    visitor.send(Method::GET, "/cart", &hidden, Vec::new()).await.ok();
    visitor.post("/cart/checkout", json!({ "promotion_code": "ann@example.com" })).await.error(400);
    let session = visitor.post("/cart/checkout", json!({ "email": "ann@example.com" })).await.ok();
    shop.pay(&session).await;
    shop.get(&shop.landing(&session)).await.location();
    shop.get(&format!("/finish-order?session_id=cs_test_made_up&cart={}", visitor.number().await)).await.location();
    shop.get(&format!("/finish-order?session_id={}1", session["id"].as_str().unwrap())).await.location();
    shop.order(&fixtures::order_number(&session)).await.ok();
    shop.get("/products").await.ok();
    shop.send(Method::POST, "/stripe/webhook", &[("stripe-signature", "t=1,v1=00")], b"{}".to_vec()).await.error(400);
    shop.get("/admin/orders?email=ann%40example.com").await.ok();
    shop.get("/admin/orders?cursor=ann%40example.com").await.error(400);
    shop.get(&format!("/admin/orders/{}", fixtures::order_number(&session))).await.ok();
    let anonymise = json!({ "email": "ann@example.com" });
    assert_eq!(visitor.post("/admin/anonymise", anonymise).await.ok()["anonymised"], 1);
    visitor.clear().await;
    shop.event("checkout.session.completed")["data"]["object"].clone()
}

#[tokio::test]
async fn nothing_personal_and_no_secret_is_ever_logged() {
    let (captured, _guard) = Captured::begin("DEBUG");
    let settings = [
        ("CHECKOUT_SHIPPING_COUNTRIES", "US"),
        ("CHECKOUT_PHONE", "true"),
        ("CHECKOUT_BILLING_ADDRESS", "required"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_known0123456789abcdef"),
    ];
    let shop = Shop::open_with(settings).await;
    let visitor = shop.visitor();

    let session = everything(&shop, &visitor).await;

    let details = &session["customer_details"];
    let mut known = vec![
        visitor.token().unwrap(),
        "whsec_known0123456789abcdef".to_owned(),
        shop.stack().environment().get("STRIPE_SECRET_KEY").unwrap().to_owned(),
        "203.0.113.7".to_owned(),
        "ann@example.com".to_owned(),
        "Ann Example".to_owned(),
        session["payment_intent"].as_str().unwrap().to_owned(),
        // It opens the order.
        fixtures::order_number(&session),
    ];
    for detail in ["/email", "/name", "/phone", "/address/line1", "/address/postal_code"] {
        known.push(details.pointer(detail).unwrap().as_str().unwrap().to_owned());
    }
    let lines = captured.lines();
    assert!(lines.iter().any(|line| line.contains("TransactWriteItems")), "the level is heeded: {lines:#?}");
    for line in &lines {
        for value in &known {
            assert!(!has_word(line, value), "{value} is in {line}");
        }
    }
}

/// Whether a text has this one with neither a letter nor a digit next to it: a postal code may be a part of a time.
fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(start, _)| {
        let (before, after) = (text[..start].chars().next_back(), text[start + word.len()..].chars().next());
        !before.into_iter().chain(after).any(char::is_alphanumeric)
    })
}

#[tokio::test]
async fn signatures_that_no_secret_made_are_counted_and_other_refusals_and_taken_events_are_not() {
    let (captured, _guard) = Captured::begin("INFO");
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;
    let session = visitor.checkout().await.ok();

    shop.pay(&session).await;
    let forged = shop.signature("{}", 0).replace("v1=", "v1=00");
    for signature in [forged.as_str(), "", "t=1,v1=zz", &shop.signature("{}", 400)] {
        let headers = [("stripe-signature", signature)];
        visitor.send(Method::POST, "/stripe/webhook", &headers, b"{}".to_vec()).await.error(400);
    }

    let webhooks = captured.of("stripe-webhook");
    let counted: Vec<_> =
        webhooks.iter().map(|line| (line["status"].as_u64(), line["SignatureRefused"].as_u64())).collect();
    let (taken, refused): (Vec<_>, Vec<_>) = counted.into_iter().partition(|(status, _)| *status == Some(200));
    assert!(!taken.is_empty() && taken.iter().all(|(_, counted)| counted.is_none()), "{taken:?}");
    assert_eq!(refused, [(Some(400), Some(1)), (Some(400), None), (Some(400), None), (Some(400), None)]);
}
