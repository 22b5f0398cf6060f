//! From API Gateway's event to a request, whatever the event looks like.
//!
//! `lambda_http` makes a request of an event, too, but ends the process where `Host`, `X-Forwarded-Proto`, the query or a body in
//! base64 is not what it expects. Here nothing can fail: what cannot be read is absent, and its endpoint says what it lacks.
//!
//! Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
use lambda_http::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use lambda_http::request::RequestContext;
use lambda_http::{Body, RequestExt as _};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// What is read of an event, in the payload format 2.0.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Event {
    raw_path: String,
    raw_query_string: String,
    cookies: Vec<String>,
    headers: Headers,
    path_parameters: HashMap<String, String>,
    request_context: Context,
    body: String,
    is_base64_encoded: bool,
}

/// What is read of the context of a request.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Context {
    domain_name: Option<String>,
    route_key: Option<String>,
    stage: Option<String>,
    http: Http,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Http {
    method: String,
    source_ip: Option<String>,
}

impl From<Context> for RequestContext {
    fn from(context: Context) -> Self {
        let mut whole = ApiGatewayV2httpRequestContext::default();
        whole.domain_name = context.domain_name;
        whole.route_key = context.route_key;
        whole.stage = context.stage;
        whole.http.source_ip = context.http.source_ip;
        Self::ApiGatewayV2(whole)
    }
}

impl Event {
    /// Reads an event in one pass. Every event of API Gateway's can be read so.
    fn read(json: &str) -> Self {
        serde_json::from_str(json).unwrap_or_else(|_| Self::read_by_member(json))
    }

    /// Reads each member on its own. One of another shape is its default.
    fn read_by_member(json: &str) -> Self {
        let event = Members::of(json);
        let context = event.members("requestContext");
        let mut headers = Headers::default();
        let sent = event.members("headers");
        for name in sent.0.keys() {
            headers.insert(name, &sent.member::<String>(name));
        }
        Self {
            raw_path: event.member("rawPath"),
            raw_query_string: event.member("rawQueryString"),
            cookies: event.member("cookies"),
            headers,
            path_parameters: event.member("pathParameters"),
            request_context: Context {
                domain_name: context.member("domainName"),
                route_key: context.member("routeKey"),
                stage: context.member("stage"),
                http: context.member("http"),
            },
            body: event.member("body"),
            is_base64_encoded: event.member("isBase64Encoded"),
        }
    }
}

/// The members of an object of JSON, none of them read yet.
#[derive(Default, Deserialize)]
struct Members<'a>(#[serde(borrow)] BTreeMap<String, &'a RawValue>);

impl<'a> Members<'a> {
    /// The members of what may be an object.
    fn of(json: &'a str) -> Self {
        serde_json::from_str(json).unwrap_or_default()
    }

    fn members(&self, name: &str) -> Members<'a> {
        self.0.get(name).map(|value| Self::of(value.get())).unwrap_or_default()
    }

    fn member<T: DeserializeOwned + Default>(&self, name: &str) -> T {
        self.0.get(name).and_then(|value| serde_json::from_str(value.get()).ok()).unwrap_or_default()
    }
}

/// What a path must not contain as it is. An event has it decoded.
pub(crate) const NOT_IN_PATH: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'?').add(b'`').add(b'{').add(b'}');
/// What a query must not contain as it is.
const NOT_IN_QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>');

/// The request that an event of API Gateway's is about, its JSON being `event`.
#[must_use]
pub fn request(event: &str) -> lambda_http::Request {
    let event = Event::read(event);
    let body = if event.is_base64_encoded { decoded(event.body) } else { Body::Text(event.body) };
    let mut request = lambda_http::Request::new(body);
    *request.method_mut() = event.request_context.http.method.parse().unwrap_or_default();
    *request.uri_mut() = uri(&event.raw_path, &event.raw_query_string);
    *request.headers_mut() = event.headers.0;
    if !event.cookies.is_empty() {
        request.headers_mut().insert(header::COOKIE, value(&event.cookies.join("; ")));
    }
    let request =
        if event.path_parameters.is_empty() { request } else { request.with_path_parameters(event.path_parameters) };
    request.with_raw_http_path(event.raw_path).with_request_context(event.request_context.into())
}

/// The bytes that a text in base64 stands for; the text itself where it is none, which then is no body of any kind.
fn decoded(body: String) -> Body {
    STANDARD.decode(&body).map_or(Body::Text(body), Body::Binary)
}

fn uri(path: &str, query: &str) -> Uri {
    let slash = if path.starts_with('/') { "" } else { "/" };
    let mut uri = format!("{slash}{}", utf8_percent_encode(path, NOT_IN_PATH));
    if !query.is_empty() {
        uri.extend(std::iter::once("?").chain(utf8_percent_encode(query, NOT_IN_QUERY)));
    }
    // Only a length beyond what API Gateway takes can be wrong with it.
    uri.try_into().unwrap_or_default()
}

/// A header's value. What cannot stand in one becomes a character that no value has, so that it is noticed where it is read.
fn value(text: &str) -> HeaderValue {
    let replaced = || text.replace(|letter: char| letter.is_ascii_control() && letter != '\t', "\u{fffd}").parse();
    HeaderValue::from_str(text).or_else(|_| replaced()).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// The headers of an event. What cannot be a header's name is left out.
#[derive(Default)]
struct Headers(HeaderMap);

impl Headers {
    fn insert(&mut self, name: &str, text: &str) {
        if let Ok(name) = name.parse::<HeaderName>() {
            self.0.insert(name, value(text));
        }
    }
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OfHeaders)
    }
}

/// A text, without a copy of its own where it has no escape in it.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

struct OfHeaders;

impl<'de> Visitor<'de> for OfHeaders {
    type Value = Headers;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("headers")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
        let mut headers = Headers::default();
        while let Some((name, text)) = map.next_entry::<Text<'_>, Text<'_>>()? {
            headers.insert(&name.0, &text.0);
        }
        Ok(headers)
    }
}

#[cfg(test)]
mod tests {
    use lambda_http::http::Method;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn sample() -> Value {
        json!({
            "version": "2.0",
            "routeKey": "POST /cart/add",
            "rawPath": "/cart/add",
            "rawQueryString": "a=b&c=d%20e",
            "cookies": ["one=1", "two=2"],
            "headers": { "host": "shop.example", "x-own": "1,2" },
            "requestContext": {
                "domainName": "id.execute-api.us-east-1.amazonaws.com",
                "http": { "method": "POST", "path": "/cart/add", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1" },
                "routeKey": "POST /cart/add",
                "stage": "$default",
                "timeEpoch": 1_583_348_638_390_i64,
            },
            "body": "eyJhIjoxfQ==",
            "isBase64Encoded": true,
        })
    }

    #[test]
    fn a_request_is_what_the_event_says() {
        let request = request(&sample().to_string());

        assert_eq!((request.method(), request.uri().to_string().as_str()), (&Method::POST, "/cart/add?a=b&c=d%20e"));
        assert_eq!(request.raw_http_path(), "/cart/add");
        assert_eq!(request.body().as_ref(), br#"{"a":1}"#);
        let headers = [("cookie", "one=1; two=2"), ("host", "shop.example"), ("x-own", "1,2")];
        let found = request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
        let mut found: Vec<_> = found.collect();
        found.sort_unstable();
        assert_eq!(found, headers);
        let RequestContext::ApiGatewayV2(context) = request.request_context() else { panic!("of another kind") };
        assert_eq!(context.http.source_ip.as_deref(), Some("192.0.2.1"));
    }

    #[test]
    fn what_cannot_be_read_is_absent_and_the_rest_is_there() {
        for (member, value) in [
            ("rawPath", json!(7)),
            ("rawQueryString", json!(null)),
            ("cookies", json!([1])),
            ("headers", json!([])),
            ("body", json!(null)),
            ("isBase64Encoded", json!("yes")),
            ("pathParameters", json!({ "id": null })),
        ] {
            let mut event = sample();
            event[member] = value;
            let request = request(&event.to_string());
            assert_eq!(request.method(), Method::POST, "{member}");
        }
        let mut event = sample();
        event["headers"] = json!({ "host": 7, "a b": "c", "x-line": "a\nb", "x-text": "é", "x-own": "1" });
        event["body"] = json!("%");

        let request = request(&event.to_string());

        assert_eq!(request.headers()["x-own"], "1");
        assert_eq!(request.headers()["x-line"].as_bytes(), "a\u{fffd}b".as_bytes());
        assert_eq!(request.headers()["x-text"].as_bytes(), "é".as_bytes());
        assert_eq!(request.headers()["host"], "");
        assert_eq!(request.body().as_ref(), b"%");
        for no_event in ["", "null", "[]", "7", "{}", r#"{"rawPath": 7, "rawPath": []}"#] {
            assert_eq!(super::request(no_event).uri().path(), "/", "{no_event}");
        }
    }

    proptest! {
        #[test]
        fn every_path_and_query_has_a_uri(path in r"\PC{0,40}", query in r"(?s).{0,40}") {
            let uri = uri(&path, &query);

            let decode = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
            let slashed = if path.starts_with('/') { path.clone() } else { format!("/{path}") };
            prop_assert_eq!(decode(uri.path()), decode(&slashed));
            prop_assert_eq!(decode(uri.query().unwrap_or_default()), decode(&query));
        }
    }
}
