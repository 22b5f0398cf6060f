//! Secrets in Parameter Store, which are replaced while functions run.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use checkout::Checkout;
use fixtures::proxy::{Proxy, forward, json};
use fixtures::{Shop, stripe_signature};
use reqwest::Method;
use secrets::Secrets;
use serde_json::{Value, json};
use services::Services;
use stripe_webhook::StripeWebhook;
use web::Endpoint;

/// A Parameter Store; dropping it closes it.
struct ParameterStore {
    parameters: Arc<Mutex<BTreeMap<String, String>>>,
    server: Proxy,
}

impl ParameterStore {
    async fn open() -> Self {
        let parameters: Arc<Mutex<BTreeMap<String, String>>> = Arc::default();
        let held = Arc::clone(&parameters);
        let server = Proxy::start(None, move |_, body| {
            let asked: Value = serde_json::from_slice(&body).unwrap();
            let held = held.lock().unwrap();
            let names = asked["Names"].as_array().unwrap().iter().map(|name| name.as_str().unwrap());
            let found: Vec<_> = names.map(|name| json!({ "Name": name, "Value": held[name] })).collect();
            let answer = json(200, json!({ "Parameters": found, "InvalidParameters": [] }).to_string());
            async move { Ok(answer) }
        });
        Self { parameters, server: server.await.unwrap() }
    }

    fn put(&self, name: &str, value: &str) {
        self.parameters.lock().unwrap().insert(name.to_owned(), value.to_owned());
    }

    /// The shop's services as they are in AWS, where settings name the parameters of secrets.
    async fn services(&self, shop: &Shop, names: &[&str]) -> Services {
        let mut services = shop.stack().services().clone();
        services.environment.set("AWS_ENDPOINT_URL_SSM", format!("http://127.0.0.1:{}", self.server.port()));
        for name in names {
            services.environment.set(name, "");
            services.environment.set(&format!("{name}_PARAMETER"), *name);
        }
        services.secrets = Secrets::read(&services.environment, names, &services.https).await.unwrap();
        services
    }
}

/// Lets a minute pass, for those who look at the clock of this runtime.
async fn a_minute_later() {
    tokio::time::pause();
    tokio::time::advance(Duration::from_mins(1)).await;
    tokio::time::resume();
}

/// What an endpoint of the shop answers: the status, `Retry-After` and the body.
async fn answer(
    endpoint: &impl Endpoint,
    services: &Services,
    headers: &[(&str, &str)],
    body: &str,
) -> (u16, Option<String>, Value) {
    let mut request =
        lambda_http::http::Request::builder().method(Method::POST).uri("/").header("host", "api.shop.example");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(lambda_http::Body::from(body)).unwrap();
    let answer = web::answer(endpoint, &web::Log::new(&services.environment), request).await;
    let retry_after = answer.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    (answer.status().as_u16(), retry_after, serde_json::from_slice(answer.body()).unwrap())
}

#[tokio::test]
async fn a_signing_secret_is_taken_within_a_minute_and_so_is_the_next() {
    const NAME: &str = "STRIPE_WEBHOOK_SECRET";
    let (shop, store) = (Shop::open().await, ParameterStore::open().await);
    store.put(NAME, "placeholder");
    let services = store.services(&shop, &[NAME]).await;
    let webhook = StripeWebhook::new(&services).unwrap();
    let event = json!({ "id": "evt_1", "type": "ping", "created": 1, "data": { "object": {} } }).to_string();
    let deliver = async |secret: &str| {
        let now = u64::try_from(jiff::Timestamp::now().as_second()).unwrap();
        let signature = stripe_signature(secret, now, event.as_bytes());
        answer(&webhook, &services, &[("stripe-signature", &signature)], &event).await
    };
    let (old, new) = ("whsec_old0123456789abcdef", "whsec_new0123456789abcdef");

    let (status, retry_after, body) = deliver("placeholder").await;
    assert_eq!((status, retry_after.as_deref(), &body["code"]), (503, Some("60"), &json!("webhook_secret_unusable")));
    assert!(body["message"].as_str().unwrap().contains("whsec_"), "{body}");
    store.put(NAME, &format!("\"{old}\"\n"));
    a_minute_later().await;
    assert_eq!(deliver(old).await.0, 200);

    store.put(NAME, new);
    assert_eq!(deliver(new).await.2["code"], "invalid_signature");
    a_minute_later().await;
    assert_eq!(deliver(new).await.0, 200);
    assert_eq!(deliver(old).await.0, 400);
}

#[tokio::test]
async fn events_are_of_the_mode_of_the_key_as_it_is_by_now() {
    const SIGNING: &str = "STRIPE_WEBHOOK_SECRET";
    const KEY: &str = "STRIPE_SECRET_KEY";
    let (shop, store) = (Shop::open().await, ParameterStore::open().await);
    let (of_test, of_live) = ("whsec_test0123456789abcdef", "whsec_live0123456789abcdef");
    store.put(KEY, "rk_test_1");
    store.put(SIGNING, of_test);
    let services = store.services(&shop, &[KEY, SIGNING]).await;
    let webhook = StripeWebhook::new(&services).unwrap();
    // Older than what the shop knows, so that Stripe is not asked.
    let deliver = async |livemode: bool, secret: &str| {
        let event = json!({
            "id": "evt_1", "object": "event", "type": "product.updated", "created": 1, "livemode": livemode,
            "data": { "object": { "id": "prod_mug", "object": "product", "name": "Old", "active": true } },
        });
        let now = u64::try_from(jiff::Timestamp::now().as_second()).unwrap();
        let signature = stripe_signature(secret, now, event.to_string().as_bytes());
        let (status, _, body) =
            answer(&webhook, &services, &[("stripe-signature", &signature)], &event.to_string()).await;
        (status, body["handled"].clone())
    };

    assert_eq!(deliver(false, of_test).await, (200, json!(true)));
    assert_eq!(deliver(true, of_test).await, (200, json!(false)));
    // The shop opens: both secrets are replaced, and the first event of live mode has them read.
    store.put(KEY, "rk_live_1");
    store.put(SIGNING, of_live);
    a_minute_later().await;
    assert_eq!(deliver(true, of_live).await, (200, json!(true)));
    assert_eq!(deliver(false, of_live).await, (200, json!(false)));
}

#[tokio::test]
async fn a_new_key_is_used_as_soon_as_stripe_does_not_know_the_old_one() {
    const NAME: &str = "STRIPE_SECRET_KEY";
    let (shop, store) = (Shop::open().await, ParameterStore::open().await);
    let (sandbox, client) = (shop.sandbox().url(), reqwest::Client::new());
    let stripe = Proxy::start(None, move |parts, body| {
        let (sandbox, client) = (sandbox.clone(), client.clone());
        async move {
            if parts.headers["authorization"] == "Bearer sk_test_old" {
                return Ok(json(
                    401,
                    r#"{"error":{"type":"invalid_request_error","message":"Invalid API Key provided"}}"#,
                ));
            }
            let answer = forward(&client, &sandbox, parts, body).await?;
            Ok(json(answer.status().as_u16(), answer.into_body()))
        }
    });
    let stripe = stripe.await.unwrap();
    store.put(NAME, "sk_test_old");
    let mut services = store.services(&shop, &[NAME]).await;
    services.environment.set("STRIPE_API_URL", format!("http://127.0.0.1:{}", stripe.port()));
    let checkout = Checkout::new(&services).unwrap();
    let token = shop.add("price_mug", 1).await.token().unwrap();
    let attempt = async || answer(&checkout, &services, &[("cart-token", &token)], "").await;

    store.put(NAME, "sk_test_new");
    assert_eq!(attempt().await.0, 500, "it was read within the last minute");
    a_minute_later().await;
    let (status, _, session) = attempt().await;

    assert_eq!((status, &session["status"]), (200, &json!("open")));
}
