//! A shop of its own for every test: the whole stack on free ports, and visitors with carts.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use local::{Options, Stack, StripeAt};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use settings::Environment;
use stripe_sandbox::{Catalog, Config, Sandbox};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::wire::{self, Wire};

use crate::contract;

/// The running bundle.
pub(crate) struct Shop {
    stack: Stack,
    client: Client,
    wired: Option<Wired>,
}

/// What a shop on wires has beside the stack.
struct Wired {
    wire: Wire,
    sandbox: Sandbox,
    _database: Option<oneshot::Sender<()>>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

/// Somebody with a cart, or without one yet.
pub(crate) struct Visitor<'a> {
    shop: &'a Shop,
    token: Mutex<Option<String>>,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        Self::open_with([]).await
    }

    /// A shop with these settings.
    pub(crate) async fn open_with<const N: usize>(settings: [(&str, &str); N]) -> Self {
        let environment = Environment::from_iter(settings);
        Self::start(Options { environment, ..Options::default() }).await
    }

    /// A shop that sells what this catalogue of Stripe's objects says.
    pub(crate) async fn open_on<const N: usize>(catalogue: &Value, settings: [(&str, &str); N]) -> Self {
        let file = std::env::temp_dir().join(format!("cartwright-{}.json", unique()));
        std::fs::write(&file, catalogue.to_string()).unwrap();
        let catalog = Some(file.clone());
        let environment = Environment::from_iter(settings);
        let shop = Self::start(Options { catalog, environment, ..Options::default() }).await;
        std::fs::remove_file(file).unwrap();
        shop
    }

    /// The same shop once more, which reaches DynamoDB at this URL.
    pub(crate) async fn behind<const N: usize>(&self, dynamodb_url: &str, settings: [(&str, &str); N]) -> Self {
        let mut environment = self.stack.environment().clone();
        for (name, value) in settings {
            environment.set(name, value);
        }
        let dynamodb_url = Some(dynamodb_url.to_owned());
        Self::start(Options { dynamodb_url, environment, ..Options::default() }).await
    }

    async fn start(mut options: Options) -> Self {
        // Shown for tests that fail: why a request was answered with a 5xx.
        let levels = Targets::new().with_default(LevelFilter::ERROR).with_target("dynoxide", LevelFilter::OFF);
        let lines = tracing_subscriber::fmt::layer().with_test_writer();
        let _ = tracing_subscriber::registry().with(lines).with(levels).try_init();
        share_database(&mut options.environment, &mut options.dynamodb_url);
        Self { stack: Stack::start(options).await.unwrap(), client: client(), wired: None }
    }

    /// A shop with these settings whose calls to DynamoDB and Stripe can be counted and broken. Webhooks are paused.
    pub(crate) async fn open_on_wires<const N: usize>(settings: [(&str, &str); N]) -> Self {
        const SECRET: &str = "whsec_wires";
        let mut environment = Environment::from_iter(settings);
        let mut dynamodb_url = None;
        share_database(&mut environment, &mut dynamodb_url);
        let (dynamodb_url, database) = if let Some(url) = dynamodb_url {
            (url, None)
        } else {
            let (url, stop) = wire::database().await;
            (url, Some(stop))
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let config = Config { catalog: Catalog::sample(), webhook_secret: SECRET.to_owned(), ..Config::default() };
        let sandbox = Sandbox::start(listener, config).await.unwrap();
        sandbox.pause_webhooks(true);
        let (wire, [dynamodb_url, stripe_url]) = Wire::to([&dynamodb_url, &sandbox.url()]).await;
        environment.set("STRIPE_SECRET_KEY", "sk_test_wires");
        environment.set("STRIPE_API_URL", stripe_url);
        environment.set("STRIPE_WEBHOOK_SECRET", SECRET);
        // Warm functions are what is counted.
        environment.set_default("CATALOG_CACHE_SECONDS", "60");
        let options = Options { dynamodb_url: Some(dynamodb_url), environment, ..Options::default() };
        let stack = Stack::start(options).await.unwrap();
        Self { stack, client: client(), wired: Some(Wired { wire, sandbox, _database: database }) }
    }

    pub(crate) fn wire(&self) -> &Wire {
        &self.wired.as_ref().unwrap().wire
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        if let Some(wired) = &self.wired {
            return &wired.sandbox;
        }
        match self.stack.stripe() {
            StripeAt::Sandbox(sandbox) => sandbox,
            StripeAt::Elsewhere(url) => panic!("the tests need the sandbox, not {url}"),
        }
    }

    pub(crate) fn stack(&self) -> &Stack {
        &self.stack
    }

    pub(crate) fn visitor(&self) -> Visitor<'_> {
        Visitor { shop: self, token: Mutex::default() }
    }

    pub(crate) fn visitor_with(&self, token: &str) -> Visitor<'_> {
        Visitor { shop: self, token: Mutex::new(Some(token.to_owned())) }
    }

    /// Any request to the API, or to a full URL. An answer of the API that openapi.yaml does not document fails the test.
    pub(crate) async fn send(&self, method: Method, url: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let own = url.strip_prefix(self.stack.url()).unwrap_or(url).to_owned();
        let url = if url.starts_with("http") { url.to_owned() } else { format!("{}{url}", self.stack.url()) };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap());
        }
        let response = self.client.request(method.clone(), url).headers(map).body(body).send().await.unwrap();
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await.unwrap();
        if own.starts_with('/') {
            contract::check(&method, &own, status, &headers, &text);
        }
        Answer { status, headers, text }
    }

    pub(crate) async fn get(&self, url: &str) -> Answer {
        self.send(Method::GET, url, &[], Vec::new()).await
    }

    /// A request to Stripe's API, as the merchant's dashboard makes it; its events are delivered.
    pub(crate) async fn stripe(&self, method: Method, path: &str, form: &str) -> Value {
        let headers = [("authorization", "Bearer sk_test_x"), ("content-type", "application/x-www-form-urlencoded")];
        let url = format!("{}{path}", self.sandbox().url());
        let answer = self.send(method, &url, &headers, form.as_bytes().to_vec()).await.ok();
        self.sandbox().settled().await;
        answer
    }

    pub(crate) async fn order(&self, number: &str) -> Answer {
        self.get(&format!("/orders/{number}")).await
    }

    /// Presses a button on the hosted page of a session.
    pub(crate) async fn press(&self, session: &Value, action: &str) -> Answer {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let body = format!("action={action}").into_bytes();
        self.send(Method::POST, session["url"].as_str().unwrap(), &headers, body).await
    }

    /// Pays a session without ever coming back to the shop: only the webhook tells. Returns the order's number.
    pub(crate) async fn pay(&self, session: &Value) -> String {
        assert_eq!(self.press(session, "pay").await.status, 303);
        self.sandbox().settled().await;
        order_number(session)
    }

    /// Delivers an event to the webhook, freshly signed.
    pub(crate) async fn deliver(&self, event: &Value) -> Answer {
        let (body, signature) = self.sandbox().signed(event);
        let headers = [("content-type", "application/json"), ("stripe-signature", signature.as_str())];
        self.send(Method::POST, "/stripe/webhook", &headers, body.into_bytes()).await
    }

    /// The last event of this type.
    pub(crate) fn event(&self, kind: &str) -> Value {
        let events = self.sandbox().events();
        events.into_iter().rfind(|event| event["type"] == kind).unwrap_or_else(|| panic!("no {kind} happened"))
    }

    /// How many requests of this method and path Stripe has seen.
    pub(crate) fn stripe_requests(&self, method: &str, path: &str) -> usize {
        let requests = self.sandbox().requests();
        requests.iter().filter(|request| request.method == method && request.path == path).count()
    }
}

/// The number of the order that a session makes.
pub(crate) fn order_number(session: &Value) -> String {
    cart::OrderNumber::of_session(&session["id"].as_str().unwrap().parse().unwrap()).to_string()
}

impl Visitor<'_> {
    pub(crate) fn token(&self) -> Option<String> {
        self.token.lock().unwrap().clone()
    }

    /// Any request with the visitor's token, which a new one in the answer replaces.
    pub(crate) async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let token = self.token();
        let mut headers = headers.to_vec();
        if let Some(token) = &token {
            headers.push(("cart-token", token));
        }
        let answer = self.shop.send(method, path, &headers, body).await;
        if let Some(token) = answer.header("cart-token") {
            *self.token.lock().unwrap() = Some(token.to_owned());
        }
        answer
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, &[("content-type", "application/json")], body.to_string().into_bytes()).await
    }

    pub(crate) async fn post_form(&self, path: &str, body: &str) -> Answer {
        let headers = [("content-type", "application/x-www-form-urlencoded; charset=UTF-8")];
        self.send(Method::POST, path, &headers, body.as_bytes().to_vec()).await
    }

    pub(crate) async fn cart(&self) -> Value {
        self.send(Method::GET, "/cart", &[], Vec::new()).await.ok()
    }

    pub(crate) async fn add(&self, price: &str, quantity: u32) -> Answer {
        self.post("/cart/add", json!({ "items": [{ "price": price, "quantity": quantity }] })).await
    }

    pub(crate) async fn set(&self, price: &str, quantity: u32) -> Answer {
        self.update(json!({ "updates": { price: { "quantity": quantity } } })).await
    }

    pub(crate) async fn update(&self, body: Value) -> Answer {
        self.post("/cart/update", body).await
    }

    /// Without a body and without a content type, as a plain button does it.
    pub(crate) async fn clear(&self) -> Answer {
        self.send(Method::POST, "/cart/clear", &[], Vec::new()).await
    }

    /// Without a body and without a content type, as a plain button does it.
    pub(crate) async fn checkout(&self) -> Answer {
        self.send(Method::POST, "/cart/checkout", &[], Vec::new()).await
    }
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The body of a success.
    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json()
    }

    /// The code of an error with this status.
    #[track_caller]
    pub(crate) fn error(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.text);
        let body = self.json();
        assert_eq!(body["status"], status);
        assert_eq!(body["error"], true);
        body["code"].as_str().unwrap().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    #[track_caller]
    pub(crate) fn location(&self) -> &str {
        assert_eq!(self.status, 303, "{}", self.text);
        self.header("location").unwrap()
    }
}

fn client() -> Client {
    Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

/// Uses the database of `CARTWRIGHT_DYNAMODB_URL`, where that is set, unless another one is chosen already.
fn share_database(environment: &mut Environment, dynamodb_url: &mut Option<String>) {
    if dynamodb_url.is_none()
        && let Some(url) = Environment::of_process().get("CARTWRIGHT_DYNAMODB_URL")
    {
        // Tests share that database: every shop has tables of its own.
        for table in ["CARTS_TABLE", "CATALOG_TABLE", "ORDERS_TABLE"] {
            environment.set_default(table, format!("{table}-{}", unique()));
        }
        *dynamodb_url = Some(url.to_owned());
    }
}

fn unique() -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let nanoseconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    format!("{}-{nanoseconds}-{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed))
}
