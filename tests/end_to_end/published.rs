//! What becomes of the tables' streams: events on the bus, each with the same id whenever it is delivered.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use fixtures::{Shop, order_number, schemas};
use local::Published;
use publish::{Batch, Publish};
use serde_json::{Value, json};
use services::Services;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// The types of these events, in their order.
fn kinds(events: &[Published]) -> Vec<&str> {
    events.iter().map(|event| event.kind.as_str()).collect()
}

fn ids(events: &[Published]) -> Vec<&str> {
    events.iter().map(|event| event.detail["id"].as_str().unwrap()).collect()
}

/// A record of the stream of orders.
fn record(shop: &Shop, sequence_number: &str, done: &str, item: &Value) -> Value {
    let table = shop.table("ORDERS_TABLE").name().to_owned();
    json!({
        "eventID": format!("record-{sequence_number}"),
        "eventName": done,
        "eventSourceARN": format!("arn:aws:dynamodb:us-east-1:123456789012:table/{table}/stream/2026-11-27T00:00:00.000"),
        "dynamodb": { "SequenceNumber": sequence_number, "ApproximateCreationDateTime": 1_795_000_000, "NewImage": item },
    })
}

fn batch(records: &[Value]) -> Batch {
    serde_json::from_value(json!({ "Records": records })).unwrap()
}

/// Publishes these records, and returns the places of those that have to be brought again.
async fn publish(publish: &Publish, records: &[Value]) -> Vec<String> {
    let undelivered = publish.run("test", &batch(records)).await;
    let answer = serde_json::to_value(&undelivered).unwrap();
    let failures = answer["batchItemFailures"].as_array().unwrap();
    failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned()).collect()
}

/// A shop, the row of an order that was paid there, and the function.
async fn sold() -> (Shop, Value, Publish) {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 2).await;
    let number = shop.pay(&visitor.checkout().await.ok()).await;
    let row = shop.table("ORDERS_TABLE").get(&number).await.unwrap();
    let publish = Publish::new(shop.stack().services()).unwrap();
    (shop, row, publish)
}

/// The row with a change of its document.
fn with_document(row: &Value, change: impl FnOnce(&mut Value)) -> Value {
    let mut document: Value = serde_json::from_str(row["order"]["S"].as_str().unwrap()).unwrap();
    change(&mut document);
    let mut row = row.clone();
    row["order"]["S"] = json!(document.to_string());
    row
}

#[tokio::test]
async fn each_change_of_an_order_is_told_once() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 2).await;
    let number = shop.pay(&visitor.checkout().await.ok()).await;
    shop.refund(&number, 400).await;
    shop.refund(&number, 2000).await;
    let refund = shop.event("refund.created")["data"]["object"]["id"].clone();
    shop.sandbox().fail_refund(refund.as_str().unwrap()).unwrap();
    shop.sandbox().settled().await;

    let events = shop.published().await;

    let told = ["order.created", "order.paid", "order.refunded", "order.refunded", "order.refund_failed"];
    assert_eq!(kinds(&events), told);
    let money: Vec<_> = events.iter().map(|event| (&event.detail["status"], &event.detail["refunded"])).collect();
    let expected =
        [("paid", 0), ("paid", 0), ("partially_refunded", 400), ("refunded", 2400), ("partially_refunded", 400)];
    for (found, (status, refunded)) in money.into_iter().zip(expected) {
        assert_eq!(found, (&json!(status), &json!(refunded)));
    }
    assert!(events.iter().all(|event| event.detail["order"] == number.as_str()));
    assert_eq!(ids(&events).into_iter().collect::<BTreeSet<_>>().len(), 5);
    assert_eq!(shop.published().await, events, "nothing is told again");
}

#[tokio::test]
async fn a_repetition_has_the_id_of_the_first_delivery() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;
    shop.pay(&visitor.checkout().await.ok()).await;
    let first = shop.published().await;

    // Reads the streams from their beginning.
    let again = shop.behind(shop.stack().dynamodb_url(), []).await.published().await;

    assert_eq!(again, first);
}

#[tokio::test]
async fn an_order_as_it_is_published() {
    let shop = Shop::open_with([("SHOP_LOCALE", "de-DE")]).await;
    let visitor = shop.visitor();
    let items = json!([{ "price": "price_mug", "quantity": 2, "description": "blue" }, { "price": "price_tshirt" }]);
    visitor.post("/cart/add", json!({ "items": items, "metadata": { "is_gift": "yes" } })).await.ok();
    let session = visitor.post("/cart/checkout", json!({ "email": "ann@example.com" })).await.ok();
    shop.pay(&session).await;

    let events = shop.published().await;

    let paid = events.iter().find(|event| event.kind == "order.paid").unwrap();
    insta::assert_json_snapshot!(paid.detail, {
        ".id" => "[id]", ".order" => "[number]", ".reference" => "[reference]", ".cart" => "[number]",
        ".session" => "[session]", ".payment_intent" => "[payment]", ".created_at" => "[time]", ".customer.id" => "[customer]", ".receipt_url" => "[url]",
    });
}

#[tokio::test]
async fn a_delayed_payment_that_fails_is_told_by_the_new_name() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;
    let session = visitor.checkout().await.ok();
    shop.press(&session, "pay_later").await;
    shop.sandbox().settled().await;

    shop.sandbox().settle(session["id"].as_str().unwrap(), false).unwrap();
    shop.sandbox().settled().await;

    assert_eq!(kinds(&shop.published().await), ["order.created", "order.payment_failed"]);
    // Version 0.1.0 knows it by this name.
    let row = shop.table("ORDERS_TABLE").get(&order_number(&session)).await.unwrap();
    assert_eq!(row["event"]["S"], "payment.failed");
}

#[tokio::test]
async fn a_page_that_ends_unpaid_is_told_once() {
    let shop = Shop::open().await;
    let visitor = shop.add("price_mug", 1).await;
    let session = visitor.checkout().await.ok();

    for _ in 0..2 {
        shop.sandbox().advance(std::time::Duration::from_hours(25));
        shop.sandbox().settled().await;
    }

    let events = shop.published().await;
    assert_eq!(kinds(&events), ["cart.abandoned"]);
    assert_eq!(events[0].detail["session"], session["id"]);
    assert_eq!(events[0].detail["livemode"], false);
}

#[tokio::test]
async fn what_was_copied_back_or_made_anonymous_is_not_told() {
    let (shop, row, _) = sold().await;
    let orders = shop.table("ORDERS_TABLE");
    let number = row["number"]["S"].as_str().unwrap();
    let before = shop.published().await;

    orders.delete(number).await;
    let mut restored = row.clone();
    restored["restored"] = json!({ "S": "2026-11-27T12:00:00Z" });
    orders.put(&restored).await;
    let mut anonymised = restored.clone();
    anonymised.as_object_mut().unwrap().remove("event");
    anonymised["anonymised"] = json!({ "N": "1795000000" });
    orders.put(&anonymised).await;
    shop.table("CARTS_TABLE").delete(row["cart"]["S"].as_str().unwrap()).await;
    assert_eq!(shop.published().await, before);

    shop.refund(number, 400).await;
    assert_eq!(kinds(&shop.published().await)[before.len()..], ["order.refunded"], "news are news");
}

#[tokio::test]
async fn a_purchase_after_an_expired_page_recovers_the_cart() {
    let (shop, row, publish_) = sold().await;
    let recovered = |marks: Value| {
        with_document(&row, |document| {
            document["recovered_from"] = json!("cs_test_expired");
            document["marks"] = marks;
        })
    };
    let before = shop.published().await.len();

    let records = [
        record(&shop, "1", "INSERT", &recovered(json!([]))),
        record(&shop, "2", "MODIFY", &recovered(json!([]))),
        record(&shop, "3", "INSERT", &recovered(json!(["cart_paid_twice"]))),
    ];
    assert!(publish(&publish_, &records).await.is_empty());

    let events = shop.published().await;
    let told = ["order.created", "order.paid", "cart.recovered", "order.paid", "order.created", "order.paid"];
    assert_eq!(kinds(&events)[before..], told);
    assert_eq!(events[before + 2].detail["recovered_from"], "cs_test_expired");
}

#[tokio::test]
async fn a_record_that_cannot_be_read_holds_up_no_other_and_is_the_only_one_that_is_asked_for_again() {
    let (shop, row, publish_) = sold().await;
    let before = shop.published().await.len();
    let mut poisonous = row.clone();
    poisonous["order"]["S"] = json!("{");
    let mut of_a_later_version = row.clone();
    of_a_later_version["event"]["S"] = json!("order.beamed_up");
    let records = [
        record(&shop, "1", "INSERT", &row),
        record(&shop, "2", "INSERT", &poisonous),
        record(&shop, "3", "MODIFY", &of_a_later_version),
        record(&shop, "4", "MODIFY", &row),
    ];

    for _ in 0..3 {
        assert_eq!(publish(&publish_, &records).await, ["2", "3"]);
    }

    // Those that the bus took are not put on it again, and would be known by their ids.
    let events = shop.published().await;
    assert_eq!(kinds(&events)[before..], ["order.created", "order.paid", "order.paid"]);
    assert_eq!(ids(&events)[before..], ["record-1-order.created", "record-1-order.paid", "record-4-order.paid"]);
}

#[tokio::test]
async fn an_order_of_any_size_is_told_with_its_lines_amounts_buyer_and_addresses() {
    let (shop, row, publish_) = sold().await;
    let texts = |document: &mut Value, length: usize, name: &str| {
        let line = document["lines"][0].clone();
        document["lines"] = vec![line; 100].into();
        for line in document["lines"].as_array_mut().unwrap() {
            line["description"] = json!("d".repeat(length));
            line["name"] = json!(name);
        }
        document["metadata"] = (0..40).map(|key| (format!("key_{key}"), json!("ü".repeat(500)))).collect::<Value>();
    };
    let before = shop.published().await.len();

    let sizes = [(500, "Mug"), (1500, "Mug"), (2000, "Mug"), (2000, &"Mug".repeat(700))];
    let records: Vec<_> = sizes
        .iter()
        .enumerate()
        .map(|(index, (length, name))| {
            let row = with_document(&row, |document| texts(document, *length, name));
            record(&shop, &index.to_string(), "MODIFY", &row)
        })
        .collect();
    assert!(publish(&publish_, &records).await.is_empty());

    let events = shop.published().await;
    let shown: Vec<_> = events[before..]
        .iter()
        .map(|Published { detail, .. }| {
            assert!(detail.to_string().len() <= 200_000);
            assert_eq!(detail["lines"].as_array().unwrap().len(), 100);
            assert_eq!(detail["total_with_currency"], "$24.00");
            assert!(detail["contents"].as_str().unwrap().chars().count() < 1100);
            let line = &detail["lines"][99];
            (
                !detail["metadata"].as_object().unwrap().is_empty(),
                line["description"].is_string(),
                line["name"].as_str().unwrap().len(),
            )
        })
        .collect();
    assert_eq!(shown, [(true, true, 3), (false, true, 3), (false, false, 3), (false, false, 250)]);
}

/// A bus that gives each request the next of some answers, and remembers what it was asked.
async fn bus(answers: Vec<(u16, Value)>) -> (String, Arc<Mutex<Vec<Value>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked: Arc<Mutex<Vec<Value>>> = Arc::default();
    let shared = Arc::clone(&asked);
    tokio::spawn(async move {
        for (status, answer) in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            let body = loop {
                stream.read_buf(&mut request).await.unwrap();
                let text = String::from_utf8_lossy(&request);
                let Some((_, body)) = text.split_once("\r\n\r\n") else { continue };
                if let Ok(body) = serde_json::from_str(body) {
                    break body;
                }
            };
            shared.lock().unwrap().push(body);
            let answer = answer.to_string();
            let head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", answer.len());
            stream.write_all((head + &answer).as_bytes()).await.unwrap();
        }
    });
    (url, asked)
}

/// The function with a bus that answers so.
async fn with_bus(shop: &Shop, answers: Vec<(u16, Value)>) -> (Publish, Arc<Mutex<Vec<Value>>>) {
    let (url, asked) = bus(answers).await;
    let mut environment = shop.stack().environment().clone();
    environment.set("AWS_ENDPOINT_URL_EVENTBRIDGE", url);
    environment.set("EVENT_BUS", "cartwright");
    (Publish::new(&Services::new(environment).unwrap()).unwrap(), asked)
}

#[tokio::test]
async fn what_the_bus_does_not_take_is_brought_again_and_nothing_else() {
    let (shop, row, _) = sold().await;
    let taken = json!({ "EventId": "1" });
    let refused = json!({ "ErrorCode": "ThrottlingException", "ErrorMessage": "slow down" });
    let (publish_, asked) = with_bus(
        &shop,
        vec![
            (400, json!({ "__type": "ThrottlingException" })),
            (200, json!({ "FailedEntryCount": 1, "Entries": [taken, refused, taken] })),
            (200, json!({ "FailedEntryCount": 0, "Entries": [taken] })),
        ],
    )
    .await;
    let records = [record(&shop, "1", "INSERT", &row), record(&shop, "2", "MODIFY", &row)];

    // Of the first record one event of two was taken.
    assert_eq!(publish(&publish_, &records).await, ["1"]);
    assert!(publish(&publish_, &records).await.is_empty());

    let asked = asked.lock().unwrap();
    let put: Vec<Vec<_>> = asked
        .iter()
        .map(|request| {
            request["Entries"].as_array().unwrap().iter().map(|entry| entry["DetailType"].as_str().unwrap()).collect()
        })
        .collect();
    let all = vec!["order.created", "order.paid", "order.paid"];
    // What is turned away for now is asked once more at once.
    assert_eq!(put, [all.clone(), all, vec!["order.paid"]]);
    let entry = &asked[0]["Entries"][0];
    assert_eq!((&entry["Source"], &entry["EventBusName"]), (&json!("cartwright"), &json!("cartwright")));
    assert_eq!(entry["Time"], 1_795_000_000);
    let detail = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
    schemas::check(&Published { kind: "order.created".to_owned(), detail });
}

#[tokio::test]
async fn a_bus_that_refuses_or_cannot_be_understood_takes_nothing() {
    let (shop, row, _) = sold().await;
    for answer in [
        (400, json!({ "__type": "AccessDeniedException" })),
        (200, json!({ "Entries": [] })),
        (200, json!({})),
        (
            200,
            json!({ "FailedEntryCount": 2, "Entries": [{ "ErrorCode": "MalformedDetail" }, { "ErrorCode": "MalformedDetail" }] }),
        ),
    ] {
        let (publish_, _) = with_bus(&shop, vec![answer.clone()]).await;

        let failed = publish(&publish_, &[record(&shop, "1", "INSERT", &row)]).await;

        assert_eq!(failed, ["1"], "{answer:?}");
    }
}

/// The record, as if it had been written so many seconds ago.
fn aged(mut record: Value, seconds: i64) -> Value {
    let now = jiff::Timestamp::now().as_second();
    record["dynamodb"]["ApproximateCreationDateTime"] = json!(now - seconds);
    record
}

#[tokio::test]
async fn what_cannot_be_told_for_an_hour_waits_in_the_queue_and_holds_up_nothing() {
    let (shop, row, _) = sold().await;
    let refused = || (200, json!({ "FailedEntryCount": 1, "Entries": [{ "ErrorCode": "InternalFailure" }] }));
    let sent = || (200, json!({ "MessageId": "1" }));
    let (bus_url, _) = bus(vec![refused(), refused()]).await;
    let (queue_url, queued) = bus(vec![(403, json!({ "__type": "AccessDenied" })), sent(), sent(), sent()]).await;
    let mut environment = shop.stack().environment().clone();
    environment.set("AWS_ENDPOINT_URL_EVENTBRIDGE", bus_url);
    environment.set("AWS_ENDPOINT_URL_SQS", &queue_url);
    environment.set("EVENT_FAILURES_QUEUE", "https://sqs.us-east-1.amazonaws.com/123456789012/failures");
    let publish_ = Publish::new(&Services::new(environment).unwrap()).unwrap();
    let mut poisonous = row.clone();
    poisonous["order"]["S"] = json!("{");

    // Within the hour it is tried again, and while the queue does not take it.
    let young = aged(record(&shop, "1", "MODIFY", &poisonous), 3500);
    assert_eq!(publish(&publish_, &[young]).await, ["1"]);
    let old = aged(record(&shop, "1", "MODIFY", &poisonous), 3601);
    assert_eq!(publish(&publish_, std::slice::from_ref(&old)).await, ["1"]);
    // A young one that fails has its batch brought again, and the old ones are not put into the queue again.
    let batch =
        [old, aged(record(&shop, "2", "MODIFY", &row), 3601), aged(record(&shop, "3", "MODIFY", &poisonous), 0)];
    assert_eq!(publish(&publish_, &batch).await, ["3"]);
    assert_eq!(publish(&publish_, &batch).await, ["3"]);

    let queued = queued.lock().unwrap();
    let messages: Vec<Value> = queued
        .iter()
        .skip(1)
        .map(|sent| serde_json::from_str(sent["MessageBody"].as_str().unwrap()).unwrap())
        .collect();
    let [unreadable, refused] = &messages[..] else { panic!("{messages:#?}") };
    assert_eq!(queued[0]["QueueUrl"], "https://sqs.us-east-1.amazonaws.com/123456789012/failures");
    assert_eq!((&unreadable["sequence_number"], &unreadable["number"]), (&json!("1"), &row["number"]["S"]));
    assert_eq!(unreadable["detail"], Value::Null);
    assert_eq!((&refused["reason"], &refused["detail_type"]), (&json!("InternalFailure"), &json!("order.paid")));
    schemas::check(&Published { kind: "order.paid".to_owned(), detail: refused["detail"].clone() });
}

#[tokio::test]
async fn records_that_tell_nothing_cost_no_request() {
    let (shop, row, _) = sold().await;
    let (publish_, asked) = with_bus(&shop, vec![]).await;
    let mut silent = row.clone();
    silent.as_object_mut().unwrap().remove("event");
    let mut of_carts = record(&shop, "3", "INSERT", &row);
    let carts = shop.table("CARTS_TABLE").name().to_owned();
    of_carts["eventSourceARN"] = json!(format!("arn:aws:dynamodb:us-east-1:123456789012:table/{carts}/stream/1"));

    let records = [
        record(&shop, "1", "MODIFY", &silent),
        record(&shop, "2", "REMOVE", &json!({})),
        of_carts,
        json!({ "eventID": "4", "eventName": "INSERT", "eventSourceARN": "arn:aws:dynamodb:us-east-1:1:table/other/stream/1",
                "dynamodb": { "SequenceNumber": "4", "NewImage": row } }),
    ];

    assert!(publish(&publish_, &records).await.is_empty());
    assert!(asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn every_type_of_event_has_a_schema_and_is_described() {
    let guide = include_str!("../../docs/events.md");
    let described: BTreeSet<_> = guide.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();

    let kinds = schemas::SCHEMAS.keys().map(String::as_str).filter(|kind| kind.contains('.')).collect::<BTreeSet<_>>();

    assert_eq!(described, kinds);
    for (kind, schema) in schemas::SCHEMAS.iter() {
        assert!(schema["title"] == kind.as_str() || kind == "order", "{kind}");
    }
}
