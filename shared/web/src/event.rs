//! From API Gateway's event to a request, whatever the event looks like.
//!
//! `lambda_http` makes a request of an event, too, but ends the process where `Host`, `X-Forwarded-Proto`, the query or a body in
//! base64 is not what it expects. Here nothing can fail: what cannot be read is absent, and its endpoint says what it lacks.
//!
//! Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use std::collections::{BTreeMap, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
use lambda_http::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use lambda_http::request::RequestContext;
use lambda_http::{Body, RequestExt as _};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// What is read of an event, in the payload format 2.0.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Event {
    #[serde(deserialize_with = "if_readable")]
    raw_path: String,
    #[serde(deserialize_with = "if_readable")]
    raw_query_string: String,
    #[serde(deserialize_with = "if_readable")]
    cookies: Vec<String>,
    #[serde(deserialize_with = "if_readable")]
    headers: BTreeMap<String, Value>,
    #[serde(deserialize_with = "if_readable")]
    path_parameters: HashMap<String, String>,
    #[serde(deserialize_with = "if_readable")]
    request_context: ApiGatewayV2httpRequestContext,
    #[serde(deserialize_with = "if_readable")]
    body: String,
    #[serde(deserialize_with = "if_readable")]
    is_base64_encoded: bool,
}

/// The value of a header; blank where it is no text.
#[derive(Default, Deserialize)]
struct Value(#[serde(deserialize_with = "if_readable")] String);

/// The value, or its default where it has another shape.
fn if_readable<'de, T: DeserializeOwned + Default, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let text = <&RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(text.get()).unwrap_or_default())
}

/// What a path must not contain as it is. An event has it decoded.
pub(crate) const NOT_IN_PATH: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'?').add(b'`').add(b'{').add(b'}');
/// What a query must not contain as it is.
const NOT_IN_QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>');

/// The request that an event of API Gateway's is about, its JSON being `event`.
#[must_use]
pub fn request(event: &str) -> lambda_http::Request {
    let event: Event = serde_json::from_str(event).unwrap_or_default();
    let body = if event.is_base64_encoded { decoded(event.body) } else { Body::Text(event.body) };
    let mut request = lambda_http::Request::new(body);
    *request.method_mut() = event.request_context.http.method.clone();
    *request.uri_mut() = uri(&event.raw_path, &event.raw_query_string);
    *request.headers_mut() = headers(event.headers, &event.cookies);
    let request =
        if event.path_parameters.is_empty() { request } else { request.with_path_parameters(event.path_parameters) };
    request.with_raw_http_path(event.raw_path).with_request_context(RequestContext::ApiGatewayV2(event.request_context))
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
    uri.parse().unwrap_or_default()
}

/// The headers. What cannot stand in a value becomes a character that no value has, so that it is noticed where it is read.
fn headers(values: BTreeMap<String, Value>, cookies: &[String]) -> HeaderMap {
    let value = |text: &str| {
        let is_impossible = |letter: char| letter.is_control() && letter != '\t';
        let text = if text.contains(is_impossible) { text.replace(is_impossible, "\u{fffd}") } else { text.to_owned() };
        HeaderValue::from_maybe_shared(bytes::Bytes::from(text)).ok()
    };
    let named = |(name, Value(text)): (String, Value)| Some((name.parse::<HeaderName>().ok()?, value(&text)?));
    let mut headers: HeaderMap = values.into_iter().filter_map(named).collect();
    if let Some(cookies) =
        Some(cookies).filter(|cookies| !cookies.is_empty()).and_then(|cookies| value(&cookies.join("; ")))
    {
        headers.insert(header::COOKIE, cookies);
    }
    headers
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
        for no_event in ["", "null", "[]", "7", "{}", r#"{"rawPath": "/a", "rawPath": "/b"}"#] {
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
