//! Wires the sync; see [`sync::Sync`].

// Futures nest deeply from a sync down to DynamoDB.
#![recursion_limit = "256"]

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use sync::Asked;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), web::StartError> {
    let sync = &web::start_with_secrets(&[payments::Stripe::SECRET_KEY], sync::Sync::prepare, sync::Sync::new).await?;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        let asked = Asked::read(event.payload)?;
        sync.run(&event.context.request_id, &asked).await.map_err(web::StartError::from)
    }))
    .await
}
