//! Any call may fail in any way: after a retry there is one session, one order, and the right cart.

use std::sync::atomic::{AtomicUsize, Ordering};

use fixtures::{Answer, Fault, Plan, Shop, Visitor, When, order_number};
use reqwest::Method;
use serde_json::{Value, json};

/// How an answer says that something failed.
#[derive(Clone, Copy)]
enum Failure {
    /// A 5xx, after which a front-end or Stripe tries again.
    ServerError,
    /// A redirect that claims nothing, after which the shopper looks again.
    PaymentPending,
}

impl Failure {
    fn is_said_by(self, answer: &Answer) -> bool {
        match self {
            Self::ServerError => answer.status >= 500,
            Self::PaymentPending => answer.location().contains("payment=pending"),
        }
    }
}

/// Tries `act` on a new `T` for each way in which each of its calls may fail. Returns what was tried.
///
/// After a failure `act` is repeated.
async fn break_everywhere<T>(
    name: &str,
    shop: &Shop,
    failure: Failure,
    prepare: impl AsyncFn() -> T,
    act: impl AsyncFn(&T) -> Answer,
    check: impl AsyncFn(&T, &str),
) -> Vec<String> {
    // The first request fills the function's cache, so that the next ones make the same calls.
    act(&prepare().await).await;
    let fine = prepare().await;
    shop.wire().plan(None);
    let answer = act(&fine).await;
    assert!(answer.status < 400 && !failure.is_said_by(&answer), "{name}");
    let calls = shop.wire().calls();
    check(&fine, name).await;

    let mut tried = Vec::new();
    for (index, call) in calls.iter().enumerate() {
        for when in [When::Before, When::After] {
            for (fault, ends) in
                [(Fault::Cut, true), (Fault::Cut, false), (Fault::Broken, false), (Fault::Throttled, false)]
            {
                // What is throttled takes no effect.
                if (fault, when) == (Fault::Throttled, When::After) {
                    continue;
                }
                let subject = prepare().await;
                let plan = Plan { call: index, fault, when, ends };
                let point = format!("{name}: {call}: {plan}");
                shop.wire().plan(Some(plan));
                let answer = act(&subject).await;
                assert!(shop.wire().calls().len() > index, "{point}: the call was never made");
                shop.wire().plan(None);
                if ends {
                    assert!(failure.is_said_by(&answer), "{point}");
                    if let Failure::ServerError = failure {
                        assert_eq!(answer.status, 503, "{point}: {}", answer.text);
                        assert!(answer.header("retry-after").is_some(), "{point}");
                    }
                }
                if failure.is_said_by(&answer) {
                    let again = act(&subject).await;
                    assert!(again.status < 400 && !failure.is_said_by(&again), "{point}: again: {}", again.text);
                }
                check(&subject, &point).await;
                tried.push(point);
            }
        }
    }
    tried
}

/// The sessions that were made of a visitor's cart.
async fn sessions_of(shop: &Shop, visitor: &Visitor<'_>) -> Vec<Value> {
    let number = visitor.cart().await["number"].clone();
    let sessions = shop.sandbox().sessions().into_iter();
    sessions.filter(|session| session["metadata"]["stripe_payments_cart_number"] == number).collect()
}

/// A visitor who has paid a session, before the shop is told.
async fn paid(shop: &Shop, changes: bool) -> (Visitor<'_>, Value, String, Value) {
    let visitor = shop.add("price_mug", 2).await;
    let session = visitor.checkout().await.ok();
    if changes {
        visitor.add("price_tshirt", 1).await.ok();
        visitor.add("price_mug", 1).await.ok();
    }
    let landing = shop.press(&session, "pay").await.location().to_owned();
    let event = shop.event("checkout.session.completed");
    assert_eq!(event["data"]["object"]["id"], session["id"]);
    (visitor, session, landing, event)
}

async fn check_order(shop: &Shop, visitor: &Visitor<'_>, session: &Value, point: &str) {
    let order = shop.order(&order_number(session)).await.ok();
    assert_eq!((&order["status"], &order["total"]), (&json!("paid"), &json!(2400)), "{point}");
    let cart = visitor.cart().await;
    assert_eq!((&cart["status"], &cart["item_count"]), (&json!("completed"), &json!(0)), "{point}");
}

#[tokio::test(flavor = "multi_thread")]
async fn checkout_and_fulfilment_recover_from_a_fault_at_any_call() {
    let checkouts = async {
        let shop = Shop::open_on_wires([]).await;
        let first = break_everywhere(
            "checkout",
            &shop,
            Failure::ServerError,
            async || shop.add("price_mug", 2).await,
            async |visitor| visitor.checkout().await,
            async |visitor, point| {
                let sessions = sessions_of(&shop, visitor).await;
                assert_eq!(sessions.len(), 1, "{point}");
                assert_eq!((&sessions[0]["status"], &sessions[0]["amount_total"]), (&json!("open"), &json!(2400)));
                assert_eq!(visitor.cart().await["item_count"], 2, "{point}");
            },
        );
        let first = first.await;
        let second = break_everywhere(
            "checkout after a change",
            &shop,
            Failure::ServerError,
            async || {
                let visitor = shop.add("price_mug", 2).await;
                visitor.checkout().await.ok();
                visitor.add("price_tshirt", 1).await.ok();
                visitor
            },
            async |visitor| visitor.checkout().await,
            async |visitor, point| {
                let sessions = sessions_of(&shop, visitor).await;
                let states: Vec<_> = sessions.iter().map(|session| session["status"].as_str().unwrap()).collect();
                assert_eq!(states, ["expired", "open"], "{point}");
                assert_eq!(sessions[1]["amount_total"], 5600, "{point}");
            },
        );
        [first, second.await].concat()
    };
    let webhooks = async {
        let shop = Shop::open_on_wires([]).await;
        let first = break_everywhere(
            "stripe-webhook",
            &shop,
            Failure::ServerError,
            async || paid(&shop, false).await,
            async |(_, _, _, event)| shop.deliver(event).await,
            async |(visitor, session, _, _), point| check_order(&shop, visitor, session, point).await,
        );
        let first = first.await;
        let second = break_everywhere(
            "stripe-webhook after a change",
            &shop,
            Failure::ServerError,
            async || paid(&shop, true).await,
            async |(_, _, _, event)| shop.deliver(event).await,
            async |(visitor, session, _, _), point| {
                assert_eq!(shop.order(&order_number(session)).await.ok()["total"], 2400, "{point}");
                let cart = visitor.cart().await;
                assert_eq!((&cart["status"], &cart["item_count"]), (&json!("active"), &json!(2)), "{point}");
            },
        );
        [first, second.await].concat()
    };
    let landings = async {
        let shop = Shop::open_on_wires([]).await;
        let landing = break_everywhere(
            "finish-order",
            &shop,
            Failure::PaymentPending,
            async || paid(&shop, false).await,
            async |(_, _, landing, _)| shop.get(landing).await,
            async |(visitor, session, _, _), point| check_order(&shop, visitor, session, point).await,
        );
        landing.await
    };
    let (checkouts, webhooks, landings) = tokio::join!(checkouts, webhooks, landings);

    let tried = [checkouts, webhooks, landings].concat();
    eprintln!("{}\n{} points", tried.join("\n"), tried.len());
    assert!(tried.len() >= 40, "{}", tried.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_is_taken_out_of_an_order_whatever_call_fails() {
    let shop = Shop::open_on_wires([]).await;
    let tried = break_everywhere(
        "anonymise",
        &shop,
        Failure::ServerError,
        async || {
            let visitor = shop.visitor();
            let body = json!({
                "items": [{ "price": "price_mug", "quantity": 2, "description": "for Ann" }],
                "metadata": { "note": "written by Ann" },
            });
            visitor.post("/cart/add", body).await.ok();
            let session = visitor.checkout().await.ok();
            shop.press(&session, "pay").await;
            shop.deliver(&shop.event("checkout.session.completed")).await.ok();
            let before = format!("{}_before", session["id"].as_str().unwrap());
            crate::anonymise::note(&shop, &session, &before.parse().unwrap()).await;
            session
        },
        async |session| {
            let path = format!("/admin/orders/{}/anonymise", order_number(session));
            shop.send(Method::POST, &path, &[], Vec::new()).await
        },
        async |session, point| {
            let stored = crate::anonymise::everything(&shop).await;
            for text in ["Ann", "shopper@example.com"] {
                assert!(!stored.contains(text), "{point}: {stored}");
            }
            assert_eq!(shop.order(&order_number(session)).await.ok()["total"], 2400, "{point}");
        },
    );
    let tried = tried.await;
    eprintln!("{}\n{} points", tried.join("\n"), tried.len());
    assert!(tried.len() >= 6 * 7, "{}", tried.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_after_its_effect_adds_nothing_twice() {
    let shop = Shop::open_on_wires([]).await;
    let tried = break_everywhere(
        "add",
        &shop,
        Failure::ServerError,
        async || shop.add("price_mug", 1).await,
        async |visitor| {
            let body = json!({ "items": [{ "price": "price_mug" }, { "price": "price_tshirt" }] });
            visitor.post_with(&[("idempotency-key", "one and the same")], "/cart/add", body).await
        },
        async |visitor, point| assert_eq!(visitor.cart().await["item_count"], 3, "{point}"),
    );
    assert!(tried.await.len() >= 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_while_a_cart_is_opened_under_a_key_leaves_one_cart() {
    let shop = Shop::open_on_wires([]).await;
    let visitors = AtomicUsize::new(0);
    let tried = break_everywhere(
        "the first add",
        &shop,
        Failure::ServerError,
        async || (shop.visitor(), visitors.fetch_add(1, Ordering::Relaxed)),
        async |(visitor, index)| {
            let body = json!({ "items": [{ "price": "price_mug", "quantity": 2 }] });
            visitor.post_with(&[("idempotency-key", &format!("visitor {index}"))], "/cart/add", body).await
        },
        async |(visitor, _), point| {
            assert_eq!(visitor.cart().await["item_count"], 2, "{point}");
            let items = shop.table("CARTS_TABLE").scan().await;
            let carts = items.iter().filter(|item| item.get("q").is_some()).count();
            assert_eq!(carts, visitors.load(Ordering::Relaxed), "{point}");
        },
    );
    assert_eq!(tried.await.len(), 2 * 7);
}

/// The mark of a write whose answer was lost must survive later writes of others, because the repetition comes after them.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_answer_was_lost_is_not_repeated_after_writes_of_others() {
    let shop = Shop::open_on_wires([]).await;
    let visitor = shop.add("price_mug", 1).await;

    for round in 0..10 {
        shop.wire().plan(Some(Plan { call: round, fault: Fault::Cut, when: When::After, ends: false }));
        let answers = futures_util::future::join_all((0..20).map(|_| visitor.add("price_mug", 1))).await;
        assert!(answers.iter().all(|answer| answer.status == 200));
    }

    shop.wire().plan(None);
    assert_eq!(visitor.cart().await["item_count"], 201);
}
