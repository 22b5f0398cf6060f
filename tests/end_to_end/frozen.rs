//! Connections that are cut while Lambda keeps a function frozen: each client gets over them, however many died, and
//! however they died.

use std::net::Shutdown;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use payments::Stripe;
use secrets::Secrets;
use services::Services;
use settings::Environment;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;

/// What becomes of a connection while the function is frozen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Death {
    /// The server closes it.
    Closed,
    /// It is forgotten: what is sent is answered with a reset.
    Reset,
    /// It is forgotten without a word: what is sent is never answered.
    Silent,
}

/// A server that answers every request alike, until it freezes; connections made afterwards are answered again.
struct Server {
    url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    connections: Vec<std::net::TcpStream>,
    /// What became of this number of connections, the first ones.
    dead: Option<(Death, usize)>,
    /// How many requests were sent over dead connections.
    lost: usize,
    /// Holds answers back until there are as many requests.
    gate: Option<Arc<Barrier>>,
}

impl Server {
    async fn open(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state: Arc<Mutex<State>> = Arc::default();
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let stream = stream.into_std().unwrap();
                let index = {
                    let mut state = shared.lock().unwrap();
                    state.connections.push(stream.try_clone().unwrap());
                    state.connections.len() - 1
                };
                tokio::spawn(serve(TcpStream::from_std(stream).unwrap(), index, Arc::clone(&shared), answer));
            }
        });
        Self { url, state }
    }

    /// Has the next requests wait for each other, so that each has a connection of its own.
    fn gather(&self, requests: usize) {
        self.state.lock().unwrap().gate = Some(Arc::new(Barrier::new(requests)));
    }

    /// Kills all connections before their client can notice.
    fn kill(&self, death: Death) {
        let mut state = self.state.lock().unwrap();
        state.gate = None;
        state.dead = Some((death, state.connections.len()));
        for connection in state.connections.iter().filter(|_| death == Death::Closed) {
            connection.shutdown(Shutdown::Both).unwrap();
        }
    }

    /// How many connections were made.
    fn connections(&self) -> usize {
        self.state.lock().unwrap().connections.len()
    }

    /// How many requests were sent over dead connections.
    fn lost(&self) -> usize {
        self.state.lock().unwrap().lost
    }
}

async fn serve(mut stream: TcpStream, index: usize, state: Arc<Mutex<State>>, answer: &'static str) {
    while let Some(()) = read_request(&mut stream).await {
        let (gate, death) = {
            let mut state = state.lock().unwrap();
            let death = state.dead.filter(|(_, first)| index < *first).map(|(death, _)| death);
            state.lost += usize::from(death.is_some());
            (state.gate.clone(), death)
        };
        match death {
            None => {}
            Some(Death::Silent) => std::future::pending().await,
            Some(Death::Closed | Death::Reset) => {
                // The only other handle goes too, and what is left unread makes the system reset the connection.
                state.lock().unwrap().connections[index].shutdown(Shutdown::Both).unwrap_or_default();
                stream.set_zero_linger().unwrap();
                return;
            }
        }
        if let Some(gate) = gate {
            gate.wait().await;
        }
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", answer.len());
        if stream.write_all(format!("{head}{answer}").as_bytes()).await.is_err() {
            return;
        }
    }
}

/// Reads one request to its end; `None` where the connection ends before.
async fn read_request(stream: &mut TcpStream) -> Option<()> {
    let mut read = Vec::new();
    loop {
        let mut part = [0; 4096];
        let length = stream.read(&mut part).await.ok().filter(|length| *length > 0)?;
        read.extend_from_slice(&part[..length]);
        let text = String::from_utf8_lossy(&read).to_ascii_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.map_or(0, |length| length.trim().parse().unwrap()) {
            return Some(());
        }
    }
}

/// A client, a request of its, and what is answered to that.
trait Client: Sized {
    const ANSWER: &'static str;

    /// The client, which reaches its server at `url`.
    fn new(services: &Services) -> impl Future<Output = Self>;

    /// Sends one request, which must be answered.
    fn ask(&self) -> impl Future<Output = ()>;
}

struct DynamoDb(Services);

impl Client for DynamoDb {
    const ANSWER: &'static str = r#"{ "TableNames": [] }"#;

    async fn new(services: &Services) -> Self {
        Self(services.clone())
    }

    async fn ask(&self) {
        self.0.database.client().list_tables().send().await.unwrap();
    }
}

impl Client for Stripe {
    const ANSWER: &'static str = r#"{ "id": "prod_1", "object": "product", "name": "Mug", "active": true }"#;

    async fn new(services: &Services) -> Self {
        Self::new(&services.environment, &services.secrets, &services.https).unwrap()
    }

    async fn ask(&self) {
        self.product(&"prod_1".parse().unwrap()).await.unwrap();
    }
}

struct ParameterStore(Services);

impl Client for ParameterStore {
    const ANSWER: &'static str = r#"{ "Parameters": [{ "Name": "/shop/key", "Value": "sk_test_1" }] }"#;

    async fn new(services: &Services) -> Self {
        Self(services.clone())
    }

    async fn ask(&self) {
        let environment = Environment::from_iter([
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_ENDPOINT_URL_SSM", self.0.environment.get("AWS_ENDPOINT_URL_SSM").unwrap()),
            ("STRIPE_SECRET_KEY_PARAMETER", "/shop/key"),
        ]);
        Secrets::read(&environment, &["STRIPE_SECRET_KEY"], &self.0.https).await.unwrap();
    }
}

/// Lets a client make connections, kills them while it is frozen, and asks through it once more.
async fn survives<C: Client>() {
    let minutes = Duration::from_mins(10);
    for (idle, lost_at_most) in [(Duration::from_secs(10), 1), (minutes, 0)] {
        for connections in [1, 3] {
            for death in [Death::Closed, Death::Reset, Death::Silent] {
                let case = format!("{connections} {death:?} after {idle:?}");
                let server = Server::open(C::ANSWER).await;
                let services = Services::new(Environment::from_iter([
                    ("AWS_REGION", "us-east-1"),
                    ("AWS_ACCESS_KEY_ID", "test"),
                    ("AWS_SECRET_ACCESS_KEY", "test"),
                    ("AWS_ENDPOINT_URL_DYNAMODB", &server.url),
                    ("AWS_ENDPOINT_URL_SSM", &server.url),
                    ("STRIPE_API_URL", &server.url),
                    ("STRIPE_SECRET_KEY", "sk_test_1"),
                    // Short, but long enough for a busy machine to answer in time.
                    ("DYNAMODB_TIMEOUT_MS", "1000"),
                    ("STRIPE_TIMEOUT_MS", "1000"),
                ]));
                let services = services.unwrap();
                let client = C::new(&services).await;
                server.gather(connections);
                join_all((0..connections).map(|_| client.ask())).await;
                assert_eq!(server.connections(), connections, "{case}");

                server.kill(death);
                services.https.freeze(idle);
                client.ask().await;

                assert!(server.lost() <= lost_at_most, "{case}: {} requests were lost", server.lost());
                // One that was closed aloud costs nothing but its replacement.
                assert!(death != Death::Closed || server.lost() == 0, "{case}");
                assert_eq!(server.connections(), connections + 1, "{case}");
                client.ask().await;
                assert_eq!(server.connections(), connections + 1, "{case}: the new connection is kept");
            }
        }
    }
}

#[tokio::test]
async fn dynamodb_is_reached_after_a_freeze() {
    survives::<DynamoDb>().await;
}

#[tokio::test]
async fn stripe_is_reached_after_a_freeze() {
    survives::<Stripe>().await;
}

#[tokio::test]
async fn parameter_store_is_reached_after_a_freeze() {
    survives::<ParameterStore>().await;
}
