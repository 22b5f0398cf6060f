//! A client of DynamoDB.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, ConfigBag, Intercept, Region, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use settings::Environment;

/// A client of DynamoDB, shared by all tables of a function.
///
/// Reads the settings that the AWS SDKs read: `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
/// `AWS_SESSION_TOKEN` and `AWS_ENDPOINT_URL_DYNAMODB`. Credentials come from the environment only, which is where
/// Lambda puts them, so that no other source is linked or asked.
#[derive(Clone, Debug)]
pub struct Connection {
    client: Client,
}

/// The most that one attempt may take, in milliseconds. DynamoDB answers within milliseconds; two attempts fit the five
/// seconds of the shortest functions.
const ATTEMPT: u64 = 2000;

impl Connection {
    /// The client itself, for what a deployment does outside the functions: creating tables.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// A client as `environment` says.
    ///
    /// `DYNAMODB_TIMEOUT_MS` is the most that one attempt may take (50 to 10000 milliseconds, default 2000); all attempts
    /// together may take twice that.
    ///
    /// # Errors
    ///
    /// Region or credentials are not set, or a setting is malformed.
    pub fn new(environment: &Environment) -> Result<Self, settings::Error> {
        let credentials = Credentials::new(
            environment.required("AWS_ACCESS_KEY_ID")?,
            environment.required("AWS_SECRET_ACCESS_KEY")?,
            environment.get("AWS_SESSION_TOKEN").map(str::to_owned),
            None,
            "environment",
        );
        let name = "DYNAMODB_TIMEOUT_MS";
        let attempt = environment.parse(name, "50 to 10000")?.unwrap_or(ATTEMPT);
        if !(50..=10_000).contains(&attempt) {
            return Err(settings::Error::malformed(name, "50 to 10000"));
        }
        let attempt = Duration::from_millis(attempt);
        let http = aws_smithy_http_client::Builder::new()
            // The other provider gathers entropy for a tenth of a second at its first use.
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let mut config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(environment.required("AWS_REGION")?.to_owned()))
            .credentials_provider(credentials)
            .http_client(http)
            .interceptor(Counter)
            .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(50)))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(attempt / 2)
                    .operation_attempt_timeout(attempt)
                    .operation_timeout(attempt * 2)
                    .build(),
            );
        if let Some(url) = environment.get("AWS_ENDPOINT_URL_DYNAMODB") {
            config = config.endpoint_url(url);
        }
        Ok(Self { client: Client::from_conf(config.build()) })
    }
}

/// Counts what is sent to DynamoDB, and tells of it where that is asked for.
#[derive(Debug)]
struct Counter;

impl Intercept for Counter {
    fn name(&self) -> &'static str {
        "Counter"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        tally::database_request();
        tracing::debug!(operation = config.load::<Metadata>().map(Metadata::name), "DynamoDB");
        Ok(())
    }
}
