//! `cargo run -p benchmark`: what the functions cost, beside the least that a Lambda function in Rust can cost.
//!
//! The functions are built as for Lambda, and each is run as Lambda runs it: a process that asks a Runtime API for events.
//! DynamoDB is the embedded one, behind TLS; Stripe is the sandbox. Everything is measured in one run, and the functions
//! take turns, so that a busy machine is as busy for all of them. What depends on the machine is a ratio to `hello`; what
//! does not is a count.

mod artifacts;
mod bench;
mod lambda;
mod report;
mod shop;
mod subject;
mod table;
mod valgrind;
mod wire;

use std::process::ExitCode;

use clap::Parser;

use crate::artifacts::Artifacts;
use crate::bench::Bench;
use crate::shop::Shop;

/// Measures what the functions cost, beside the least that a Lambda function in Rust can cost.
#[derive(Parser)]
struct Arguments {
    /// How often each function is started for what is timed
    #[arg(long, default_value_t = 10)]
    rounds: usize,
    /// How many requests each of them answers after its first
    #[arg(long, default_value_t = 100)]
    warm: usize,
    /// Leave out how the cost grows with lines, prices, and requests in flight
    #[arg(long)]
    brief: bool,
}

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the functions cannot be built")]
    Build,
    #[error("gzip failed")]
    Gzip,
    #[error("Valgrind says nothing")]
    Valgrind,
    #[error("the shop does not work: {0}")]
    Shop(String),
    #[error("a function failed: {0}")]
    Function(String),
    #[error("{0} answered {1}")]
    Answer(&'static str, String),
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Http(#[from] http::Error),
    #[error(transparent)]
    Body(#[from] hyper::Error),
    #[error(transparent)]
    Request(#[from] reqwest::Error),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Certificate(#[from] rcgen::Error),
    #[error(transparent)]
    Tls(#[from] rustls::Error),
    #[error(transparent)]
    Stack(#[from] local::Error),
}

#[tokio::main]
async fn main() -> ExitCode {
    match Box::pin(run(&Arguments::parse())).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let artifacts = Artifacts::build()?;
    let counts = valgrind::is_installed();
    if !counts {
        eprintln!("Without Valgrind no instructions are counted.");
    }
    let shop = Shop::open(200).await?;
    let bench = Bench { artifacts: &artifacts, shop: &shop, counts };

    say("What a function costs", &report::functions(&bench, arguments.rounds, arguments.warm).await?);
    if !arguments.brief {
        say("With the lines of a cart", &report::lines(&bench, &[1, 5, 10, 50, 100]).await?);
        say("With requests in flight", &report::in_flight(&bench, &[1, 10, 100]).await?);
        drop(shop);
        let sizes = [10, 100, 1000, 10_000];
        say("With the prices of a catalogue", &report::catalogues(&artifacts, counts, &sizes).await?);
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "this is what it is for")]
fn say(heading: &str, text: &str) {
    println!("## {heading}\n\n{text}");
}
