//! The wire to DynamoDB: TLS as in AWS, and a count of what crosses it.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::Failure;

/// What crossed the wire.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) requests: u32,
    /// Of the bodies, both ways.
    pub(crate) bytes: usize,
    pub(crate) read_units: f64,
    pub(crate) write_units: f64,
}

/// A server of HTTPS that passes everything on to DynamoDB.
pub(crate) struct Wire {
    pub(crate) url: String,
    /// The file with the certificate to trust.
    pub(crate) certificate: PathBuf,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

struct Shared {
    client: reqwest::Client,
    upstream: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    traffic: Traffic,
    /// Whether DynamoDB is asked what a request consumes; nobody else asks.
    asks: bool,
    delay: Duration,
}

impl Wire {
    pub(crate) async fn to(upstream: &str) -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
        let certificate = std::env::temp_dir().join(format!("cartwright-benchmark-{port}.pem"));
        std::fs::write(&certificate, issued.cert.pem())?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(issued.signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![issued.cert.der().clone()], key)?;
        let tls = TlsAcceptor::from(Arc::new(tls));

        let upstream = upstream.to_owned();
        let shared = Arc::new(Shared { client: reqwest::Client::new(), upstream, state: Mutex::default() });
        let passing = Arc::clone(&shared);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, shared) = (tls.clone(), Arc::clone(&passing));
                tokio::spawn(async move {
                    let Ok(stream) = tls.accept(stream).await else { return };
                    let pass = service_fn(move |request| pass(Arc::clone(&shared), request));
                    // A client that goes away is no concern of ours.
                    let _ =
                        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), pass).await;
                });
            }
        });
        Ok(Self { url: format!("https://localhost:{port}"), certificate, shared, server })
    }

    /// Has DynamoDB asked what requests consume from now on, or not any more.
    pub(crate) fn ask(&self, asks: bool) {
        self.shared.state().asks = asks;
    }

    /// Has every request wait, as it would for a network.
    pub(crate) fn delay(&self, delay: Duration) {
        self.shared.state().delay = delay;
    }

    /// What crossed the wire since this was asked last.
    pub(crate) fn traffic(&self) -> Traffic {
        std::mem::take(&mut self.shared.state().traffic)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.server.abort();
        let _ = std::fs::remove_file(&self.certificate);
    }
}

impl Shared {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn pass(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let answer = forward(&shared, request).await;
    Ok(answer.unwrap_or_else(|error| {
        let mut response = Response::new(Full::from(error.to_string()));
        *response.status_mut() = http::StatusCode::BAD_GATEWAY;
        response
    }))
}

async fn forward(shared: &Shared, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Failure> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let (asks, delay) = {
        let state = shared.state();
        (state.asks, state.delay)
    };
    let mut asked = serde_json::from_slice::<Value>(&body)?;
    if asks {
        asked["ReturnConsumedCapacity"] = json!("TOTAL");
    }
    let mut upstream = shared.client.post(&shared.upstream).body(asked.to_string());
    for name in ["authorization", "content-type", "x-amz-date", "x-amz-security-token", "x-amz-target"] {
        if let Some(value) = head.headers.get(name) {
            upstream = upstream.header(name, value);
        }
    }
    let answer = upstream.send().await?;
    let (status, answered) = (answer.status(), answer.bytes().await?);
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }

    let operation = head.headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let consumed = serde_json::from_slice::<Value>(&answered).map(|answer| units(&answer["ConsumedCapacity"]));
    let consumed = consumed.unwrap_or_default();
    let mut state = shared.state();
    state.traffic.requests += 1;
    state.traffic.bytes += body.len() + answered.len();
    if ["GetItem", "Query", "Scan"].iter().any(|reading| operation.ends_with(reading)) {
        state.traffic.read_units += consumed;
    } else {
        state.traffic.write_units += consumed;
    }
    drop(state);
    let response = Response::builder().status(status).header("content-type", "application/x-amz-json-1.0");
    Ok(response.body(Full::from(answered))?)
}

fn units(consumed: &Value) -> f64 {
    match consumed {
        Value::Array(tables) => tables.iter().map(units).sum(),
        table => table["CapacityUnits"].as_f64().unwrap_or_default(),
    }
}
