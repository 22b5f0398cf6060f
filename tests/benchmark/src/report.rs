//! The report: a table for each question.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Failure;
use crate::artifacts::Artifacts;
use crate::bench::{Bench, Exchanged, Instructions, Sample};
use crate::shop::Shop;
use crate::subject::{Subject, USUAL_LINES};
use crate::table::{Table, grouped, median, times};

/// What does a function cost? One row for each.
pub(crate) async fn functions(bench: &Bench<'_>, rounds: usize, later: usize) -> Result<String, Failure> {
    let mut samples: Vec<Vec<Sample>> = Subject::ALL.iter().map(|_| Vec::new()).collect();
    for round in 0..rounds {
        // Each round begins with another function.
        for turn in 0..Subject::ALL.len() {
            let index = (round + turn) % Subject::ALL.len();
            let events = Subject::ALL[index].events(bench.shop, USUAL_LINES, 1 + later).await?;
            samples[index].push(bench.sample(Subject::ALL[index], &events).await?);
        }
    }
    let used = processor(bench, &samples)?;
    let packed = grouped(bench.artifacts.packed("hello")?.try_into().unwrap_or_default());
    let mut text = format!(
        "A later `checkout` is that of another cart, a later `stripe-webhook` tells of another order. Processor time, \
         peak memory and packed size as multiples of `hello` ({packed} bytes packed), medians of {rounds} starts:\n\n{used}\n"
    );

    if bench.counts {
        let mut counted = Table::new(&["function", "init", "first request", "later request"]);
        for subject in Subject::ALL {
            let Instructions { init, first, later } = bench.instructions(subject, USUAL_LINES).await?;
            counted.row(subject.name(), [grouped(init), grouped(first), grouped(later)]);
        }
        let _ = write!(text, "Instructions:\n\n{counted}\n");
    }

    let headings =
        ["function", "requests, cold", "requests, later", "bytes, later", "read units", "write units", "log bytes"];
    let mut wire = Table::new(&headings);
    for subject in Subject::ALL {
        let Exchanged { cold, later, logged } = bench.exchanged(subject, USUAL_LINES).await?;
        wire.row(
            subject.name(),
            [
                cold.requests.to_string(),
                later.requests.to_string(),
                grouped(later.bytes.try_into().unwrap_or_default()),
                later.read_units.to_string(),
                later.write_units.to_string(),
                logged.to_string(),
            ],
        );
    }
    let _ = write!(text, "DynamoDB, and the log:\n\n{wire}");
    Ok(text)
}

/// Processor time, memory and size as multiples of `hello`, which comes first in `samples`.
fn processor(bench: &Bench<'_>, samples: &[Vec<Sample>]) -> Result<Table, Failure> {
    // Ratios of the same round, then their median.
    let ratio = |index: usize, of: &dyn Fn(&Sample) -> f64| {
        let pairs = samples[index].iter().zip(&samples[0]);
        times(median(pairs.map(|(sample, hello)| of(sample) / of(hello)).collect()))
    };

    let mut table = Table::new(&["function", "init", "first request", "both", "later request", "memory", "package"]);
    let hello = bench.artifacts.packed("hello")?;
    for (index, subject) in Subject::ALL.into_iter().enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let figures = [
            ratio(index, &|sample| sample.init.as_secs_f64()),
            ratio(index, &|sample| sample.first.as_secs_f64()),
            ratio(index, &|sample| (sample.init + sample.first).as_secs_f64()),
            ratio(index, &|sample| sample.later.as_secs_f64()),
            ratio(index, &|sample| sample.memory as f64),
            times(bench.artifacts.packed(subject.binary())? as f64 / hello as f64),
        ];
        table.row(subject.name(), figures);
    }
    Ok(table)
}

/// How does the cost grow with the lines of a cart? One row for each number of lines.
pub(crate) async fn lines(bench: &Bench<'_>, sizes: &[usize]) -> Result<String, Failure> {
    let subjects = [Subject::MinimalGet, Subject::Get, Subject::Add];
    let mut table =
        Table::new(&["lines", "minimal, reading", "get", "add", "bytes, get", "read units, get", "write units, add"]);
    for &lines in sizes {
        let mut figures = Vec::new();
        for subject in subjects {
            figures.push(later_instructions(bench, subject, lines).await?);
        }
        let get = bench.exchanged(Subject::Get, lines).await?.later;
        let add = bench.exchanged(Subject::Add, lines).await?.later;
        figures.push(grouped(get.bytes.try_into().unwrap_or_default()));
        figures.extend([get.read_units.to_string(), add.write_units.to_string()]);
        table.row(lines.to_string(), figures);
    }
    Ok(format!("Instructions of a later request, bytes between function and DynamoDB, and units:\n\n{table}"))
}

/// How does the cost grow with requests that are answered side by side? One row for each number of them.
pub(crate) async fn in_flight(bench: &Bench<'_>, numbers: &[usize]) -> Result<String, Failure> {
    const REQUESTS: u32 = 1000;

    // DynamoDB is so far away that there is something to wait for.
    bench.shop.wire.delay(Duration::from_millis(5));
    let event = Subject::Get.event(bench.shop, USUAL_LINES).await?;
    let mut table = Table::new(&["in flight", "processor time", "requests in the same time", "memory"]);
    let mut base: Option<(f64, f64, f64)> = None;
    for &number in numbers {
        let concurrency = number.to_string();
        let mut lambda = bench.start("get", &[("AWS_LAMBDA_MAX_CONCURRENCY", &concurrency)]).await?;
        lambda.send(&event);
        Subject::Get.expect_ok(&lambda.answer().await?)?;
        let (before, begun) = (lambda.processor_time()?, Instant::now());
        for _ in 0..number {
            lambda.send(&event);
        }
        for answered in 0..REQUESTS {
            Subject::Get.expect_ok(&lambda.answer().await?)?;
            if answered + u32::try_from(number).unwrap_or_default() < REQUESTS {
                lambda.send(&event);
            }
        }
        let used = (lambda.processor_time()?.saturating_sub(before)).as_secs_f64();
        let elapsed = begun.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let memory = lambda.peak_memory()? as f64;
        lambda.end().await?;
        let (first_used, first_elapsed, first_memory) = *base.get_or_insert((used, elapsed, memory));
        let figures = [times(used / first_used), times(first_elapsed / elapsed), times(memory / first_memory)];
        table.row(number.to_string(), figures);
    }
    bench.shop.wire.delay(Duration::ZERO);
    Ok(format!(
        "`get` of {USUAL_LINES} lines, {REQUESTS} requests, DynamoDB 5 ms away; multiples of one at a time:\n\n{table}"
    ))
}

/// How does the cost grow with the catalogue? One row for each number of prices, each measured in a shop of its own.
pub(crate) async fn catalogues(artifacts: &Artifacts, counts: bool, sizes: &[usize]) -> Result<String, Failure> {
    let headings =
        ["prices", "get", "products", "requests, products", "read units, products", "sync: to DynamoDB", "to Stripe"];
    let mut table = Table::new(&headings);
    for &prices in sizes {
        let shop = Shop::open(artifacts, prices).await?;
        let bench = Bench { artifacts, shop: &shop, counts };
        let mut figures = Vec::new();
        for subject in [Subject::Get, Subject::Products] {
            figures.push(later_instructions(&bench, subject, USUAL_LINES).await?);
        }
        let products = bench.exchanged(Subject::Products, USUAL_LINES).await?.later;
        figures.extend([products.requests.to_string(), products.read_units.to_string()]);

        let mut lambda = bench.start("sync", &[]).await?;
        shop.wire.traffic();
        let asked = shop.stripe_requests()?;
        lambda.invoke(&Value::Object(serde_json::Map::new())).await?;
        figures.push(shop.wire.traffic().requests.to_string());
        figures.push((shop.stripe_requests()? - asked).to_string());
        lambda.end().await?;
        table.row(grouped(prices.try_into().unwrap_or_default()), figures);
    }
    Ok(format!(
        "Instructions of a later request of {USUAL_LINES} lines, of a page of 10 products, and what a sync asks that finds nothing new:\n\n{table}"
    ))
}

/// The instructions of a later request, or a question mark where they cannot be counted.
async fn later_instructions(bench: &Bench<'_>, subject: Subject, lines: usize) -> Result<String, Failure> {
    if bench.counts { Ok(grouped(bench.instructions(subject, lines).await?.later)) } else { Ok("?".to_owned()) }
}
