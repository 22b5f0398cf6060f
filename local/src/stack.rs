//! The three servers, put together.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use services::Services;
use settings::Environment;
use stripe_sandbox::{Catalog, Config, Sandbox, StartError};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::bus::{EventBus, Published};
use crate::cors::Cors;
use crate::database::{self, Embedded};
use crate::functions::Functions;
use crate::gateway::Gateway;
use crate::streams::Streams;
use crate::{Error, Template};

/// What to start.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The port of the API and the sample shop; 0 takes a free one.
    pub port: u16,
    /// The port of the embedded DynamoDB; 0 takes a free one.
    pub dynamodb_port: u16,
    /// The port of the Stripe sandbox; 0 takes a free one.
    pub stripe_port: u16,
    /// Another DynamoDB than the embedded one. Without it `AWS_ENDPOINT_URL_DYNAMODB` or `AWS_ENDPOINT_URL` names one, unless
    /// `data` is given.
    pub dynamodb_url: Option<String>,
    /// The sandbox's catalogue, in JSON; without it, the sample.
    pub catalog: Option<PathBuf>,
    /// Where the embedded DynamoDB and the sandbox keep their data; without it, in memory.
    pub data: Option<PathBuf>,
    /// The settings of the functions; what is missing gets a default that fits the laptop.
    pub environment: Environment,
}

/// Where Stripe is.
#[derive(Debug)]
pub enum StripeAt {
    /// In this process.
    Sandbox(Sandbox),
    /// Elsewhere: the real one, or what `STRIPE_API_URL` says.
    Elsewhere(String),
}

impl StripeAt {
    /// Whether this is the real Stripe, and not something that answers in its place.
    #[must_use]
    pub fn is_real(&self) -> bool {
        matches!(self, Self::Elsewhere(url) if url.trim_end_matches('/') == STRIPE)
    }
}

/// The running stack; dropping it ends everything.
pub struct Stack {
    url: String,
    dynamodb_url: String,
    stripe: StripeAt,
    services: Services,
    gateway: JoinHandle<()>,
    sync: Arc<sync::Sync>,
    streams: Streams,
    bus: EventBus,
    _database: Option<Embedded>,
}

impl Stack {
    /// Starts everything on 127.0.0.1, creates the tables, and copies the catalogue.
    ///
    /// # Errors
    ///
    /// [`Error`] says what is in the way.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let template = Template::embedded()?;
        let listener = listen(options.port, "--port").await?;
        let host = listener.local_addr()?.to_string();
        let url = format!("http://{host}");
        let mut environment = options.environment;

        if let Some(url) = &options.dynamodb_url {
            set_dynamodb(&mut environment, url);
        }
        for name in URLS {
            environment.url(name)?;
        }
        // Whoever says where to keep the data wants the database that keeps it there.
        let elsewhere = environment.aws_endpoint("DYNAMODB")?.filter(|_| options.data.is_none());
        let (database, dynamodb_url) = if let Some(url) = elsewhere {
            (None, url.to_owned())
        } else {
            let listener = listen(options.dynamodb_port, "--dynamodb-port").await?;
            let url = format!("http://{}", listener.local_addr()?);
            (Some(Embedded::serve(listener, options.data.as_deref()).await?), url)
        };
        set_dynamodb(&mut environment, &dynamodb_url);
        let bus = EventBus::serve().await?;
        environment.set("AWS_ENDPOINT_URL_EVENTBRIDGE", bus.url());
        for (name, value) in DEFAULTS {
            environment.set_default(name, *value);
        }
        environment.set_default("SUCCESS_URL", format!("{url}/thank-you.html?order={{number}}"));
        environment.set_default("CANCEL_URL", format!("{url}/"));
        environment.set_default("STRIPE_WEBHOOK_SECRET", made_up_secret()?);
        let sandbox = SandboxOptions {
            port: options.stripe_port,
            catalog: options.catalog.as_deref(),
            data: options.data.as_deref(),
        };
        let stripe = stripe(&mut environment, sandbox, &url).await?;
        if environment.get("SHOP_ID").is_none() {
            environment.set("SHOP_ID", shop_id(&stripe, options.data.as_deref())?);
        }

        let services = Services::new(environment)?;
        let Services { environment, database: connection, .. } = &services;
        database::reach(connection, &dynamodb_url).await?;
        let mut streamed = Vec::new();
        for (resource, table) in &template.tables {
            let name = environment.required(&crate::template::setting_of_table(resource))?;
            database::create_table(connection, name, table).await?;
            streamed.extend(table.stream_specification.is_some().then(|| name.to_owned()));
        }
        let streams = Streams::new(&services, streamed)?;
        if options.data.is_some() {
            streams.skip().await?;
        }
        let origins = environment.list("ALLOWED_ORIGINS").map(str::to_owned).collect();
        let functions = Functions::new(&services)?;
        let sync = Arc::new(sync::Sync::new(&services)?);
        let gateway = Gateway::new(functions, Arc::clone(&sync), Cors::new(&template, origins), &template, host);
        let router = gateway.router(&template)?;
        let gateway = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the API stopped");
            }
        });

        let stack = Self { url, dynamodb_url, stripe, services, gateway, sync, streams, bus, _database: database };
        // Boxed: the future is large.
        match Box::pin(stack.run_sync()).await {
            // The log names what failed, such as a right that a key of yours lacks; the shop has something to sell.
            Err(error) if error.spared_catalogue() => {}
            run => drop(run.map_err(failed)?),
        }
        Ok(stack)
    }

    /// Copies products and prices from Stripe, as the `sync` function does.
    ///
    /// # Errors
    ///
    /// DynamoDB or Stripe fails.
    pub async fn sync(&self) -> Result<sync::Report, Error> {
        self.run_sync().await.map_err(failed)
    }

    async fn run_sync(&self) -> Result<sync::Report, sync::Error> {
        self.sync.run("local-sync", &sync::Asked::default()).await
    }

    /// Publishes what was written since the last call, as the `publish` function does.
    ///
    /// # Errors
    ///
    /// DynamoDB fails.
    pub async fn publish(&self) -> Result<(), Error> {
        // Boxed: the future is large.
        Box::pin(self.streams.publish()).await
    }

    /// The events that were published, from the oldest; the newest thousand.
    #[must_use]
    pub fn published(&self) -> Vec<Published> {
        self.bus.published()
    }

    /// Where the API and the sample shop are.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where DynamoDB is.
    #[must_use]
    pub fn dynamodb_url(&self) -> &str {
        &self.dynamodb_url
    }

    /// Where Stripe is.
    #[must_use]
    pub fn stripe(&self) -> &StripeAt {
        &self.stripe
    }

    /// The settings with which the functions run.
    #[must_use]
    pub fn environment(&self) -> &Environment {
        &self.services.environment
    }

    /// What the functions were made from.
    #[must_use]
    pub fn services(&self) -> &Services {
        &self.services
    }
}

#[expect(clippy::needless_pass_by_value, reason = "maps errors")]
fn failed(error: sync::Error) -> Error {
    Error::Sync(error.to_string())
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.gateway.abort();
    }
}

/// The settings that are URLs.
const URLS: &[&str] =
    &["AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL", "STRIPE_API_URL", "PUBLIC_URL", "SUCCESS_URL", "CANCEL_URL"];

/// The real Stripe.
const STRIPE: &str = "https://api.stripe.com";

/// Defaults that fit the laptop.
const DEFAULTS: &[(&str, &str)] = &[
    ("AWS_REGION", "us-east-1"),
    ("AWS_ACCESS_KEY_ID", "local"),
    ("AWS_SECRET_ACCESS_KEY", "local"),
    ("CARTS_TABLE", "carts"),
    ("CATALOG_TABLE", "catalog"),
    ("ORDERS_TABLE", "orders"),
    ("ORDER_INDEX_TABLE", "order-index"),
    ("EVENT_BUS", "local"),
    // Whoever tries the shop wants to see a change at once.
    ("CATALOG_CACHE_SECONDS", "0"),
];

/// What a sandbox is started with.
struct SandboxOptions<'a> {
    port: u16,
    catalog: Option<&'a Path>,
    data: Option<&'a Path>,
}

/// The real Stripe where there is a key for it, else a sandbox, for the API at `url`.
async fn stripe(environment: &mut Environment, options: SandboxOptions<'_>, url: &str) -> Result<StripeAt, Error> {
    let SandboxOptions { port, catalog, data } = options;
    if environment.get("STRIPE_SECRET_KEY").is_some() {
        let base = environment.get("STRIPE_API_URL").unwrap_or(STRIPE);
        return Ok(StripeAt::Elsewhere(base.to_owned()));
    }
    let catalog = match catalog {
        None => Catalog::sample(),
        Some(file) => {
            let failed = |reason: String| Error::Catalog { file: file.display().to_string(), reason };
            let text = std::fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
            Catalog::from_json(&text).map_err(|error| failed(error.to_string()))?
        }
    };
    let listener = listen(port, "--stripe-port").await?;
    let config = Config {
        catalog,
        webhook_url: Some(format!("{url}/stripe/webhook")),
        webhook_secret: environment.required("STRIPE_WEBHOOK_SECRET")?.to_owned(),
        data: data.map(|folder| folder.join("stripe.json")),
        ..Config::default()
    };
    let sandbox = Sandbox::start(listener, config).await.map_err(|error| match (error, data) {
        (StartError::Listener(error), _) => Error::Io(error),
        (error, None) => Error::Io(std::io::Error::other(error)),
        (error, Some(folder)) => Error::Data { folder: folder.display().to_string(), reason: error.to_string() },
    })?;
    // As the guide has a merchant do it.
    let registered = ordering::Events::HANDLED.map(str::to_owned);
    sandbox.change_dashboard(|dashboard| dashboard.webhook.enabled_events = registered.into());
    environment.set("STRIPE_SECRET_KEY", "sk_test_sandbox");
    environment.set("STRIPE_API_URL", sandbox.url());
    Ok(StripeAt::Sandbox(sandbox))
}

/// Has the functions reach DynamoDB at `url`, whatever else the environment says.
fn set_dynamodb(environment: &mut Environment, url: &str) {
    environment.set("AWS_ENDPOINT_URL_DYNAMODB", url);
    environment.set("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "false");
}

async fn listen(port: u16, option: &'static str) -> Result<TcpListener, Error> {
    TcpListener::bind(("127.0.0.1", port)).await.map_err(|source| Error::Port { port, option, source })
}

/// What tells this shop's sessions apart: `local` at the sandbox, which no other shop shares. A Stripe account is shared
/// by every laptop that has its key, so there an id is made up, and kept with the data.
fn shop_id(stripe: &StripeAt, data: Option<&Path>) -> Result<String, Error> {
    if let StripeAt::Sandbox(_) = stripe {
        return Ok("local".to_owned());
    }
    let new = || Ok(format!("local-{}", made_up::<4>()?));
    let Some(folder) = data else { return new() };
    let failed =
        |error: std::io::Error| Error::Data { folder: folder.display().to_string(), reason: error.to_string() };
    let file = folder.join("shop-id");
    match std::fs::read_to_string(&file) {
        Ok(id) if !id.trim().is_empty() => return Ok(id.trim().to_owned()),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        Ok(_) | Err(_) => {}
    }
    let id = new()?;
    std::fs::write(&file, &id).map_err(failed)?;
    Ok(id)
}

fn made_up_secret() -> Result<String, Error> {
    Ok(format!("whsec_{}", made_up::<16>()?))
}

/// Random bytes, in hex.
fn made_up<const BYTES: usize>() -> Result<String, Error> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
    Ok(hex::encode(bytes))
}
