//! Wires the publishing of events; see [`publish::Publish`].

use lambda_runtime::{LambdaEvent, service_fn};
use publish::{Batch, Publish};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), web::StartError> {
    let publish = &web::start_without_tables(Publish::prepare, Publish::new)?;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Batch>| {
        Ok::<_, web::StartError>(publish.run(&event.context.request_id, &event.payload).await)
    }))
    .await
}
