//! Lambda's side of a function: API Gateway's events in, its answers out.

use std::convert::Infallible;

use lambda_http::http::{HeaderMap, HeaderValue, header};
use lambda_http::lambda_runtime::Runtime;
use lambda_http::{Body, LambdaEvent, RequestExt as _, service_fn};
use serde::ser::{SerializeMap as _, SerializeStruct as _};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use services::Services;

use crate::start::{self, StartError};
use crate::{Endpoint, Log, Response, answer, event};

/// Runs an endpoint that needs no secret as a Lambda function, until Lambda ends it: one request at a time, or as many as
/// `AWS_LAMBDA_MAX_CONCURRENCY` says, which Lambda sets on Managed Instances.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances.html>
///
/// # Errors
///
/// A setting is missing or malformed, or Lambda's Runtime API cannot be reached.
pub async fn run<E: Endpoint>() -> Result<(), StartError> {
    const { assert!(E::SECRETS.is_empty(), "an endpoint with secrets is run with them") };
    serve(start::start(E::prepare, build::<E>)?).await
}

/// Runs an endpoint as [`run`] does, after its secrets were read. Two functions, so that what needs no secrets does not
/// carry what reads them.
///
/// # Errors
///
/// A setting is missing or malformed, a secret cannot be read, or Lambda's Runtime API cannot be reached.
pub async fn run_with_secrets<E: Endpoint>() -> Result<(), StartError> {
    serve(start::start_with_secrets(E::SECRETS, E::prepare, build::<E>).await?).await
}

/// An endpoint and its log.
///
/// Boxed: they live as long as the process does, and would make every future that holds them large.
type Started<E> = Box<(E, Log)>;

fn build<E: Endpoint>(services: &Services) -> Result<Started<E>, settings::Error> {
    Ok(Box::new((E::new(services)?, Log::new(&services.environment))))
}

async fn serve<E: Endpoint>(started: Started<E>) -> Result<(), StartError> {
    let (endpoint, log) = &*Box::leak(started);
    let handler = service_fn(move |event: LambdaEvent<Box<RawValue>>| async move {
        let request = event::request(event.payload.get()).with_lambda_context(event.context);
        // An error here would fail the invocation instead of answering it.
        Ok::<_, Infallible>(Event(answer(endpoint, log, request).await))
    });
    Runtime::new(handler).run_concurrent().await
}

/// A response in API Gateway's format 2.0.
///
/// Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>
struct Event(Response);

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let headers = self.0.headers();
        let cookies: Vec<_> =
            headers.get_all(header::SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok()).collect();
        let mut answer = serializer.serialize_struct("Event", 5)?;
        answer.serialize_field("statusCode", &self.0.status().as_u16())?;
        answer.serialize_field("headers", &Headers(headers))?;
        answer.serialize_field("cookies", &cookies)?;
        answer.serialize_field("body", text_of(&self.0))?;
        answer.serialize_field("isBase64Encoded", &false)?;
        answer.end()
    }
}

/// All headers but cookies. No other has two values.
struct Headers<'a>(&'a HeaderMap<HeaderValue>);

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let headers = self.0.iter().filter(|(name, _)| **name != header::SET_COOKIE);
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in headers {
            map.serialize_entry(name.as_str(), &String::from_utf8_lossy(value.as_bytes()))?;
        }
        map.end()
    }
}

/// The body. No endpoint answers with anything but text.
fn text_of(response: &Response) -> &str {
    if let Body::Text(text) = response.body() { text } else { "" }
}

#[cfg(test)]
mod tests {
    use lambda_http::http::StatusCode;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_has_its_cookies_apart_from_its_headers() {
        let mut response = crate::Answer::json_text(StatusCode::CREATED, json!({ "a": "b\"c" }).to_string()).response;
        for cookie in ["one=1", "two=2"] {
            response.headers_mut().append(header::SET_COOKIE, HeaderValue::from_static(cookie));
        }

        let answer = serde_json::to_value(Event(response)).unwrap();

        assert_eq!(
            answer,
            json!({
                "statusCode": 201,
                "headers": { "content-type": "application/json", "cache-control": "no-store" },
                "cookies": ["one=1", "two=2"],
                "body": r#"{"a":"b\"c"}"#,
                "isBase64Encoded": false,
            })
        );
    }

    #[test]
    fn an_answer_without_a_body_has_an_empty_one() {
        let answer = serde_json::to_value(Event(Response::new(Body::Empty))).unwrap();

        assert_eq!(answer["body"], "");
    }
}
