//! API Gateway on the laptop: turns HTTP requests into the events that Lambda functions get.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::{Body, to_bytes};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodFilter, MethodRouter, Router, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambda_http::RequestExt as _;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::cors::Cors;
use crate::functions::Functions;
use crate::{Error, Template, admin, storefront};

/// The most that API Gateway passes on, in bytes.
///
/// Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
const MAX_BODY: usize = 10 * 1024 * 1024;

/// The most that API Gateway reads of a request line and headers together, in bytes.
///
/// Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
const MAX_HEAD: usize = 10_240;

/// The most that Lambda takes of a function's answer, in bytes.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const MAX_ANSWER: usize = 6 * 1024 * 1024;

/// What all routes share.
pub(crate) struct Gateway {
    functions: Functions,
    pub(crate) sync: Arc<sync::Sync>,
    cors: Cors,
    /// In seconds, by function.
    timeouts: BTreeMap<String, u64>,
    requests: AtomicU64,
    /// Where the API is, for clients that do not say where they found it.
    host: String,
}

impl Gateway {
    pub(crate) fn new(
        functions: Functions,
        sync: Arc<sync::Sync>,
        cors: Cors,
        template: &Template,
        host: String,
    ) -> Self {
        Self { functions, sync, cors, timeouts: template.timeouts.clone(), requests: AtomicU64::new(1), host }
    }

    /// The routes of template.yaml, and the sample shop beside them. What is below `/admin` answers this machine's own pages
    /// only.
    pub(crate) fn router(self, template: &Template) -> Result<Router, Error> {
        let mut paths: BTreeMap<&str, MethodRouter<Arc<Self>>> = BTreeMap::new();
        for route in &template.routes {
            let method = route.method.parse().ok().and_then(|method: Method| method.try_into().ok());
            let method: MethodFilter = method.ok_or_else(|| Error::Template(format!("method {}", route.method)))?;
            let function = route.function.clone();
            let key = format!("{} {}", route.method, route.path);
            let handler = async move |State(gateway): State<Arc<Self>>,
                                      parameters: Result<Path<BTreeMap<String, String>>, PathRejection>,
                                      request: Request| {
                match parameters {
                    // An empty segment is none.
                    Ok(Path(parameters)) if parameters.values().any(String::is_empty) => gateway.not_found(),
                    Ok(Path(parameters)) => Box::pin(gateway.invoke(&function, &key, parameters, request)).await,
                    Err(_) => gateway.problem(StatusCode::NOT_FOUND, "not_found", "Not Found"),
                }
            };
            let methods = paths.entry(&route.path).or_default();
            *methods = std::mem::take(methods).on(method, handler);
        }
        let mut router = Router::new();
        for (path, methods) in paths {
            router = router.route(path, methods.fallback(other_method));
        }
        let router = router.route("/admin/sync", post(admin::sync).fallback(other_method));
        let router = router.fallback(other_path).layer(from_fn(guard_admin)).layer(from_fn(complete));
        Ok(router.with_state(Arc::new(self)))
    }

    async fn invoke(
        &self,
        function: &str,
        route_key: &str,
        parameters: BTreeMap<String, String>,
        request: Request,
    ) -> Response {
        let (parts, body) = request.into_parts();
        let cors = self.cors.headers(&parts.headers, false);
        let mut response = match to_bytes(body, MAX_BODY).await {
            _ if head_length(&parts) > MAX_HEAD => self.problem(
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "headers_too_large",
                "Request Header Fields Too Large",
            ),
            Err(_) => self.problem(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "Request Entity Too Large"),
            Ok(body) => {
                let id = self.request_id();
                let event = event(&parts, route_key, &parameters, &body, &id, &self.host);
                let request = lambda_request(&event, id, self.timeouts.get(function));
                match self.functions.call(function, request).await {
                    Some(response) if length(&response) <= MAX_ANSWER => response.map(into_body),
                    Some(_) | None => self.problem(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "Server Error"),
                }
            }
        };
        response.headers_mut().extend(cors);
        response
    }

    pub(crate) fn request_id(&self) -> String {
        format!("local-{}", self.requests.fetch_add(1, Ordering::Relaxed))
    }

    fn not_found(&self) -> Response {
        self.problem(StatusCode::NOT_FOUND, "not_found", "Not Found")
    }

    /// What goes wrong before a function is asked, in the shape of the functions' own errors.
    pub(crate) fn problem(&self, status: StatusCode, code: &str, message: &str) -> Response {
        let body = json!({
            "status": status.as_u16(),
            "error": true,
            "message": message,
            "code": code,
            "details": {},
            "request_id": self.request_id(),
        });
        (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
    }
}

async fn other_method(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    if Cors::is_preflight(request.method(), request.headers()) {
        let headers = gateway.cors.headers(request.headers(), true);
        return (StatusCode::NO_CONTENT, headers).into_response();
    }
    let message = format!("{} is not allowed here", request.method());
    gateway.problem(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", &message)
}

async fn guard_admin(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if path == "/admin" || path.starts_with("/admin/") {
        return loopback::guard(request, next).await;
    }
    next.run(request).await
}

/// Adds what the functions say of every answer to those that they did not give.
async fn complete(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.entry(header::X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
    headers.entry(header::VARY).or_insert(HeaderValue::from_static("Origin"));
    response
}

/// About how many bytes a request has before its body.
fn head_length(parts: &axum::http::request::Parts) -> usize {
    let line = parts.method.as_str().len() + parts.uri.to_string().len();
    parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>() + line
}

/// About how many bytes Lambda gets of an answer: a text is JSON there, with a backslash before each quote.
fn length(response: &web::Response) -> usize {
    let body = response.body().as_ref();
    body.len() + body.iter().filter(|byte| matches!(byte, b'"' | b'\\' | b'\n')).count()
}

async fn other_path(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let file = storefront::file(request.uri().path()).filter(|_| is_read);
    file.unwrap_or_else(|| gateway.not_found())
}

/// The event that API Gateway makes of a request, in the payload format 2.0.
///
/// Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>
fn event(
    parts: &axum::http::request::Parts,
    route_key: &str,
    parameters: &BTreeMap<String, String>,
    body: &[u8],
    request_id: &str,
    host: &str,
) -> Value {
    let path = decoded(parts.uri.path());
    let query = parts.uri.query().unwrap_or_default();
    // The event is JSON: bytes that are not UTF-8 cannot stay what they are, but they spoil nothing around them.
    let cookies = parts.headers.get_all(header::COOKIE).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let cookies: Vec<String> =
        cookies.flat_map(|cookies| cookies.split("; ").map(str::to_owned).collect::<Vec<_>>()).collect();
    let mut headers = BTreeMap::new();
    for name in parts.headers.keys().filter(|name| **name != header::COOKIE) {
        let values = parts.headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        headers.insert(name.as_str(), values.collect::<Vec<_>>().join(","));
    }
    headers.insert("x-forwarded-proto", "http".to_owned());
    let text = std::str::from_utf8(body).ok().filter(|_| is_text(&parts.headers));
    json!({
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": path,
        "rawQueryString": query,
        "cookies": cookies,
        "headers": headers,
        "pathParameters": parameters,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": headers.get("host").map_or(host, String::as_str),
            "domainPrefix": "local",
            "http": {
                "method": parts.method.as_str(),
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": headers.get("user-agent"),
            },
            "requestId": request_id,
            "routeKey": route_key,
            "stage": "$default",
            "time": "01/Jan/1970:00:00:00 +0000",
            "timeEpoch": 0,
        },
        "body": text.map_or_else(|| STANDARD.encode(body), str::to_owned),
        "isBase64Encoded": text.is_none(),
    })
}

/// The path as an event has it: decoded. One whose segments would become others by that stays as it is, and names nothing.
fn decoded(path: &str) -> Cow<'_, str> {
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    if decoded.matches('/').count() == path.matches('/').count() { decoded } else { path.into() }
}

/// Whether API Gateway passes such a body on as text; all others, forms among them, travel in base64.
fn is_text(headers: &HeaderMap) -> bool {
    let media_type = texts(headers, &header::CONTENT_TYPE).next().unwrap_or("text/plain").to_ascii_lowercase();
    media_type.starts_with("text/") || ["json", "javascript", "xml"].iter().any(|kind| media_type.contains(kind))
}

fn texts<'a>(headers: &'a HeaderMap, name: &'a header::HeaderName) -> impl Iterator<Item = &'a str> {
    headers.get_all(name).iter().filter_map(|value| value.to_str().ok())
}

fn lambda_request(event: &Value, request_id: String, timeout: Option<&u64>) -> lambda_http::Request {
    let mut context = lambda_http::Context::default();
    context.request_id = request_id;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let deadline = timeout.map(|seconds| now + Duration::from_secs(*seconds));
    context.deadline = deadline.and_then(|time| u64::try_from(time.as_millis()).ok()).unwrap_or_default();
    web::request_of_event(&event.to_string()).with_lambda_context(context)
}

fn into_body(body: lambda_http::Body) -> Body {
    match body {
        lambda_http::Body::Text(text) => text.into(),
        lambda_http::Body::Binary(bytes) => bytes.into(),
        _ => Body::empty(),
    }
}
