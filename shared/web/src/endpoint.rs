//! Serving an endpoint.

use std::fmt::Display;
use std::future::Future;
use std::hash::{DefaultHasher, Hasher as _};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::log::{self, Log};
use crate::{Caller, Error, Setup};
use lambda_http::http::header::AsHeaderName;
use lambda_http::http::{HeaderMap, HeaderValue, StatusCode, header};
use lambda_http::{Body, RequestExt as _};
use serde::Serialize;

/// A request as API Gateway hands it to a function.
pub type Request = lambda_http::Request;
/// A response as API Gateway takes it from a function.
pub type Response = lambda_http::Response<Body>;

/// One HTTP endpoint: one Lambda function.
pub trait Endpoint: Sized + Send + Sync + 'static {
    /// The function's name.
    const NAME: &str;
    /// The settings that hold secrets: in AWS they are read by name from Parameter Store.
    const SECRETS: &[&str] = &[];

    /// Begins what takes time and needs no secret: opening connections that nearly every request needs. Called once per
    /// cold start, before the secrets are read.
    fn prepare(_: &Setup) {}

    /// The endpoint as its settings want it; called once per cold start.
    ///
    /// # Errors
    ///
    /// A setting is missing or malformed: the function must not start.
    fn new(setup: &Setup) -> Result<Self, settings::Error>;

    /// Answers a request.
    fn handle(&self, request: Request) -> impl Future<Output = Result<Response, Error>> + Send;
}

/// How long before Lambda would end it an invocation gives up: time enough to say so.
const RESERVE: Duration = Duration::from_millis(250);

/// What the endpoint waited for took too long.
#[derive(Debug, thiserror::Error)]
#[error("the function's time is over")]
struct Overdue;

/// Answers a request, errors included, and writes one line about it to the log; the cause of a 5xx stands in that line.
///
/// Shortly before Lambda would end the function, whatever it still waits for is given up, and the client is told to try
/// again. That is safe wherever a crash is: after any step the next attempt goes on.
pub async fn answer<E: Endpoint>(endpoint: &E, log: &Log, request: Request) -> Response {
    let begun = log.request();
    let context = request.lambda_context_ref();
    let request_id = context.map(|context| context.request_id.clone()).unwrap_or_default();
    let time = context.and_then(|context| time_left(context.deadline));
    let token = Caller::presented(request.headers());
    // On the heap, as it holds everything that the endpoint works with.
    let handled = Box::pin(endpoint.handle(request));
    let (result, tally) = tally::of(within(time, handled)).await;

    let mut cause = None;
    let response = result.unwrap_or_else(|error| {
        cause = error.status().is_server_error().then(|| error.to_string());
        error.response(&request_id)
    });
    let cart = Caller::presented(response.headers()).or(token).map(|token| token.number());
    let status = Some(response.status().as_u16());
    let answer = log::Answer { function: E::NAME, status, cart, request_id: &request_id, cause };
    log.answered(&begun, answer, &tally);
    response
}

/// Does what a function without a route does when it is invoked, and writes one line about it to the log, as [`answer`]
/// does; the cause of a failure stands in that line.
///
/// # Errors
///
/// Those of `work`.
pub async fn invocation<T, E: Display>(
    function: &'static str,
    log: &Log,
    request_id: &str,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let begun = log.request();
    let (result, tally) = tally::of(Box::pin(work)).await;
    let cause = result.as_ref().err().map(ToString::to_string);
    log.answered(&begun, log::Answer { function, status: None, cart: None, request_id, cause }, &tally);
    result
}

/// What the endpoint answers, if it does so in time.
async fn within(
    time: Option<Duration>,
    answer: impl Future<Output = Result<Response, Error>>,
) -> Result<Response, Error> {
    match time {
        None => answer.await,
        Some(time) => tokio::time::timeout(time, answer).await.unwrap_or_else(|_| Err(crate::upstream(true, Overdue))),
    }
}

/// The time until `deadline`, in milliseconds since 1970, less the reserve.
///
/// `None` where it is over before the work begins: no deadline of Lambda's, but one of `cargo lambda watch`, which tells a
/// time in 1970, or of nobody.
fn time_left(deadline: u64) -> Option<Duration> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Duration::from_millis(deadline).checked_sub(now).map(|left| left.saturating_sub(RESERVE))
}

/// A JSON response that no cache keeps.
pub fn json(status: StatusCode, body: &impl Serialize) -> Response {
    json_text(status, crate::json::text(body))
}

/// A response of JSON that is written already, which no cache keeps.
pub(crate) fn json_text(status: StatusCode, json: String) -> Response {
    let mut response = Response::new(Body::Text(json));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Sends a browser on to `url` with a GET.
///
/// # Errors
///
/// The URL cannot stand in a header.
pub fn redirect(url: &str) -> Result<Response, Error> {
    let location = HeaderValue::try_from(url).map_err(|error| crate::upstream(false, error))?;
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(header::LOCATION, location);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// A JSON response that caches may keep for a minute, or 304 where the client has it already.
#[must_use]
pub fn cacheable(request: &Request, body: &impl Serialize) -> Response {
    let mut response = json(StatusCode::OK, body);
    let mut hash = DefaultHasher::new();
    hash.write(response.body().as_ref());
    let tag = format!("\"{:016x}\"", hash.finish());
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|known| known.trim().trim_start_matches("W/") == tag)) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::Empty;
    }
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
    // Hex digits in quotes: always a valid header.
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// The value of a header, without space around it; `None` where it is absent or blank.
pub(crate) fn header(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&[u8]> {
    headers.get(name).map(|value| value.as_bytes().trim_ascii()).filter(|value| !value.is_empty())
}

/// A parameter of the query; `None` where it is absent or blank.
#[must_use]
pub fn query(request: &Request, name: &str) -> Option<String> {
    let parameters = request.query_string_parameters_ref()?;
    parameters.first(name).map(str::to_owned).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use settings::Environment;

    use super::*;

    /// Waits for something that never happens.
    struct Stuck;

    impl Endpoint for Stuck {
        const NAME: &str = "stuck";

        fn new(_: &Setup) -> Result<Self, settings::Error> {
            Ok(Self)
        }

        async fn handle(&self, _: Request) -> Result<Response, Error> {
            std::future::pending().await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_function_answers_before_its_time_is_over() {
        let in_five_seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(5);
        let mut context = lambda_http::Context::default();
        context.deadline = u64::try_from(in_five_seconds.as_millis()).unwrap();

        let request = Request::new(Body::Empty).with_lambda_context(context);
        let response = answer(&Stuck, &Log::new(&Environment::default()), request).await;

        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
    }

    #[test]
    fn a_deadline_that_was_over_before_is_none() {
        for milliseconds in [0, 600_000] {
            assert_eq!(time_left(milliseconds), None);
        }
    }
}
