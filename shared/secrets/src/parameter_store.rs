//! SSM Parameter Store, as far as secrets are read from it.
//!
//! That takes one signed request, so the SDK of SSM is not linked.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use https::Https;
use serde::Deserialize;
use serde_json::json;
use settings::{AwsCredentials, Environment};
use tokio::time::Instant;

/// The most time for one attempt.
const ATTEMPT: Duration = Duration::from_secs(3);
/// The most time for an answer over a connection that lay idle: less than reading again may take.
const IN_DOUBT: Duration = Duration::from_secs(1);
/// The longest first pause; it doubles up to the longest of all.
const PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Parameter Store in this function's region, as this function's role.
#[derive(Clone)]
pub(crate) struct ParameterStore {
    https: Https,
    url: String,
    region: String,
    credentials: Credentials,
}

/// Why Parameter Store did not return parameters. Never holds a secret.
#[derive(Debug, thiserror::Error)]
#[error("Parameter Store cannot be read: {0}")]
pub struct Unreadable(String);

/// Why an attempt failed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    reason: String,
    /// Whether the same request may succeed later.
    passes: bool,
}

/// Why a request could not be signed: a defect, not a setting.
type Unsignable = Box<dyn std::error::Error + Send + Sync>;

impl ParameterStore {
    pub(crate) fn new(environment: &Environment, https: &Https) -> Result<Self, settings::Error> {
        let region = environment.required("AWS_REGION")?.to_owned();
        let AwsCredentials { access_key_id, secret_access_key, session_token } = environment.aws_credentials()?;
        let session_token = session_token.map(str::to_owned);
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let standard = format!("https://ssm.{region}.{domain}");
        Ok(Self {
            https: https.clone(),
            url: environment.aws_endpoint("SSM")?.map_or(standard, str::to_owned),
            credentials: Credentials::new(access_key_id, secret_access_key, session_token, None, "environment"),
            region,
        })
    }

    /// The values of all `parameters`, by parameter, within `time`.
    pub(crate) async fn read<'a>(
        &self,
        parameters: impl Iterator<Item = &'a String>,
        time: Duration,
    ) -> Result<BTreeMap<String, String>, Unreadable> {
        // Parameter Store refuses a name that is there twice.
        let parameters: BTreeSet<_> = parameters.map(String::as_str).collect();
        let parameters: Vec<_> = parameters.into_iter().collect();
        persistently(time, || self.attempt(&parameters)).await.map_err(Unreadable)
    }

    async fn attempt(&self, parameters: &[&str]) -> Result<BTreeMap<String, String>, Failure> {
        let request = self.request(parameters).map_err(|error| Failure::final_(error.to_string()))?;
        let response = match tokio::time::timeout(ATTEMPT, self.https.send(request, IN_DOUBT)).await {
            Ok(response) => response.map_err(|error| Failure::passing(error.to_string()))?,
            Err(_) => return Err(Failure::passing("no answer in time")),
        };
        let (status, bytes) = (response.status(), response.into_body());
        if status.is_success() { values(&bytes, parameters) } else { Err(Failure::of(status, &bytes)) }
    }

    /// A signed `GetParameters`.
    fn request(&self, parameters: &[&str]) -> Result<Request<Full<Bytes>>, Unsignable> {
        const HEADERS: [(&str, &str); 2] =
            [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", "AmazonSSM.GetParameters")];

        let url = format!("{}/", self.url);
        let body = json!({ "Names": parameters, "WithDecryption": true }).to_string();
        let identity = self.credentials.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("ssm")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let signable = SignableRequest::new("POST", &url, HEADERS.into_iter(), SignableBody::Bytes(body.as_bytes()))?;
        let (instructions, _) = sign(signable, &parameters)?.into_parts();

        let mut request = Request::post(&url);
        for (name, value) in HEADERS {
            request = request.header(name, value);
        }
        let mut request = request.body(Full::new(Bytes::from(body)))?;
        instructions.apply_to_request_http1x(&mut request);
        Ok(request)
    }
}

impl Failure {
    fn passing(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), passes: true }
    }

    fn final_(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), passes: false }
    }

    /// Parameter Store answers 400 also to those who ask too often.
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

/// Reads the answer to `GetParameters`.
///
/// Source: <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html>
fn values(answer: &[u8], parameters: &[&str]) -> Result<BTreeMap<String, String>, Failure> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        parameters: Vec<Parameter>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Parameter {
        name: String,
        #[serde(rename = "ARN", default)]
        arn: String,
        /// A version or a label, behind its colon.
        #[serde(default)]
        selector: String,
        value: String,
    }

    let answer: Answer = serde_json::from_slice(answer).map_err(|_| Failure::final_("the answer cannot be read"))?;
    let found = |wanted: &&str| {
        let is_wanted = |parameter: &&Parameter| {
            let name = wanted.strip_suffix(&parameter.selector).unwrap_or(wanted);
            [&parameter.name, &parameter.arn].into_iter().any(|own| own == name)
        };
        let parameter = answer.parameters.iter().find(is_wanted);
        let parameter = parameter.ok_or_else(|| Failure::final_(format!("there is no parameter {wanted}")))?;
        Ok(((*wanted).to_owned(), parameter.value.clone()))
    };
    parameters.iter().map(found).collect()
}

/// Makes attempts until one succeeds, one fails for good, or the `time` is over.
///
/// Pauses are random between nothing and a bound that doubles: when many functions start together, they do not return
/// together. Parameter Store takes 40 requests a second of an account and region.
///
/// Source: <https://docs.aws.amazon.com/general/latest/gr/ssm.html#limits_ssm>
async fn persistently<T, F: Future<Output = Result<T, Failure>>>(
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

#[expect(clippy::disallowed_methods, reason = "Parameter Store takes a limited number of requests a second")]
async fn wait(time: Duration) {
    tokio::time::sleep(time).await;
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn read(answer: &serde_json::Value, parameters: &[&str]) -> Result<BTreeMap<String, String>, Failure> {
        values(answer.to_string().as_bytes(), parameters)
    }

    #[test]
    fn a_parameter_may_be_named_by_version_label_or_arn() {
        let arn = "arn:aws:ssm:eu-west-1:123456789012:parameter/shop/key";
        for (wanted, selector) in [("/shop/key", ""), ("/shop/key:3", ":3"), ("/shop/key:live", ":live"), (arn, "")] {
            let answer = json!({ "Parameters": [
                { "Name": "/shop/other", "ARN": "", "Value": "other" },
                { "Name": "/shop/key", "ARN": arn, "Selector": selector, "Value": "sk_live_1" },
            ] });

            assert_eq!(read(&answer, &[wanted]).unwrap()[wanted], "sk_live_1");
        }
    }

    #[test]
    fn what_is_missing_is_named_and_not_asked_for_again() {
        let answer = json!({ "Parameters": [], "InvalidParameters": ["/shop/key"] });

        let failure = read(&answer, &["/shop/key"]).unwrap_err();

        assert_eq!(failure, Failure::final_("there is no parameter /shop/key"));
    }

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

        let starts = (0..functions).map(|_| persistently(crate::AT_START, attempt));
        futures_util::future::join_all(starts).await.iter().filter(|start| start.is_err()).count()
    }

    #[tokio::test(start_paused = true)]
    async fn what_lasts_is_said_and_silence_ends_in_time() {
        let calls = Cell::new(0);
        let refused = persistently(crate::AT_START, || async {
            calls.set(calls.get() + 1);
            Err::<(), _>(Failure::final_("400 Bad Request AccessDeniedException"))
        });
        assert_eq!(refused.await.unwrap_err(), "400 Bad Request AccessDeniedException");
        assert_eq!(calls.get(), 1);

        let begun = Instant::now();
        let silent = persistently(crate::AT_START, std::future::pending::<Result<(), Failure>>);
        assert_eq!(silent.await.unwrap_err(), "no answer in time");
        assert_eq!(begun.elapsed(), crate::AT_START);
    }
}
