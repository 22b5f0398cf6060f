//! Plays the Lambda service: starts a function's process, sends it events over the Runtime API, takes its answers, and
//! reads what the process used.
//!
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path as Segment, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;

use crate::Failure;

/// How long a function may take to come up or to answer, under Valgrind on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// One execution environment.
pub(crate) struct Lambda {
    process: Child,
    pid: u32,
    log: PathBuf,
    events: mpsc::UnboundedSender<Bytes>,
    polls: mpsc::UnboundedReceiver<()>,
    answers: mpsc::UnboundedReceiver<Result<Value, String>>,
    api: JoinHandle<()>,
}

struct Api {
    waiting: Mutex<mpsc::UnboundedReceiver<Bytes>>,
    polled: mpsc::UnboundedSender<()>,
    answered: mpsc::UnboundedSender<Result<Value, String>>,
    requests: AtomicU64,
}

impl Lambda {
    /// Starts a function and waits until it asks for its first event, so until its init phase is over.
    pub(crate) async fn start(command: &[String], environment: &[(String, String)]) -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (events, waiting) = mpsc::unbounded_channel();
        let (polled, polls) = mpsc::unbounded_channel();
        let (answered, answers) = mpsc::unbounded_channel();
        let state = Api { waiting: Mutex::new(waiting), polled, answered, requests: AtomicU64::new(0) };
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(error))
            .with_state(Arc::new(state));
        let api = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                eprintln!("the Runtime API stopped: {error}");
            }
        });

        let log = std::env::temp_dir().join(format!("cartwright-benchmark-{}.log", address.port()));
        let output = File::create(&log)?;
        let mut process = Command::new(&command[0]);
        process
            .args(&command[1..])
            .env_clear()
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .kill_on_drop(true);
        let process = process.spawn()?;
        let pid = process.id().ok_or_else(|| Failure::Function("it ended at once".to_owned()))?;
        let mut lambda = Self { process, pid, log, events, polls, answers, api };
        lambda.polled().await?;
        Ok(lambda)
    }

    /// Sends an event, and waits until the function has answered and asks for the next one.
    pub(crate) async fn invoke(&mut self, event: &Value) -> Result<Value, Failure> {
        self.send(event);
        let answer = self.answer().await?;
        self.polled().await?;
        Ok(answer)
    }

    /// Sends an event without waiting.
    pub(crate) fn send(&self, event: &Value) {
        // The receiver lives as long as the API.
        let _ = self.events.send(Bytes::from(event.to_string()));
    }

    /// Waits for the next answer.
    pub(crate) async fn answer(&mut self) -> Result<Value, Failure> {
        let answer = tokio::select! {
            answer = tokio::time::timeout(PATIENCE, self.answers.recv()) => answer.ok().flatten(),
            _ = self.process.wait() => None,
        };
        match answer {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(error)) => Err(Failure::Function(error)),
            None => Err(self.silent()),
        }
    }

    async fn polled(&mut self) -> Result<(), Failure> {
        let polled = tokio::select! {
            polled = tokio::time::timeout(PATIENCE, self.polls.recv()) => polled.ok().flatten(),
            _ = self.process.wait() => None,
        };
        polled.ok_or_else(|| self.silent())
    }

    fn silent(&self) -> Failure {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        Failure::Function(format!("it does not answer. Its log: {log}"))
    }

    /// Returns the processor time of all threads of the process so far.
    ///
    /// Source: <https://docs.kernel.org/scheduler/sched-stats.html>
    pub(crate) fn processor_time(&self) -> Result<Duration, Failure> {
        let mut nanoseconds = 0;
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.pid))? {
            let statistics = std::fs::read_to_string(thread?.path().join("schedstat"))?;
            nanoseconds += statistics.split(' ').next().and_then(|time| time.parse::<u64>().ok()).unwrap_or_default();
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// Returns the peak memory of the process so far, in KiB.
    pub(crate) fn peak_memory(&self) -> Result<u64, Failure> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        Ok(peak.trim().trim_end_matches(" kB").parse().unwrap_or_default())
    }

    /// Returns the size of the log so far, in bytes.
    pub(crate) fn logged(&self) -> Result<u64, Failure> {
        Ok(std::fs::metadata(&self.log)?.len())
    }

    /// Ends the process the way Lambda does, which lets Valgrind write down what it counted.
    pub(crate) async fn end(mut self) -> Result<(), Failure> {
        Command::new("kill").args(["-TERM", &self.pid.to_string()]).status().await?;
        tokio::time::timeout(PATIENCE, self.process.wait()).await.map_err(|_| self.silent())??;
        Ok(())
    }
}

impl Drop for Lambda {
    fn drop(&mut self) {
        self.api.abort();
        let _ = std::fs::remove_file(&self.log);
    }
}

async fn next(State(api): State<Arc<Api>>) -> Response {
    let _ = api.polled.send(());
    let Some(event) = api.waiting.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let id = api.requests.fetch_add(1, Ordering::Relaxed);
    let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + PATIENCE;
    let headers = [
        ("lambda-runtime-aws-request-id", format!("8476a536-e9f4-11e8-9739-{id:012}")),
        ("lambda-runtime-deadline-ms", deadline.as_millis().to_string()),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:123456789012:function:benchmark".to_owned()),
        ("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0".to_owned()),
    ];
    (headers, event).into_response()
}

async fn response(State(api): State<Arc<Api>>, Segment(_): Segment<String>, body: Bytes) -> StatusCode {
    let _ = api.answered.send(serde_json::from_slice(&body).map_err(|error| error.to_string()));
    StatusCode::ACCEPTED
}

async fn error(State(api): State<Arc<Api>>, body: Bytes) -> StatusCode {
    let _ = api.answered.send(Err(String::from_utf8_lossy(&body).into_owned()));
    StatusCode::ACCEPTED
}

/// What every function finds in its environment.
pub(crate) fn environment(binary: &Path) -> Vec<(String, String)> {
    let name = binary.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let token = "IQoJb3JpZ2luX2VjEXAMPLE".repeat(12);
    [
        ("AWS_LAMBDA_FUNCTION_NAME", name.as_str()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/benchmark"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "benchmark"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "example"),
        ("AWS_SESSION_TOKEN", token.as_str()),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}
