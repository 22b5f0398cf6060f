//! `POST /stripe/webhook`.

use fixtures::{Shop, order_number};
use reqwest::Method;
use serde_json::{Value, json};

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

/// What Stripe signed is not sent back, whatever it is: it would only come again, for three days.
#[tokio::test]
async fn signed_json_that_is_no_event_with_an_object_is_taken_and_left_alone() {
    let shop = Shop::open_on_wires([]).await;
    let visitor = shop.add("price_mug", 1).await;
    let session = visitor.checkout().await.ok();
    shop.press(&session, "pay").await;
    let paid = shop.event("checkout.session.completed");
    // Source: <https://docs.stripe.com/event-destinations#thin-events>
    let thin = json!({
        "id": "evt_test_65R9Lr", "object": "v2.core.event", "type": "v2.core.event_destination.ping", "livemode": false,
        "created": "2026-11-27T03:07:10.123Z", "reason": null, "context": null,
        "related_object": {
            "id": "ed_test_61RM8l", "type": "v2.core.event_destination",
            "url": "/v2/core/event_destinations/ed_test_61RM8l",
        },
    });
    let thin_about_a_session = json!({
        "id": "evt_test_65R9Ls", "object": "v2.core.event", "type": "checkout.session.completed", "livemode": false,
        "created": paid["created"], "related_object": { "id": session["id"], "type": "checkout.session" },
        "data": paid["data"],
    });
    let but = |field: &str, value: Value| {
        let mut event = paid.clone();
        match value {
            Value::String(nothing) if nothing.is_empty() => drop(event.as_object_mut().unwrap().remove(field)),
            value => event[field] = value,
        }
        event.to_string()
    };
    let mut bodies = vec![thin.to_string(), thin_about_a_session.to_string()];
    bodies.extend(["{}", "[]", "null", "true", "1e999", "\"evt_1\"", " {\"id\":\"evt_1\"}\n"].map(str::to_owned));
    bodies.push("[".repeat(1000) + &"]".repeat(1000));
    bodies.push(paid.to_string().replacen('{', "{\"id\":\"evt_twice\",", 1));
    for (field, values) in [
        ("id", [json!(""), json!(null), json!(7), json!({})]),
        ("type", [json!(""), json!(null), json!(7), json!("checkout.session")]),
        ("created", [json!("2026-11-27T03:07:10.123Z"), json!(null), json!(1.5), json!(u64::MAX)]),
        ("livemode", [json!("true"), json!(1), json!([]), json!({})]),
        ("object", [json!("v2.core.event"), json!("charge"), json!(7), json!({})]),
        ("data", [json!(""), json!(null), json!([]), json!({})]),
        ("data", [json!({ "object": null }), json!({ "object": [] }), json!({ "object": "cs_1" }), json!("cs_1")]),
        ("data", [json!({ "object": {} }), json!({ "object": [paid["data"]["object"]] }), json!(1), json!(true)]),
    ] {
        bodies.extend(values.map(|value| but(field, value)));
    }
    shop.wire().plan(None);

    for body in bodies {
        let signature = shop.signature(&body, 0);
        let headers = [("content-type", "application/json"), ("stripe-signature", signature.as_str())];
        let answer = shop.send(Method::POST, "/stripe/webhook", &headers, body.clone().into_bytes()).await;

        assert_eq!(answer.ok(), json!({ "received": true, "handled": false }), "{body}");
    }

    assert_eq!(shop.wire().calls(), [""; 0]);
    assert_eq!(shop.deliver(&paid).await.ok()["handled"], true, "the event that they were made from");
}

/// Stripe signs only JSON, and its signature fits only the bytes that it sent: this is of a program with our secret, and
/// whoever runs it should see what is wrong.
#[tokio::test]
async fn a_signed_body_that_is_not_json_is_a_400_that_does_not_blame_the_signature() {
    let shop = Shop::open().await;

    for body in ["", " ", "{", "id=evt_1&type=ping", "{\"id\":\"evt_1\"} {}", "\u{FEFF}{}", "<event/>"] {
        let signature = shop.signature(body, 0);
        let headers = [("content-type", "application/json"), ("stripe-signature", signature.as_str())];
        let answer = shop.send(Method::POST, "/stripe/webhook", &headers, body.into()).await;

        assert_eq!(answer.error(400), "invalid_json", "{body}");
    }
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
    assert_eq!(visitor.cart().await["status"], "checkout");
}
