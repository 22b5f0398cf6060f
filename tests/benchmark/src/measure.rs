//! Measuring.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Failure;
use crate::artifacts::Artifacts;
use crate::lambda::{self, Lambda};
use crate::shop::{self, Shop};
use crate::table::{Table, grouped, median, times};
use crate::wire::Traffic;

/// What there is to measure with.
pub(crate) struct Bench<'a> {
    pub(crate) artifacts: &'a Artifacts,
    pub(crate) shop: &'a Shop,
    /// Whether instructions can be counted.
    pub(crate) counts: bool,
}

/// A function, and what it is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Subject {
    Hello,
    MinimalGet,
    MinimalAdd,
    Get,
    Add,
    Update,
    Clear,
    Checkout,
    Webhook,
    Products,
}

/// A cart as most are, or were they.
const USUAL_LINES: usize = 5;

impl Subject {
    const ALL: [Self; 10] = [
        Self::Hello,
        Self::MinimalGet,
        Self::MinimalAdd,
        Self::Get,
        Self::Add,
        Self::Update,
        Self::Clear,
        Self::Checkout,
        Self::Webhook,
        Self::Products,
    ];

    fn binary(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::MinimalGet | Self::MinimalAdd => "minimal",
            Self::Get => "get",
            Self::Add => "add",
            Self::Update => "update",
            Self::Clear => "clear",
            Self::Checkout => "checkout",
            Self::Webhook => "stripe-webhook",
            Self::Products => "products",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::MinimalGet => "minimal, reading",
            Self::MinimalAdd => "minimal, adding",
            other => other.binary(),
        }
    }

    /// So many requests: about one cart, or about a new one each where a repeated request is another thing.
    async fn events(self, shop: &Shop, lines: usize, number: usize) -> Result<Vec<Value>, Failure> {
        match self {
            Self::Checkout | Self::Webhook => {
                let mut events = Vec::new();
                for _ in 0..number {
                    events.push(self.event(shop, lines).await?);
                }
                Ok(events)
            }
            _ => Ok(vec![self.event(shop, lines).await?; number]),
        }
    }

    /// A request about a new cart of so many lines.
    async fn event(self, shop: &Shop, lines: usize) -> Result<Value, Failure> {
        Ok(match self {
            Self::Hello | Self::Products => shop::products(),
            Self::MinimalGet | Self::Get => shop.cart(lines).await?.get(),
            Self::MinimalAdd | Self::Add => shop.cart(lines).await?.add(),
            Self::Update => shop.cart(lines).await?.update(),
            Self::Clear => shop.cart(lines).await?.clear(),
            Self::Checkout => shop.cart(lines).await?.checkout(),
            Self::Webhook => shop.paid(lines).await?,
        })
    }
}

/// What one start of a function used.
struct Sample {
    init: Duration,
    first: Duration,
    /// Of one of the later requests.
    warm: Duration,
    /// In KiB.
    memory: u64,
}

/// Numbers of instructions.
struct Instructions {
    init: u64,
    first: u64,
    warm: u64,
}

impl Bench<'_> {
    /// One row for each function.
    pub(crate) async fn functions(&self, rounds: usize, warm: usize) -> Result<String, Failure> {
        let mut samples: Vec<Vec<Sample>> = Subject::ALL.iter().map(|_| Vec::new()).collect();
        for round in 0..rounds {
            // Nobody is always the first.
            for turn in 0..Subject::ALL.len() {
                let index = (round + turn) % Subject::ALL.len();
                let events = Subject::ALL[index].events(self.shop, USUAL_LINES, 1 + warm).await?;
                samples[index].push(self.sample(Subject::ALL[index], &events).await?);
            }
        }
        // Ratios of the same round, then their median.
        let ratio = |index: usize, of: &dyn Fn(&Sample) -> f64| {
            let pairs = samples[index].iter().zip(&samples[0]);
            times(median(pairs.map(|(sample, hello)| of(sample) / of(hello)).collect()))
        };

        let mut used = Table::new(&["function", "init", "first request", "both", "later request", "memory", "package"]);
        let hello = self.artifacts.packed("hello")?;
        for (index, subject) in Subject::ALL.into_iter().enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
            let figures = [
                ratio(index, &|sample| sample.init.as_secs_f64()),
                ratio(index, &|sample| sample.first.as_secs_f64()),
                ratio(index, &|sample| (sample.init + sample.first).as_secs_f64()),
                ratio(index, &|sample| sample.warm.as_secs_f64()),
                ratio(index, &|sample| sample.memory as f64),
                times(self.artifacts.packed(subject.binary())? as f64 / hello as f64),
            ];
            used.row(subject.name(), figures);
        }
        let packed = grouped(hello.try_into().unwrap_or_default());
        let mut text = format!(
            "A later `checkout` is that of another cart, a later `stripe-webhook` tells of another order. Processor time, \
             peak memory and packed size as multiples of `hello` ({packed} bytes packed), medians of {rounds} starts:\n\n{used}\n"
        );

        if self.counts {
            let mut counted = Table::new(&["function", "init", "first request", "later request"]);
            for subject in Subject::ALL {
                let Instructions { init, first, warm } = self.instructions(subject, USUAL_LINES).await?;
                counted.row(subject.name(), [grouped(init), grouped(first), grouped(warm)]);
            }
            let _ = write!(text, "Instructions:\n\n{counted}\n");
        }

        let headings =
            ["function", "requests, cold", "requests, later", "bytes, later", "read units", "write units", "log bytes"];
        let mut wire = Table::new(&headings);
        for subject in Subject::ALL {
            let (cold, later, logged) = self.traffic(subject, USUAL_LINES).await?;
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

    /// One row for each size of a cart.
    pub(crate) async fn lines(&self, sizes: &[usize]) -> Result<String, Failure> {
        let subjects = [Subject::MinimalGet, Subject::Get, Subject::Add];
        let mut table = Table::new(&[
            "lines",
            "minimal, reading",
            "get",
            "add",
            "bytes, get",
            "read units, get",
            "write units, add",
        ]);
        for &lines in sizes {
            let mut figures = Vec::new();
            for subject in subjects {
                figures.push(if self.counts {
                    grouped(self.instructions(subject, lines).await?.warm)
                } else {
                    "?".to_owned()
                });
            }
            let (_, get, _) = self.traffic(Subject::Get, lines).await?;
            let (_, add, _) = self.traffic(Subject::Add, lines).await?;
            figures.push(grouped(get.bytes.try_into().unwrap_or_default()));
            figures.extend([get.read_units.to_string(), add.write_units.to_string()]);
            table.row(lines.to_string(), figures);
        }
        Ok(format!("Instructions of a later request, bytes between function and DynamoDB, and units:\n\n{table}"))
    }

    /// One row for each number of requests that are answered side by side.
    pub(crate) async fn in_flight(&self, numbers: &[usize]) -> Result<String, Failure> {
        const REQUESTS: u32 = 1000;

        // So far away is DynamoDB that there is something to wait for.
        self.shop.wire.delay(Duration::from_millis(5));
        let event = Subject::Get.event(self.shop, USUAL_LINES).await?;
        let mut table = Table::new(&["in flight", "processor time", "requests in the same time", "memory"]);
        let mut base: Option<(f64, f64, f64)> = None;
        for &number in numbers {
            let mut environment = self.environment("get");
            environment.push(("AWS_LAMBDA_MAX_CONCURRENCY".to_owned(), number.to_string()));
            let command = [self.artifacts.path("get").display().to_string()];
            let mut lambda = Lambda::start(&command, &environment).await?;
            lambda.send(&event);
            expect_ok(Subject::Get, &lambda.answer().await?)?;
            let (before, begun) = (lambda.processor_time()?, Instant::now());
            for _ in 0..number {
                lambda.send(&event);
            }
            for answered in 0..REQUESTS {
                expect_ok(Subject::Get, &lambda.answer().await?)?;
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
        self.shop.wire.delay(Duration::ZERO);
        Ok(format!(
            "`get` of {USUAL_LINES} lines, {REQUESTS} requests, DynamoDB 5 ms away; multiples of one at a time:\n\n{table}"
        ))
    }

    async fn sample(&self, subject: Subject, events: &[Value]) -> Result<Sample, Failure> {
        let command = [self.artifacts.path(subject.binary()).display().to_string()];
        let mut lambda = Lambda::start(&command, &self.environment(subject.binary())).await?;
        let init = lambda.processor_time()?;
        let mut first = Duration::ZERO;
        for (index, event) in events.iter().enumerate() {
            expect_ok(subject, &lambda.invoke(event).await?)?;
            if index == 0 {
                first = lambda.processor_time()?.saturating_sub(init);
            }
        }
        let rest = lambda.processor_time()?.saturating_sub(init + first);
        let later = u32::try_from(events.len()).unwrap_or(u32::MAX).saturating_sub(1).max(1);
        let memory = lambda.peak_memory()?;
        lambda.end().await?;
        Ok(Sample { init, first, warm: rest / later, memory })
    }

    /// What Valgrind counts, as differences between processes that answer none, one, and some requests.
    async fn instructions(&self, subject: Subject, lines: usize) -> Result<Instructions, Failure> {
        const LATER: usize = 10;

        let init = self.total(subject, lines, 0).await?;
        let first = self.total(subject, lines, 1).await?;
        let all = self.total(subject, lines, 1 + LATER).await?;
        Ok(Instructions { init, first: first.saturating_sub(init), warm: all.saturating_sub(first) / LATER as u64 })
    }

    async fn total(&self, subject: Subject, lines: usize, requests: usize) -> Result<u64, Failure> {
        let events = subject.events(self.shop, lines, requests).await?;
        let environment = self.environment(subject.binary());
        instructions_of(self.artifacts.path(subject.binary()), &environment, async |lambda| {
            for event in &events {
                expect_ok(subject, &lambda.invoke(event).await?)?;
            }
            Ok(())
        })
        .await
    }

    /// What a first and a later request exchange with DynamoDB, and what the later one logs.
    async fn traffic(&self, subject: Subject, lines: usize) -> Result<(Traffic, Traffic, u64), Failure> {
        let events = [subject.event(self.shop, lines).await?, subject.event(self.shop, lines).await?];
        let command = [self.artifacts.path(subject.binary()).display().to_string()];
        let mut lambda = Lambda::start(&command, &self.environment(subject.binary())).await?;
        self.shop.wire.ask(true);
        self.shop.wire.traffic();
        expect_ok(subject, &lambda.invoke(&events[0]).await?)?;
        let cold = self.shop.wire.traffic();
        let before = lambda.logged()?;
        expect_ok(subject, &lambda.invoke(&events[1]).await?)?;
        let logged = lambda.logged()? - before;
        let later = self.shop.wire.traffic();
        self.shop.wire.ask(false);
        lambda.end().await?;
        Ok((cold, later, logged))
    }

    fn environment(&self, binary: &str) -> Vec<(String, String)> {
        let mut environment = lambda::environment(&self.artifacts.path(binary));
        environment.extend(self.shop.environment());
        environment
    }
}

/// One row for each size of a catalogue.
pub(crate) async fn catalogues(artifacts: &Artifacts, counts: bool, sizes: &[usize]) -> Result<String, Failure> {
    let headings =
        ["prices", "get", "products", "requests, products", "read units, products", "sync: to DynamoDB", "to Stripe"];
    let mut table = Table::new(&headings);
    for &prices in sizes {
        let shop = Shop::open(prices).await?;
        let bench = Bench { artifacts, shop: &shop, counts };
        let mut figures = Vec::new();
        for subject in [Subject::Get, Subject::Products] {
            figures.push(if counts {
                grouped(bench.instructions(subject, USUAL_LINES).await?.warm)
            } else {
                "?".to_owned()
            });
        }
        let (_, products, _) = bench.traffic(Subject::Products, USUAL_LINES).await?;
        figures.extend([products.requests.to_string(), products.read_units.to_string()]);

        let command = [artifacts.path("sync").display().to_string()];
        let mut lambda = Lambda::start(&command, &bench.environment("sync")).await?;
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

/// Whether instructions can be counted.
pub(crate) fn has_valgrind() -> bool {
    let version = Command::new("valgrind").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

/// How many instructions a function executes from its start to its end.
///
/// Source: <https://valgrind.org/docs/manual/cl-manual.html>
async fn instructions_of(
    binary: PathBuf,
    environment: &[(String, String)],
    act: impl AsyncFnOnce(&mut Lambda) -> Result<(), Failure>,
) -> Result<u64, Failure> {
    let output = std::env::temp_dir().join(format!("cartwright-benchmark-{}.callgrind", std::process::id()));
    let file = format!("--callgrind-out-file={}", output.display());
    let command = ["valgrind", "--quiet", "--tool=callgrind", &file, &binary.display().to_string()];
    let mut lambda = Lambda::start(&command.map(str::to_owned), environment).await?;
    act(&mut lambda).await?;
    lambda.end().await?;
    let counted = std::fs::read_to_string(&output)?;
    std::fs::remove_file(&output)?;
    let total = counted.lines().rev().find_map(|line| line.strip_prefix("totals: "));
    total.and_then(|total| total.trim().parse().ok()).ok_or(Failure::Valgrind)
}

fn expect_ok(subject: Subject, answer: &Value) -> Result<(), Failure> {
    // The API's own answers have a status, `hello` has one too.
    if answer["statusCode"] == 200 { Ok(()) } else { Err(Failure::Answer(subject.name(), answer.to_string())) }
}
