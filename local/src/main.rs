//! `cargo run`: the whole bundle on loopback.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use local::{Error, Options, Stack, StripeAt};
use settings::Environment;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// How often the tables' streams are read.
const PUBLISHED_EVERY: Duration = Duration::from_millis(500);

/// Serves the whole cart on this machine: the API with a sample shop, DynamoDB, and a stand-in for Stripe.
///
/// Settings of the functions are read from the environment and from a file `.env`. With `STRIPE_SECRET_KEY` set, the
/// real Stripe is used.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Port of the API and the sample shop (0: any free one)
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Port of the embedded DynamoDB (0: any free one)
    #[arg(long, default_value_t = 8000)]
    dynamodb_port: u16,
    /// Port of the Stripe sandbox (0: any free one)
    #[arg(long, default_value_t = 12111)]
    stripe_port: u16,
    /// Use this DynamoDB instead of the embedded one; `AWS_ENDPOINT_URL_DYNAMODB` or `AWS_ENDPOINT_URL` says the same
    #[arg(long, value_name = "URL")]
    dynamodb_url: Option<String>,
    /// JSON file of Stripe objects that the sandbox starts with, instead of the sample
    #[arg(long, value_name = "FILE")]
    catalog: Option<PathBuf>,
    /// Keep carts, orders and what the sandbox has in this folder, instead of in memory
    #[arg(long, value_name = "DIR", conflicts_with = "dynamodb_url")]
    data: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let usual = Targets::new().with_default(LevelFilter::WARN).with_target("dynoxide", LevelFilter::ERROR);
    let wanted = Environment::of_process().get("RUST_LOG").and_then(|levels| levels.parse().ok());
    let lines = tracing_subscriber::fmt::layer().with_target(false).with_writer(std::io::stderr);
    tracing_subscriber::registry().with(lines).with(wanted.unwrap_or(usual)).init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Error> {
    let Arguments { port, dynamodb_port, stripe_port, dynamodb_url, catalog, data } = arguments;
    let environment = environment()?;
    let stack =
        Stack::start(Options { port, dynamodb_port, stripe_port, dynamodb_url, catalog, data, environment }).await?;

    announce(&stack);
    tokio::select! {
        stopped = stopped() => stopped,
        () = publish(&stack) => Ok(()),
    }
}

/// Publishes events as long as the stack runs.
async fn publish(stack: &Stack) {
    let mut ticks = tokio::time::interval(PUBLISHED_EVERY);
    loop {
        ticks.tick().await;
        if let Err(error) = stack.publish().await {
            tracing::warn!(%error, "events are not published");
            return std::future::pending().await;
        }
    }
}

/// The process's environment, and behind it the file `.env`.
fn environment() -> Result<Environment, Error> {
    let mut environment = Environment::of_process();
    match dotenvy::dotenv_iter() {
        Ok(entries) => {
            let mut last = None;
            for entry in entries {
                let (name, value) = entry.map_err(|error| unreadable(&error, last.as_deref()))?;
                environment.set_default(&name, value);
                last = Some(name);
            }
        }
        Err(error) if error.not_found() => {}
        Err(error) => return Err(unreadable(&error, None)),
    }
    Ok(environment)
}

/// Says where `.env` is wrong, not what stands there: it may be a secret.
fn unreadable(error: &dotenvy::Error, last: Option<&str>) -> Error {
    let place = last.map_or_else(|| "at its beginning".to_owned(), |name| format!("behind {name}"));
    Error::DotEnv(match error {
        dotenvy::Error::Io(error) => error.to_string(),
        _ => format!("{place} is a line that is not NAME=value, or whose quotes do not match"),
    })
}

#[expect(clippy::print_stdout, reason = "this is what a person at a terminal wants to read")]
fn announce(stack: &Stack) {
    let stripe = match stack.stripe() {
        StripeAt::Sandbox(sandbox) => format!("{} (sandbox: no money moves)", sandbox.url()),
        at @ StripeAt::Elsewhere(url) if at.is_real() => format!("{url} (the real one)"),
        StripeAt::Elsewhere(url) => url.clone(),
    };
    println!("Shop      {}/", stack.url());
    println!("API       {}/cart", stack.url());
    println!("DynamoDB  {}", stack.dynamodb_url());
    println!("Stripe    {stripe}");
    if matches!(stack.stripe(), StripeAt::Elsewhere(_)) {
        println!("Webhooks  stripe listen --forward-to {}/stripe/webhook", stack.url());
    }
    println!("Ready. Ctrl-C ends everything.");
}

/// Waits for Ctrl-C or for a polite kill.
async fn stopped() -> Result<(), Error> {
    #[cfg(unix)]
    {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted?,
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await?;
    Ok(())
}
