//! A shop to measure with: catalogue, carts, sessions, and the events that API Gateway makes of requests.

use std::path::PathBuf;
use std::time::Duration;

use local::{Options, Stack, StripeAt};
use serde_json::{Value, json};
use settings::Environment;
use stripe_sandbox::Sandbox;

use crate::Failure;
use crate::wire::Wire;

/// The stack that `cargo run` serves, on free ports, with DynamoDB behind the wire.
pub(crate) struct Shop {
    stack: Stack,
    pub(crate) wire: Wire,
    client: reqwest::Client,
    catalogue: PathBuf,
}

/// A shopper's cart.
#[derive(Clone, Debug)]
pub(crate) struct Cart {
    token: String,
    number: String,
}

/// The settings that functions get from template.yaml.
const SETTINGS: [&str; 13] = [
    "CARTS_TABLE",
    "CATALOG_TABLE",
    "ORDERS_TABLE",
    "CART_TTL_DAYS",
    "DEFAULT_CURRENCY",
    "SHOP_LOCALE",
    "SUCCESS_URL",
    "CANCEL_URL",
    "SYNC_MODE",
    "SYNC_TAG",
    "STRIPE_API_URL",
    "STRIPE_SECRET_KEY",
    "STRIPE_WEBHOOK_SECRET",
];

impl Shop {
    /// A shop that sells one product for each of so many prices.
    pub(crate) async fn open(prices: usize) -> Result<Self, Failure> {
        let catalogue = std::env::temp_dir().join(format!("cartwright-benchmark-{}.json", std::process::id()));
        std::fs::write(&catalogue, catalogue_of(prices).to_string())?;
        let options = Options {
            catalog: Some(catalogue.clone()),
            // A busy machine is no outage.
            environment: Environment::from_iter([("DYNAMODB_TIMEOUT_MS", "10000"), ("STRIPE_TIMEOUT_MS", "20000")]),
            ..Options::default()
        };
        let stack = Stack::start(options).await?;
        let wire = Wire::to(stack.dynamodb_url()).await?;
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_mins(1))
            .build()?;
        Ok(Self { stack, wire, client, catalogue })
    }

    /// What a function finds in its environment besides what Lambda puts there.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let settings = self.stack.environment();
        let settings = SETTINGS.iter().filter_map(|name| Some(((*name).to_owned(), settings.get(name)?.to_owned())));
        let own = [
            ("AWS_ENDPOINT_URL_DYNAMODB", self.wire.url.clone()),
            ("SSL_CERT_FILE", self.wire.certificate.display().to_string()),
            ("DYNAMODB_TIMEOUT_MS", "10000".to_owned()),
            ("STRIPE_TIMEOUT_MS", "20000".to_owned()),
        ];
        settings.chain(own.map(|(name, value)| (name.to_owned(), value))).collect()
    }

    /// A new cart of so many lines.
    pub(crate) async fn cart(&self, lines: usize) -> Result<Cart, Failure> {
        let items: Vec<_> = (0..lines).map(|line| json!({ "price": price_id(line), "quantity": 2 })).collect();
        let url = format!("{}/cart/add", self.stack.url());
        let answer = self.client.post(url).json(&json!({ "items": items })).send().await?.error_for_status()?;
        let token = answer.headers().get("cart-token").and_then(|token| token.to_str().ok()).unwrap_or_default();
        let token = token.to_owned();
        let number = answer.json::<Value>().await?["number"].as_str().unwrap_or_default().to_owned();
        Ok(Cart { token, number })
    }

    /// The signed event that tells that a cart of so many lines was paid, before anybody else tells it.
    pub(crate) async fn paid(&self, lines: usize) -> Result<Value, Failure> {
        let cart = self.cart(lines).await?;
        let sandbox = self.sandbox()?;
        sandbox.pause_webhooks(true);
        let checkout = self.client.post(format!("{}/cart/checkout", self.stack.url())).header("cart-token", cart.token);
        let session: Value = checkout.json(&json!({})).send().await?.error_for_status()?.json().await?;
        let page = session["url"].as_str().unwrap_or_default();
        let press = self.client.post(page).header("content-type", "application/x-www-form-urlencoded");
        press.body("action=pay").send().await?;
        let events = sandbox.events();
        let told = events.iter().rfind(|event| event["type"] == "checkout.session.completed");
        let (body, signature) = sandbox.signed(told.ok_or_else(|| Failure::Shop("nothing was paid".to_owned()))?);
        let mut event = event("POST", "/stripe/webhook", "", Some(body));
        event["headers"]["stripe-signature"] = signature.into();
        Ok(event)
    }

    fn sandbox(&self) -> Result<&Sandbox, Failure> {
        match self.stack.stripe() {
            StripeAt::Sandbox(sandbox) => Ok(sandbox),
            StripeAt::Elsewhere(_) => Err(Failure::Shop("STRIPE_SECRET_KEY is set".to_owned())),
        }
    }

    /// How many requests Stripe has had.
    pub(crate) fn stripe_requests(&self) -> Result<usize, Failure> {
        Ok(self.sandbox()?.requests().len())
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.catalogue);
    }
}

impl Cart {
    pub(crate) fn get(&self) -> Value {
        self.event("GET", "/cart", None)
    }

    pub(crate) fn add(&self) -> Value {
        self.event("POST", "/cart/add", Some(json!({ "items": [{ "price": price_id(0) }] })))
    }

    pub(crate) fn update(&self) -> Value {
        self.event("POST", "/cart/update", Some(json!({ "updates": { price_id(0): { "quantity": 3 } } })))
    }

    pub(crate) fn clear(&self) -> Value {
        self.event("POST", "/cart/clear", None)
    }

    pub(crate) fn checkout(&self) -> Value {
        self.event("POST", "/cart/checkout", Some(json!({})))
    }

    fn event(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let mut event = event(method, path, "", body.map(|body| body.to_string()));
        event["headers"]["cart-token"] = self.token.as_str().into();
        // For the yardstick, which has no tokens.
        event["headers"]["cart-number"] = self.number.as_str().into();
        event
    }
}

/// The first page of the catalogue.
pub(crate) fn products() -> Value {
    event("GET", "/products", "limit=10", None)
}

fn event(method: &str, path: &str, query: &str, body: Option<String>) -> Value {
    let mut event = json!({
        "version": "2.0",
        "routeKey": format!("{method} {path}"),
        "rawPath": path,
        "rawQueryString": query,
        "headers": {
            "accept": "application/json",
            "content-type": "application/json",
            "host": "api.shop.example",
            "origin": "https://shop.example",
            "user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
            "x-amzn-trace-id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700",
            "x-forwarded-for": "203.0.113.7",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3d4e5",
            "domainName": "api.shop.example",
            "domainPrefix": "api",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": "Mozilla/5.0",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": format!("{method} {path}"),
            "stage": "$default",
            "time": "22/Nov/2026:12:00:00 +0000",
            "timeEpoch": 1_795_348_800_000_i64,
        },
        "isBase64Encoded": false,
    });
    if let Some(body) = body {
        event["body"] = body.into();
    }
    event
}

fn price_id(index: usize) -> String {
    format!("price_1{index:023}")
}

fn catalogue_of(prices: usize) -> Value {
    let products: Vec<_> = (0..prices)
        .map(|index| {
            json!({
                "id": format!("prod_{index:014}"),
                "object": "product",
                "active": true,
                "created": 1_700_000_000,
                "updated": 1_700_000_000,
                "name": format!("Stoneware mug, no. {index}"),
                "description": "Hand-thrown in Portugal, holds 350 ml, safe in the dishwasher.",
                "images": [format!("https://files.stripe.com/links/MDB8YWNjdF8x{index:020}")],
                "metadata": { "category": "kitchen" },
                "shippable": true,
                "tax_code": "txcd_99999999",
            })
        })
        .collect();
    let prices: Vec<_> = (0..prices)
        .map(|index| {
            let amount = 1250 + index;
            json!({
                "id": price_id(index),
                "object": "price",
                "active": true,
                "billing_scheme": "per_unit",
                "created": 1_700_000_000,
                "currency": "usd",
                "product": format!("prod_{index:014}"),
                "tax_behavior": "unspecified",
                "type": "one_time",
                "unit_amount": amount,
                "unit_amount_decimal": amount.to_string(),
            })
        })
        .collect();
    json!({ "products": products, "prices": prices })
}
