//! The API's envelope: keys, idempotency, request ids and errors (<https://docs.stripe.com/api>).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Map, Value};

use super::{rights, routes};
use crate::failure::Failure;
use crate::protocol::refusal::Refusal;
use crate::protocol::{API_VERSION, form, ids, json_text};
use crate::shared::Shared;
use crate::state::{Cause, RecordedRequest, Remembered, State};

/// Stripe's limit for the length of an idempotency key.
const LONGEST_KEY: usize = 255;

/// A request as it came in.
pub(crate) struct Call<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: String,
}

/// An answer to send.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Call<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn params(&self) -> Map<String, Value> {
        form::decode(if self.method == Method::POST { &self.body } else { self.query })
    }

    fn check_form(&self) -> Result<(), Refusal> {
        let form = self
            .header("content-type")
            .is_none_or(|kind| kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded"));
        if form || self.body.is_empty() { Ok(()) } else { Err(Refusal::NotAForm) }
    }

    /// Accepts the versions that are the sandbox's own but for additions: those of its release, not older than its own.
    ///
    /// Source: <https://docs.stripe.com/api/versioning>
    fn check_version(&self) -> Result<(), Refusal> {
        let Some(version) = self.header("stripe-version") else { return Ok(()) };
        let is_played = match (version.split_once('.'), API_VERSION.split_once('.')) {
            (Some((date, release)), Some((own, own_release))) => release == own_release && date >= own,
            _ => false,
        };
        if is_played { Ok(()) } else { Err(Refusal::OtherVersion { version: version.to_owned() }) }
    }

    /// The key of the request: any that looks like a secret one.
    fn key(&self) -> Result<String, Refusal> {
        let header = self.header("authorization").unwrap_or_default();
        let key = match header.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim().to_owned(),
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("basic") => {
                let decoded = STANDARD.decode(token.trim()).unwrap_or_default();
                let text = String::from_utf8_lossy(&decoded).into_owned();
                text.split(':').next().unwrap_or_default().to_owned()
            }
            _ => String::new(),
        };
        if key.is_empty() {
            Err(Refusal::NoKey)
        } else if key.starts_with("sk_") || key.starts_with("rk_") {
            Ok(key)
        } else {
            Err(Refusal::InvalidKey(masked(&key)))
        }
    }

    fn check(&self, state: &State) -> Result<(), Refusal> {
        self.key()?;
        self.check_version()?;
        self.permit(state, |rights| rights::missing(&self.method, self.path, rights))?;
        self.check_form()
    }

    /// Refuses what takes a right that a restricted key lacks.
    fn permit(&self, state: &State, missing: impl FnOnce(&[String]) -> Option<String>) -> Result<(), Refusal> {
        let key = self.key()?;
        match state.rights.get(&key).and_then(|rights| missing(rights)) {
            None => Ok(()),
            Some(right) => Err(Refusal::NotPermitted { key: masked(&key), right }),
        }
    }
}

/// The beginning of a key and nothing else of it.
fn masked(key: &str) -> String {
    const SHOWN: usize = 8;
    key.chars().take(SHOWN.min(key.len() / 2)).chain("****".chars()).collect()
}

/// An answer before it is written.
struct Outcome {
    status: StatusCode,
    body: Value,
    /// Whether an idempotency key had it already.
    replayed: bool,
    /// What Stripe says about repeating the request.
    retry_after: Option<u64>,
    should_retry: Option<bool>,
}

impl Outcome {
    fn new(status: StatusCode, body: Value) -> Self {
        Self { status, body, replayed: false, retry_after: None, should_retry: None }
    }
}

/// One request under way.
struct Exchange<'a> {
    call: &'a Call<'a>,
    params: Map<String, Value>,
    id: String,
    key: Option<String>,
}

/// Answers one request of the API.
pub(super) fn answer(shared: &Shared, call: &Call<'_>) -> Reply {
    let key = call.header("idempotency-key").filter(|key| !key.is_empty()).map(str::to_owned);
    let exchange = Exchange { call, params: call.params(), id: ids::new("req_", 14), key };
    let cause = Cause { request: Some(exchange.id.clone()), idempotency_key: exchange.key.clone() };
    let outcome = shared.step(cause, |state| {
        state.record(exchange.recorded());
        match call.check(state) {
            Ok(()) => exchange.keyed(state),
            Err(refusal) => exchange.refused(state, &refusal),
        }
    });
    Reply { status: outcome.status, headers: exchange.headers(&outcome), body: outcome.body.to_string() }
}

impl Exchange<'_> {
    fn recorded(&self) -> RecordedRequest {
        RecordedRequest {
            method: self.call.method.to_string(),
            path: self.call.path.to_owned(),
            params: form::with_lists(Value::Object(self.params.clone())),
            body: self.call.body.clone(),
            idempotency_key: self.key.clone(),
        }
    }

    fn headers(&self, outcome: &Outcome) -> HeaderMap {
        let text = |value: &str| Some(value.to_owned());
        let own = [
            ("content-type", text("application/json")),
            ("request-id", text(&self.id)),
            ("stripe-version", text(self.call.header("stripe-version").unwrap_or(API_VERSION))),
            ("idempotency-key", self.key.clone()),
            ("idempotent-replayed", outcome.replayed.then(|| "true".to_owned())),
            ("retry-after", outcome.retry_after.map(|seconds| seconds.to_string())),
            ("stripe-should-retry", outcome.should_retry.map(|should_retry| should_retry.to_string())),
        ];
        let given = own
            .into_iter()
            .filter_map(|(name, value)| Some((HeaderName::from_static(name), HeaderValue::try_from(value?).ok()?)));
        given.collect()
    }

    fn refused(&self, state: &State, refusal: &Refusal) -> Outcome {
        let mut body = refusal.body();
        let log_url = format!("https://dashboard.stripe.com/test/logs/{}?t={}", self.id, state.now());
        body["error"]["request_log_url"] = log_url.into();
        Outcome::new(refusal.status(), body)
    }

    /// Carries the request out, or gives the answer that its idempotency key already has.
    fn keyed(&self, state: &mut State) -> Outcome {
        let Some(key) = self.key.as_deref().filter(|_| self.call.method == Method::POST) else {
            let (outcome, _) = self.executed(state);
            return outcome;
        };
        if key.len() > LONGEST_KEY {
            let message = format!("Idempotency keys can have up to {LONGEST_KEY} characters.");
            return self.refused(state, &Refusal::Invalid { param: None, code: None, message });
        }
        if let Some(known) = state.remembered(key) {
            return if known.path != self.call.path {
                self.refused(state, &Refusal::KeyMoved { key: key.to_owned(), path: known.path.clone() })
            } else if known.params != self.params {
                self.refused(state, &Refusal::KeyReused { key: key.to_owned() })
            } else {
                let status = StatusCode::from_u16(known.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                Outcome { replayed: true, ..Outcome::new(status, known.body.clone()) }
            };
        }
        let (outcome, is_kept) = self.executed(state);
        if is_kept {
            let (path, params, at) = (self.call.path.to_owned(), self.params.clone(), state.now());
            let body = outcome.body.clone();
            state.remember(key.to_owned(), Remembered { path, params, status: outcome.status.as_u16(), body, at });
        }
        outcome
    }

    /// Carries the request out, and says whether an idempotency key keeps the answer.
    fn executed(&self, state: &mut State) -> (Outcome, bool) {
        if let Some(Failure { refusal, retry_after, should_retry }) =
            state.failure(self.call.method.as_str(), self.call.path)
        {
            return (Outcome { retry_after, should_retry, ..self.refused(state, &refusal) }, refusal.executed());
        }
        let permit = |state: &State, object: &Value| {
            self.call.permit(state, |rights| rights::missing_to_expand(json_text(&object["object"]), rights))
        };
        match routes::dispatch(state, &self.call.method, self.call.path, &self.params, &permit) {
            Ok(body) => (Outcome::new(StatusCode::OK, body), true),
            Err(refusal) => (self.refused(state, &refusal), refusal.executed()),
        }
    }
}
