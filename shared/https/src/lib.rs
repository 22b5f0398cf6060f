//! One HTTPS client for all that a function talks to: DynamoDB, Stripe, Parameter Store.
//!
//! Decides most of the cost of a cold start. The cryptography is ring's. The trusted roots are Mozilla's, compiled in, so
//! nothing is read or parsed before the first handshake. Connections are kept, and one that is certain to be needed can be
//! opened before its first request.

mod dialer;

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use settings::Environment;

use dialer::Dialer;

/// A client of HTTP/1.1 over TLS, and without it for servers on the same machine.
#[derive(Clone)]
pub struct Https {
    client: Client<Dialer, Full<Bytes>>,
    dialer: Dialer,
}

/// Why there is no answer: the causes, the outermost first. Never holds the data that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    causes: String,
    is_connect: bool,
}

/// How long a server may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(1);

impl Https {
    /// The setting that names a file of certificates (PEM) to trust instead of Mozilla's roots, as OpenSSL and curl have
    /// it: for a proxy that looks into connections, or for tests.
    pub const ROOTS: &str = "SSL_CERT_FILE";

    /// A client as `environment` says.
    ///
    /// # Errors
    ///
    /// `SSL_CERT_FILE` is set, and holds no certificate that can be read.
    pub fn new(environment: &Environment) -> Result<Self, settings::Error> {
        let roots = match environment.get(Self::ROOTS) {
            None => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
            Some(file) => roots_in(Path::new(file))
                .ok_or_else(|| settings::Error::malformed(Self::ROOTS, "a readable file of PEM certificates"))?,
        };
        let dialer = Dialer::new(roots, CONNECT);
        let client = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(dialer.clone());
        Ok(Self { client, dialer })
    }

    /// Begins to open a connection to the server of `url`, which the next request to it will use.
    ///
    /// Returns at once. If it fails, the request opens a connection of its own.
    pub fn open(&self, url: &str) {
        if let Ok(url) = url.parse::<Uri>() {
            self.dialer.open(&url);
        }
    }

    /// Sends a request and waits for the whole answer, however long that takes.
    ///
    /// # Errors
    ///
    /// The server cannot be reached, cannot be trusted, or breaks off. Whether it acted is then not known.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, Error> {
        let answer = self.client.request(request).await;
        let answer = answer.map_err(|error| Error { is_connect: error.is_connect(), ..Error::of(&error) })?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await.map_err(|error| Error::of(&error))?;
        Ok(Response::from_parts(head, body.to_bytes()))
    }
}

impl std::fmt::Debug for Https {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Https").finish_non_exhaustive()
    }
}

impl Error {
    fn of(error: &(dyn std::error::Error + 'static)) -> Self {
        let causes = std::iter::successors(Some(error), |error| error.source());
        Self { causes: causes.map(ToString::to_string).collect::<Vec<_>>().join(": "), is_connect: false }
    }

    /// Whether there was no connection, so that nothing was sent.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        self.is_connect
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.causes)
    }
}

impl std::error::Error for Error {}

/// The certificates in a file; `None` where it cannot be read or has none.
fn roots_in(file: &Path) -> Option<RootCertStore> {
    let certificates = CertificateDer::pem_file_iter(file).ok()?.collect::<Result<Vec<_>, _>>().ok()?;
    let mut roots = RootCertStore::empty();
    // Systems' collections hold some that no client can use.
    roots.add_parsable_certificates(certificates);
    Some(roots).filter(|roots| !roots.is_empty())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers one request on each connection it accepts, in turn, and says how many there were.
    async fn server(connections: usize, answers: usize) -> (String, tokio::task::JoinHandle<usize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let served = tokio::spawn(async move {
            let mut served = 0;
            for _ in 0..connections {
                let (mut stream, _) = listener.accept().await.unwrap();
                for _ in 0..answers {
                    if stream.read(&mut [0; 4096]).await.unwrap() == 0 {
                        break;
                    }
                    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
                    served += 1;
                }
            }
            served
        });
        (url, served)
    }

    fn get(url: &str) -> Request<Full<Bytes>> {
        Request::get(url).body(Full::default()).unwrap()
    }

    #[tokio::test]
    async fn a_connection_that_was_opened_before_is_the_one_that_is_used() {
        let https = Https::new(&Environment::default()).unwrap();
        // It accepts one connection: a second would never be answered.
        let (url, served) = server(1, 2).await;

        https.open(&url);
        for _ in 0..2 {
            assert_eq!(https.send(get(&url)).await.unwrap().body(), "ok");
        }

        assert_eq!(served.await.unwrap(), 2);
    }

    #[tokio::test]
    async fn a_connection_that_lay_idle_for_long_is_not_used() {
        let https = Https::new(&Environment::default()).unwrap();
        let (url, served) = server(2, 1).await;

        https.open(&url);
        https.dialer.settled().await;
        https.dialer.age();

        assert_eq!(https.send(get(&url)).await.unwrap().body(), "ok");
        // The first connection was closed unused, the second one answered.
        assert_eq!(served.await.unwrap(), 1);
    }

    #[tokio::test]
    async fn where_opening_before_fails_the_request_opens_its_own() {
        let https = Https::new(&Environment::default()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let url = format!("http://{address}/");
        drop(listener);
        https.open(&url);
        https.dialer.settled().await;

        let listener = TcpListener::bind(address).await.unwrap();
        let answered = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
        });

        assert_eq!(https.send(get(&url)).await.unwrap().body(), "ok");
        answered.await.unwrap();
    }

    #[tokio::test]
    async fn an_error_tells_its_causes() {
        let https = Https::new(&Environment::default()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/secret", listener.local_addr().unwrap());
        drop(listener);

        let error = https.send(get(&url)).await.unwrap_err();

        assert!(error.is_connect());
        let error = error.to_string();
        assert!(error.contains("refused") && !error.contains("secret"), "{error}");
    }

    #[test]
    fn a_file_without_certificates_is_refused_by_name() {
        for file in ["/nowhere.pem", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")] {
            let error = Https::new(&Environment::from_iter([(Https::ROOTS, file)])).unwrap_err();

            assert_eq!(error.to_string(), "SSL_CERT_FILE is malformed: expected a readable file of PEM certificates");
        }
    }
}
