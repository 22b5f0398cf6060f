//! A small client for the sandbox under test.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use stripe_sandbox::{Catalog, Config, Sandbox, StartError};
use tokio::net::TcpListener;

/// Any secret key will do.
const KEY: (&str, &str) = ("authorization", "Bearer sk_test_sandbox");

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The object of a successful answer.
    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json()
    }

    /// The status, code and parameter of a refusal.
    #[track_caller]
    pub(crate) fn refused(&self) -> (u16, String, String) {
        assert!(self.status >= 400, "not refused: {}", self.text);
        let error = &self.json()["error"];
        let text = |name: &str| error[name].as_str().unwrap_or("").to_owned();
        assert!(!text("message").is_empty() && !text("type").is_empty(), "{}", self.text);
        (self.status, text("code"), text("param"))
    }

    pub(crate) fn message(&self) -> String {
        self.json()["error"]["message"].as_str().unwrap_or("").to_owned()
    }
}

/// A sandbox with the sample catalogue, and a client for it.
pub(crate) struct Stripe {
    pub(crate) sandbox: Sandbox,
    http: Http<HttpConnector, Full<Bytes>>,
}

pub(crate) async fn stripe() -> Stripe {
    stripe_with(Config { catalog: Catalog::sample(), ..Config::default() }).await
}

pub(crate) async fn stripe_with(config: Config) -> Stripe {
    try_stripe_with(config).await.unwrap()
}

/// A sandbox that may not start.
pub(crate) async fn try_stripe_with(config: Config) -> Result<Stripe, StartError> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sandbox = Sandbox::start(listener, config).await?;
    Ok(Stripe { sandbox, http: Http::builder(TokioExecutor::new()).build_http() })
}

pub(crate) fn encode(form: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = form.iter().map(|(key, value)| format!("{}={}", escape(key), escape(value))).collect();
    pairs.join("&")
}

fn escape(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

impl Stripe {
    pub(crate) async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: String) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.sandbox.url()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::from(body)).unwrap();
        let answer = tokio::time::timeout(Duration::from_secs(10), self.http.request(request));
        let (parts, body) = answer.await.unwrap().unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[KEY], String::new()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, &[KEY], String::new()).await
    }

    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.post_with(path, form, &[]).await
    }

    pub(crate) async fn post_keyed(&self, key: &str, path: &str, form: &[(&str, &str)]) -> Answer {
        self.post_with(path, form, &[("idempotency-key", key)]).await
    }

    async fn post_with(&self, path: &str, form: &[(&str, &str)], more: &[(&str, &str)]) -> Answer {
        let mut headers = vec![KEY, ("content-type", "application/x-www-form-urlencoded")];
        headers.extend(more);
        self.send(Method::POST, path, &headers, encode(form)).await
    }

    /// A new session in payment mode for `quantity` of `price`.
    pub(crate) async fn session(&self, price: &str, quantity: &str, more: &[(&str, &str)]) -> Value {
        self.try_session("payment", price, quantity, more).await.ok()
    }

    pub(crate) async fn subscription(&self, price: &str, more: &[(&str, &str)]) -> Value {
        self.try_session("subscription", price, "1", more).await.ok()
    }

    pub(crate) async fn try_session(&self, mode: &str, price: &str, quantity: &str, extra: &[(&str, &str)]) -> Answer {
        let mut fields = vec![
            ("mode", mode),
            ("line_items[0][price]", price),
            ("success_url", "https://shop.example/thanks?session_id={CHECKOUT_SESSION_ID}"),
            ("cancel_url", "https://shop.example/cart"),
        ];
        if !quantity.is_empty() {
            fields.push(("line_items[0][quantity]", quantity));
        }
        fields.extend(extra);
        self.post("/v1/checkout/sessions", &fields).await
    }

    pub(crate) async fn reload(&self, session: &Value) -> Value {
        self.get(&session_path(session)).await.ok()
    }

    /// The line items of a session; `query` is what follows the path.
    pub(crate) async fn line_items(&self, session: &Value, query: &str) -> Value {
        self.get(&format!("{}/line_items{query}", session_path(session))).await.ok()
    }

    /// The payment of a session.
    pub(crate) async fn intent(&self, session: &Value) -> Value {
        self.get(&format!("/v1/payment_intents/{}", text(session, "payment_intent"))).await.ok()
    }

    /// The payment of a new session that is paid.
    pub(crate) async fn paid_intent(&self) -> String {
        let session = self.session("price_mug", "1", &[]).await;
        self.press(&session, "pay", &[]).await;
        text(&self.reload(&session).await, "payment_intent").to_owned()
    }

    /// The session with what these fields name in their place.
    pub(crate) async fn expanded(&self, session: &Value, fields: &[&str]) -> Value {
        let query: Vec<String> = fields.iter().map(|field| format!("expand[]={field}")).collect();
        self.get(&format!("{}?{}", session_path(session), query.join("&"))).await.ok()
    }

    pub(crate) async fn expire(&self, session: &Value) -> Answer {
        self.post(&format!("{}/expire", session_path(session)), &[]).await
    }

    /// The hosted page.
    pub(crate) async fn page(&self, session: &Value) -> Answer {
        self.send(Method::GET, &format!("/c/pay/{}", id(session)), &[], String::new()).await
    }

    /// Presses a button of the hosted page.
    pub(crate) async fn press(&self, session: &Value, action: &str, more: &[(&str, &str)]) -> Answer {
        let mut form = vec![("action", action)];
        form.extend(more);
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        self.send(Method::POST, &format!("/c/pay/{}", id(session)), &headers, encode(&form)).await
    }

    /// The types of all events so far.
    pub(crate) fn event_types(&self) -> Vec<String> {
        self.sandbox.events().iter().map(|event| text(event, "type").to_owned()).collect()
    }
}

pub(crate) fn id(object: &Value) -> &str {
    text(object, "id")
}

/// The text in a field, such as the id of another object.
pub(crate) fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object[field].as_str().unwrap()
}

/// The entries of a list.
pub(crate) fn entries(list: &Value) -> &[Value] {
    list["data"].as_array().unwrap()
}

/// The ids of a list's entries.
pub(crate) fn ids(list: &Value) -> Vec<&str> {
    entries(list).iter().map(id).collect()
}

/// Where the API has a session.
pub(crate) fn session_path(session: &Value) -> String {
    format!("/v1/checkout/sessions/{}", id(session))
}

/// Seconds since 1970.
pub(crate) fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
