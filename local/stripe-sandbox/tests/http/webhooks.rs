//! Webhooks: delivered, signed, retried.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};
use sha2::Sha256;
use stripe_sandbox::{Catalog, Config, WebhookSettings};

use crate::schema::conforms;
use crate::stripe::{Stripe, entries, id, session_path, stripe_with};

type Seen = Arc<Mutex<(Vec<(String, String)>, VecDeque<u16>)>>;

/// A shop that notes what it gets, and answers with the statuses it was given and then with 200.
async fn shop(statuses: &[u16]) -> (String, Seen) {
    async fn receive(State(seen): State<Seen>, headers: HeaderMap, body: String) -> StatusCode {
        let mut seen = seen.lock().unwrap();
        seen.0.push((headers["stripe-signature"].to_str().unwrap().to_owned(), body));
        StatusCode::from_u16(seen.1.pop_front().unwrap_or(200)).unwrap()
    }
    let seen: Seen = Arc::new(Mutex::new((Vec::new(), statuses.iter().copied().collect())));
    let router = Router::new().route("/stripe/webhook", post(receive)).with_state(Arc::clone(&seen));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/stripe/webhook", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, seen)
}

async fn stripe_for(url: Option<String>, attempts: usize) -> Stripe {
    stripe_with(Config {
        catalog: Catalog::sample(),
        webhook_url: url,
        webhook_secret: "whsec_one, whsec_two".to_owned(),
        retry_delays: vec![Duration::from_millis(1); attempts - 1],
        ..Config::default()
    })
    .await
}

fn verify(header: &str, body: &str) -> bool {
    let part = |name: &str| header.split(',').find_map(|part| part.strip_prefix(name)).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(b"whsec_one").unwrap();
    mac.update(format!("{}.{body}", part("t=")).as_bytes());
    hex::encode(mac.finalize().into_bytes()) == part("v1=")
}

#[tokio::test]
async fn events_arrive_signed() {
    let (url, seen) = shop(&[]).await;
    let stripe = stripe_for(Some(url), 3).await;

    let product = stripe.post_keyed("k1", "/v1/products", &[("name", "Bowl")]).await;
    stripe.sandbox.settled().await;

    let seen = seen.lock().unwrap();
    let (signature, body) = &seen.0[0];
    let event: serde_json::Value = serde_json::from_str(body).unwrap();
    assert!(verify(signature, body), "{signature}");
    assert_eq!(event["data"]["object"], product.ok());
    assert_eq!(event["request"]["id"], product.header("request-id"));
    assert_eq!(event["request"]["idempotency_key"], "k1");
    assert_eq!((&event["api_version"], &event["livemode"]), (&stripe_sandbox::API_VERSION.into(), &false.into()));
    assert_eq!(stripe.sandbox.events(), [event]);
}

#[tokio::test]
async fn a_delivery_is_repeated_until_it_is_accepted() {
    let (url, seen) = shop(&[500, 302]).await;
    let stripe = stripe_for(Some(url), 5).await;

    stripe.post("/v1/products", &[("name", "Bowl")]).await.ok();
    stripe.sandbox.settled().await;

    let deliveries = stripe.sandbox.deliveries();
    let statuses: Vec<_> = deliveries.iter().map(|delivery| (delivery.attempt, delivery.status)).collect();
    assert_eq!(statuses, [(1, Some(500)), (2, Some(302)), (3, Some(200))]);
    assert!(deliveries.iter().all(|delivery| delivery.kind == "product.created"));
    let seen = seen.lock().unwrap();
    assert!(seen.0.iter().all(|(signature, body)| verify(signature, body)));
}

#[tokio::test]
async fn a_delivery_is_given_up_after_the_last_delay() {
    let stripe = stripe_for(Some("http://127.0.0.1:9/stripe/webhook".to_owned()), 3).await;

    stripe.post("/v1/products", &[("name", "Bowl")]).await.ok();
    stripe.sandbox.settled().await;

    let statuses: Vec<_> = stripe.sandbox.deliveries().iter().map(|delivery| delivery.status).collect();
    assert_eq!(statuses, [None, None, None]);
}

#[tokio::test]
async fn events_are_recorded_and_not_sent_while_paused_or_without_an_address() {
    let (url, seen) = shop(&[]).await;
    let stripe = stripe_for(None, 1).await;

    stripe.post("/v1/products", &[("name", "nobody listens")]).await.ok();
    stripe.sandbox.set_webhook_url(&url);
    stripe.sandbox.pause_webhooks(true);
    stripe.post("/v1/products", &[("name", "paused")]).await.ok();
    stripe.sandbox.pause_webhooks(false);
    stripe.post("/v1/products", &[("name", "sent")]).await.ok();
    stripe.sandbox.settled().await;

    assert_eq!(stripe.sandbox.events().len(), 3);
    let seen = seen.lock().unwrap();
    assert_eq!(seen.0.len(), 1);
    assert!(seen.0[0].1.contains("sent"));
}

/// Source: <https://docs.stripe.com/api/webhook_endpoints/object>
#[tokio::test]
async fn the_endpoint_is_listed_and_gets_the_events_that_are_switched_on() {
    let (url, seen) = shop(&[]).await;
    let stripe = stripe_for(None, 1).await;
    let listed = async || stripe.get("/v1/webhook_endpoints").await.ok();
    assert!(entries(&listed().await).is_empty(), "without an address there is none");
    stripe.sandbox.set_webhook_url(&url);
    let first = entries(&listed().await)[0].clone();

    let switch = |is_enabled, event: &str| {
        let enabled_events = vec![event.to_owned()];
        stripe.sandbox.change_dashboard(|dashboard| dashboard.webhook = WebhookSettings { is_enabled, enabled_events });
    };
    let mut states = vec![(first["status"].clone(), first["enabled_events"].clone())];
    for (name, is_enabled, event) in [
        ("one", true, "product.created"),
        ("another", true, "product.deleted"),
        ("all", true, "*"),
        ("none", false, "*"),
    ] {
        switch(is_enabled, event);
        stripe.post("/v1/products", &[("name", name)]).await.ok();
        let endpoint = stripe.get(&format!("/v1/webhook_endpoints/{}", id(&first))).await.ok();
        states.push((endpoint["status"].clone(), endpoint["enabled_events"].clone()));
    }
    stripe.sandbox.settled().await;

    assert_eq!(first["url"], url);
    let state = |status: &str, event: &str| (json!(status), json!([event]));
    assert_eq!(
        states,
        [
            state("enabled", "*"),
            state("enabled", "product.created"),
            state("enabled", "product.deleted"),
            state("enabled", "*"),
            state("disabled", "*"),
        ]
    );
    let seen = seen.lock().unwrap();
    let names =
        seen.0.iter().map(|(_, body)| serde_json::from_str::<Value>(body).unwrap()["data"]["object"]["name"].clone());
    let mut names: Vec<Value> = names.collect();
    names.sort_by_key(ToString::to_string);
    assert_eq!(names, ["all", "one"]);
    let pending: Vec<Value> = stripe.sandbox.events().iter().map(|event| event["pending_webhooks"].clone()).collect();
    assert_eq!(pending, [1, 0, 1, 0]);
}

#[tokio::test]
async fn a_test_can_sign_events_itself() {
    let stripe = stripe_for(None, 1).await;
    stripe.post("/v1/products", &[("name", "Bowl")]).await.ok();
    let event = stripe.sandbox.events().remove(0);

    let (body, signature) = stripe.sandbox.signed(&event);

    assert!(verify(&signature, &body));
    assert_eq!(serde_json::from_str::<serde_json::Value>(&body).unwrap(), event);
}

#[tokio::test]
async fn a_paid_session_is_told_to_the_shop() {
    let (url, seen) = shop(&[]).await;
    let stripe = stripe_for(Some(url), 1).await;
    let session = stripe.session("price_mug", "1", &[("metadata[cart]", "c1")]).await;

    stripe.press(&session, "pay", &[]).await;
    stripe.sandbox.settled().await;

    let seen = seen.lock().unwrap();
    let events = seen.0.iter().map(|(_, body)| serde_json::from_str::<serde_json::Value>(body).unwrap());
    let completed = events.into_iter().find(|event| event["type"] == "checkout.session.completed").unwrap();
    assert_eq!(id(&completed["data"]["object"]), id(&session));
    assert_eq!(completed["data"]["object"]["payment_status"], "paid");
    assert_eq!(completed["data"]["object"]["metadata"]["cart"], "c1");
}

/// Source: <https://docs.stripe.com/webhooks#retry-behavior>: an event keeps its id, and each delivery has its own signature.
#[tokio::test]
async fn an_event_is_sent_again_under_its_own_id() {
    let (url, seen) = shop(&[]).await;
    let stripe = stripe_for(None, 1).await;
    stripe.post("/v1/products", &[("name", "Bowl")]).await.ok();
    let event = stripe.sandbox.events().remove(0);
    assert!(stripe.sandbox.resend(id(&event)).is_err(), "there is nowhere to send it to");
    stripe.sandbox.set_webhook_url(&url);
    stripe.sandbox.pause_webhooks(true);

    stripe.sandbox.resend(id(&event)).unwrap();
    stripe.sandbox.settled().await;
    let pressed = stripe.send(Method::POST, &format!("/sandbox/events/{}/again", id(&event)), &[], String::new()).await;
    stripe.sandbox.settled().await;

    assert_eq!((pressed.status, pressed.header("location")), (303, "/#events"));
    assert!(stripe.sandbox.resend("evt_x").is_err());
    let seen = seen.lock().unwrap();
    assert_eq!(seen.0.len(), 2);
    for (signature, body) in &seen.0 {
        assert!(verify(signature, body), "{signature}");
        assert_eq!(serde_json::from_str::<Value>(body).unwrap(), event);
    }
    assert_eq!(stripe.sandbox.events().len(), 1, "it is the same event");
}

/// Source: <https://docs.stripe.com/connect/webhooks>, and for thin events
/// <https://docs.stripe.com/api/v2/core/event-destinations/event-types>
#[tokio::test]
async fn thin_events_and_those_of_elsewhere_are_sent_by_hand() {
    let (url, seen) = shop(&[]).await;
    let stripe = stripe_for(Some(url), 1).await;
    let session = stripe.session("price_mug", "1", &[]).await;
    stripe.press(&session, "pay", &[]).await;
    let event = stripe.sandbox.events().pop().unwrap();
    stripe.sandbox.settled().await;
    let before = seen.lock().unwrap().0.len();

    let sent = [
        stripe.sandbox.send_thin(id(&event)).unwrap(),
        stripe.sandbox.send_ping().unwrap(),
        stripe.sandbox.send_of_account(id(&event), "acct_1Other").unwrap(),
        stripe.sandbox.send_of_other_mode(id(&event)).unwrap(),
    ];
    for path in ["ping", "thin", "account", "mode"] {
        let path = match path {
            "ping" => "/sandbox/ping".to_owned(),
            sending => format!("/sandbox/events/{}/{sending}", id(&event)),
        };
        assert_eq!(stripe.send(Method::POST, &path, &[], String::new()).await.status, 303, "{path}");
    }
    let unknown = stripe.send(Method::POST, "/sandbox/events/evt_x/thin", &[], String::new()).await;
    stripe.sandbox.settled().await;

    let [thin, ping, of_account, of_mode] = &sent;
    sent.iter().for_each(conforms);
    assert_eq!(thin["type"], "v1.checkout.session.completed");
    assert_eq!(
        thin["related_object"],
        json!({ "id": id(&session), "type": "checkout.session", "url": session_path(&session) })
    );
    assert_eq!((&thin["snapshot_event"], &thin["data"]), (&event["id"], &Value::Null));
    let created = thin["created"].as_str().unwrap();
    assert!(created.len() == "2026-09-30T00:00:00.000Z".len() && created.ends_with('Z'), "{created}");
    assert_eq!(ping["type"], "v2.core.event_destination.ping");
    assert_eq!((&of_account["account"], &of_account["livemode"]), (&json!("acct_1Other"), &json!(false)));
    assert_eq!((&of_mode["livemode"], &of_mode["data"]["object"]["livemode"]), (&json!(true), &json!(true)));
    assert_eq!(of_mode["data"]["object"]["id"], id(&session));
    let seen = seen.lock().unwrap();
    let arrived: Vec<Value> = seen.0[before..].iter().map(|(_, body)| serde_json::from_str(body).unwrap()).collect();
    assert_eq!(arrived.len(), 8);
    assert!(sent.iter().all(|event| arrived.contains(event)));
    let ids: HashSet<&str> = arrived.iter().map(id).chain([id(&event)]).collect();
    assert_eq!(ids.len(), 9, "each has an id of its own");
    assert_eq!(unknown.status, 404);
}
