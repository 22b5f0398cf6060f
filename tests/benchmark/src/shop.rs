//! A shop to measure with: catalogue, carts, sessions, and the events that API Gateway makes of requests.

use std::path::PathBuf;
use std::time::Duration;

use local::{Options, Stack, StripeAt};
use serde_json::{Value, json};
use settings::Environment;
use stripe_sandbox::Sandbox;
use tokio::sync::Mutex;

use crate::Failure;
use crate::artifacts::Artifacts;
use crate::lambda::{self, Lambda};
use crate::wire::Wire;

/// A shop in which the functions of one version are measured.
///
/// DynamoDB, behind the wire, and Stripe are those of the stack that `cargo run` serves, on free ports. The stack's own
/// functions stay out of it: the tables are copies of theirs, and what is in them was written by the measured version.
pub(crate) struct Shop {
    stack: Stack,
    pub(crate) wire: Wire,
    client: reqwest::Client,
    catalogue: PathBuf,
    /// Fills carts.
    add: Mutex<Lambda>,
    /// Makes sessions of them.
    checkout: Mutex<Lambda>,
}

/// A shopper's cart.
#[derive(Clone, Debug)]
pub(crate) struct Cart {
    token: String,
    number: String,
}

/// The settings that name tables, the names for the functions, and those for the stack.
const TABLES: [(&str, &str, &str); 4] = [
    ("CARTS_TABLE", "carts", "stack-carts"),
    ("CATALOG_TABLE", "catalog", "stack-catalog"),
    ("ORDERS_TABLE", "orders", "stack-orders"),
    ("ORDER_INDEX_TABLE", "order-index", "stack-order-index"),
];

/// The other settings that functions get from template.yaml, of all versions that may be compared.
const SETTINGS: [&str; 11] = [
    "SHOP_ID",
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
    /// Opens a shop that sells one product for each of `prices` prices.
    pub(crate) async fn open(artifacts: &Artifacts, prices: usize) -> Result<Self, Failure> {
        let catalogue = std::env::temp_dir().join(format!("cartwright-benchmark-{}.json", std::process::id()));
        std::fs::write(&catalogue, catalogue_of(prices).to_string())?;
        let mut environment = Environment::from_iter(TABLES.map(|(setting, _, stack)| (setting, stack)));
        environment.set("SHOP_ID", "benchmark");
        // A busy machine is no outage.
        environment.set("DYNAMODB_TIMEOUT_MS", "10000");
        environment.set("STRIPE_TIMEOUT_MS", "20000");
        let options = Options { catalog: Some(catalogue.clone()), environment, ..Options::default() };
        let stack = Stack::start(options).await?;
        // The stack would take part in what is measured.
        sandbox(&stack)?.pause_webhooks(true);
        let wire = Wire::to(stack.dynamodb_url()).await?;
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_mins(1))
            .build()?;
        for (_, copy, table) in TABLES {
            copy_table(&client, stack.dynamodb_url(), table, copy).await?;
        }

        let start = async |binary: &str| {
            let path = artifacts.path(binary);
            let environment = [lambda::environment(&path), settings_of(&stack, &wire)].concat();
            Lambda::start(&[path.display().to_string()], &environment).await
        };
        let mut sync = start("sync").await?;
        sync.invoke(&json!({})).await?;
        sync.end().await?;
        let (add, checkout) = (start("add").await?.into(), start("checkout").await?.into());
        Ok(Self { stack, wire, client, catalogue, add, checkout })
    }

    /// What a function finds in its environment besides what Lambda puts there.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        settings_of(&self.stack, &self.wire)
    }

    /// Opens a cart of `lines` lines.
    pub(crate) async fn cart(&self, lines: usize) -> Result<Cart, Failure> {
        let items: Vec<_> = (0..lines).map(|line| json!({ "price": price_id(line), "quantity": 2 })).collect();
        let mut event = event("POST", "/cart/add", "", Some(json!({ "items": items }).to_string()));
        // A browser's request without a token has to come from an allowed origin; a program has none.
        event["headers"].as_object_mut().map(|headers| headers.remove("origin"));
        let answer = self.add.lock().await.invoke(&event).await?;
        let token = answer["headers"]["cart-token"].as_str().unwrap_or_default().to_owned();
        let number = body(&answer)?["number"].as_str().unwrap_or_default().to_owned();
        Ok(Cart { token, number })
    }

    /// Pays a cart of `lines` lines, and returns the signed event that says so. It is the first to say so.
    pub(crate) async fn paid(&self, lines: usize) -> Result<Value, Failure> {
        let cart = self.cart(lines).await?;
        let answer = self.checkout.lock().await.invoke(&cart.checkout()).await?;
        let session = body(&answer)?;
        let page = session["url"].as_str().unwrap_or_default();
        let press = self.client.post(page).header("content-type", "application/x-www-form-urlencoded");
        press.body("action=pay").send().await?;
        let sandbox = sandbox(&self.stack)?;
        let events = sandbox.events();
        let told = events.iter().rfind(|event| event["type"] == "checkout.session.completed");
        let (body, signature) = sandbox.signed(told.ok_or_else(|| Failure::Shop("nothing was paid".to_owned()))?);
        let mut event = event("POST", "/stripe/webhook", "", Some(body));
        event["headers"]["stripe-signature"] = signature.into();
        Ok(event)
    }

    /// How many requests Stripe has had.
    pub(crate) fn stripe_requests(&self) -> Result<usize, Failure> {
        Ok(sandbox(&self.stack)?.requests().len())
    }
}

fn sandbox(stack: &Stack) -> Result<&Sandbox, Failure> {
    match stack.stripe() {
        StripeAt::Sandbox(sandbox) => Ok(sandbox),
        StripeAt::Elsewhere(_) => Err(Failure::Shop("STRIPE_SECRET_KEY is set".to_owned())),
    }
}

fn settings_of(stack: &Stack, wire: &Wire) -> Vec<(String, String)> {
    let tables = TABLES.map(|(setting, table, _)| (setting, table.to_owned()));
    let settings = SETTINGS.iter().filter_map(|name| Some((*name, stack.environment().get(name)?.to_owned())));
    let own = [
        ("AWS_ENDPOINT_URL_DYNAMODB", wire.url.clone()),
        ("SSL_CERT_FILE", wire.certificate.display().to_string()),
        ("DYNAMODB_TIMEOUT_MS", "10000".to_owned()),
        ("STRIPE_TIMEOUT_MS", "20000".to_owned()),
    ];
    tables.into_iter().chain(settings).chain(own).map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Creates `copy`, a table like `table`, without what is in it.
async fn copy_table(client: &reqwest::Client, url: &str, table: &str, copy: &str) -> Result<(), Failure> {
    let described = fixtures::call(client, url, "DescribeTable", &json!({ "TableName": table })).await?;
    let table = &described["Table"];
    let mut created = json!({
        "TableName": copy,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": table["AttributeDefinitions"],
        "KeySchema": table["KeySchema"],
    });
    if let Some(indexes) = table["GlobalSecondaryIndexes"].as_array() {
        let index = |index: &Value| {
            json!({
                "IndexName": index["IndexName"],
                "KeySchema": index["KeySchema"],
                "Projection": index["Projection"],
            })
        };
        created["GlobalSecondaryIndexes"] = indexes.iter().map(index).collect();
    }
    fixtures::call(client, url, "CreateTable", &created).await?;
    Ok(())
}

/// The body of a function's answer, which is a success.
fn body(answer: &Value) -> Result<Value, Failure> {
    if answer["statusCode"] != 200 {
        return Err(Failure::Shop(answer.to_string()));
    }
    Ok(serde_json::from_str(answer["body"].as_str().unwrap_or_default())?)
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
        // For `minimal`, which has no tokens.
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
