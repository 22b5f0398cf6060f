//! The API's envelope: keys, idempotency, request ids and errors (<https://docs.stripe.com/api>).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::{Map, Value};

use crate::protocol::refusal::Refusal;
use crate::protocol::{form, ids};
use crate::server::routes;
use crate::state::{Cause, Remembered, State};
use crate::{API_VERSION, RecordedRequest, Shared};

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

    /// Takes any secret key of test mode's form; nothing hangs on which one it is.
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

/// Answers one request of the API.
pub(crate) fn answer(shared: &Shared, call: &Call<'_>) -> Reply {
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
        match call.check_key().and_then(|()| call.check_form()) {
            Ok(()) => keyed(state, call, &params, key.as_deref()),
            Err(refusal) => (refusal.status(), refusal.body(), false),
        }
    });
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    let version = call.header("stripe-version").unwrap_or(API_VERSION);
    let own = [("request-id", Some(request_id.as_str())), ("stripe-version", Some(version))];
    let replay = [("idempotency-key", key.as_deref()), ("idempotent-replayed", replayed.then_some("true"))];
    for (name, value) in own.into_iter().chain(replay) {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
            headers.insert(name, value);
        }
    }
    Reply { status, headers, body: body.to_string() }
}

/// Carries the request out, or gives the answer that its idempotency key already has.
fn keyed(
    state: &mut State,
    call: &Call<'_>,
    params: &Map<String, Value>,
    key: Option<&str>,
) -> (StatusCode, Value, bool) {
    /// Stripe's limit for the length of a key.
    const LONGEST: usize = 255;
    let key = key.filter(|_| call.method == Method::POST);
    if key.is_some_and(|key| key.len() > LONGEST) {
        let message = format!("Idempotency keys can have up to {LONGEST} characters.");
        let refusal = Refusal::Invalid { param: None, code: None, message };
        return (refusal.status(), refusal.body(), false);
    }
    if let Some(key) = key
        && let Some(known) = state.remembered(key)
    {
        let refusal = if known.path != call.path {
            Refusal::KeyMoved { key: key.to_owned(), path: known.path.clone() }
        } else if known.params != *params {
            Refusal::KeyReused { key: key.to_owned() }
        } else {
            return (known.status, known.body.clone(), true);
        };
        return (refusal.status(), refusal.body(), false);
    }
    let outcome = if state.fails(call.method.as_str(), call.path) {
        Err(Refusal::Broken)
    } else {
        routes::dispatch(state, &call.method, call.path, params)
    };
    let (status, body, executed) = match outcome {
        Ok(body) => (StatusCode::OK, body, true),
        Err(refusal) => (refusal.status(), refusal.body(), refusal.executed()),
    };
    if let Some(key) = key.filter(|_| executed) {
        let answer = Remembered {
            path: call.path.to_owned(),
            params: params.clone(),
            status,
            body: body.clone(),
            at: state.now(),
        };
        state.remember(key.to_owned(), answer);
    }
    (status, body, false)
}
