//! A client of DynamoDB.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::endpoint::{DefaultResolver, Endpoint, EndpointFuture, Params, ResolveEndpoint};
use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_dynamodb::config::retry::{ReconnectMode, RetryConfig};
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, ConfigBag, IdentityCache, Intercept, Region, RuntimeComponents, StalledStreamProtectionConfig,
};
use aws_sdk_dynamodb::error::BoxError;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, Metadata};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use futures_util::FutureExt as _;
use http_body_util::Full;
use https::Https;
use settings::{AwsCredentials, DYNAMODB_TIMEOUT_MS, Environment};

/// A client of DynamoDB, shared by all tables of a function.
///
/// Reads the settings that the AWS SDKs read: `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
/// `AWS_SESSION_TOKEN`, and those of [`Environment::aws_endpoint`]. Credentials come from the environment only, which is
/// where Lambda puts them, so that no other source is linked or asked.
#[derive(Clone, Debug)]
pub struct Connection {
    client: Client,
    https: Https,
    url: String,
}

impl Connection {
    /// The client itself, for what a deployment does outside the functions: creating tables.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// A client as `environment` says, over `https`.
    ///
    /// [`DYNAMODB_TIMEOUT_MS`] is the most that one attempt may take; all attempts together may take twice that.
    ///
    /// # Errors
    ///
    /// Region or credentials are not set, or a setting is malformed.
    pub fn new(environment: &Environment, https: &Https) -> Result<Self, settings::Error> {
        let AwsCredentials { access_key_id, secret_access_key, session_token } = environment.aws_credentials()?;
        let session_token = session_token.map(str::to_owned);
        let credentials = Credentials::new(access_key_id, secret_access_key, session_token, None, "environment");
        let attempt = Duration::from_millis(environment.number(&DYNAMODB_TIMEOUT_MS)?);
        let region = environment.required("AWS_REGION")?;
        let endpoint = endpoint(region, environment.aws_endpoint("DYNAMODB")?)?;
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .endpoint_resolver(endpoint.clone())
            .credentials_provider(credentials)
            // They do not change while a function lives, and answers are never streams.
            .identity_cache(IdentityCache::no_cache())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            // DynamoDB answers in milliseconds: half an attempt is long.
            .http_client(http_client(https, attempt / 2))
            .interceptor(Counter)
            .retry_config(
                RetryConfig::standard()
                    .with_initial_backoff(Duration::from_millis(50))
                    // Which connections are good is the client's business.
                    .with_reconnect_mode(ReconnectMode::ReuseAllConnections),
            )
            .timeout_config(
                TimeoutConfig::builder().operation_attempt_timeout(attempt).operation_timeout(attempt * 2).build(),
            );
        Ok(Self { client: Client::from_conf(config.build()), https: https.clone(), url: endpoint.0.url().to_owned() })
    }

    /// Begins to open the connection that the first request will use.
    pub fn open(&self) {
        self.https.open(&self.url);
    }
}

/// Where DynamoDB is: the same for all requests of a function, so it is found out once.
#[derive(Clone, Debug)]
struct OneEndpoint(Endpoint);

impl ResolveEndpoint for OneEndpoint {
    fn resolve_endpoint<'a>(&'a self, _: &'a Params) -> EndpointFuture<'a> {
        EndpointFuture::ready(Ok(self.0.clone()))
    }
}

/// The endpoint of a region, or the one at `url`, by the SDK's own rules.
fn endpoint(region: &str, url: Option<&str>) -> Result<OneEndpoint, settings::Error> {
    let malformed = || settings::Error::malformed("AWS_REGION", "a region such as eu-central-1");
    let parameters = Params::builder().region(region).set_endpoint(url.map(str::to_owned)).build();
    let parameters = parameters.map_err(|_| malformed())?;
    // The rules need nothing but their parameters: they never wait.
    let endpoint = DefaultResolver::new().resolve_endpoint(&parameters).now_or_never();
    endpoint.and_then(Result::ok).map(OneEndpoint).ok_or_else(malformed)
}

/// The SDK's requests over our client, where a connection that lay idle has the time `in_doubt` to answer.
fn http_client(https: &Https, in_doubt: Duration) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(Connector { https: https.clone(), in_doubt });
    http_client_fn(move |_, _| connector.clone())
}

#[derive(Debug)]
struct Connector {
    https: Https,
    in_doubt: Duration,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (https, in_doubt) = (self.https.clone(), self.in_doubt);
        HttpConnectorFuture::new(async move {
            let (head, body) =
                request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?.into_parts();
            // What is sent to DynamoDB is never a stream.
            let body = Bytes::copy_from_slice(body.bytes().unwrap_or_default());
            let answer = https.send(http::Request::from_parts(head, Full::new(body)), in_doubt).await;
            let answer = answer.map_err(|error| ConnectorError::io(error.into()))?;
            HttpResponse::try_from(answer.map(SdkBody::from)).map_err(|error| ConnectorError::other(error.into(), None))
        })
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
