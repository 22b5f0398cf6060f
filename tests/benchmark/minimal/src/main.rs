//! One request of the AWS SDK's to DynamoDB, and its answer as JSON: the least that a cart could do, without its rules.
//!
//! A GET reads the cart's item by one `GetItem`, anything else counts its version up by one `UpdateItem`. The number of
//! the cart stands in the header `cart-number`.

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use lambda_http::http::Method;
use lambda_http::{Error, Request, Response, service_fn};
use serde_json::{Map, Value};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let setting = |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set"));
    let credentials = Credentials::new(
        setting("AWS_ACCESS_KEY_ID")?,
        setting("AWS_SECRET_ACCESS_KEY")?,
        std::env::var("AWS_SESSION_TOKEN").ok(),
        None,
        "environment",
    );
    let http = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let mut config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(setting("AWS_REGION")?))
        .credentials_provider(credentials)
        .http_client(http);
    if let Ok(url) = std::env::var("AWS_ENDPOINT_URL_DYNAMODB") {
        config = config.endpoint_url(url);
    }
    let (client, table) = &(Client::from_conf(config.build()), setting("CARTS_TABLE")?);
    lambda_http::run(service_fn(async |request: Request| answer(client, table, &request).await)).await
}

async fn answer(client: &Client, table: &str, request: &Request) -> Result<Response<String>, Error> {
    let number = request.headers().get("cart-number").map(|number| number.to_str()).transpose()?;
    let key = AttributeValue::S(number.unwrap_or_default().to_owned());
    let item = if request.method() == Method::GET {
        client.get_item().table_name(table).key("number", key).consistent_read(true).send().await?.item
    } else {
        let update = client.update_item().table_name(table).key("number", key);
        let update = update
            .update_expression("ADD v :one")
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()));
        update.return_values(ReturnValue::AllNew).send().await?.attributes
    };
    let body =
        Value::Object(item.unwrap_or_default().iter().map(|(name, value)| (name.clone(), plain(value))).collect());
    Ok(Response::builder().header("content-type", "application/json").body(body.to_string())?)
}

/// An attribute as JSON.
fn plain(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) | AttributeValue::N(text) => Value::from(text.as_str()),
        AttributeValue::Bool(flag) => Value::Bool(*flag),
        AttributeValue::M(map) => {
            map.iter().map(|(name, value)| (name.clone(), plain(value))).collect::<Map<_, _>>().into()
        }
        AttributeValue::L(list) => list.iter().map(plain).collect(),
        AttributeValue::Ss(texts) => texts.iter().map(String::as_str).collect(),
        _ => Value::Null,
    }
}
