//! HTTP: which part of the sandbox answers.

mod envelope;
mod rights;
mod routes;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::middleware::from_fn;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::{StatusCode, header};
use tokio::net::TcpListener;
use tokio::sync::watch;

use self::envelope::Call;
use crate::page;
use crate::page::Shown;
use crate::page::overview;
use crate::protocol::form;
use crate::sending::Sending;
use crate::shared::Shared;
use crate::state::Cause;

/// The largest body that is read.
const BODY_LIMIT: usize = 1 << 20;

/// The account of events that are sent as another account's.
const OTHER_ACCOUNT: &str = "acct_1SandboxOther";

const IMAGES: [(&str, &str); 5] = [
    ("mug.svg", include_str!("../../images/mug.svg")),
    ("tshirt.svg", include_str!("../../images/tshirt.svg")),
    ("poster.svg", include_str!("../../images/poster.svg")),
    ("tea.svg", include_str!("../../images/tea.svg")),
    ("club.svg", include_str!("../../images/club.svg")),
];

/// Serves until it is told to stop.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    let router = Router::new()
        .route("/", get(overview))
        .route("/c/pay/{id}", get(show_page).post(answer_page))
        .route("/c/settle/{id}", post(settle))
        .route("/r/{token}", get(recover))
        .route("/sandbox/events/{id}/{sending}", post(send))
        .route("/sandbox/sessions/{id}", post(act))
        .route("/sandbox/ping", post(ping))
        .route("/images/{name}", get(image))
        .fallback(api_request)
        .with_state(shared);
    // Pages of other sites must not press the buttons of a sandbox on the same machine, nor read what it knows.
    let is_local = listener.local_addr().is_ok_and(|address| address.ip().is_loopback());
    let router = if is_local { router.layer(from_fn(loopback::guard)) } else { router };
    let mut told = stopped.clone();
    let graceful = axum::serve(listener, router).with_graceful_shutdown(async move {
        let _ = told.wait_for(|stopped| *stopped).await;
    });
    tokio::select! {
        outcome = graceful => if let Err(error) = outcome {
            tracing::error!(%error, "the sandbox stopped serving");
        },
        // Connections that a client keeps open would hold the graceful end up.
        () = patience(&mut stopped) => {}
    }
}

#[expect(clippy::disallowed_methods, reason = "requests under way get half a second")]
async fn patience(stopped: &mut watch::Receiver<bool>) {
    const GRACE: std::time::Duration = std::time::Duration::from_millis(500);
    let _ = stopped.wait_for(|stopped| *stopped).await;
    tokio::time::sleep(GRACE).await;
}

async fn text(body: Body) -> Option<String> {
    let bytes = to_bytes(body, BODY_LIMIT).await.ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

async fn api_request(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if !parts.uri.path().starts_with("/v1/") {
        return (StatusCode::NOT_FOUND, Html(page::missing("There is nothing here."))).into_response();
    }
    let Some(body) = text(body).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
    let call = Call {
        method: parts.method,
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        headers: &parts.headers,
        body,
    };
    let reply = envelope::answer(&shared, &call);
    (reply.status, reply.headers, reply.body).into_response()
}

async fn overview(State(shared): State<Arc<Shared>>) -> Html<String> {
    let deliveries = shared.webhooks.log();
    Html(shared.step(Cause::default(), |state| overview::overview(state, &deliveries)))
}

async fn show_page(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Response {
    respond(shared.step(Cause::default(), |state| page::show(state, &id)))
}

async fn answer_page(State(shared): State<Arc<Shared>>, Path(id): Path<String>, body: Body) -> Response {
    let Some(body) = text(body).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
    respond(shared.step(Cause::default(), |state| page::answer(state, &id, &form::decode(&body))))
}

fn respond(shown: Shown) -> Response {
    match shown {
        Shown::Page(status, html) => (status, Html(html)).into_response(),
        Shown::Redirect(url) => Redirect::to(&url).into_response(),
    }
}

async fn settle(State(shared): State<Arc<Shared>>, Path(id): Path<String>, body: Body) -> Response {
    let Some(body) = text(body).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
    respond(shared.step(Cause::default(), |state| page::settle(state, &id, &form::decode(&body))))
}

async fn act(State(shared): State<Arc<Shared>>, Path(id): Path<String>, body: Body) -> Response {
    let Some(body) = text(body).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
    respond(shared.step(Cause::default(), |state| page::act(state, &id, &form::decode(&body))))
}

/// Sends an event by hand: `again`, `thin`, or one like it of another `account` or of the other `mode`.
async fn send(State(shared): State<Arc<Shared>>, Path((id, sending)): Path<(String, String)>) -> Response {
    let sending = match sending.as_str() {
        "again" => Sending::Again,
        "thin" => Sending::Thin,
        "account" => Sending::OfAccount(OTHER_ACCOUNT),
        "mode" => Sending::OfOtherMode,
        _ => return (StatusCode::NOT_FOUND, Html(page::missing("There is nothing here."))).into_response(),
    };
    respond(page::sent(shared.send(&id, sending)))
}

async fn ping(State(shared): State<Arc<Shared>>) -> Response {
    respond(page::sent(shared.ping()))
}

async fn recover(State(shared): State<Arc<Shared>>, Path(token): Path<String>) -> Response {
    respond(shared.step(Cause::default(), |state| page::recover(state, &token)))
}

async fn image(Path(name): Path<String>) -> Response {
    match IMAGES.iter().find(|(known, _)| *known == name) {
        Some((_, svg)) => ([(header::CONTENT_TYPE, "image/svg+xml")], *svg).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
