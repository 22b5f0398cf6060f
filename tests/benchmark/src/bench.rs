//! The single measurements.

use std::time::Duration;

use serde_json::Value;

use crate::Failure;
use crate::artifacts::Artifacts;
use crate::lambda::{self, Lambda};
use crate::shop::Shop;
use crate::subject::Subject;
use crate::valgrind;
use crate::wire::Traffic;

/// Measures one set of binaries in one shop.
pub(crate) struct Bench<'a> {
    pub(crate) artifacts: &'a Artifacts,
    pub(crate) shop: &'a Shop,
    /// Whether instructions can be counted.
    pub(crate) counts: bool,
}

/// What one run of a function used, from its start to its end.
pub(crate) struct Sample {
    /// Processor time.
    pub(crate) init: Duration,
    /// Processor time.
    pub(crate) first: Duration,
    /// Processor time, the average of the later requests.
    pub(crate) later: Duration,
    /// The peak, in KiB.
    pub(crate) memory: u64,
}

/// Numbers of instructions.
pub(crate) struct Instructions {
    pub(crate) init: u64,
    pub(crate) first: u64,
    /// The average of the later requests.
    pub(crate) later: u64,
}

/// What requests exchange with DynamoDB and the log.
pub(crate) struct Exchanged {
    /// The first request after a start.
    pub(crate) cold: Traffic,
    pub(crate) later: Traffic,
    /// The size of what the later request logs, in bytes.
    pub(crate) logged: u64,
}

impl Bench<'_> {
    /// Runs `subject` once on `events`, and returns what it used.
    pub(crate) async fn sample(&self, subject: Subject, events: &[Value]) -> Result<Sample, Failure> {
        let mut lambda = self.start(subject.binary(), &[]).await?;
        let init = lambda.processor_time()?;
        let mut first = Duration::ZERO;
        for (index, event) in events.iter().enumerate() {
            subject.expect_ok(&lambda.invoke(event).await?)?;
            if index == 0 {
                first = lambda.processor_time()?.saturating_sub(init);
            }
        }
        let rest = lambda.processor_time()?.saturating_sub(init + first);
        let later = u32::try_from(events.len()).unwrap_or(u32::MAX).saturating_sub(1).max(1);
        let memory = lambda.peak_memory()?;
        lambda.end().await?;
        Ok(Sample { init, first, later: rest / later, memory })
    }

    /// Counts instructions, as differences between processes that answer no, one, and eleven requests.
    pub(crate) async fn instructions(&self, subject: Subject, lines: usize) -> Result<Instructions, Failure> {
        const LATER: usize = 10;

        let init = self.total(subject, lines, 0).await?;
        let first = self.total(subject, lines, 1).await?;
        let all = self.total(subject, lines, 1 + LATER).await?;
        Ok(Instructions { init, first: first.saturating_sub(init), later: all.saturating_sub(first) / LATER as u64 })
    }

    async fn total(&self, subject: Subject, lines: usize, requests: usize) -> Result<u64, Failure> {
        let events = subject.events(self.shop, lines, requests).await?;
        let environment = self.environment(subject.binary());
        valgrind::instructions(self.artifacts.path(subject.binary()), &environment, async |lambda| {
            for event in &events {
                subject.expect_ok(&lambda.invoke(event).await?)?;
            }
            Ok(())
        })
        .await
    }

    /// Returns what a first and a later request exchange with DynamoDB, and what the later one logs.
    pub(crate) async fn exchanged(&self, subject: Subject, lines: usize) -> Result<Exchanged, Failure> {
        let events = [subject.event(self.shop, lines).await?, subject.event(self.shop, lines).await?];
        let mut lambda = self.start(subject.binary(), &[]).await?;
        self.shop.wire.ask(true);
        self.shop.wire.traffic();
        subject.expect_ok(&lambda.invoke(&events[0]).await?)?;
        let cold = self.shop.wire.traffic();
        let before = lambda.logged()?;
        subject.expect_ok(&lambda.invoke(&events[1]).await?)?;
        let logged = lambda.logged()? - before;
        let later = self.shop.wire.traffic();
        self.shop.wire.ask(false);
        lambda.end().await?;
        Ok(Exchanged { cold, later, logged })
    }

    /// Starts a function with the settings of the shop and these.
    pub(crate) async fn start(&self, binary: &str, settings: &[(&str, &str)]) -> Result<Lambda, Failure> {
        let mut environment = self.environment(binary);
        environment.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Lambda::start(&[self.artifacts.path(binary).display().to_string()], &environment).await
    }

    fn environment(&self, binary: &str) -> Vec<(String, String)> {
        let mut environment = lambda::environment(&self.artifacts.path(binary));
        environment.extend(self.artifacts.environment());
        environment.extend(self.shop.environment());
        environment
    }
}
