//! `POST /stripe/webhook`.

use fixtures::{Shop, order_number};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn an_unsigned_delivery_is_refused_and_writes_nothing() {
    let shop = Shop::open().await;
    shop.sandbox().pause_webhooks(true);
    let visitor = shop.add("price_mug", 1).await;
    let session = visitor.checkout().await.ok();
    shop.press(&session, "pay").await;
    let body = shop.event("checkout.session.completed").to_string();
    let forged = shop.signature(&body, 0).replace("v1=", "v1=00");
    let of_another_body = shop.signature("{}", 0);

    for headers in [
        &[][..],
        &[("stripe-signature", "")],
        &[("stripe-signature", &forged)],
        &[("stripe-signature", &of_another_body)],
    ] {
        let answer = shop.send(Method::POST, "/stripe/webhook", headers, body.clone().into_bytes()).await;
        assert_eq!(answer.error(400), "invalid_signature", "{headers:?}");
    }

    assert_eq!(shop.order(&order_number(&session)).await.status, 404);
}

/// Stripe's own libraries tolerate five minutes, too: <https://docs.stripe.com/webhooks#replay-attacks>
#[tokio::test]
async fn a_signature_older_than_five_minutes_is_refused() {
    let shop = Shop::open().await;
    let body = json!({ "id": "evt_1", "type": "ping", "created": 1, "data": { "object": {} } }).to_string();
    let deliver = async |seconds_ago| {
        let signature = shop.signature(&body, seconds_ago);
        let headers = [("content-type", "application/json"), ("stripe-signature", signature.as_str())];
        shop.send(Method::POST, "/stripe/webhook", &headers, body.clone().into_bytes()).await
    };

    let old = deliver(301).await;
    // Some seconds are left for a busy machine.
    let recent = deliver(280).await;

    assert_eq!(old.error(400), "invalid_signature");
    assert_eq!(recent.ok()["received"], true);
}

#[tokio::test]
async fn a_body_in_base64_is_verified_on_its_raw_bytes() {
    let shop = Shop::open().await;
    let event = json!({ "id": "evt_1", "type": "ping", "created": 1, "data": { "object": { "text": "Grüße ☂" } } });
    let (body, signature) = shop.sandbox().signed(&event);
    // API Gateway encodes bodies of types that it does not know as text.
    let headers = [("content-type", "application/octet-stream"), ("stripe-signature", signature.as_str())];

    let answer = shop.send(Method::POST, "/stripe/webhook", &headers, body.into_bytes()).await;

    assert_eq!(answer.ok(), json!({ "received": true, "handled": false }));
}

#[tokio::test]
async fn events_of_other_integrations_are_taken_and_left_alone() {
    let shop = Shop::open().await;
    let sessions = [
        json!({ "id": "cs_test_other", "object": "checkout.session", "status": "complete", "payment_status": "paid",
                "mode": "payment", "metadata": {}, "amount_total": 100 }),
        json!({ "id": "cs_test_old", "object": "checkout.session", "metadata": null }),
        json!({ "object": "something else" }),
    ];
    let before = shop.sandbox().requests().len();

    for object in sessions {
        let event =
            json!({ "id": "evt_1", "type": "checkout.session.completed", "created": 1, "data": { "object": object } });
        assert_eq!(shop.deliver(&event).await.ok()["handled"], false);
    }
    for kind in ["invoice.paid", "customer.created", "payment_intent.created", "x", "price", "price.."] {
        let event = json!({ "id": "evt_2", "type": kind, "created": 1, "data": { "object": { "id": "x" } } });
        assert_eq!(shop.deliver(&event).await.ok()["handled"], false, "{kind}");
    }

    assert_eq!(shop.sandbox().requests().len(), before);
}

#[tokio::test]
async fn a_session_that_stripe_does_not_call_complete_makes_no_order() {
    let shop = Shop::open().await;
    shop.sandbox().pause_webhooks(true);
    let visitor = shop.add("price_mug", 1).await;
    let mut session = visitor.checkout().await.ok();
    session["status"] = json!("complete");
    session["payment_status"] = json!("paid");
    let event =
        json!({ "id": "evt_1", "type": "checkout.session.completed", "created": 1, "data": { "object": session } });

    shop.deliver(&event).await.ok();

    assert_eq!(shop.order(&order_number(&session)).await.status, 404);
    assert_eq!(visitor.cart().await["status"], "active");
}
