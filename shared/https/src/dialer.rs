//! Opening connections, some of them before they are needed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tower_service::Service as _;

use crate::pool::{Reliance, reliance};
use crate::server::Server;

pub(crate) type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A connection that is being opened, or is open.
struct Opening {
    stream: JoinHandle<Result<Stream, Failure>>,
    begun: SystemTime,
}

/// How long a connection counts as alive over which nothing was sent yet: servers wait less long for a first request.
const FRESH: Duration = Duration::from_secs(20);
/// How long the other side may take to acknowledge what was sent, which it does whether or not it can answer yet. A
/// connection that was cut without a word fails after this time.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(1);

/// Opens connections, and first uses those that were opened ahead.
#[derive(Clone)]
pub(crate) struct Dialer {
    connector: HttpsConnector<HttpConnector>,
    ahead: Arc<Mutex<HashMap<Server, Opening>>>,
}

impl Dialer {
    #[expect(clippy::expect_used, reason = "decided when this is compiled")]
    pub(crate) fn new(roots: RootCertStore, connect: Duration) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(connect));
        #[cfg(target_os = "linux")]
        tcp.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
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

    /// A connection to the server of `url`: the one that was opened ahead, with how far it can be relied on, or a new one.
    pub(crate) async fn dial(&self, url: &Uri) -> Result<(Stream, Option<Reliance>), Failure> {
        let ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner).remove(&Server::of(url));
        if let Some(Opening { stream, begun }) = ahead
            && let Some(reliance) = reliance(begun, FRESH)
            && let Ok(Ok(stream)) = stream.await
        {
            return Ok((stream, Some(reliance)));
        }
        Ok((self.connector.clone().call(url.clone()).await?, None))
    }

    /// Lets `time` pass for all connections that were opened ahead.
    pub(crate) fn age(&self, time: Duration) {
        for opening in self.ahead.lock().unwrap_or_else(PoisonError::into_inner).values_mut() {
            opening.begun -= time;
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
