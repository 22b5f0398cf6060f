//! A connection to Stripe.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cart::Timestamp;
use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{Method, Response, StatusCode};
use http_body_util::Full;
use https::Https;
use secrets::Secrets;
use serde::de::DeserializeOwned;
use settings::{Environment, STRIPE_TIMEOUT_MS};
use tokio::time::Instant;

use crate::api::{self, Request};
use crate::refusal::Refusal;
use crate::{Error, Event};
use circuit::Circuit;
use retry::{Advice, BATCH, HINT, Patience, SHOPPER, passes};

mod circuit;
mod key;
mod retry;

/// A client of Stripe's API.
///
/// Keeps its connection open between requests, bounds every attempt and every call in time, and repeats what is safe to
/// repeat: reads, and writes under an idempotency key. All copies of a client notice together that Stripe does not answer,
/// and then leave it alone for some seconds.
#[derive(Clone)]
pub struct Stripe {
    https: Https,
    base: String,
    secrets: Secrets,
    /// The most time for one attempt.
    attempt: Duration,
    patience: Patience,
    circuit: Arc<Circuit>,
}

/// An attempt that came to nothing.
struct Failure {
    error: Error,
    advice: Advice,
    /// The key, where Stripe did not know it.
    unknown_key: Option<String>,
}

impl Stripe {
    /// The setting that holds the key.
    pub const SECRET_KEY: &str = "STRIPE_SECRET_KEY";

    /// Begins to open a connection to Stripe, before the key is known.
    pub fn open(environment: &Environment, https: &Https) {
        // What is wrong with the setting is said by `new`.
        if let Ok(base) = base(environment) {
            https.open(base);
        }
    }

    /// A client with the key in `STRIPE_SECRET_KEY`, and as `environment` says: `STRIPE_API_URL` for another base URL than
    /// Stripe's, and [`STRIPE_TIMEOUT_MS`], the most that one attempt may take.
    ///
    /// # Errors
    ///
    /// The key is missing or of the wrong kind, or a setting is malformed.
    pub fn new(environment: &Environment, secrets: &Secrets, https: &Https) -> Result<Self, settings::Error> {
        let base = base(environment)?.to_owned();
        let key = secrets.required(Self::SECRET_KEY)?;
        key::authorization(&key, &base)?;
        let secrets = secrets.clone();
        let attempt = Duration::from_millis(environment.number(&STRIPE_TIMEOUT_MS)?);
        Ok(Self { https: https.clone(), base, secrets, attempt, patience: SHOPPER, circuit: Arc::default() })
    }

    /// The same client for work that no shopper waits for: rides out a rate limit or an outage of some seconds.
    #[must_use]
    pub fn with_long_retries(&self) -> Self {
        Self { patience: BATCH, ..self.clone() }
    }

    /// The same client for questions that will be asked again if they are not answered: the first answer that Stripe has too
    /// many requests counts.
    #[must_use]
    pub fn giving_way(&self) -> Self {
        Self { patience: HINT, ..self.clone() }
    }

    /// Whether an event is about what this client can ask for: objects of the shop's own account, in the mode of the key as
    /// it is by now.
    ///
    /// A platform also gets the events of the accounts that are connected to it, and an endpoint of live mode may get events
    /// of test mode. The key may have been replaced since the client was made.
    ///
    /// Source: <https://docs.stripe.com/connect/webhooks>
    #[must_use]
    pub fn can_see(&self, event: &Event) -> bool {
        let key = self.secrets.get(Self::SECRET_KEY).unwrap_or_default();
        event.is_of_own_account() && event.livemode.is_none_or(|livemode| livemode == key::is_live(&key))
    }

    /// Sends a request and reads its answer.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        request: Request,
        idempotency_key: Option<&str>,
    ) -> Result<T, Error> {
        let bytes = self.send(request, idempotency_key).await?;
        read(&bytes)
    }

    /// Sends a request, repeating it where that is safe and may help.
    ///
    /// Stripe keeps what it answered under an idempotency key for a day, and be it a 500. A key that is the same for all
    /// who want the same would be stuck with it. So where Stripe says that such an answer is an old one, the next attempt
    /// uses a key of this minute, which is still the same for all who ask now. An answer that is not a repetition never
    /// changes the key: the request may have taken effect.
    ///
    /// Where Stripe does not know the secret key, which may have been replaced, the one that stands in its place is tried.
    ///
    /// Source: <https://docs.stripe.com/api/idempotent_requests>
    pub(crate) async fn send(&self, request: Request, idempotency_key: Option<&str>) -> Result<Bytes, Error> {
        let is_repeatable = request.method == Method::GET || idempotency_key.is_some();
        let begun = Instant::now();
        let mut key = idempotency_key.map(str::to_owned);
        let mut attempt = 1;
        loop {
            let left = self.patience.time.saturating_sub(begun.elapsed());
            let Failure { error, advice, unknown_key } = match self.attempt(&request, key.as_deref(), left).await {
                Ok(bytes) => return Ok(bytes),
                Err(failure) => failure,
            };
            if let Some(unknown) = unknown_key
                && self.secrets.renewed(Self::SECRET_KEY, &unknown).await.is_some()
            {
                continue;
            }
            let another = self.patience.pause(advice, attempt, begun.elapsed()).filter(|_| is_repeatable);
            let Some(pause) = another else { return Err(error) };
            if advice.replayed {
                key = idempotency_key.map(|key| format!("{key}-{}-{attempt}", this_minute()));
            }
            wait(pause).await;
            attempt += 1;
        }
    }

    /// Sends a request once, unless Stripe is left alone just now.
    async fn attempt(
        &self,
        request: &Request,
        idempotency_key: Option<&str>,
        left: Duration,
    ) -> Result<Bytes, Failure> {
        if let Some(rest) = self.circuit.rest(Instant::now()) {
            return Err(Failure::resting(rest, self.patience));
        }
        let key = self.secrets.get(Self::SECRET_KEY).unwrap_or_default();
        let request = self.http_request(request, &key, idempotency_key)?;
        // A connection that lay idle has half the time, so that a dead one leaves enough for another attempt.
        let answer = self.https.send(request, self.attempt / 2);
        let response = match tokio::time::timeout(self.attempt.min(left), answer).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                // One that broke off had been accepted: Stripe is there.
                let rest = if error.is_connect() { self.circuit.unanswered(Instant::now()) } else { None };
                return Err(Failure::unanswered(error.to_string(), rest));
            }
            Err(_) => {
                let rest = self.circuit.unanswered(Instant::now());
                return Err(Failure::unanswered("no answer in time".to_owned(), rest));
            }
        };
        self.circuit.answered();
        if response.status().is_success() { Ok(response.into_body()) } else { Err(Failure::of(&response, key)) }
    }

    fn http_request(
        &self,
        request: &Request,
        secret_key: &str,
        idempotency_key: Option<&str>,
    ) -> Result<http::Request<Full<Bytes>>, Failure> {
        let authorization = key::authorization(secret_key, &self.base).map_err(|error| Failure::hopeless(&error))?;
        let query = request.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        let mut builder = http::Request::builder()
            .method(&request.method)
            .uri(format!("{}/v1{}{query}", self.base, request.path))
            .header(AUTHORIZATION, authorization)
            .header(USER_AGENT, concat!("cartwright/", env!("CARGO_PKG_VERSION")))
            .header("stripe-version", api::version())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(key) = idempotency_key {
            builder = builder.header("idempotency-key", key);
        }
        // A request without a form has an empty body.
        let form = Full::new(Bytes::from(request.form.clone().unwrap_or_default()));
        builder.body(form).map_err(|error| Failure::hopeless(&error))
    }
}

impl Failure {
    /// Nothing was sent: Stripe did not answer the last attempts.
    fn resting(rest: Duration, patience: Patience) -> Self {
        let reason = "not asked, since it did not answer the last attempts".to_owned();
        let advice = Advice::resting(rest, patience.outlasts_rests);
        Self { error: Error::Unavailable { reason, retry_after: Some(rest) }, advice, unknown_key: None }
    }

    /// Nothing was sent, and never can be.
    fn hopeless(error: &impl ToString) -> Self {
        Self { error: Error::Unwritable { reason: error.to_string() }, advice: Advice::default(), unknown_key: None }
    }

    /// No answer came, after which Stripe may be left alone.
    fn unanswered(reason: String, rest: Option<Duration>) -> Self {
        let error = Error::Unavailable { reason, retry_after: rest };
        Self { error, advice: Advice::UNANSWERED, unknown_key: None }
    }

    /// An answer that is no success, to a request with this key.
    fn of(response: &Response<Bytes>, key: String) -> Self {
        let (status, headers) = (response.status(), response.headers());
        let request_id = headers.get("request-id").and_then(|id| id.to_str().ok());
        let refusal = Refusal::read(status, request_id, response.body());
        let advice = Advice::of(status, headers);
        let error = if advice.may_help || passes(status) {
            Error::Unavailable { reason: refusal.to_string(), retry_after: advice.after }
        } else {
            Error::Refused(Box::new(refusal))
        };
        Self { error, advice, unknown_key: (status == StatusCode::UNAUTHORIZED).then_some(key) }
    }
}

#[expect(clippy::disallowed_methods, reason = "Stripe says no more than that a moment may help")]
async fn wait(time: Duration) {
    tokio::time::sleep(time).await;
}

#[expect(clippy::disallowed_methods, reason = "the minute of this attempt, not of the request that led to it")]
fn this_minute() -> i64 {
    Timestamp::now().as_second() / 60
}

impl std::fmt::Debug for Stripe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stripe").field("base", &self.base).finish_non_exhaustive()
    }
}

pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|error| Error::unreadable(&error))
}

fn base(environment: &Environment) -> Result<&str, settings::Error> {
    Ok(environment.base_url("STRIPE_API_URL")?.unwrap_or("https://api.stripe.com"))
}
