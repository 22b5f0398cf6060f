//! The wires between the functions and DynamoDB and Stripe, where calls can be counted, and broken.

use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
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

#[derive(Debug)]
struct Shared {
    client: Client,
    calls: Mutex<Vec<String>>,
    plan: Mutex<Option<Plan>>,
}

/// Both wires.
#[derive(Debug)]
pub(crate) struct Wire {
    shared: Arc<Shared>,
    pub(crate) dynamodb_url: String,
    pub(crate) stripe_url: String,
    tasks: Vec<JoinHandle<()>>,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = if self.when == When::Before { "before" } else { "after" };
        let ends = if self.ends { ", then nothing more" } else { "" };
        write!(f, "{:?} {when} its effect{ends}", self.fault)
    }
}

impl Wire {
    /// Wires to these servers.
    pub(crate) async fn to(dynamodb: &str, stripe: &str) -> Self {
        let shared = Arc::new(Shared { client: Client::new(), calls: Mutex::default(), plan: Mutex::default() });
        let mut tasks = Vec::new();
        let mut urls = Vec::new();
        for (service, target) in [(Service::DynamoDb, dynamodb), (Service::Stripe, stripe)] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            urls.push(format!("http://{}", listener.local_addr().unwrap()));
            tasks.push(tokio::spawn(serve(listener, service, target.to_owned(), Arc::clone(&shared))));
        }
        let [dynamodb_url, stripe_url] = urls.try_into().unwrap();
        Self { shared, dynamodb_url, stripe_url, tasks }
    }

    /// Counts calls anew, and has them go as planned from now on.
    pub(crate) fn plan(&self, plan: Option<Plan>) {
        self.shared.calls.lock().unwrap().clear();
        *self.shared.plan.lock().unwrap() = plan;
    }

    /// The calls since the last plan.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.shared.calls.lock().unwrap().clone()
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

async fn serve(listener: TcpListener, service: Service, target: String, shared: Arc<Shared>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (target, shared) = (target.clone(), Arc::clone(&shared));
        tokio::spawn(async move {
            let carry = service_fn(|request| carry(service, &target, &shared, request));
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

async fn carry(
    service: Service,
    target: &str,
    shared: &Shared,
    request: hyper::Request<Incoming>,
) -> Result<Answer, Cut> {
    let index = {
        let mut calls = shared.calls.lock().unwrap();
        calls.push(name(service, &request));
        calls.len() - 1
    };
    let plan = shared.plan.lock().unwrap().filter(|plan| index == plan.call || (plan.ends && index > plan.call));
    match plan {
        None => forward(target, shared, request).await,
        // The function has ended, or nothing answers any more: nothing takes effect.
        Some(plan) if index > plan.call && plan.fault != Fault::Silent => Err(Cut),
        Some(plan) => {
            if plan.when == When::After {
                forward(target, shared, request).await?;
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

fn name(service: Service, request: &hyper::Request<Incoming>) -> String {
    match service {
        Service::DynamoDb => {
            let target = request.headers().get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or("?");
            format!("DynamoDB {}", target.rsplit('.').next().unwrap_or_default())
        }
        Service::Stripe => {
            let segments = request.uri().path().split('/').map(|segment| {
                let id = segment.contains('_') && segment.bytes().any(|byte| byte.is_ascii_digit());
                if id { "{id}" } else { segment }
            });
            format!("Stripe {} {}", request.method(), segments.collect::<Vec<_>>().join("/"))
        }
    }
}

async fn forward(target: &str, shared: &Shared, request: hyper::Request<Incoming>) -> Result<Answer, Cut> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
    let mut headers = parts.headers;
    headers.remove("content-length");
    let url = format!("{target}{}", parts.uri);
    let sent = shared.client.request(parts.method, url).headers(headers).body(body).send().await;
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
