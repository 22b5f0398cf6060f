//! Time limits: an overloaded dependency is a 503, never a hang.

use std::sync::{Arc, Mutex};

use fixtures::proxy::{Proxy, forward, json};
use fixtures::{Fault, Plan, Shop, When};
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Method};
use serde_json::json;

/// Short, but long enough for a busy machine to answer in time.
const SHORT: [(&str, &str); 2] = [("DYNAMODB_TIMEOUT_MS", "1500"), ("STRIPE_TIMEOUT_MS", "1000")];

#[tokio::test(flavor = "multi_thread")]
async fn a_dependency_that_never_answers_is_a_503_that_says_when_to_try_again() {
    let shop = Shop::open_on_wires(SHORT).await;
    let visitor = shop.add("price_mug", 1).await;
    let token = visitor.token().unwrap();
    let session = visitor.checkout().await.ok();
    let landing = shop.press(&session, "pay").await.location().to_owned();
    let requests = [
        ("GET", "/cart", 1),
        ("POST", "/cart/clear", 1),
        ("POST", "/cart/checkout", 2),
        ("POST", "/cart/checkout", 3),
        ("GET", "/orders/00000000000000000000000000000000", 1),
        ("GET", "/products", 1),
    ];

    for (method, path, answered) in requests {
        // This call and all later ones.
        let plan = Plan { call: answered - 1, fault: Fault::Silent, when: When::Before, ends: true };
        shop.wire().plan(Some(plan));
        let method: Method = method.parse().unwrap();
        let answer = shop.send(method, path, &[("cart-token", &token)], Vec::new()).await;

        assert_eq!(answer.error(503), "server_error", "{path}, call {answered}");
        // Stripe is left alone for five seconds after three attempts in a row.
        let retry_after = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=5).contains(&retry_after), "{path}, call {answered}: {retry_after}");
        assert_eq!(answer.json()["message"], "Server Error");
    }
    // A shopper who has paid is sent on all the same.
    for answered in [1, 2] {
        let plan = Plan { call: answered - 1, fault: Fault::Silent, when: When::Before, ends: true };
        shop.wire().plan(Some(plan));
        let answer = shop.get(&landing).await;

        assert!(answer.location().ends_with("&payment=pending"), "call {answered}: {}", answer.location());
    }
    shop.wire().plan(None);
    assert_eq!(visitor.cart().await["item_count"], 1, "nothing was half done");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_that_never_answers_is_made_again() {
    let shop = Shop::open_on_wires(SHORT).await;
    let visitor = shop.add("price_mug", 1).await;

    for when in [When::Before, When::After] {
        shop.wire().plan(Some(Plan { call: 0, fault: Fault::Silent, when, ends: false }));
        visitor.add("price_mug", 1).await.ok();
    }
    shop.wire().plan(Some(Plan { call: 2, fault: Fault::Silent, when: When::After, ends: false }));
    visitor.checkout().await.ok();

    assert_eq!(visitor.cart().await["item_count"], 3);
    assert_eq!(shop.sandbox().sessions().len(), 1);
}

/// What is answered in DynamoDB's place: the status, the media type and the body.
type Instead = (u16, &'static str, &'static str);

const EMPTY: (&str, &str) = ("application/x-amz-json-1.0", "");
const HTML: (&str, &str) = ("text/html", "<html><body><h1>Service Unavailable</h1></body></html>");
const NO_TYPE: (&str, &str) = ("application/x-amz-json-1.0", r#"{ "message": "Please try again" }"#);
const NO_OBJECT: (&str, &str) = ("application/json", "null");
const OTHER_TYPE: (&str, &str) = ("application/x-amz-json-1.0", r#"{ "__type": "com.amazon.coral#Mishap" }"#);

/// DynamoDB's own troubles and those of what stands between are 5xx, and need not have a code.
///
/// Source: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html>
#[tokio::test(flavor = "multi_thread")]
async fn a_5xx_of_dynamodb_is_a_503_whatever_its_body_is() {
    let origin = Shop::open().await;
    let instead: Arc<Mutex<Option<(&'static str, Instead)>>> = Arc::default();
    let (answers, database, client) = (Arc::clone(&instead), origin.stack().dynamodb_url().to_owned(), Client::new());
    let dynamodb = Proxy::start(None, move |parts, body| {
        let (database, client) = (database.clone(), client.clone());
        let target = parts.headers["x-amz-target"].to_str().unwrap().to_owned();
        let instead = answers.lock().unwrap().filter(|(operation, _)| target.ends_with(operation));
        async move {
            let Some((_, (status, media_type, body))) = instead else {
                return Ok(forward(&client, &database, parts, body).await?.map(Into::into));
            };
            let mut answer = json(status, body);
            answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
            Ok(answer)
        }
    });
    let dynamodb = dynamodb.await.unwrap();
    let shop = origin.behind(&format!("http://127.0.0.1:{}", dynamodb.port()), []).await;
    // The test alone tells of the payment.
    origin.sandbox().pause_webhooks(true);
    let visitor = shop.add("price_mug", 1).await;
    let session = visitor.checkout().await.ok();
    assert_eq!(shop.press(&session, "pay").await.status, 303);
    let event = origin.event("checkout.session.completed");
    let newcomer = shop.visitor();
    let answer = async |operation: &str| match operation {
        "GetItem" => visitor.send(Method::GET, "/cart", &[], Vec::new()).await,
        "UpdateItem" => visitor.post("/cart/add", json!({ "items": [{ "price": "price_mug" }] })).await,
        "PutItem" | "BatchGetItem" => newcomer.post("/cart/add", json!({ "items": [{ "price": "price_mug" }] })).await,
        "Query" => shop.get("/products").await,
        "TransactWriteItems" => shop.deliver(&event).await,
        _ => unreachable!(),
    };

    for operation in ["GetItem", "UpdateItem", "PutItem", "BatchGetItem", "Query", "TransactWriteItems"] {
        // All of them alike are sorted out by the same code.
        let statuses: &[u16] = if operation == "GetItem" { &[500, 502, 503, 504] } else { &[503] };
        let broken = statuses.iter().flat_map(|&status| {
            [EMPTY, HTML, NO_TYPE, NO_OBJECT, OTHER_TYPE].map(|(media_type, body)| (status, media_type, body))
        });
        for (status, media_type, body) in broken.chain([(429, HTML.0, HTML.1)]) {
            *instead.lock().unwrap() = Some((operation, (status, media_type, body)));

            let answer = answer(operation).await;

            assert_eq!(answer.error(503), "server_error", "{operation}: {status} {body}");
            assert_eq!(answer.header("retry-after"), Some("1"), "{operation}: {status} {body}");
        }
        for (media_type, body) in [EMPTY, HTML, NO_TYPE, OTHER_TYPE] {
            *instead.lock().unwrap() = Some((operation, (403, media_type, body)));

            assert_eq!(answer(operation).await.error(500), "server_error", "{operation}: 403 {body}");
        }
    }
}
