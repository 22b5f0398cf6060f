//! Stripe's events arrive in any order, several times, and at the same time: the order ends up the same.

use fixtures::{Shop, order_number};
use futures_util::future::join_all;
use serde_json::{Value, json};

/// How a delayed payment went at Stripe.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Course {
    Failed,
    Paid,
    PartiallyRefunded,
    Refunded,
}

/// A finished session, and the cart as it was before any of its events arrived.
struct Scene {
    shop: Shop,
    session: Value,
    cart: Value,
    /// What Stripe may deliver: `completed`, the payment's success and failure, refunds, and an expiry that came too late.
    events: Vec<Value>,
}

impl Scene {
    async fn of(course: Course) -> Self {
        let shop = Shop::open().await;
        shop.sandbox().pause_webhooks(true);
        let visitor = shop.add("price_mug", 2).await;
        let session = visitor.checkout().await.ok();
        visitor.add("price_tshirt", 1).await.ok();
        let cart = shop.table("CARTS_TABLE").get(&visitor.number().await).await.unwrap();

        shop.press(&session, "pay_later").await;
        let mut events = vec![shop.event("checkout.session.completed")];
        shop.sandbox().settle(session["id"].as_str().unwrap(), course != Course::Failed).unwrap();
        let refunds: &[u32] = match course {
            Course::Failed | Course::Paid => &[],
            Course::PartiallyRefunded => &[400],
            Course::Refunded => &[400, 2000],
        };
        for amount in refunds {
            shop.refund(&order_number(&session), *amount).await;
            events.push(shop.event("charge.refunded"));
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
    async fn after(&self, deliveries: &[(&Value, usize)]) -> (Value, Value) {
        let number = order_number(&self.session);
        let carts = self.shop.table("CARTS_TABLE");
        carts.put(&self.cart).await;
        self.shop.table("ORDERS_TABLE").delete(&number).await;
        for (event, times) in deliveries {
            let answers = join_all((0..*times).map(|_| self.shop.deliver(event))).await;
            assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
        }
        let mut order = self.shop.order(&number).await.json();
        if let Some(order) = order.as_object_mut() {
            order.retain(|field, _| !field.starts_with("created") && field != "request_id");
        }
        let cart = carts.get(self.cart["number"]["S"].as_str().unwrap()).await.unwrap();
        (order, json!({ "lines": cart["q"], "version": cart["v"] }))
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

/// Returns all of up to 24 permutations, and of more a sample of at most 24, because all take minutes.
fn sample(permutations: Vec<Vec<usize>>) -> Vec<Vec<usize>> {
    let count = permutations.len();
    // A step that divides their count would pick only those that have the last element at one place.
    let step = if count <= 24 { 1 } else { count / 24 + 1 };
    permutations.into_iter().step_by(step).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_in_any_order_leave_the_same_order_and_cart() {
    let courses = [
        (Course::Failed, "payment_failed", 0),
        (Course::Paid, "paid", 0),
        (Course::PartiallyRefunded, "partially_refunded", 400),
        (Course::Refunded, "refunded", 2400),
    ];
    for (course, status, refunded) in courses {
        let scene = Scene::of(course).await;
        let once: Vec<_> = scene.events.iter().map(|event| (event, 1)).collect();
        let expected = scene.after(&once).await;
        assert_eq!((&expected.0["status"], &expected.0["refunded"]), (&json!(status), &json!(refunded)), "{course:?}");
        assert_eq!(expected.0["total"], 2400);

        for (index, permutation) in sample(permutations(scene.events.len())).into_iter().enumerate() {
            let deliveries: Vec<_> = permutation
                .iter()
                .enumerate()
                .map(|(place, event)| (&scene.events[*event], 1 + (index + place * 3) % 5))
                .collect();
            assert_eq!(scene.after(&deliveries).await, expected, "{course:?}, {permutation:?}");
        }
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
