//! The API's envelope: keys, idempotency, request ids and errors (<https://docs.stripe.com/api>).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Map, Value};

use super::routes;
use crate::protocol::refusal::Refusal;
use crate::protocol::{API_VERSION, form, ids};
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

    /// Accepts any key that looks like a secret one, whichever it is.
    fn check_key(&self) -> Result<(), Refusal> {
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
            Ok(())
        } else {
            Err(Refusal::InvalidKey(key.chars().take(4).chain("****".chars()).collect()))
        }
    }
}

/// An answer before it is written: its status, its body, and whether an idempotency key had it already.
type Outcome = (StatusCode, Value, bool);

/// Answers one request of the API.
pub(super) fn answer(shared: &Shared, call: &Call<'_>) -> Reply {
    let params = call.params();
    let key = call.header("idempotency-key").filter(|key| !key.is_empty()).map(str::to_owned);
    let request_id = ids::new("req_", 14);
    let cause = Cause { request: Some(request_id.clone()), idempotency_key: key.clone() };
    let recorded = RecordedRequest {
        method: call.method.to_string(),
        path: call.path.to_owned(),
        params: form::with_lists(Value::Object(params.clone())),
        body: call.body.clone(),
        idempotency_key: key.clone(),
    };
    let (status, body, replayed) = shared.step(cause, |state| {
        state.record(recorded);
        match call.check_key().and_then(|()| call.check_version()).and_then(|()| call.check_form()) {
            Ok(()) => keyed(state, call, &params, key.as_deref()),
            Err(refusal) => refused(&refusal),
        }
    });
    Reply { status, headers: headers(call, &request_id, key.as_deref(), replayed), body: body.to_string() }
}

fn headers(call: &Call<'_>, request_id: &str, key: Option<&str>, replayed: bool) -> HeaderMap {
    let own = [
        ("content-type", Some("application/json")),
        ("request-id", Some(request_id)),
        ("stripe-version", Some(call.header("stripe-version").unwrap_or(API_VERSION))),
        ("idempotency-key", key),
        ("idempotent-replayed", replayed.then_some("true")),
    ];
    let given = own
        .into_iter()
        .filter_map(|(name, value)| Some((HeaderName::from_static(name), HeaderValue::from_str(value?).ok()?)));
    given.collect()
}

fn refused(refusal: &Refusal) -> Outcome {
    (refusal.status(), refusal.body(), false)
}

/// Carries the request out, or gives the answer that its idempotency key already has.
fn keyed(state: &mut State, call: &Call<'_>, params: &Map<String, Value>, key: Option<&str>) -> Outcome {
    let Some(key) = key.filter(|_| call.method == Method::POST) else {
        let (outcome, _) = executed(state, call, params);
        return outcome;
    };
    if key.len() > LONGEST_KEY {
        let message = format!("Idempotency keys can have up to {LONGEST_KEY} characters.");
        return refused(&Refusal::Invalid { param: None, code: None, message });
    }
    if let Some(known) = state.remembered(key) {
        return if known.path != call.path {
            refused(&Refusal::KeyMoved { key: key.to_owned(), path: known.path.clone() })
        } else if known.params != *params {
            refused(&Refusal::KeyReused { key: key.to_owned() })
        } else {
            (known.status, known.body.clone(), true)
        };
    }
    let (outcome, is_kept) = executed(state, call, params);
    if is_kept {
        let (path, params, at) = (call.path.to_owned(), params.clone(), state.now());
        state.remember(key.to_owned(), Remembered { path, params, status: outcome.0, body: outcome.1.clone(), at });
    }
    outcome
}

/// Carries the request out, and says whether an idempotency key keeps the answer.
fn executed(state: &mut State, call: &Call<'_>, params: &Map<String, Value>) -> (Outcome, bool) {
    let answer = if state.fails(call.method.as_str(), call.path) {
        Err(Refusal::Broken)
    } else {
        routes::dispatch(state, &call.method, call.path, params)
    };
    match answer {
        Ok(body) => ((StatusCode::OK, body, false), true),
        Err(refusal) => (refused(&refusal), refusal.executed()),
    }
}
