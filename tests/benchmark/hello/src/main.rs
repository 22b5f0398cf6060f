//! A Lambda function that only says hello: the least that any Rust function behind API Gateway costs.

use lambda_http::{Error, Request, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_http::run(service_fn(async |_: Request| Ok::<_, Error>(r#"{"hello":"world"}"#))).await
}
