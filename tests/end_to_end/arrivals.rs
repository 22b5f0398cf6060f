//! Stripe's events arrive in any order, several times, and at the same time: the order ends up the same.

use std::time::Duration;

use fixtures::{Shop, order_number};
use futures_util::future::join_all;
use local::Published;
use reqwest::Method;
use serde_json::{Value, json};

/// How a payment went at Stripe: a delayed one, or one that the shop captures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Course {
    Failed,
    Paid,
    PartiallyRefunded,
    Refunded,
    RefundFailed,
    DebitReturned,
    Captured,
    CapturedInPart,
    Voided,
    HoldExpired,
    Disputed,
    DisputeLost,
    DisputeWon,
}

impl Course {
    fn is_delayed(self) -> bool {
        matches!(
            self,
            Self::Failed
                | Self::Paid
                | Self::PartiallyRefunded
                | Self::Refunded
                | Self::RefundFailed
                | Self::DebitReturned
        )
    }

    /// What is paid back, bit by bit.
    fn refunds(self) -> &'static [u32] {
        match self {
            Self::PartiallyRefunded => &[400],
            Self::Refunded | Self::RefundFailed => &[400, 2000],
            _ => &[],
        }
    }
}

/// A finished session, and the cart as it was before any of its events arrived.
struct Scene {
    shop: Shop,
    session: Value,
    cart: Value,
    /// What Stripe may deliver: what happened, and what did not and must not change the outcome.
    events: Vec<Value>,
}

impl Scene {
    async fn of(course: Course) -> Self {
        let capture = if course.is_delayed() { "" } else { "manual" };
        let shop = Shop::open_with([("CHECKOUT_CAPTURE", capture)]).await;
        shop.sandbox().pause_webhooks(true);
        let visitor = shop.add("price_mug", 2).await;
        let session = visitor.checkout().await.ok();
        visitor.add("price_tshirt", 1).await.ok();
        let cart = shop.table("CARTS_TABLE").get(&visitor.number().await).await.unwrap();

        shop.press(&session, if course.is_delayed() { "pay_later" } else { "pay" }).await;
        let mut events = vec![shop.event("checkout.session.completed")];
        if course.is_delayed() {
            shop.sandbox().settle(session["id"].as_str().unwrap(), course != Course::Failed).unwrap();
        }
        for amount in course.refunds() {
            shop.refund(&order_number(&session), *amount).await;
            events.push(shop.event("charge.refunded"));
        }
        for kind in after_payment(course, &shop, &session).await {
            events.push(shop.event(kind));
        }
        // Stripe may not have sent these. They must not change the outcome.
        for kind in ["async_payment_succeeded", "async_payment_failed", "expired"] {
            let mut event = events[0].clone();
            event["type"] = json!(format!("checkout.session.{kind}"));
            events.push(event);
        }
        Self { shop, session, cart, events }
    }

    /// Restores the cart, delivers these events, each as often as given and all at once, and returns order and cart.
    ///
    /// The order's own events tell of it once each, and the last of them how it ends.
    async fn after(&self, deliveries: &[(&Value, usize)]) -> (Value, Value) {
        let number = order_number(&self.session);
        let carts = self.shop.table("CARTS_TABLE");
        carts.put(&self.cart).await;
        self.shop.table("ORDERS_TABLE").delete(&number).await;
        let told = self.shop.published().await.len();
        for (event, times) in deliveries {
            let answers = join_all((0..*times).map(|_| self.shop.deliver(event))).await;
            assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
        }
        let mut order = self.shop.order(&number).await.json();
        check_told(&self.shop.published().await[told..], &order);
        if let Some(order) = order.as_object_mut() {
            order.retain(|field, _| !field.starts_with("created") && field != "request_id");
        }
        if order["status"] != 404 {
            order["dispute"] = self.shop.stored_dispute(&self.session).await;
        }
        let cart = carts.get(self.cart["number"]["S"].as_str().unwrap()).await.unwrap();
        (order, json!({ "lines": cart["q"], "version": cart["v"] }))
    }
}

/// Fails unless these events tell how the order came to be as it is.
#[track_caller]
fn check_told(events: &[Published], order: &Value) {
    let Some(last) = events.last() else { return assert_eq!(order["code"], "order_not_found") };
    for field in ["status", "captured", "refunded"] {
        assert_eq!(last.detail[field], order[field], "{field} in {}", last.kind);
    }
    let count = |kind: &str| events.iter().filter(|event| event.kind == kind).count();
    assert_eq!((events[0].kind.as_str(), count("order.created")), ("order.created", 1));
    for event in events.iter().filter(|event| event.kind != "order.refunded") {
        assert_eq!(count(&event.kind), 1, "{}", event.kind);
    }
}

/// Has happen what the course has happen once the money is in or held. The types of the events that tell of it.
async fn after_payment(course: Course, shop: &Shop, session: &Value) -> &'static [&'static str] {
    let path = format!("/v1/checkout/sessions/{}", session["id"].as_str().unwrap());
    let intent = shop.stripe(Method::GET, &path, "").await["payment_intent"].as_str().unwrap().to_owned();
    let ask = async |what: &str, form: &str| {
        shop.stripe(Method::POST, &format!("/v1/payment_intents/{intent}/{what}"), form).await
    };
    match course {
        Course::Failed | Course::Paid | Course::PartiallyRefunded | Course::Refunded => &[],
        Course::RefundFailed => {
            let refund = shop.event("refund.created")["data"]["object"]["id"].clone();
            shop.sandbox().fail_refund(refund.as_str().unwrap()).unwrap();
            &["refund.updated", "refund.failed", "charge.refund.updated"]
        }
        Course::DebitReturned => {
            shop.sandbox().dispute(&intent).unwrap();
            &["charge.dispute.created", "charge.dispute.closed"]
        }
        Course::Captured | Course::CapturedInPart => {
            ask("capture", if course == Course::Captured { "" } else { "amount_to_capture=1000" }).await;
            &["charge.captured", "payment_intent.succeeded"]
        }
        Course::Voided => {
            ask("cancel", "").await;
            &["payment_intent.canceled", "charge.refunded"]
        }
        Course::HoldExpired => {
            shop.sandbox().advance(Duration::from_hours(7 * 24 + 1));
            &["payment_intent.canceled", "charge.refunded"]
        }
        Course::Disputed | Course::DisputeLost | Course::DisputeWon => {
            ask("capture", "").await;
            let dispute = shop.sandbox().dispute(&intent).unwrap();
            if course == Course::Disputed {
                return &["charge.captured", "charge.dispute.created", "charge.dispute.funds_withdrawn"];
            }
            shop.sandbox().close_dispute(&dispute, course == Course::DisputeWon).unwrap();
            &["charge.captured", "charge.dispute.created", "charge.dispute.closed"]
        }
    }
}

/// Returns all permutations of `0..count`.
fn permutations(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let shorter = permutations(count - 1);
    let insert = |permutation: &Vec<usize>, place: usize| {
        let mut longer = permutation.clone();
        longer.insert(place, count - 1);
        longer
    };
    shorter.iter().flat_map(|permutation| (0..count).map(move |place| insert(permutation, place))).collect()
}

/// Returns a sample of at most `most` permutations, because all take minutes.
fn sample(permutations: Vec<Vec<usize>>, most: usize) -> Vec<Vec<usize>> {
    let count = permutations.len();
    // A step that divides their count would pick only those that have the last element at one place.
    let step = if count <= most { 1 } else { count / most + 1 };
    permutations.into_iter().step_by(step).collect()
}

/// Delivers the events of a course in many orders, each once or several times and at once. What its order comes to.
async fn arrive(course: Course, most: usize) -> (Value, Value, Value, Value) {
    let scene = Scene::of(course).await;
    let once: Vec<_> = scene.events.iter().map(|event| (event, 1)).collect();
    let expected = scene.after(&once).await;
    assert_eq!(expected.0["total"], 2400);

    for (index, permutation) in sample(permutations(scene.events.len()), most).into_iter().enumerate() {
        let deliveries: Vec<_> = permutation
            .iter()
            .enumerate()
            .map(|(place, event)| (&scene.events[*event], 1 + (index + place * 3) % 5))
            .collect();
        assert_eq!(scene.after(&deliveries).await, expected, "{course:?}, {permutation:?}");
    }
    let order = expected.0;
    let [status, captured, refunded] = ["status", "captured", "refunded"].map(|name| order[name].clone());
    (status, captured, refunded, order["dispute"]["status"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn events_in_any_order_leave_the_same_order_and_cart() {
    for (course, status, captured, refunded) in [
        (Course::Failed, "payment_failed", 0, 0),
        (Course::Paid, "paid", 2400, 0),
        (Course::PartiallyRefunded, "partially_refunded", 2400, 400),
        (Course::Refunded, "refunded", 2400, 2400),
    ] {
        let expected = (json!(status), json!(captured), json!(refunded), Value::Null);
        assert_eq!(arrive(course, 24).await, expected, "{course:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_befalls_a_payment_later_leaves_the_same_order_too() {
    for (course, status, captured, refunded, dispute) in [
        (Course::RefundFailed, "partially_refunded", 2400, 400, Value::Null),
        (Course::DebitReturned, "paid", 2400, 0, json!("lost")),
        (Course::Captured, "paid", 2400, 0, Value::Null),
        (Course::CapturedInPart, "paid", 1000, 0, Value::Null),
        (Course::Voided, "canceled", 0, 0, Value::Null),
        (Course::HoldExpired, "canceled", 0, 0, Value::Null),
        (Course::Disputed, "paid", 2400, 0, json!("needs_response")),
        (Course::DisputeLost, "paid", 2400, 0, json!("lost")),
        (Course::DisputeWon, "paid", 2400, 0, json!("won")),
    ] {
        let expected = (json!(status), json!(captured), json!(refunded), dispute);
        assert_eq!(arrive(course, 5).await, expected, "{course:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_subset_of_the_events_leaves_the_same_order_and_cart() {
    let scene = Scene::of(Course::Refunded).await;
    let once: Vec<_> = scene.events.iter().map(|event| (event, 1)).collect();
    let expected = scene.after(&once).await;

    for set in 1..1_usize << scene.events.len() {
        let members = scene.events.iter().enumerate().filter(|(index, _)| set & (1 << index) != 0);
        let deliveries: Vec<_> = members.map(|(index, event)| (event, 1 + (set + index) % 3)).rev().collect();
        let (order, cart) = scene.after(&deliveries).await;

        if deliveries.iter().all(|(event, _)| event["type"] == "checkout.session.expired") {
            assert_eq!(order["code"], "order_not_found");
        } else {
            assert_eq!((order, cart), expected, "{set:b}");
        }
    }
}
