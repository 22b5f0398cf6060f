//! What a developer asks of the stack by hand, and a merchant of AWS.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Json, Response};
use serde_json::Value;

use crate::gateway::Gateway;

/// `POST /admin/sync`: runs the sync. The body may be blank, or what the function takes, and `at`: a time by which it is judged
/// what is due.
pub(crate) async fn sync(State(gateway): State<Arc<Gateway>>, body: Bytes) -> Response {
    let malformed = |message: &str| gateway.problem(StatusCode::BAD_REQUEST, "invalid_request", message);
    let body: Value = match serde_json::from_slice(&body) {
        Ok(Value::Object(body)) => Value::Object(body),
        Err(_) if body.is_empty() => Value::Null,
        Ok(_) | Err(_) => return malformed("the body must be a JSON object"),
    };
    let at = match body.get("at").map(|at| at.as_str().and_then(|at| at.parse().ok())) {
        None => web::now(),
        Some(Some(at)) => at,
        Some(None) => return malformed("at must be a time such as 2026-12-24T18:00:00Z"),
    };
    let asked = match sync::Asked::read(body) {
        Ok(asked) => asked,
        Err(error) => return malformed(&error.to_string()),
    };
    // Boxed: the future is large.
    match Box::pin(gateway.sync.run_at(&gateway.request_id(), &asked, at)).await {
        Ok(report) => Json(report).into_response(),
        Err(error) => gateway.problem(StatusCode::BAD_GATEWAY, "sync_failed", &error.to_string()),
    }
}
