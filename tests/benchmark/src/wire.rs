//! The wire to DynamoDB: TLS as in AWS, and a count of what crosses it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fixtures::proxy::{Cut, Proxy, Response, forward};
use http::request::Parts;
use http_body_util::Full;
use hyper::body::Bytes;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
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

/// An HTTPS server that passes everything on to DynamoDB.
pub(crate) struct Wire {
    pub(crate) url: String,
    /// The file with the certificate to trust.
    pub(crate) certificate: PathBuf,
    shared: Arc<Shared>,
    _proxy: Proxy,
}

struct Shared {
    client: reqwest::Client,
    upstream: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    traffic: Traffic,
    /// Whether DynamoDB is asked what a request consumes. The functions do not ask.
    asks: bool,
    delay: Duration,
}

impl Wire {
    pub(crate) async fn to(upstream: &str) -> Result<Self, Failure> {
        let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(issued.signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![issued.cert.der().clone()], key)?;

        let upstream = upstream.to_owned();
        let shared = Arc::new(Shared { client: reqwest::Client::new(), upstream, state: Mutex::default() });
        let passing = Arc::clone(&shared);
        let carry = move |parts, body| {
            let shared = Arc::clone(&passing);
            async move { pass(&shared, parts, body).await }
        };
        let proxy = Proxy::start(Some(TlsAcceptor::from(Arc::new(tls))), carry).await?;
        let certificate = std::env::temp_dir().join(format!("cartwright-benchmark-{}.pem", proxy.port()));
        std::fs::write(&certificate, issued.cert.pem())?;
        Ok(Self { url: format!("https://localhost:{}", proxy.port()), certificate, shared, _proxy: proxy })
    }

    /// Sets whether DynamoDB is asked what requests consume.
    pub(crate) fn ask(&self, asks: bool) {
        self.shared.state().asks = asks;
    }

    /// Sets how long each answer is held back, as a network would.
    pub(crate) fn delay(&self, delay: Duration) {
        self.shared.state().delay = delay;
    }

    /// Returns what crossed the wire since the last call.
    pub(crate) fn traffic(&self) -> Traffic {
        std::mem::take(&mut self.shared.state().traffic)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.certificate);
    }
}

impl Shared {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn pass(shared: &Shared, parts: Parts, body: Bytes) -> Result<Response, Cut> {
    let (asks, delay) = {
        let state = shared.state();
        (state.asks, state.delay)
    };
    let operation = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let reads = ["GetItem", "Query", "Scan"].iter().any(|reading| operation.ends_with(reading));
    let sent = body.len();
    let body = if asks { asking(&body).ok_or(Cut)? } else { body };
    let (head, answer) = forward(&shared.client, &shared.upstream, parts, body).await?.into_parts();
    if !delay.is_zero() {
        far_away(delay).await;
    }

    let consumed = serde_json::from_slice::<Value>(&answer).map(|answer| units(&answer["ConsumedCapacity"]));
    let consumed = consumed.unwrap_or_default();
    let mut state = shared.state();
    state.traffic.requests += 1;
    state.traffic.bytes += sent + answer.len();
    if reads {
        state.traffic.read_units += consumed;
    } else {
        state.traffic.write_units += consumed;
    }
    drop(state);
    // Other headers are not passed on: those of the embedded DynamoDB are not those of AWS.
    let mut response = Response::new(Full::from(answer));
    *response.status_mut() = head.status;
    let json = http::HeaderValue::from_static("application/x-amz-json-1.0");
    response.headers_mut().insert(http::header::CONTENT_TYPE, json);
    Ok(response)
}

/// A request that asks what it consumes, too.
fn asking(request: &[u8]) -> Option<Bytes> {
    let mut request: Value = serde_json::from_slice(request).ok()?;
    request["ReturnConsumedCapacity"] = json!("TOTAL");
    Some(Bytes::from(request.to_string()))
}

fn units(consumed: &Value) -> f64 {
    match consumed {
        Value::Array(tables) => tables.iter().map(units).sum(),
        table => table["CapacityUnits"].as_f64().unwrap_or_default(),
    }
}

#[expect(clippy::disallowed_methods, reason = "a database that is far away is simulated")]
async fn far_away(delay: Duration) {
    tokio::time::sleep(delay).await;
}
