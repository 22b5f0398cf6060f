//! A connection to Stripe.

use std::time::Duration;

use bytes::Bytes;
use cart::Timestamp;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::{Method, StatusCode};
use http_body_util::Full;
use https::Https;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use settings::{Environment, STRIPE_TIMEOUT_MS};

use crate::Error;
use crate::api::{self, Request};

/// A client of Stripe's API.
///
/// Keeps its connection open between requests, bounds every attempt in time, and repeats what is safe to repeat: reads,
/// and writes under an idempotency key.
#[derive(Clone)]
pub struct Stripe {
    https: Https,
    base: String,
    authorization: HeaderValue,
    attempts: u32,
    attempt: Duration,
}

const ATTEMPTS: u32 = 3;
/// Attempts of work that no shopper waits for: pauses of 19 seconds in all.
const LONG_ATTEMPTS: u32 = 8;
/// The first pause between attempts; it doubles.
const PAUSE: Duration = Duration::from_millis(150);

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

    /// A client as `environment` says: `STRIPE_SECRET_KEY`, `STRIPE_API_URL` for another base URL than Stripe's, and
    /// [`STRIPE_TIMEOUT_MS`], the most that one attempt may take.
    ///
    /// # Errors
    ///
    /// The key is missing, or a setting is malformed.
    pub fn new(environment: &Environment, https: &Https) -> Result<Self, settings::Error> {
        let key = environment.required(Self::SECRET_KEY)?;
        let mut authorization = HeaderValue::try_from(format!("Bearer {key}"))
            .map_err(|_| settings::Error::malformed(Self::SECRET_KEY, "a secret key of Stripe's"))?;
        authorization.set_sensitive(true);
        let base = base(environment)?.to_owned();
        let attempt = Duration::from_millis(environment.number(&STRIPE_TIMEOUT_MS)?);
        Ok(Self { https: https.clone(), base, authorization, attempts: ATTEMPTS, attempt })
    }

    /// The same client for work that no shopper waits for: rides out a rate limit or an outage of some seconds.
    #[must_use]
    pub fn with_long_retries(&self) -> Self {
        Self { attempts: LONG_ATTEMPTS, ..self.clone() }
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
    /// Source: <https://docs.stripe.com/api/idempotent_requests>
    pub(crate) async fn send(&self, request: Request, idempotency_key: Option<&str>) -> Result<Bytes, Error> {
        let reads = request.method == Method::GET;
        let mut key = idempotency_key.map(str::to_owned);
        let mut attempt = 1;
        loop {
            let answer = match tokio::time::timeout(self.attempt, self.attempt(&request, key.as_deref())).await {
                Ok(answer) => answer,
                Err(_) => Err(Error::unavailable("no answer in time")),
            };
            let replayed = match &answer {
                Err(Error::Unavailable { replayed, .. }) if reads || key.is_some() => *replayed,
                _ => return answer,
            };
            if attempt == self.attempts {
                return answer;
            }
            if replayed {
                key = idempotency_key.map(|key| format!("{key}-{}-{attempt}", this_minute()));
            } else {
                pause(PAUSE * 2_u32.pow(attempt - 1)).await;
            }
            attempt += 1;
        }
    }

    async fn attempt(&self, request: &Request, idempotency_key: Option<&str>) -> Result<Bytes, Error> {
        let query = request.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        let mut builder = http::Request::builder()
            .method(&request.method)
            .uri(format!("{}/v1{}{query}", self.base, request.path))
            .header(AUTHORIZATION, self.authorization.clone())
            .header(USER_AGENT, concat!("cartwright/", env!("CARGO_PKG_VERSION")))
            .header("stripe-version", api::version())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(key) = idempotency_key {
            builder = builder.header("idempotency-key", key);
        }
        // A request without a form has an empty body.
        let body = Full::new(Bytes::from(request.form.clone().unwrap_or_default()));
        let request = builder.body(body).map_err(|error| unavailable(&error))?;

        let response = self.https.send(request).await.map_err(|error| unavailable(&error))?;
        let status = response.status();
        let replayed = response.headers().get("idempotent-replayed").is_some_and(|value| value == "true");
        let bytes = response.into_body();
        if status.is_success() { Ok(bytes) } else { Err(refusal(status, replayed, &bytes)) }
    }
}

#[expect(clippy::disallowed_methods, reason = "Stripe says no more than that a moment may help")]
async fn pause(time: Duration) {
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
    serde_json::from_slice(bytes).map_err(|error| Error::Unreadable { reason: error.to_string() })
}

fn base(environment: &Environment) -> Result<&str, settings::Error> {
    Ok(environment.base_url("STRIPE_API_URL")?.unwrap_or("https://api.stripe.com"))
}

fn unavailable(error: &impl ToString) -> Error {
    Error::unavailable(error.to_string())
}

/// Reads Stripe's error body.
///
/// Source: <https://docs.stripe.com/api/errors>
fn refusal(status: StatusCode, replayed: bool, bytes: &[u8]) -> Error {
    #[derive(Deserialize, Default)]
    struct Body {
        error: Details,
    }
    #[derive(Deserialize, Default)]
    struct Details {
        code: Option<String>,
        param: Option<String>,
        message: Option<String>,
    }

    let details = serde_json::from_slice::<Body>(bytes).unwrap_or_default().error;
    let message = details.message.unwrap_or_default();
    // 409: another request with the same idempotency key is under way.
    if status.is_server_error() || matches!(status.as_u16(), 409 | 429) {
        return Error::Unavailable { replayed, reason: format!("{status}: {message}") };
    }
    Error::Refused { status: status.as_u16(), code: details.code, param: details.param, message }
}
