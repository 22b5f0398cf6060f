//! A stateful, local stand-in for the part of Stripe that a shop with Checkout uses.
//!
//! It serves Stripe's API for products, prices, coupons, promotion codes, Checkout Sessions, payments and refunds, a
//! hosted payment page that works without JavaScript, and signed webhooks with retries. Amounts are its own
//! computation from Stripe's documented rules, so that a shop's can be held against them.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), stripe_sandbox::StartError> {
//! use stripe_sandbox::{Catalog, Config, Sandbox};
//!
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let sandbox = Sandbox::start(listener, Config { catalog: Catalog::sample(), ..Config::default() }).await?;
//! println!("Stripe's API, until the sandbox is dropped: {}/v1/prices", sandbox.url());
//! sandbox.stop().await;
//! # Ok(()) }
//! ```
//!
//! The README says where it is simpler than Stripe, and how to add to it.

mod after_payment;
mod catalog;
mod checkout;
mod dashboard;
mod endpoint;
mod events;
mod failure;
mod kept;
mod money;
mod page;
mod payments;
mod protocol;
mod sending;
mod server;
mod session;
mod shared;
mod state;
mod webhook_endpoints;
mod webhooks;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use self::after_payment::{NotPossible, NotSettled};
pub use self::catalog::file::{Catalog, CatalogError};
use self::catalog::prices;
pub use self::dashboard::{Dashboard, TaxSettings, WebhookSettings};
pub use self::failure::Failure;
use self::kept::Keeper;
pub use self::kept::StartError;
pub use self::protocol::API_VERSION;
use self::shared::Shared;
pub use self::state::RecordedRequest;
use self::state::{Cause, State};
pub use self::webhooks::Delivery;
use self::webhooks::Webhooks;

/// How often sessions that are due expire while no request arrives.
const EXPIRY_CHECK: Duration = Duration::from_secs(5);

/// What a sandbox starts with.
#[derive(Clone, Debug)]
pub struct Config {
    /// What the shop sells.
    pub catalog: Catalog,
    /// Where events go; it can be set later with [`Sandbox::set_webhook_url`]. Plain HTTP only.
    pub webhook_url: Option<String>,
    /// The secret that signs events; of a comma-separated list, the first.
    pub webhook_secret: String,
    /// The file in which the sandbox keeps what it has; without one it forgets everything when it stops.
    pub data: Option<PathBuf>,
    /// The pauses between the attempts to deliver one event; there is one more attempt than there are pauses.
    pub retry_delays: Vec<Duration>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            catalog: Catalog::default(),
            webhook_url: None,
            webhook_secret: "whsec_sandbox".to_owned(),
            data: None,
            retry_delays: [1, 2, 5, 10, 30, 60].map(Duration::from_secs).into(),
        }
    }
}

/// The tasks that stop when the last handle is gone.
#[derive(Debug)]
struct Tasks {
    stop: watch::Sender<bool>,
    server: Mutex<Option<JoinHandle<()>>>,
    shared: Arc<Shared>,
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        // The runtime may end before the server does.
        self.shared.keep_last();
    }
}

/// A running sandbox. It serves until the last clone of this handle is dropped or one is [stopped](Sandbox::stop).
#[derive(Clone, Debug)]
pub struct Sandbox {
    url: String,
    shared: Arc<Shared>,
    tasks: Arc<Tasks>,
}

impl Sandbox {
    /// Starts to serve on `listener`, in background tasks of the current tokio runtime.
    ///
    /// # Errors
    ///
    /// When the listener does not say its address, or the file that keeps the state cannot be read or written.
    #[expect(clippy::unused_async, reason = "only within a runtime can it be awaited, and it needs one")]
    pub async fn start(listener: TcpListener, config: Config) -> Result<Self, StartError> {
        let url = format!("http://{}", listener.local_addr()?);
        let (stop, stopped) = watch::channel(false);
        let mut state = State::new(&url);
        let (keeper, deliveries) = match config.data {
            None => {
                config.catalog.fill(&mut state, &url);
                (None, Vec::new())
            }
            Some(file) => {
                let (keeper, deliveries) = Keeper::open(&file, config.catalog, &url, &mut state)?;
                (Some(keeper), deliveries)
            }
        };
        let Config { webhook_url, webhook_secret, retry_delays, .. } = config;
        let webhooks = Webhooks::new(webhook_url, &webhook_secret, retry_delays, deliveries, stopped.clone());
        let shared = Arc::new(Shared::new(state, webhooks, keeper));
        // A file that cannot be written is told of now, not after the first payment.
        shared.keep()?;
        tokio::spawn(expire_regularly(Arc::clone(&shared), stopped.clone()));
        tokio::spawn(keep_changes(Arc::clone(&shared), stopped.clone()));
        let server = tokio::spawn(serve(listener, Arc::clone(&shared), stopped));
        let tasks = Tasks { stop, server: Mutex::new(Some(server)), shared: Arc::clone(&shared) };
        Ok(Self { url, shared, tasks: Arc::new(tasks) })
    }

    /// The sandbox's address, `http://127.0.0.1:PORT`: Stripe's base URL for the shop.
    #[must_use]
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Says where events go from now on.
    pub fn set_webhook_url(&self, url: &str) {
        self.shared.webhooks.set_url(url);
    }

    /// Stops serving and delivering; resolves when the port is free.
    pub async fn stop(self) {
        self.tasks.stop.send_replace(true);
        let server = self.tasks.server.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(server) = server {
            // It only fails when it panicked, and then it does not serve any more either.
            let _ = server.await;
        }
    }

    /// The requests to the API so far, the last 10 000, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.look(|state| state.requests.iter().cloned().collect())
    }

    /// All Checkout Sessions, the oldest first, with their line items.
    #[must_use]
    pub fn sessions(&self) -> Vec<Value> {
        self.look(|state| {
            let mut sessions: Vec<Value> = state.sessions.newest().map(|(_, session)| session.render(state)).collect();
            sessions.reverse();
            sessions
        })
    }

    /// All attempts to deliver events, in order.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.shared.webhooks.log()
    }

    /// Resolves when no delivery is under way, retries included.
    pub async fn settled(&self) {
        self.shared.webhooks.settled().await;
    }

    /// All events, the oldest first, delivered or not.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        self.look(|state| {
            let mut events: Vec<Value> = state.events.newest().map(|(_, event)| event.clone()).collect();
            events.reverse();
            events
        })
    }

    /// The body of an event and its header `Stripe-Signature`, signed now.
    #[must_use]
    pub fn signed(&self, event: &Value) -> (String, String) {
        self.shared.webhooks.signed(event)
    }

    /// While paused, new events are recorded and not delivered, not even later; deliveries under way go on.
    pub fn pause_webhooks(&self, paused: bool) {
        self.shared.webhooks.pause(paused);
    }

    /// Expires the sessions and gives up the holds whose time is over. It also happens by itself.
    pub fn expire_due(&self) {
        self.look(|_| ());
    }

    /// Puts the sandbox's clock forward. Signatures keep the real time.
    pub fn advance(&self, by: Duration) {
        self.look(|state| state.advance(by));
        self.expire_due();
    }

    /// Changes what the shop has set in Stripe's dashboard. Sessions that are there already keep what they have.
    pub fn change_dashboard(&self, change: impl FnOnce(&mut Dashboard)) {
        self.look(|state| change(&mut state.dashboard));
    }

    /// Has the next request of this method and path fail with a 500, which an idempotency key keeps like any answer.
    pub fn fail_next(&self, method: &str, path: &str) {
        self.fail_next_with(method, path, Failure::broken());
    }

    /// Has the next request of this method and path fail. Failures of the same requests happen in the order of the calls.
    pub fn fail_next_with(&self, method: &str, path: &str, failure: Failure) {
        self.look(|state| state.failing.push((method.to_owned(), path.to_owned(), failure)));
    }

    /// Restricts a key to rights such as `rak_checkout_session_write`; a request beyond them is a 403 that names the right.
    pub fn restrict_key(&self, key: &str, rights: &[&str]) {
        let rights = rights.iter().map(|right| (*right).to_owned()).collect();
        self.look(|state| state.rights.insert(key.to_owned(), rights));
    }

    /// Deletes a price, which Stripe's dashboard can and its API cannot; whether there was one.
    #[must_use]
    pub fn delete_price(&self, id: &str) -> bool {
        self.look(|state| prices::delete(state, id))
    }

    fn look<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        self.shared.step(Cause::default(), work)
    }
}

/// Serves, and keeps what the last requests changed.
async fn serve(listener: TcpListener, shared: Arc<Shared>, stopped: watch::Receiver<bool>) {
    server::serve(listener, Arc::clone(&shared), stopped).await;
    shared.keep_or_log();
}

/// Writes the state after every change, in the background. What changes while it is written is in the next one.
async fn keep_changes(shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    let Some(keeper) = &shared.keeper else { return };
    loop {
        tokio::select! {
            () = keeper.changed.notified() => {}
            _ = stopped.wait_for(|stopped| *stopped) => return,
        }
        let writing = Arc::clone(&shared);
        // It only fails when it panicked, and the next change is another try.
        let _ = tokio::task::spawn_blocking(move || writing.keep_or_log()).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "expiry is a matter of time")]
async fn expire_regularly(shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(EXPIRY_CHECK) => shared.step(Cause::default(), |_| ()),
            _ = stopped.wait_for(|stopped| *stopped) => return,
        }
    }
}
