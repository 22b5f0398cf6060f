//! Serving an endpoint.

use std::future::Future;
use std::hash::{DefaultHasher, Hasher as _};

use lambda_http::http::{HeaderValue, StatusCode, header};
use lambda_http::{Body, RequestExt as _, service_fn};
use serde::Serialize;
use settings::Environment;

use crate::log::{self, Log};
use crate::{Caller, Error};

/// Why a function stops.
pub type StartError = lambda_http::Error;

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

    /// The endpoint as its settings want it; called once per cold start.
    ///
    /// # Errors
    ///
    /// A setting is missing or malformed: the function must not start.
    fn new(environment: &Environment) -> Result<Self, settings::Error>;

    /// Answers a request.
    fn handle(&self, request: Request) -> impl Future<Output = Result<Response, Error>> + Send;
}

/// Runs an endpoint as a Lambda function, until Lambda ends it.
///
/// # Errors
///
/// A setting is missing or malformed, or Lambda's Runtime API cannot be reached.
pub async fn run<E: Endpoint>() -> Result<(), StartError> {
    let (endpoint, log) = &start(E::SECRETS, |environment| Ok((E::new(environment)?, Log::new(environment)))).await?;
    lambda_http::run(service_fn(|request| async move {
        // An error here would fail the invocation instead of answering it.
        Ok::<_, std::convert::Infallible>(answer(endpoint, log, request).await)
    }))
    .await
}

/// Starts logging, reads the environment and `secrets`, and builds `T` from them.
///
/// # Errors
///
/// A setting is missing or malformed, or a secret cannot be read; the log names it.
pub async fn start<T>(
    secrets: &[&str],
    build: impl FnOnce(&Environment) -> Result<T, settings::Error>,
) -> Result<T, StartError> {
    let mut environment = Environment::of_process();
    tracing::subscriber::set_global_default(log::subscriber(&environment, std::io::stdout))?;
    let started = match secrets {
        [] => build(&environment).map_err(StartError::from),
        names => match secrets::resolve(&mut environment, names).await {
            Ok(()) => build(&environment).map_err(StartError::from),
            Err(error) => Err(error.into()),
        },
    };
    started.inspect_err(|error| tracing::error!(%error, "cannot start"))
}

/// Answers a request, errors included, and writes one line about it to the log; the cause of a 5xx stands in that line.
pub async fn answer<E: Endpoint>(endpoint: &E, log: &Log, request: Request) -> Response {
    let begun = log.request();
    let request_id = request.lambda_context_ref().map(|context| context.request_id.clone()).unwrap_or_default();
    let token = Caller::presented(request.headers());
    let (result, tally) = tally::of(Box::pin(endpoint.handle(request))).await;

    let mut cause = None;
    let response = result.unwrap_or_else(|error| {
        cause = error.status().is_server_error().then(|| error.to_string());
        error.response(&request_id)
    });
    let cart = Caller::presented(response.headers()).or(token).map(|token| token.number());
    let status = response.status().as_u16();
    let answer = log::Answer { function: E::NAME, status, cart, request_id: &request_id, cause };
    log.answered(&begun, answer, &tally);
    response
}

/// A JSON response that no cache keeps.
pub fn json(status: StatusCode, body: &impl Serialize) -> Response {
    // Views are plain data with text keys: they always serialise.
    let mut response = Response::new(Body::Text(serde_json::to_string(body).unwrap_or_default()));
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

/// A parameter of the query; `None` where it is absent or blank.
#[must_use]
pub fn query(request: &Request, name: &str) -> Option<String> {
    let parameters = request.query_string_parameters_ref()?;
    parameters.first(name).map(str::to_owned).filter(|value| !value.is_empty())
}
