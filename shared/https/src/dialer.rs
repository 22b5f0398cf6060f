//! Opening connections, some of them before they are needed.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use http::Uri;
use http::uri::{Authority, Scheme};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tower_service::Service;

type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A connection that is being opened, or is open.
struct Opening {
    stream: JoinHandle<Result<Stream, Failure>>,
    begun: SystemTime,
}

/// How long an unused connection counts as alive: servers close idle ones after about a minute. Measured by the system's
/// clock, because it goes on while Lambda keeps a function frozen.
const FRESH: Duration = Duration::from_secs(20);

/// Opens connections, and first uses those that were opened ahead.
#[derive(Clone)]
pub(crate) struct Dialer {
    connector: HttpsConnector<HttpConnector>,
    ahead: Arc<Mutex<HashMap<Server, Opening>>>,
}

/// The server that a connection leads to.
#[derive(PartialEq, Eq, Hash)]
struct Server(Option<Scheme>, Option<Authority>);

impl Server {
    fn of(url: &Uri) -> Self {
        Self(url.scheme().cloned(), url.authority().cloned())
    }
}

impl Opening {
    /// A clock that was set back counts as too long.
    fn is_fresh(&self) -> bool {
        self.begun.elapsed().is_ok_and(|age| age < FRESH)
    }
}

impl Dialer {
    #[expect(clippy::expect_used, reason = "decided when this is compiled")]
    pub(crate) fn new(roots: RootCertStore, connect: Duration) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(connect));
        // Named, so that other providers in the same program do not matter.
        let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring has suites for TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
        Self { connector: connector.wrap_connector(tcp), ahead: Arc::default() }
    }

    /// Begins to open a connection, unless that is under way.
    pub(crate) fn open(&self, url: &Uri) {
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        ahead.entry(Server::of(url)).or_insert_with(|| Opening {
            stream: tokio::spawn(self.connector.clone().call(url.clone())),
            begun: SystemTime::now(),
        });
    }

    /// Makes every connection look as if it had been opened long ago.
    #[cfg(test)]
    pub(crate) fn age(&self) {
        for opening in self.ahead.lock().unwrap().values_mut() {
            opening.begun -= FRESH;
        }
    }

    /// Waits until every connection that was begun is open or has failed.
    #[cfg(test)]
    pub(crate) async fn settled(&self) {
        while self.ahead.lock().unwrap().values().any(|opening| !opening.stream.is_finished()) {
            tokio::task::yield_now().await;
        }
    }
}

impl Service<Uri> for Dialer {
    type Response = Stream;
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, Failure>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.connector.poll_ready(context)
    }

    fn call(&mut self, url: Uri) -> Self::Future {
        let ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner).remove(&Server::of(&url));
        let Some(opening) = ahead.filter(Opening::is_fresh) else { return self.connector.call(url) };
        let mut connector = self.connector.clone();
        Box::pin(async move {
            match opening.stream.await {
                Ok(Ok(stream)) => Ok(stream),
                Ok(Err(_)) | Err(_) => connector.call(url).await,
            }
        })
    }
}
