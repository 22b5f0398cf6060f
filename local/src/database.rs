//! DynamoDB on the laptop.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, Projection, ProjectionType,
    StreamSpecification, TableStatus, TimeToLiveSpecification,
};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::from_fn;
use axum::response::{IntoResponse as _, Response};
use http_body_util::Full;
use https::Https;
use settings::Environment;
use store::Connection;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::Error;
use crate::template::{KeyElement, Table};

/// How often expired items are swept. DynamoDB itself takes its time, up to days.
const SWEEP: Duration = Duration::from_mins(1);

/// How long the database may take for an answer, which is longer than it ever takes.
const MAX_WAIT: Duration = Duration::from_mins(1);
/// The largest request that DynamoDB takes, in bytes.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// An embedded DynamoDB, served until dropped.
///
/// Its server takes every request, wherever it comes from. So it listens at an address that no page can guess, and the known
/// address is that of a guard in front of it.
pub(crate) struct Embedded {
    _stop: oneshot::Sender<()>,
    guard: JoinHandle<()>,
    sweeper: JoinHandle<()>,
}

impl Embedded {
    /// Serves a database in memory, or in `data` where that is given.
    pub(crate) async fn serve(listener: TcpListener, data: Option<&Path>) -> Result<Self, Error> {
        let database = match data {
            None => dynoxide::Database::memory().map_err(|error| Error::Database(error.to_string()))?,
            Some(folder) => {
                let failed = |reason: String| Error::Data { folder: folder.display().to_string(), reason };
                std::fs::create_dir_all(folder).map_err(|error| failed(error.to_string()))?;
                let file = folder.join("dynamodb.sqlite");
                dynoxide::Database::new(&file.to_string_lossy()).map_err(|error| failed(error.to_string()))?
            }
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let served = database.clone();
        let hidden = hidden_listener().await?;
        let guard = guard(&format!("http://{}", hidden.local_addr()?))?;
        let guard = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, guard).await {
                tracing::error!(%error, "the embedded DynamoDB cannot be reached any more");
            }
        });
        tokio::spawn(async move {
            // Ends when the sender is dropped, too.
            let ended = dynoxide::server::serve_with_shutdown(hidden, served, async {
                drop(stopped.await);
            })
            .await;
            if let Err(error) = ended {
                tracing::error!(%error, "the embedded DynamoDB stopped");
            }
        });
        let sweeper = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(SWEEP);
            loop {
                ticks.tick().await;
                let database = database.clone();
                let swept =
                    tokio::task::spawn_blocking(move || database.sweep_ttl().map_err(|error| error.to_string()));
                if let Ok(Err(error)) = swept.await {
                    tracing::warn!(error, "expired items could not be swept");
                }
            }
        });
        Ok(Self { _stop: stop, guard, sweeper })
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.guard.abort();
        self.sweeper.abort();
    }
}

/// Listens at a random one of the sixteen million loopback addresses; at 127.0.0.1 on systems that have no other.
async fn hidden_listener() -> Result<TcpListener, Error> {
    let mut lot = [0; 3];
    getrandom::fill(&mut lot).map_err(std::io::Error::other)?;
    let [second, third, fourth] = lot;
    match TcpListener::bind((Ipv4Addr::new(127, second, third, fourth.clamp(1, 254)), 0)).await {
        Ok(listener) => Ok(listener),
        Err(_) => Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?),
    }
}

/// Passes this machine's own requests on to the database at `url`, and refuses others.
fn guard(url: &str) -> Result<Router, Error> {
    let (https, url): (_, Arc<str>) = (Https::new(&Environment::default())?, url.into());
    let pass = move |request| pass(https.clone(), Arc::clone(&url), request);
    Ok(Router::new().fallback(pass).layer(from_fn(loopback::guard)))
}

async fn pass(https: Https, url: Arc<str>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let Ok(uri) = format!("{url}{path}").parse() else { return StatusCode::BAD_REQUEST.into_response() };
    parts.uri = uri;
    // What belongs to the connection, and to the way in which a body is sent over it.
    for name in [header::CONNECTION, header::HOST, header::TRANSFER_ENCODING, header::CONTENT_LENGTH] {
        parts.headers.remove(name);
    }
    match https.send(Request::from_parts(parts, Full::new(body)), MAX_WAIT).await {
        Ok(answer) => answer.map(Body::from),
        Err(error) => {
            tracing::error!(%error, "the embedded DynamoDB");
            StatusCode::BAD_GATEWAY.into_response()
        }
    }
}

/// Makes sure that something answers at `url`.
pub(crate) async fn reach(connection: &Connection, url: &str) -> Result<(), Error> {
    match connection.client().list_tables().limit(1).send().await {
        // Whether it lets everything be done that is needed shows soon enough.
        Ok(_) | Err(SdkError::ServiceError(_)) => Ok(()),
        Err(SdkError::ResponseError(_)) => Err(Error::Database(format!("what answers at {url} is none"))),
        Err(_) => Err(Error::Database(format!("nothing answers at {url}"))),
    }
}

/// Creates a table as template.yaml defines it, unless it is there, and waits until it can be used.
pub(crate) async fn create_table(connection: &Connection, name: &str, table: &Table) -> Result<(), Error> {
    let client = connection.client();
    let failed = |error: &dyn std::fmt::Display| Error::Database(format!("creating {name}: {error}"));
    if status(connection, name).await.is_none() {
        let mut request = client.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
        for definition in &table.attribute_definitions {
            let definition = AttributeDefinition::builder()
                .attribute_name(&definition.attribute_name)
                .attribute_type(definition.attribute_type.as_str().into())
                .build()
                .map_err(|error| failed(&error))?;
            request = request.attribute_definitions(definition);
        }
        request = request.set_key_schema(Some(key_schema(&table.key_schema).map_err(|error| failed(&error))?));
        for index in &table.global_secondary_indexes {
            let index = GlobalSecondaryIndex::builder()
                .index_name(&index.index_name)
                .set_key_schema(Some(key_schema(&index.key_schema).map_err(|error| failed(&error))?))
                .projection(Projection::builder().projection_type(ProjectionType::All).build())
                .build()
                .map_err(|error| failed(&error))?;
            request = request.global_secondary_indexes(index);
        }
        if let Some(stream) = &table.stream_specification {
            let stream = StreamSpecification::builder()
                .stream_enabled(true)
                .stream_view_type(stream.stream_view_type.as_str().into())
                .build()
                .map_err(|error| failed(&error))?;
            request = request.stream_specification(stream);
        }
        request.send().await.map_err(|error| failed(&error.message().unwrap_or("no answer")))?;
        wait_until_active(connection, name).await?;
        if let Some(ttl) = &table.time_to_live_specification {
            let ttl = TimeToLiveSpecification::builder()
                .attribute_name(&ttl.attribute_name)
                .enabled(true)
                .build()
                .map_err(|error| failed(&error))?;
            let enabled = client.update_time_to_live().table_name(name).time_to_live_specification(ttl).send().await;
            enabled.map_err(|error| failed(&error.message().unwrap_or("no answer")))?;
        }
    }
    wait_until_active(connection, name).await
}

async fn wait_until_active(connection: &Connection, name: &str) -> Result<(), Error> {
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    for _ in 0..1500 {
        if status(connection, name).await == Some(TableStatus::Active) {
            return Ok(());
        }
        ticks.tick().await;
    }
    Err(Error::Database(format!("{name} does not become active")))
}

async fn status(connection: &Connection, name: &str) -> Option<TableStatus> {
    connection.client().describe_table().table_name(name).send().await.ok()?.table?.table_status
}

fn key_schema(elements: &[KeyElement]) -> Result<Vec<KeySchemaElement>, aws_sdk_dynamodb::error::BuildError> {
    elements
        .iter()
        .map(|element| {
            KeySchemaElement::builder()
                .attribute_name(&element.attribute_name)
                .key_type(element.key_type.as_str().into())
                .build()
        })
        .collect()
}
