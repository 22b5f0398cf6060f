//! Secrets, read by name from SSM Parameter Store.
//!
//! In AWS a function's environment holds only the *name* of a `SecureString` parameter, in `STRIPE_SECRET_KEY_PARAMETER`
//! for the setting `STRIPE_SECRET_KEY`. It is read once, at the cold start. That takes one
//! signed request, so the SDK of SSM is not linked.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use https::Https;
use serde::Deserialize;
use serde_json::json;
use settings::{AwsCredentials, Environment};

/// Why a secret could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting is missing or malformed.
    #[error(transparent)]
    Setting(#[from] settings::Error),
    /// Parameter Store did not return the parameter.
    #[error("{setting}: parameter {parameter} cannot be read: {reason}")]
    Unreadable {
        /// The setting that holds the parameter's name.
        setting: String,
        /// The parameter's name.
        parameter: String,
        /// What went wrong. Never the secret.
        reason: String,
    },
}

/// How long Parameter Store may take. A cold start may take ten seconds.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Fills in those settings of `names` that are absent and whose parameter is named. Reads one after the other, over one
/// connection: opening a second one would take longer than the second request.
///
/// # Errors
///
/// [`Error::Unreadable`] if a parameter is named and cannot be read.
///
/// Source: <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html>
pub async fn resolve(environment: &mut Environment, names: &[&str], https: &Https) -> Result<(), Error> {
    for name in names {
        if let Some(secret) = read(environment, name, https).await? {
            environment.set(name, secret);
        }
    }
    Ok(())
}

/// Reads the parameter that replaces this setting; `None` if the setting is present, or no parameter is named.
async fn read(environment: &Environment, name: &str, https: &Https) -> Result<Option<String>, Error> {
    let setting = format!("{name}_PARAMETER");
    let Some(parameter) = environment.get(&setting).filter(|_| environment.get(name).is_none()) else {
        return Ok(None);
    };
    let unreadable =
        |reason: String| Error::Unreadable { setting: setting.clone(), parameter: parameter.to_owned(), reason };
    let request = request(environment, parameter)?.map_err(|error| unreadable(error.to_string()))?;
    let answer = tokio::time::timeout(TIMEOUT, send(https, request)).await;
    answer.unwrap_or_else(|_| Err("no answer in time".to_owned())).map(Some).map_err(unreadable)
}

/// Why a request could not be signed: a defect, not a setting.
type Unsignable = Box<dyn std::error::Error + Send + Sync>;

/// A signed `GetParameter`.
fn request(
    environment: &Environment,
    parameter: &str,
) -> Result<Result<Request<Full<Bytes>>, Unsignable>, settings::Error> {
    let region = environment.required("AWS_REGION")?;
    let AwsCredentials { access_key_id, secret_access_key, session_token } = environment.aws_credentials()?;
    let session_token = session_token.map(str::to_owned);
    let credentials = Credentials::new(access_key_id, secret_access_key, session_token, None, "environment");
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    let standard = format!("https://ssm.{region}.{domain}");
    let url = environment.base_url("AWS_ENDPOINT_URL_SSM")?.unwrap_or(&standard);
    Ok(signed(url, region, credentials, parameter))
}

fn signed(
    url: &str,
    region: &str,
    credentials: Credentials,
    parameter: &str,
) -> Result<Request<Full<Bytes>>, Unsignable> {
    const HEADERS: [(&str, &str); 2] =
        [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", "AmazonSSM.GetParameter")];

    let url = format!("{url}/");
    let body = json!({ "Name": parameter, "WithDecryption": true }).to_string();
    let identity = credentials.into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
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

async fn send(https: &Https, request: Request<Full<Bytes>>) -> Result<String, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        parameter: Parameter,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Parameter {
        value: String,
    }
    #[derive(Deserialize)]
    struct Refusal {
        #[serde(rename = "__type")]
        kind: String,
    }

    let response = https.send(request).await.map_err(|error| error.to_string())?;
    let (status, bytes) = (response.status(), response.into_body());
    if !status.is_success() {
        let refusal = serde_json::from_slice::<Refusal>(&bytes).map(|refusal| refusal.kind).unwrap_or_default();
        return Err(format!("{status} {refusal}"));
    }
    let answer: Answer = serde_json::from_slice(&bytes).map_err(|_| "the answer cannot be read".to_owned())?;
    Ok(answer.parameter.value)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, StatusCode};
    use axum::{Json, Router, routing::post};
    use serde_json::Value;

    use super::*;

    /// A Parameter Store that knows one parameter.
    async fn parameter_store() -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answer = async |headers: HeaderMap, body: String| {
            let body: Value = serde_json::from_str(&body).unwrap();
            assert_eq!(headers["x-amz-target"], "AmazonSSM.GetParameter");
            assert_eq!(body["WithDecryption"], true);
            let authorization = headers["authorization"].to_str().unwrap();
            assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKID/"), "{authorization}");
            assert!(authorization.contains("/eu-west-1/ssm/aws4_request"), "{authorization}");
            if body["Name"] == "/shop/key" {
                (StatusCode::OK, Json(json!({ "Parameter": { "Value": "sk_live_1" } })))
            } else {
                (StatusCode::BAD_REQUEST, Json(json!({ "__type": "ParameterNotFound" })))
            }
        };
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/", post(answer))).await });
        url
    }

    async fn environment(more: &[(&str, &str)]) -> Environment {
        let mut environment = Environment::from_iter([
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "AKID"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
        ]);
        environment.set("AWS_ENDPOINT_URL_SSM", parameter_store().await);
        for (name, value) in more {
            environment.set(name, *value);
        }
        environment
    }

    fn https() -> Https {
        Https::new(&Environment::default()).unwrap()
    }

    #[tokio::test]
    async fn a_named_parameter_becomes_the_setting() {
        let mut environment = environment(&[("STRIPE_SECRET_KEY_PARAMETER", "/shop/key")]).await;

        resolve(&mut environment, &["STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"], &https()).await.unwrap();

        assert_eq!(environment.get("STRIPE_SECRET_KEY"), Some("sk_live_1"));
        assert_eq!(environment.get("STRIPE_WEBHOOK_SECRET"), None);
    }

    #[tokio::test]
    async fn a_setting_that_is_there_is_not_asked_for() {
        let mut environment =
            environment(&[("STRIPE_SECRET_KEY", "sk_test_1"), ("STRIPE_SECRET_KEY_PARAMETER", "/nowhere")]).await;

        resolve(&mut environment, &["STRIPE_SECRET_KEY"], &https()).await.unwrap();

        assert_eq!(environment.get("STRIPE_SECRET_KEY"), Some("sk_test_1"));
    }

    #[tokio::test]
    async fn a_parameter_that_is_missing_is_named() {
        let mut environment = environment(&[("STRIPE_SECRET_KEY_PARAMETER", "/nowhere")]).await;

        let error = resolve(&mut environment, &["STRIPE_SECRET_KEY"], &https()).await.unwrap_err();

        assert_eq!(
            error.to_string(),
            "STRIPE_SECRET_KEY_PARAMETER: parameter /nowhere cannot be read: 400 Bad Request ParameterNotFound"
        );
    }
}
