//! Services of AWS of which a function calls one or two operations: one signed request each, so their SDKs are not linked.
//!
//! Speaks AWS's JSON protocols, in which an operation is a header and its parameters are the body.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use https::Https;
use serde::Deserialize;
use settings::{AwsCredentials, Environment};
use tokio::time::Instant;

/// The most time for one attempt.
const ATTEMPT: Duration = Duration::from_secs(3);
/// The most time for an answer over a connection that lay idle: less than a retry may take.
const IN_DOUBT: Duration = Duration::from_secs(1);
/// The longest first pause; it doubles up to the longest of all.
const PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What a service is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Name {
    /// In addresses and signatures: `ssm`.
    pub signing: &'static str,
    /// In `AWS_ENDPOINT_URL_…`: `SSM`.
    pub setting: &'static str,
    /// In front of an operation: `AmazonSSM`.
    pub target: &'static str,
    /// The type of its bodies.
    pub content: &'static str,
}

/// The type of bodies in AWS's JSON protocol 1.0.
pub const JSON_1_0: &str = "application/x-amz-json-1.0";
/// The type of bodies in AWS's JSON protocol 1.1.
pub const JSON_1_1: &str = "application/x-amz-json-1.1";

/// A service in this function's region, as this function's role.
#[derive(Clone)]
pub struct Service {
    name: Name,
    https: Https,
    url: String,
    region: String,
    credentials: Credentials,
}

/// Why an attempt failed. Never holds what was sent.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    /// Why.
    pub reason: String,
    /// Whether the same request may succeed later.
    pub passes: bool,
}

/// Why a request could not be signed: a defect, not a setting.
type Unsignable = Box<dyn std::error::Error + Send + Sync>;

impl Service {
    /// The service as `environment` says: `AWS_REGION`, credentials, and an address that is not the usual one.
    ///
    /// # Errors
    ///
    /// A setting is missing or malformed.
    pub fn new(name: Name, environment: &Environment, https: &Https) -> Result<Self, settings::Error> {
        let region = environment.required("AWS_REGION")?.to_owned();
        let AwsCredentials { access_key_id, secret_access_key, session_token } = environment.aws_credentials()?;
        let session_token = session_token.map(str::to_owned);
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let standard = format!("https://{}.{region}.{domain}", name.signing);
        Ok(Self {
            name,
            https: https.clone(),
            url: environment.aws_endpoint(name.setting)?.map_or(standard, str::to_owned),
            credentials: Credentials::new(access_key_id, secret_access_key, session_token, None, "environment"),
            region,
        })
    }

    /// Begins to open the connection that the first call will use.
    pub fn open(&self) {
        self.https.open(&self.url);
    }

    /// Calls an operation once.
    ///
    /// # Errors
    ///
    /// There is no answer in time, or the service refuses.
    pub async fn call(&self, operation: &str, body: String) -> Result<Bytes, Failure> {
        let request = self.request(operation, body).map_err(|error| Failure::lasting(error.to_string()))?;
        let response = match tokio::time::timeout(ATTEMPT, self.https.send(request, IN_DOUBT)).await {
            Ok(response) => response.map_err(|error| Failure::passing(error.to_string()))?,
            Err(_) => return Err(Failure::passing("no answer in time")),
        };
        let (status, bytes) = (response.status(), response.into_body());
        if status.is_success() { Ok(bytes) } else { Err(Failure::of(status, &bytes)) }
    }

    fn request(&self, operation: &str, body: String) -> Result<Request<Full<Bytes>>, Unsignable> {
        let url = format!("{}/", self.url);
        let target = format!("{}.{operation}", self.name.target);
        let headers = [("content-type", self.name.content), ("x-amz-target", target.as_str())];
        let identity = self.credentials.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(self.name.signing)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let signable = SignableRequest::new("POST", &url, headers.into_iter(), SignableBody::Bytes(body.as_bytes()))?;
        let (instructions, _) = sign(signable, &parameters)?.into_parts();

        let mut request = Request::post(&url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let mut request = request.body(Full::new(Bytes::from(body)))?;
        instructions.apply_to_request_http1x(&mut request);
        Ok(request)
    }
}

impl Failure {
    /// A failure that the same request may not meet again.
    pub fn passing(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), passes: true }
    }

    /// A failure that the same request would meet again.
    pub fn lasting(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), passes: false }
    }

    /// What the service refused a request with. It answers 400 also to those who ask too often.
    fn of(status: StatusCode, body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Refusal {
            #[serde(rename = "__type")]
            kind: String,
        }

        let kind = serde_json::from_slice::<Refusal>(body).map(|refusal| refusal.kind).unwrap_or_default();
        // In front of the name stands its namespace, perhaps.
        let kind = kind.rsplit('#').next().unwrap_or_default();
        let passes = status.is_server_error() || kind.contains("Throttl") || kind.contains("TooManyRequests");
        Self { reason: format!("{status} {kind}"), passes }
    }
}

/// Makes attempts until one succeeds, one fails for good, or the `time` is over.
///
/// Pauses are random between nothing and a bound that doubles: when many functions start together, they do not return
/// together.
///
/// # Errors
///
/// Why the last attempt failed.
pub async fn persistently<T, F: Future<Output = Result<T, Failure>>>(
    time: Duration,
    mut attempt: impl FnMut() -> F,
) -> Result<T, String> {
    let end = Instant::now() + time;
    let mut longest = PAUSE;
    loop {
        let failure = match tokio::time::timeout_at(end, attempt()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(failure)) => failure,
            Err(_) => return Err("no answer in time".to_owned()),
        };
        let pause = longest.mul_f64(fastrand::f64());
        if !failure.passes || Instant::now() + pause >= end {
            return Err(failure.reason);
        }
        wait(pause).await;
        longest = (longest * 2).min(LONGEST_PAUSE);
    }
}

#[expect(clippy::disallowed_methods, reason = "services take a limited number of requests a second")]
async fn wait(time: Duration) {
    tokio::time::sleep(time).await;
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use serde_json::json;

    use super::*;

    /// How long a function may read its secrets at its start.
    const AT_START: Duration = Duration::from_secs(8);

    /// Source: <https://docs.aws.amazon.com/systems-manager/latest/APIReference/CommonErrors.html>
    #[test]
    fn too_many_requests_pass_and_a_missing_right_does_not() {
        let failure = |status: u16, kind: &str| {
            let body = json!({ "__type": kind }).to_string();
            Failure::of(StatusCode::from_u16(status).unwrap(), body.as_bytes())
        };

        for passing in [(400, "ThrottlingException"), (500, "InternalServerError"), (503, "ServiceUnavailable")] {
            assert!(failure(passing.0, passing.1).passes, "{passing:?}");
        }
        for lasting in ["AccessDeniedException", "com.amazonaws.ssm#InvalidKeyId", "ParameterNotFound"] {
            assert!(!failure(400, lasting).passes, "{lasting}");
        }
        assert_eq!(failure(400, "com.amazonaws.ssm#InvalidKeyId").reason, "400 Bad Request InvalidKeyId");
    }

    /// 200 functions start at once, and Parameter Store takes 40 requests a second, its default.
    ///
    /// Source: <https://docs.aws.amazon.com/general/latest/gr/ssm.html#limits_ssm>
    #[tokio::test(start_paused = true)]
    async fn two_hundred_cold_starts_at_once_all_get_their_secrets() {
        for seed in 0..20 {
            fastrand::seed(seed);
            assert_eq!(failed_starts(200).await, 0, "seed {seed}");
        }
    }

    /// How many of so many functions that start at once do without their secrets.
    async fn failed_starts(functions: usize) -> usize {
        let begun = Instant::now();
        let taken = Cell::new((0, 0));
        let attempt = || async {
            let second = begun.elapsed().as_secs();
            let (of, count) = taken.get();
            let count = if of == second { count } else { 0 };
            taken.set((second, count + 1));
            if count < 40 { Ok(()) } else { Err(Failure::passing("400 Bad Request ThrottlingException")) }
        };

        let starts = (0..functions).map(|_| persistently(AT_START, attempt));
        futures_util::future::join_all(starts).await.iter().filter(|start| start.is_err()).count()
    }

    #[tokio::test(start_paused = true)]
    async fn what_lasts_is_said_and_silence_ends_in_time() {
        let calls = Cell::new(0);
        let refused = persistently(AT_START, || async {
            calls.set(calls.get() + 1);
            Err::<(), _>(Failure::lasting("400 Bad Request AccessDeniedException"))
        });
        assert_eq!(refused.await.unwrap_err(), "400 Bad Request AccessDeniedException");
        assert_eq!(calls.get(), 1);

        let begun = Instant::now();
        let silent = persistently(AT_START, std::future::pending::<Result<(), Failure>>);
        assert_eq!(silent.await.unwrap_err(), "no answer in time");
        assert_eq!(begun.elapsed(), AT_START);
    }
}
