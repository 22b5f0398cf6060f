//! A shop of 0.1.0, served by this version.

use std::sync::atomic::{AtomicU64, Ordering};

use hmac::{Hmac, KeyInit as _, Mac as _};
use local::{Options, Stack};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use settings::Environment;
use sha2::{Digest as _, Sha256};

use crate::snapshot::{NamedRequest, ShownCart, Snapshot};
use crate::stripe::Stripe;

/// The running bundle on the data of the snapshot.
pub(crate) struct Shop {
    pub(crate) snapshot: Snapshot,
    pub(crate) stripe: Stripe,
    stack: Stack,
    client: Client,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

/// The shopper of a cart of the snapshot.
pub(crate) struct Shopper<'a> {
    shop: &'a Shop,
    token: String,
    /// The cart as 0.1.0 showed it.
    pub(crate) then: Value,
}

const WEBHOOK_SECRET: &str = "whsec_upgrade";

impl Shop {
    /// Starts this version on the tables and the Stripe of the snapshot.
    ///
    /// It starts while both are empty, so that nothing is repaired before a test looks at it.
    pub(crate) async fn open() -> Self {
        let stripe = Stripe::start().await;
        // As the shop was set up, except that it is reached elsewhere: no session of before is just what would be made.
        let mut environment = Environment::from_iter([
            ("SUCCESS_URL", "https://shop.example/thank-you?order={number}"),
            ("CANCEL_URL", "https://shop.example/cart"),
            ("CHECKOUT_SHIPPING_COUNTRIES", "US,DE"),
            ("CHECKOUT_SHIPPING_RATES", "shr_standard"),
            ("STRIPE_SECRET_KEY", "sk_test_upgrade"),
            ("STRIPE_API_URL", stripe.url()),
            ("STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET),
        ]);
        let dynamodb_url = Environment::of_process().get("CARTWRIGHT_DYNAMODB_URL").map(str::to_owned);
        if dynamodb_url.is_some() {
            // Tests share that database: every shop has tables of its own.
            for table in ["CARTS_TABLE", "CATALOG_TABLE", "ORDERS_TABLE"] {
                environment.set(table, format!("{table}-{}", unique()));
            }
        }
        let stack = Stack::start(Options { dynamodb_url, environment, ..Options::default() }).await.unwrap();
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let shop = Self { snapshot: Snapshot::now(), stripe, stack, client };
        for table in ["carts", "catalog", "orders"] {
            for row in shop.snapshot.rows(table) {
                shop.dynamodb("PutItem", table, json!({ "Item": row })).await;
            }
        }
        shop.stripe.learn(shop.snapshot.answers());
        shop
    }

    /// The shopper of this cart.
    pub(crate) fn shopper(&self, name: &str) -> Shopper<'_> {
        let ShownCart { token, cart } = self.snapshot.cart(name);
        Shopper { shop: self, token, then: cart }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], "").await
    }

    pub(crate) async fn order(&self, number: &str) -> Answer {
        self.get(&format!("/orders/{number}")).await
    }

    /// Has the sync run as on its schedule.
    pub(crate) async fn sync(&self) {
        self.stack.sync().await.unwrap();
    }

    /// Lets something happen at Stripe; returns the event that tells of it.
    pub(crate) fn happens(&self, name: &str) -> Value {
        let happening = self.snapshot.happening(name);
        self.stripe.learn(happening.answers);
        happening.event
    }

    /// Delivers an event to the webhook, signed now. It is one of ours.
    pub(crate) async fn deliver(&self, event: &Value) {
        let body = event.to_string();
        let time = jiff::Timestamp::now().as_second();
        let mut mac = Hmac::<Sha256>::new_from_slice(WEBHOOK_SECRET.as_bytes()).unwrap();
        mac.update(format!("{time}.{body}").as_bytes());
        let signature = format!("t={time},v1={}", hex::encode(mac.finalize().into_bytes()));
        let headers = [("content-type", "application/json"), ("stripe-signature", signature.as_str())];

        let answer = self.send(Method::POST, "/stripe/webhook", &headers, &body).await.ok();

        assert_eq!((&answer["received"], &answer["handled"]), (&json!(true), &json!(true)), "{}", event["type"]);
    }

    /// Sends a request of the snapshot again, or another one under its name.
    pub(crate) async fn repeat(&self, request: &NamedRequest, body: &str) -> Answer {
        let mut headers = vec![("content-type", "application/json"), ("idempotency-key", request.key.as_str())];
        headers.extend(request.token.as_ref().map(|token| ("cart-token", token.as_str())));
        self.send(Method::POST, &request.path, &headers, body).await
    }

    /// The items of a table, in DynamoDB's JSON, by their keys.
    pub(crate) async fn rows(&self, table: &str) -> Vec<Value> {
        let page = self.dynamodb("Scan", table, json!({ "ConsistentRead": true })).await;
        assert_eq!(page["LastEvaluatedKey"], Value::Null);
        let Value::Array(mut rows) = page["Items"].clone() else { panic!("{page}") };
        rows.sort_by_key(|row| row["number"].to_string());
        rows
    }

    async fn dynamodb(&self, operation: &str, table: &str, mut request: Value) -> Value {
        let name = format!("{}_TABLE", table.to_uppercase());
        request["TableName"] = json!(self.stack.environment().required(&name).unwrap());
        let response = self
            .client
            .post(self.stack.dynamodb_url())
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
            // Neither database checks who asks, but both want to be told; it has to be who made the tables.
            .header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=00",
            )
            .header("x-amz-date", "20260101T000000Z")
            .body(request.to_string());
        Answer::of(response.send().await.unwrap()).await.ok()
    }

    async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = self.client.request(method, format!("{}{path}", self.stack.url())).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::of(request.send().await.unwrap()).await
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        // What made the test fail comes first.
        if !std::thread::panicking() {
            assert_eq!(self.stripe.unrecorded(), [] as [&str; 0], "Stripe was asked for what was not recorded");
        }
    }
}

impl Shopper<'_> {
    pub(crate) async fn cart(&self) -> Value {
        self.send(Method::GET, "/cart", "").await.ok()
    }

    pub(crate) async fn add(&self, price: &str) -> Answer {
        self.send(Method::POST, "/cart/add", &json!({ "items": [{ "price": price }] }).to_string()).await
    }

    pub(crate) async fn set(&self, price: &str, quantity: u64) -> Answer {
        let body = json!({ "updates": { price: { "quantity": quantity } } });
        self.send(Method::POST, "/cart/update", &body.to_string()).await
    }

    pub(crate) async fn clear(&self) -> Answer {
        self.send(Method::POST, "/cart/clear", "").await
    }

    pub(crate) async fn checkout(&self) -> Answer {
        self.send(Method::POST, "/cart/checkout", "").await
    }

    async fn send(&self, method: Method, path: &str, body: &str) -> Answer {
        let headers = [("content-type", "application/json"), ("cart-token", self.token.as_str())];
        let headers = if body.is_empty() { &headers[1..] } else { &headers[..] };
        self.shop.send(method, path, headers, body).await
    }
}

impl Answer {
    async fn of(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, text: response.text().await.unwrap() }
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The body of a success.
    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json()
    }

    /// The code of an error with this status.
    #[track_caller]
    pub(crate) fn error(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.text);
        self.json()["code"].as_str().unwrap().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// The number of the order that a session makes, as 0.1.0 numbered it: half of the SHA-256 of the session's id.
pub(crate) fn order_number(session: &str) -> String {
    hex::encode(&Sha256::digest(session)[..16])
}

/// Holds an answer to what was answered before: what was there is there as it was, and more may be.
#[track_caller]
pub(crate) fn assert_still_shown(now: &Value, then: &Value, what: &str) {
    match (now, then) {
        (Value::Object(now), Value::Object(then)) => {
            for (name, then) in then {
                let now = now.get(name).unwrap_or_else(|| panic!("{what}.{name} is gone"));
                assert_still_shown(now, then, &format!("{what}.{name}"));
            }
        }
        (Value::Array(now), Value::Array(then)) => {
            assert_eq!(now.len(), then.len(), "{what}");
            for (index, (now, then)) in now.iter().zip(then).enumerate() {
                assert_still_shown(now, then, &format!("{what}[{index}]"));
            }
        }
        (now, then) => assert_eq!(now, then, "{what}"),
    }
}

fn unique() -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let now = jiff::Timestamp::now().as_nanosecond();
    format!("{}-{now}-{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed))
}
