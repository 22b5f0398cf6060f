//! A shop of 0.1.0, served by this version.

use std::ops::Deref;

use fixtures::{Answer, Visitor};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::snapshot::{NamedRequest, ShownCart, Snapshot};
use crate::stripe::Stripe;

/// The running bundle on the data of the snapshot.
pub(crate) struct Shop {
    bundle: fixtures::Shop,
    pub(crate) snapshot: Snapshot,
    pub(crate) stripe: Stripe,
}

/// The shopper of a cart of the snapshot.
pub(crate) struct Shopper<'a> {
    visitor: Visitor<'a>,
    /// The cart as 0.1.0 showed it.
    pub(crate) then: Value,
}

impl Shop {
    /// Starts this version on the tables and the Stripe of the snapshot.
    ///
    /// It starts while both are empty, so that nothing is repaired before a test looks at it.
    pub(crate) async fn open() -> Self {
        let stripe = Stripe::start().await;
        // As the shop was set up, except that it is reached elsewhere: no session of before is just what would be made.
        let bundle = fixtures::Shop::open_with([
            ("SUCCESS_URL", "https://shop.example/thank-you?order={number}"),
            ("CANCEL_URL", "https://shop.example/cart"),
            ("CHECKOUT_SHIPPING_COUNTRIES", "US,DE"),
            ("CHECKOUT_SHIPPING_RATES", "shr_standard"),
            ("STRIPE_SECRET_KEY", "sk_test_upgrade"),
            ("STRIPE_API_URL", stripe.url()),
        ])
        .await;
        let snapshot = Snapshot::now();
        for table in ["carts", "catalog", "orders"] {
            for row in snapshot.rows(table) {
                bundle.table(&setting(table)).put(&row).await;
            }
        }
        stripe.learn(snapshot.answers());
        Self { bundle, snapshot, stripe }
    }

    /// The shopper of this cart.
    pub(crate) fn shopper(&self, name: &str) -> Shopper<'_> {
        let ShownCart { token, cart } = self.snapshot.cart(name);
        Shopper { visitor: self.visitor_with(&token), then: cart }
    }

    /// Lets something happen at Stripe; returns the event that tells of it.
    pub(crate) fn happens(&self, name: &str) -> Value {
        let happening = self.snapshot.happening(name);
        self.stripe.learn(happening.answers);
        happening.event
    }

    /// Delivers an event, which has to be taken for one of ours.
    pub(crate) async fn deliver_own(&self, event: &Value) {
        let answer = self.deliver(event).await.ok();

        assert_eq!((&answer["received"], &answer["handled"]), (&json!(true), &json!(true)), "{}", event["type"]);
    }

    /// Sends a request of the snapshot again, or another one under its name.
    pub(crate) async fn repeat(&self, request: &NamedRequest, body: &str) -> Answer {
        let mut headers = vec![("content-type", "application/json"), ("idempotency-key", request.key.as_str())];
        headers.extend(request.token.as_ref().map(|token| ("cart-token", token.as_str())));
        self.send(Method::POST, &request.path, &headers, body.as_bytes().to_vec()).await
    }

    /// The rows of a table, which the snapshot names in lower case, by their numbers.
    pub(crate) async fn rows(&self, table: &str) -> Vec<Value> {
        self.table(&setting(table)).scan().await
    }
}

/// What every shop can do, this one can.
impl Deref for Shop {
    type Target = fixtures::Shop;

    fn deref(&self) -> &fixtures::Shop {
        &self.bundle
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

/// What every visitor can do, this one can.
impl<'a> Deref for Shopper<'a> {
    type Target = Visitor<'a>;

    fn deref(&self) -> &Visitor<'a> {
        &self.visitor
    }
}

/// The setting that names a table of the snapshot.
fn setting(table: &str) -> String {
    format!("{}_TABLE", table.to_uppercase())
}

/// The number of the order that a session makes, as 0.1.0 numbered it: half of the SHA-256 of the session's id.
///
/// It is computed here, not asked of the present code, because orders keep their numbers.
pub(crate) fn order_number(session: &str) -> String {
    hex::encode(&Sha256::digest(session)[..16])
}

/// The number of the order that the session of an event makes.
pub(crate) fn order_of(event: &Value) -> String {
    order_number(event["data"]["object"]["id"].as_str().unwrap())
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
        // 0.1.0 did not say that a page of the cart was open.
        (Value::String(now), Value::String(then)) if now == "checkout" && then == "active" => {}
        (now, then) => assert_eq!(now, then, "{what}"),
    }
}
