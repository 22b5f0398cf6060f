//! `cargo run -p benchmark`: what the functions cost, beside the least that a Lambda function in Rust can cost.
//!
//! The functions are built as for Lambda, and each is run as Lambda runs it: a process that asks a Runtime API for events.
//! DynamoDB is the embedded one, behind TLS; Stripe is the sandbox. Everything is measured in one run, and the functions
//! take turns, so that a busy machine is as busy for all of them. What depends on the machine is a ratio to `hello`; what
//! does not is a count.
//!
//! `cargo run -p benchmark -- --against FOLDER` measures another version beside this one instead: the release binaries of
//! another checkout, which are built already. Each version works on tables and a sandbox of its own, filled by its own
//! functions, so that neither has to read what the other wrote.

mod artifacts;
mod bench;
mod compare;
mod lambda;
mod report;
mod shop;
mod subject;
mod table;
mod valgrind;
mod wire;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::artifacts::Artifacts;
use crate::bench::Bench;
use crate::shop::Shop;

/// Measures what the functions cost, beside the least that a Lambda function in Rust can cost.
#[derive(Parser)]
struct Arguments {
    /// How often everything is measured [default: 10, with --against 3]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: Option<u16>,
    /// How many requests each of them answers after its first
    #[arg(long, default_value_t = 100)]
    warm: usize,
    /// Leave out how the cost grows with lines, prices, and requests in flight
    #[arg(long)]
    brief: bool,
    /// Compare with the release binaries of another checkout: its folder target/release
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["warm", "brief"])]
    against: Option<PathBuf>,
    /// Measure the release binaries in this folder instead of building them
    #[arg(long, value_name = "FOLDER")]
    built: Option<PathBuf>,
}

/// Why a measurement failed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the functions cannot be built")]
    Build,
    #[error("{} is not built", .0.display())]
    Missing(PathBuf),
    #[error("{} cannot be read: {text}", .0.display(), text = .1)]
    Template(PathBuf, String),
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
    let artifacts = match &arguments.built {
        Some(folder) => Artifacts::built(folder)?,
        None => Artifacts::build()?,
    };
    let counts = valgrind::is_installed();
    if !counts {
        eprintln!("Without Valgrind no instructions are counted.");
    }
    match &arguments.against {
        None => Box::pin(report(arguments, &artifacts, counts)).await,
        Some(folder) => Box::pin(compare(arguments, &Artifacts::of_another(folder)?, &artifacts, counts)).await,
    }
}

/// Says what one version costs.
async fn report(arguments: &Arguments, artifacts: &Artifacts, counts: bool) -> Result<(), Failure> {
    let shop = Shop::open(artifacts, PRICES).await?;
    let bench = Bench { artifacts, shop: &shop, counts };
    let rounds = arguments.rounds.unwrap_or(10).into();

    say("What a function costs", &report::functions(&bench, rounds, arguments.warm).await?);
    if !arguments.brief {
        say("With the lines of a cart", &report::lines(&bench, &[1, 5, 10, 50, 100]).await?);
        say("With requests in flight", &report::in_flight(&bench, &[1, 10, 100]).await?);
        drop(shop);
        let sizes = [10, 100, 1000, 10_000];
        say("With the prices of a catalogue", &Box::pin(report::catalogues(artifacts, counts, &sizes)).await?);
    }
    Ok(())
}

/// Says what one version costs beside another.
async fn compare(arguments: &Arguments, before: &Artifacts, after: &Artifacts, counts: bool) -> Result<(), Failure> {
    let shops = [Shop::open(before, PRICES).await?, Shop::open(after, PRICES).await?];
    let before = Bench { artifacts: before, shop: &shops[0], counts };
    let after = Bench { artifacts: after, shop: &shops[1], counts };
    let rounds = arguments.rounds.unwrap_or(3).into();

    say("Before and after", &compare::versions([&before, &after], rounds).await?);
    Ok(())
}

/// The number of prices in the catalogue where a table does not say another one.
const PRICES: usize = 200;

#[expect(clippy::print_stdout, reason = "this is what it is for")]
fn say(heading: &str, text: &str) {
    println!("## {heading}\n\n{text}");
}
