//! A proxy that counts what passes, and fails what it is told to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use reqwest::Client;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A proxy on loopback before another server; dropping it ends it.
pub(crate) struct Proxy {
    url: String,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

struct Shared {
    upstream: String,
    client: Client,
    seen: Mutex<Vec<Seen>>,
    /// What becomes of the next requests: `None` passes one, `Some` answers it with this status.
    script: Mutex<VecDeque<Option<u16>>>,
}

/// A request that came by.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// The operation, where it is one of DynamoDB's.
    pub(crate) operation: String,
    pub(crate) body: String,
}

impl Proxy {
    pub(crate) async fn before(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            upstream: upstream.to_owned(),
            client: Client::new(),
            seen: Mutex::default(),
            script: Mutex::default(),
        });
        let router = Router::new().fallback(pass).with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared, server }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// What came by since this was last asked.
    pub(crate) fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.shared.seen.lock().unwrap())
    }

    /// Says what becomes of the next requests: `None` passes one, `Some` answers it with this status.
    pub(crate) fn script(&self, steps: impl IntoIterator<Item = Option<u16>>) {
        *self.shared.script.lock().unwrap() = steps.into_iter().collect();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn pass(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let target = parts.headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    shared.seen.lock().unwrap().push(Seen {
        operation: target.rsplit('.').next().unwrap_or_default().to_owned(),
        body: String::from_utf8_lossy(&body).into_owned(),
    });
    let step = shared.script.lock().unwrap().pop_front().flatten();
    if let Some(status) = step {
        return StatusCode::from_u16(status).unwrap().into_response();
    }

    let url = format!("{}{}", shared.upstream, parts.uri.path_and_query().unwrap());
    let mut headers = parts.headers;
    headers.remove(header::HOST);
    let answer = shared.client.request(parts.method, url).headers(headers).body(body).send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    let mut response = Response::new(answer.bytes().await.unwrap().into());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response.headers_mut().remove(header::TRANSFER_ENCODING);
    response
}
