//! Serves the sample shop's Stripe on a port: `cargo run -p stripe-sandbox --example serve -- 12111 [WEBHOOK_URL] [FILE]`.
//! With a file it keeps there what it has.

use stripe_sandbox::{Catalog, Config, Sandbox, StartError};

#[tokio::main]
async fn main() -> Result<(), StartError> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().unwrap_or_else(|| "12111".to_owned());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    let (webhook_url, data) = (arguments.next(), arguments.next().map(Into::into));
    let config = Config { catalog: Catalog::sample(), webhook_url, data, ..Config::default() };
    let sandbox = Sandbox::start(listener, config).await?;
    eprintln!("{}", sandbox.url());
    std::future::pending().await
}
