//! The requests of `get` and `add` to DynamoDB with nothing around them: no rules, no prices, no tokens, no second try, no
//! log. The AWS SDK as it comes, over ring.
//!
//! The number of the cart stands in the header `cart-number`, and the answer is the item as JSON.

#![expect(clippy::disallowed_methods, reason = "it stands alone, without the crates of this workspace")]

use std::time::{SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
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
        let body: Value = serde_json::from_slice(request.body())?;
        let price = body["items"][0]["price"].as_str().unwrap_or_default();
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let number = |number: u64| AttributeValue::N(number.to_string());
        client
            .update_item()
            .table_name(table)
            .key("number", key)
            .update_expression(
                "SET v = v + :one, updated = :now, exp = :exp, cur = if_not_exists(cur, :usd), \
                 q.#p = if_not_exists(q.#p, :zero) + :one, o.#p = if_not_exists(o.#p, :place)",
            )
            .condition_expression(
                "exp > :now AND attribute_not_exists(st) AND (attribute_not_exists(cur) OR cur = :usd) \
                 AND (size(q) <= :few OR attribute_exists(q.#p) OR attribute_not_exists(ivl) AND size(q) <= :many) \
                 AND (attribute_not_exists(q.#p) OR q.#p <= :most)",
            )
            .expression_attribute_names("#p", price)
            .expression_attribute_values(":zero", number(0))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":few", number(19))
            .expression_attribute_values(":many", number(99))
            .expression_attribute_values(":most", number(999_998))
            .expression_attribute_values(":now", number(now))
            .expression_attribute_values(":exp", number(now + 604_800))
            .expression_attribute_values(":place", number(now * 1_000_000))
            .expression_attribute_values(":usd", AttributeValue::S("usd".to_owned()))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await?
            .attributes
    };
    let item = item.unwrap_or_default();
    let body = Value::Object(item.iter().map(|(name, value)| (name.clone(), plain(value))).collect());
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
