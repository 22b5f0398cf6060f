//! What Stripe refuses, and a Stripe that does not answer: what shoppers are told, and what an operator reads.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use fixtures::{Answer, Shop, StripeAnswer};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::log::Captured;

/// A refusal with what Stripe sends beside it.
fn refused(status: u16, error: &Value) -> StripeAnswer {
    StripeAnswer::Error {
        status,
        headers: vec![("request-id", "req_8UbNhZsNqvYpLE")],
        body: json!({ "error": error }).to_string(),
    }
}

/// Every kind of error that Stripe documents, and what an operator reads of it. The messages quote what a shopper typed.
///
/// Sources: <https://docs.stripe.com/api/errors>, <https://docs.stripe.com/error-low-level>,
/// <https://docs.stripe.com/rate-limits>, <https://docs.stripe.com/keys/restricted-api-keys>
fn kinds() -> Vec<(StripeAnswer, u16, &'static str)> {
    let log = "https://dashboard.stripe.com/acct_1/test/logs/req_8UbNhZsNqvYpLE?t=1700000000";
    vec![
        (
            refused(
                400,
                &json!({ "type": "invalid_request_error", "message": "No valid payment method types for ann@example.com", "request_log_url": log }),
            ),
            500,
            "Stripe answered 400, type invalid_request_error, request req_8UbNhZsNqvYpLE, see https://dashboard.stripe.com/acct_1/test/logs/req_8UbNhZsNqvYpLE?t=1700000000",
        ),
        (
            refused(
                400,
                &json!({ "type": "invalid_request_error", "code": "parameter_unknown", "param": "payment_method_types", "message": "ann@example.com" }),
            ),
            500,
            "Stripe answered 400, type invalid_request_error, code parameter_unknown, parameter payment_method_types, request req_8UbNhZsNqvYpLE",
        ),
        (
            refused(
                400,
                &json!({ "type": "invalid_request_error", "param": "line_items[0][price_data]", "message": "ann@example.com" }),
            ),
            500,
            "Stripe answered 400, type invalid_request_error, parameter line_items[0][price_data], request req_8UbNhZsNqvYpLE",
        ),
        (
            refused(
                401,
                &json!({ "type": "invalid_request_error", "message": "Invalid API Key provided: sk_test_*****ann@example.com" }),
            ),
            500,
            "Stripe answered 401, type invalid_request_error, request req_8UbNhZsNqvYpLE",
        ),
        (
            refused(
                403,
                &json!({ "type": "invalid_request_error", "message": "The key of ann@example.com lacks 'rak_checkout_session_write' and 'rak_other'" }),
            ),
            500,
            "Stripe answered 403, type invalid_request_error, missing right rak_checkout_session_write, request req_8UbNhZsNqvYpLE",
        ),
        (
            refused(
                409,
                &json!({ "type": "idempotency_error", "code": "idempotency_key_in_use", "message": "ann@example.com" }),
            ),
            503,
            "Stripe is unavailable: 409, type idempotency_error, code idempotency_key_in_use, request req_8UbNhZsNqvYpLE",
        ),
        (
            refused(
                429,
                &json!({ "type": "invalid_request_error", "code": "lock_timeout", "message": "ann@example.com" }),
            ),
            503,
            "Stripe is unavailable: 429, type invalid_request_error, code lock_timeout, request req_8UbNhZsNqvYpLE",
        ),
        (
            refused(500, &json!({ "type": "api_error", "message": "ann@example.com" })),
            503,
            "Stripe is unavailable: 500, type api_error, request req_8UbNhZsNqvYpLE",
        ),
        (
            StripeAnswer::Error { status: 502, headers: Vec::new(), body: "<html>ann@example.com".to_owned() },
            503,
            "Stripe is unavailable: 502",
        ),
    ]
}

#[tokio::test]
async fn every_refusal_is_classified_and_only_stripes_own_words_are_logged() {
    let (captured, _guard) = Captured::begin("INFO");
    let shop = Shop::open_on_wires([]).await;
    let visitor = shop.add("price_mug", 1).await;
    let paid = shop.add("price_mug", 1).await;
    let session = paid.checkout().await.ok();
    let landing = shop.press(&session, "pay").await.location().to_owned();
    let event = shop.event("checkout.session.completed");

    for (index, (answer, status, cause)) in kinds().into_iter().enumerate() {
        shop.wire().stripe_answers(Some(answer));
        let price = format!("price_unknown{index}");
        let answers: [(&str, Answer); 3] = [
            ("checkout", visitor.checkout().await),
            ("add", visitor.add(&price, 1).await),
            ("stripe-webhook", shop.deliver(&event).await),
        ];
        let landed = shop.get(&landing).await;
        let said = captured.lines().into_iter().rfind(|line| line.contains("without knowing of a payment")).unwrap();
        let synced = shop.stack().sync().await;

        for (function, answer) in answers {
            assert_eq!(answer.error(status), "server_error", "{function}: {cause}");
            let line = captured.of(function).pop().unwrap();
            assert_eq!((&line["level"], &line["cause"]), (&json!("ERROR"), &json!(cause)), "{function}");
        }
        // A shopper who has paid is not shown an error.
        assert!(landed.location().ends_with("&payment=pending"), "{cause}: {}", landed.location());
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_eq!((&said["level"], &said["fields"]["reason"]), (&json!("WARN"), &json!(cause)));
        assert_eq!(captured.of("finish-order").pop().unwrap()["LandingsUnconfirmed"], 1, "{cause}");
        let failure = synced.unwrap_err().to_string();
        assert!(failure.ends_with(cause), "{failure}");
        let parts = format!("paid sessions: {cause}; catalogue: {cause}; events: {cause}");
        assert_eq!(captured.of("sync").pop().unwrap()["cause"], parts);
    }

    let log = captured.lines().join("\n");
    assert!(!log.contains("ann@example.com") && !log.contains("sk_test"), "{log}");
    shop.wire().stripe_answers(None);
    assert_eq!(visitor.cart().await["item_count"], 1);
    visitor.checkout().await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn stripes_own_pause_reaches_the_shopper_and_is_not_waited_for() {
    let shop = Shop::open_on_wires([]).await;
    let visitor = shop.add("price_mug", 1).await;

    for (headers, attempts, retry_after) in [
        (vec![("retry-after", "60")], 1, "60"),
        (vec![("stripe-should-retry", "false")], 1, "1"),
        (vec![("stripe-should-retry", "true"), ("retry-after", "0")], 3, "1"),
    ] {
        shop.wire().plan(None);
        shop.wire().stripe_answers(Some(StripeAnswer::Error { status: 429, headers, body: "{}".to_owned() }));

        let answer = visitor.checkout().await;

        assert_eq!((answer.error(503).as_str(), answer.header("retry-after")), ("server_error", Some(retry_after)));
        let asked = shop.wire().calls().iter().filter(|call| call.starts_with("Stripe")).count();
        assert_eq!(asked, attempts, "{retry_after}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_stripe_is_left_alone_after_three_attempts_in_a_row() {
    let shop = Shop::open_on_wires([("STRIPE_TIMEOUT_MS", "50")]).await;
    let visitor = shop.add("price_mug", 1).await;
    let calls_to_stripe = || shop.wire().calls().iter().filter(|call| call.starts_with("Stripe")).count();
    shop.wire().plan(None);
    shop.wire().stripe_answers(Some(StripeAnswer::Silence));

    for _ in 0..5 {
        let answer = visitor.checkout().await;

        assert_eq!(answer.error(503), "server_error");
        let seconds: u32 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=5).contains(&seconds), "{seconds}");
        assert_eq!(calls_to_stripe(), 3);
    }
    // The others do not need Stripe.
    assert_eq!(visitor.cart().await["item_count"], 1);
    visitor.add("price_tshirt", 1).await.ok();
}

/// The paper on what this costs in executions is docs/scaling.md.
#[tokio::test(flavor = "multi_thread")]
async fn while_a_hundred_checkouts_wait_for_a_silent_stripe_carts_and_events_are_served() {
    const CHECKOUTS: usize = 100;
    let shop = Shop::open_on_wires([]).await;
    let visitors: Vec<_> = join_all((0..CHECKOUTS).map(|_| shop.add("price_mug", 1))).await;
    let other = shop.add("price_tshirt", 1).await;
    // Of what Stripe was asked about after it, an event asks nothing.
    let event = json!({
        "id": "evt_1", "type": "product.updated", "created": 1,
        "data": { "object": { "id": "prod_mug", "object": "product", "name": "Mug", "active": true } },
    });
    shop.deliver(&event).await.ok();
    let asked = || shop.wire().calls().iter().filter(|call| call.starts_with("Stripe")).count();
    let answered = AtomicUsize::new(0);
    shop.wire().plan(None);
    shop.wire().stripe_answers(Some(StripeAnswer::Silence));

    let checkouts = join_all(visitors.iter().map(async |visitor| {
        let answer = visitor.checkout().await;
        answered.fetch_add(1, Relaxed);
        answer
    }));
    let others = async {
        while asked() < CHECKOUTS && answered.load(Relaxed) == 0 {
            assert_eq!(other.cart().await["item_count"], 1);
            assert_eq!(shop.deliver(&event).await.ok()["handled"], true);
            other.post("/cart/clear", json!({})).await.ok();
            other.add("price_tshirt", 1).await.ok();
        }
        assert!(answered.load(Relaxed) < CHECKOUTS, "they wait");
    };
    let (refused, ()) = tokio::join!(Box::pin(checkouts), Box::pin(others));

    for answer in refused {
        assert_eq!(answer.error(503), "server_error");
        assert!(answer.header("retry-after").is_some());
    }
}
