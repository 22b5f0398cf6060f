//! EventBridge on the laptop, as far as events are put on it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::from_fn;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::Error;

/// How many events are kept.
const KEPT: usize = 1000;

/// The most that one request takes.
///
/// Source: <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html>
const MOST_ENTRIES: usize = 10;
const MOST_BYTES: usize = 256 * 1024;

/// An event that was published.
#[derive(Clone, PartialEq, Debug)]
pub struct Published {
    /// Its type, such as `order.paid`.
    pub kind: String,
    /// What it says.
    pub detail: Value,
}

/// A bus, served until dropped.
pub(crate) struct EventBus {
    url: String,
    events: Arc<Events>,
    server: JoinHandle<()>,
}

/// The newest events, the oldest of them first.
type Events = Mutex<VecDeque<Published>>;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutEvents {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    source: String,
    detail_type: String,
    detail: String,
}

impl EventBus {
    /// Serves a bus on a free port.
    pub(crate) async fn serve() -> Result<Self, Error> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let events = Arc::<Events>::default();
        let router =
            Router::new().route("/", post(put)).layer(from_fn(loopback::guard)).with_state(Arc::clone(&events));
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the event bus stopped");
            }
        });
        Ok(Self { url, events, server })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn published(&self) -> Vec<Published> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

impl Drop for EventBus {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn put(State(events): State<Arc<Events>>, headers: HeaderMap, body: String) -> Response {
    let operation = headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    let refused = |kind: &str| (StatusCode::BAD_REQUEST, Json(json!({ "__type": kind }))).into_response();
    if operation != Some("AWSEvents.PutEvents") {
        return refused("UnknownOperationException");
    }
    let Ok(PutEvents { entries }) = serde_json::from_str::<PutEvents>(&body) else {
        return refused("SerializationException");
    };
    if !(1..=MOST_ENTRIES).contains(&entries.len()) || body.len() > 2 * MOST_BYTES {
        return refused("ValidationException");
    }
    let mut bytes = 0;
    let mut events = events.lock().unwrap_or_else(PoisonError::into_inner);
    let mut taken = |Entry { source, detail_type, detail }: Entry| {
        bytes += source.len() + detail_type.len() + detail.len();
        if bytes > MOST_BYTES {
            return json!({ "ErrorCode": "ValidationException" });
        }
        let Ok(detail @ Value::Object(_)) = serde_json::from_str(&detail) else {
            return json!({ "ErrorCode": "MalformedDetail" });
        };
        let id = &detail["id"];
        tracing::info!(kind = detail_type, %id, "an event was published");
        events.push_back(Published { kind: detail_type, detail });
        json!({ "EventId": format!("local-{}", events.len()) })
    };
    let answers: Vec<_> = entries.into_iter().map(&mut taken).collect();
    let surplus = events.len().saturating_sub(KEPT);
    events.drain(..surplus);
    let failed = answers.iter().filter(|answer| answer["EventId"].is_null()).count();
    Json(json!({ "FailedEntryCount": failed, "Entries": answers })).into_response()
}
