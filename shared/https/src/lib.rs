//! One HTTPS client for all that a function talks to: DynamoDB, Stripe, Parameter Store.
//!
//! Decides most of the cost of a cold start. The cryptography is ring's. The trusted roots are Mozilla's, compiled in, so
//! nothing is read or parsed before the first handshake. Connections are kept, and one that is certain to be needed can be
//! opened before its first request.
//!
//! Lambda freezes a function between requests, and meanwhile connections are cut, aloud or without a word. So one that lay
//! idle for long is not used; one that lay idle for a moment has less time to answer; and where one turns out to be dead,
//! the others to the same server are closed, so that the next attempt opens a new one.

mod dialer;
mod pool;
mod server;

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use settings::Environment;

use dialer::Dialer;
use pool::{Pool, Reliance, Sender};
use server::Server;

/// A client of HTTP/1.1 over TLS, and without it for servers on the same machine.
#[derive(Clone)]
pub struct Https {
    pool: Pool,
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
        Ok(Self { pool: Pool::default(), dialer: Dialer::new(roots, CONNECT) })
    }

    /// Begins to open a connection to the server of `url`, which the next request to it will use.
    ///
    /// Returns at once. If it fails, the request opens a connection of its own.
    pub fn open(&self, url: &str) {
        if let Ok(url) = url.parse::<Uri>() {
            self.dialer.open(&url);
        }
    }

    /// Sends a request and waits for the whole answer, however long that takes. Over a connection that lay idle, and may be
    /// dead without having said so, the answer has to begin within the time `in_doubt`.
    ///
    /// Repeats what was not sent, never what may have been: the next attempt is the caller's, and gets a new connection.
    ///
    /// # Errors
    ///
    /// The server cannot be reached, cannot be trusted, breaks off, or is silent for longer than `in_doubt`. Whether it acted
    /// is then not known.
    pub async fn send(&self, request: Request<Full<Bytes>>, in_doubt: Duration) -> Result<Response<Bytes>, Error> {
        let url = request.uri().clone();
        let server = Server::of(&url);
        let mut request = for_the_wire(request, &server);
        loop {
            let (mut sender, reliance) = self.connection(&url, &server).await?;
            let mut suspicion = Suspicion { pool: &self.pool, server: &server, is_open: reliance.is_some() };
            let sent = sender.try_send_request(request);
            let answer = if reliance == Some(Reliance::Doubtful) {
                tokio::time::timeout(in_doubt, sent).await.map_err(|_| Error::silent())?
            } else {
                sent.await
            };
            let (head, body) = match answer {
                Ok(answer) => answer.into_parts(),
                Err(mut failure) => match failure.take_message().filter(|_| reliance.is_some()) {
                    Some(unsent) => {
                        request = unsent;
                        continue;
                    }
                    None => return Err(Error::of(failure.error())),
                },
            };
            let body = body.collect().await.map_err(|error| Error::of(&error))?;
            suspicion.is_open = false;
            drop(suspicion);
            self.pool.keep(server, sender);
            return Ok(Response::from_parts(head, body.to_bytes()));
        }
    }

    /// Lets `time` pass for all connections that lie idle, as a freeze of the function does: for tests.
    pub fn freeze(&self, time: Duration) {
        self.pool.age(time);
        self.dialer.age(time);
    }

    /// A connection to `server`, and how far it can be relied on if it lay idle.
    async fn connection(&self, url: &Uri, server: &Server) -> Result<(Sender, Option<Reliance>), Error> {
        while let Some((mut sender, reliance)) = self.pool.take(server) {
            if sender.ready().await.is_ok() {
                return Ok((sender, Some(reliance)));
            }
        }
        let failed = |error: &(dyn std::error::Error + 'static)| Error { is_connect: true, ..Error::of(error) };
        let (stream, reliance) = self.dialer.dial(url).await.map_err(|error| failed(&*error))?;
        let (sender, connection) = http1::handshake(stream).await.map_err(|error| failed(&error))?;
        tokio::spawn(async move {
            // Its requests are told of its failures.
            drop(connection.await);
        });
        Ok((sender, reliance))
    }
}

/// Closes the idle connections to a server when one of them is dropped without having brought a whole answer: what cut
/// it may have cut all.
struct Suspicion<'a> {
    pool: &'a Pool,
    server: &'a Server,
    is_open: bool,
}

impl Drop for Suspicion<'_> {
    fn drop(&mut self) {
        if self.is_open {
            self.pool.clear(self.server);
        }
    }
}

/// The request as it is written over a connection to `server`.
fn for_the_wire(mut request: Request<Full<Bytes>>, server: &Server) -> Request<Full<Bytes>> {
    if let Some(host) = server.host().and_then(|host| HeaderValue::try_from(host).ok()) {
        request.headers_mut().entry(HOST).or_insert(host);
    }
    let path = request.uri().path_and_query().cloned();
    *request.uri_mut() = path.map(Uri::from).unwrap_or_default();
    request
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

    /// A connection that lay idle does not answer.
    fn silent() -> Self {
        Self { causes: "a connection that lay idle does not answer".to_owned(), is_connect: false }
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

    const IN_DOUBT: Duration = Duration::from_secs(1);

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
            assert_eq!(https.send(get(&url), IN_DOUBT).await.unwrap().body(), "ok");
        }

        assert_eq!(served.await.unwrap(), 2);
    }

    #[tokio::test]
    async fn a_connection_that_lay_idle_for_long_is_not_used() {
        let https = Https::new(&Environment::default()).unwrap();
        let (url, served) = server(2, 1).await;

        https.open(&url);
        https.dialer.settled().await;
        https.freeze(Duration::from_secs(20));

        assert_eq!(https.send(get(&url), IN_DOUBT).await.unwrap().body(), "ok");
        // The first connection was closed unused, the second one answered.
        assert_eq!(served.await.unwrap(), 1);
    }

    /// Whether what was sent is acknowledged is what tells a slow server from a connection that was cut without a word.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_connection_fails_when_nothing_acknowledges_what_is_sent() {
        let https = Https::new(&Environment::default()).unwrap();
        let (url, _served) = server(1, 0).await;

        let (stream, _) = https.dialer.dial(&url.parse().unwrap()).await.unwrap();

        let hyper_rustls::MaybeHttpsStream::Http(stream) = stream else { panic!("no TLS was asked for") };
        let patience = socket2::SockRef::from(stream.inner()).tcp_user_timeout().unwrap();
        assert_eq!(patience, Some(Duration::from_secs(1)));
    }

    #[tokio::test]
    async fn a_request_names_its_server_and_nothing_more_than_its_path() {
        let https = Https::new(&Environment::default()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let received = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut received = vec![0; 4096];
            let length = stream.read(&mut received).await.unwrap();
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
            String::from_utf8(received[..length].to_vec()).unwrap()
        });

        https.send(get(&format!("http://{address}/v1/a%20b?c=d")), IN_DOUBT).await.unwrap();

        let received = received.await.unwrap();
        assert_eq!(received, format!("GET /v1/a%20b?c=d HTTP/1.1\r\nhost: {address}\r\n\r\n"));
    }

    #[test]
    fn a_server_is_named_without_the_port_that_its_scheme_implies() {
        for (url, host) in [
            ("https://api.stripe.com/v1", "api.stripe.com"),
            ("https://api.stripe.com:443/", "api.stripe.com"),
            ("http://localhost:80", "localhost"),
            ("http://localhost:443", "localhost:443"),
            ("https://[::1]:8443/x?y", "[::1]:8443"),
        ] {
            let request = for_the_wire(get(url), &Server::of(&url.parse().unwrap()));

            assert_eq!(request.headers()[HOST], host, "{url}");
        }
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

        assert_eq!(https.send(get(&url), IN_DOUBT).await.unwrap().body(), "ok");
        answered.await.unwrap();
    }

    #[tokio::test]
    async fn an_error_tells_its_causes() {
        let https = Https::new(&Environment::default()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/secret", listener.local_addr().unwrap());
        drop(listener);

        let error = https.send(get(&url), IN_DOUBT).await.unwrap_err();

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
