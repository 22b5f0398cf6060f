//! The wires between the functions and DynamoDB and Stripe, where calls can be counted, read, and broken.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use reqwest::Client;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// What goes wrong with a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// The connection is cut without an answer.
    Cut,
    /// The answer is a 500.
    Broken,
    /// The answer is that there were too many calls.
    Throttled,
    /// The answer never comes.
    Silent,
}

/// Whether the call takes effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum When {
    Before,
    After,
}

/// Where something goes wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Plan {
    /// The number of the call, from 0.
    pub(crate) call: usize,
    pub(crate) fault: Fault,
    pub(crate) when: When,
    /// Whether nothing works any more afterwards, as if the function had ended there; a silent service stays silent.
    pub(crate) ends: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Service {
    DynamoDb,
    Stripe,
}

/// A call that came by.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    service: Service,
    /// One of DynamoDB's operations; Stripe's method and path, without ids.
    pub(crate) operation: String,
    pub(crate) body: String,
}

/// What came by, and what shall become of what comes next.
#[derive(Debug, Default)]
struct Tape {
    calls: Vec<Call>,
    plan: Option<Plan>,
    script: VecDeque<Option<u16>>,
}

/// A wire to one server, or wires to several, whose calls are counted as one row. Dropping it cuts them.
#[derive(Debug)]
pub(crate) struct Wire {
    tape: Arc<Mutex<Tape>>,
    tasks: Vec<JoinHandle<()>>,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = if self.when == When::Before { "before" } else { "after" };
        let ends = if self.ends { ", then nothing more" } else { "" };
        write!(f, "{:?} {when} its effect{ends}", self.fault)
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let service = if self.service == Service::DynamoDb { "DynamoDB" } else { "Stripe" };
        write!(f, "{service} {}", self.operation)
    }
}

impl Wire {
    /// Wires to these servers, and the URLs at which they are reached now.
    pub(crate) async fn to<const N: usize>(servers: [&str; N]) -> (Self, [String; N]) {
        let (tape, client) = (Arc::default(), Client::new());
        let mut tasks = Vec::new();
        let mut urls = Vec::new();
        for server in servers {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            urls.push(format!("http://{}", listener.local_addr().unwrap()));
            tasks.push(tokio::spawn(serve(listener, server.to_owned(), client.clone(), Arc::clone(&tape))));
        }
        (Self { tape, tasks }, urls.try_into().unwrap())
    }

    /// Counts calls anew, and has them go as planned from now on.
    pub(crate) fn plan(&self, plan: Option<Plan>) {
        let mut tape = self.tape.lock().unwrap();
        tape.calls.clear();
        tape.plan = plan;
    }

    /// Says what becomes of the next calls: `None` passes one, `Some` answers it with this status.
    pub(crate) fn script(&self, steps: impl IntoIterator<Item = Option<u16>>) {
        self.tape.lock().unwrap().script = steps.into_iter().collect();
    }

    /// What came by since the last plan, or since this was last asked.
    pub(crate) fn take(&self) -> Vec<Call> {
        std::mem::take(&mut self.tape.lock().unwrap().calls)
    }

    /// The calls since the last plan.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.tape.lock().unwrap().calls.iter().map(ToString::to_string).collect()
    }

    /// The calls to DynamoDB since the last plan.
    pub(crate) fn dynamodb_calls(&self) -> Vec<String> {
        self.calls().into_iter().filter(|call| call.starts_with("DynamoDB")).collect()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// An embedded database, served until the sender is dropped.
pub(crate) async fn database() -> (String, oneshot::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    let database = dynoxide::Database::memory().unwrap();
    tokio::spawn(dynoxide::server::serve_with_shutdown(listener, database, async { drop(stopped.await) }));
    (url, stop)
}

async fn serve(listener: TcpListener, server: String, client: Client, tape: Arc<Mutex<Tape>>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (server, client, tape) = (server.clone(), client.clone(), Arc::clone(&tape));
        tokio::spawn(async move {
            let carry = service_fn(|request: hyper::Request<_>| {
                let (parts, body) = request.into_parts();
                carry(Wired { server: &server, client: &client, tape: &tape }, parts, body)
            });
            // An error is what cuts the connection.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), carry).await;
        });
    }
}

/// Cuts the connection.
#[derive(Debug)]
struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cut")
    }
}

impl std::error::Error for Cut {}

type Answer = hyper::Response<Full<Bytes>>;

/// Where a wire leads.
#[derive(Clone, Copy)]
struct Wired<'a> {
    server: &'a str,
    client: &'a Client,
    tape: &'a Mutex<Tape>,
}

async fn carry(wired: Wired<'_>, parts: Parts, body: hyper::body::Incoming) -> Result<Answer, Cut> {
    let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
    let call = read(&parts, &body);
    let service = call.service;
    let (index, status, plan) = {
        let mut tape = wired.tape.lock().unwrap();
        tape.calls.push(call);
        let index = tape.calls.len() - 1;
        let plan = tape.plan.filter(|plan| index == plan.call || (plan.ends && index > plan.call));
        (index, tape.script.pop_front().flatten(), plan)
    };
    if let Some(status) = status {
        return Ok(answer(status, ""));
    }
    match plan {
        None => forward(wired, parts, body).await,
        // The function has ended, or nothing answers any more: nothing takes effect.
        Some(plan) if index > plan.call && plan.fault != Fault::Silent => Err(Cut),
        Some(plan) => {
            if plan.when == When::After {
                forward(wired, parts, body).await?;
            }
            match plan.fault {
                Fault::Cut => Err(Cut),
                Fault::Silent => match std::future::pending::<Infallible>().await {},
                Fault::Broken => Ok(answer(500, broken(service))),
                Fault::Throttled => {
                    let (status, body) = throttled(service);
                    Ok(answer(status, body))
                }
            }
        }
    }
}

fn read(parts: &Parts, body: &[u8]) -> Call {
    let target = parts.headers.get("x-amz-target").and_then(|value| value.to_str().ok());
    let (service, operation) = if let Some(target) = target {
        (Service::DynamoDb, target.rsplit('.').next().unwrap_or_default().to_owned())
    } else {
        let segments = parts.uri.path().split('/').map(|segment| {
            let id = segment.contains('_') && segment.bytes().any(|byte| byte.is_ascii_digit());
            if id { "{id}" } else { segment }
        });
        (Service::Stripe, format!("{} {}", parts.method, segments.collect::<Vec<_>>().join("/")))
    };
    Call { service, operation, body: String::from_utf8_lossy(body).into_owned() }
}

async fn forward(wired: Wired<'_>, parts: Parts, body: Bytes) -> Result<Answer, Cut> {
    let mut headers = parts.headers;
    headers.remove("content-length");
    let url = format!("{}{}", wired.server, parts.uri);
    let sent = wired.client.request(parts.method, url).headers(headers).body(body).send().await;
    let received = sent.map_err(|_| Cut)?;
    let mut builder = hyper::Response::builder().status(received.status());
    for (name, value) in received.headers() {
        if name != "transfer-encoding" && name != "content-length" {
            builder = builder.header(name, value);
        }
    }
    let body = received.bytes().await.map_err(|_| Cut)?;
    Ok(builder.body(Full::new(body)).unwrap())
}

fn answer(status: u16, body: &'static str) -> Answer {
    let builder = hyper::Response::builder().status(status).header("content-type", "application/json");
    builder.body(Full::new(Bytes::from_static(body.as_bytes()))).unwrap()
}

fn broken(service: Service) -> &'static str {
    match service {
        Service::DynamoDb => {
            r#"{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"The request failed"}"#
        }
        Service::Stripe => r#"{"error":{"type":"api_error","message":"An unknown error occurred"}}"#,
    }
}

fn throttled(service: Service) -> (u16, &'static str) {
    match service {
        Service::DynamoDb => (
            400,
            r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"Slow down"}"#,
        ),
        Service::Stripe => {
            (429, r#"{"error":{"type":"invalid_request_error","code":"rate_limit","message":"Too many requests"}}"#)
        }
    }
}
