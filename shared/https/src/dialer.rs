//! Opening connections, some of them before they are needed.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

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
type Opening = JoinHandle<Result<Stream, Failure>>;

/// Opens connections, and hands out first those that were opened ahead.
#[derive(Clone)]
pub(crate) struct Dialer {
    connector: HttpsConnector<HttpConnector>,
    ahead: Arc<Mutex<HashMap<Server, Opening>>>,
}

/// Whom a connection leads to.
#[derive(PartialEq, Eq, Hash)]
struct Server(Option<Scheme>, Option<Authority>);

impl Server {
    fn of(url: &Uri) -> Self {
        Self(url.scheme().cloned(), url.authority().cloned())
    }
}

impl Dialer {
    #[expect(clippy::expect_used, reason = "decided when this is compiled")]
    pub(crate) fn new(roots: RootCertStore, connect: Duration) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(connect));
        // Named, so that it does not matter which others somebody links.
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
        ahead.entry(Server::of(url)).or_insert_with(|| tokio::spawn(self.connector.clone().call(url.clone())));
    }

    /// Waits until all that was begun has come to an end.
    #[cfg(test)]
    pub(crate) async fn settled(&self) {
        while self.ahead.lock().unwrap().values().any(|opening| !opening.is_finished()) {
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
        let Some(opening) = ahead else { return self.connector.call(url) };
        let mut connector = self.connector.clone();
        Box::pin(async move {
            match opening.await {
                Ok(Ok(stream)) => Ok(stream),
                Ok(Err(_)) | Err(_) => connector.call(url).await,
            }
        })
    }
}
