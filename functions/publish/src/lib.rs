//! Puts what the tables' streams tell on the event bus.

mod detail;

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bus::{Bus, Event, Queue};
use cart::{Mark, News, Order};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use services::Services;
use store::{StreamRecord, Streams, Written};
use web::{Log, Shop};

use detail::{CartDetail, Head, OrderDetail};

/// The function.
#[derive(Debug)]
pub struct Publish {
    streams: Streams,
    bus: Bus,
    failures: Option<Queue>,
    shop: Shop,
    log: Log,
    /// The ids of events that are done with while others of their batch failed, the oldest first. Lambda brings all of these
    /// again.
    done: Mutex<VecDeque<String>>,
}

/// How long an event is tried that the bus does not take. Then it waits in the queue, and those behind it go on.
///
/// A mapping of Lambda's could do that too (`MaximumRecordAgeInSeconds`), but it would not even try records that are older
/// because nothing read the streams for longer.
const TRIED: Duration = Duration::from_hours(1);

/// How many ids are remembered.
const REMEMBERED: usize = 1000;

/// The records of one invocation.
#[derive(Clone, Debug, Deserialize)]
pub struct Batch {
    /// The records.
    #[serde(rename = "Records")]
    pub records: Vec<StreamRecord>,
}

/// The records that Lambda has to bring again.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html>
#[derive(PartialEq, Eq, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Undelivered {
    /// None where all is done.
    pub batch_item_failures: Vec<Failure>,
}

/// A record that Lambda has to bring again.
#[derive(PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// The record's place in its stream.
    pub item_identifier: String,
}

/// Why records have to be brought again.
#[derive(Debug, thiserror::Error)]
#[error("{} of {} records: {}", .undelivered.batch_item_failures.len(), .of, .reason)]
struct Failed {
    undelivered: Undelivered,
    of: usize,
    reason: String,
}

/// An event, and the record that tells of it.
struct Told {
    record: usize,
    id: String,
    event: Event,
}

impl Publish {
    /// Begins to open the connection to the bus.
    pub fn prepare(services: &Services) {
        if let Ok(bus) = Bus::new(&services.environment, &services.https) {
            bus.open();
        }
    }

    /// The function as its settings want it: `EVENT_BUS`, `EVENT_FAILURES_QUEUE`, the tables' names, the shop's locale.
    ///
    /// # Errors
    ///
    /// A setting is missing or malformed.
    pub fn new(services: &Services) -> Result<Self, settings::Error> {
        let Services { environment, https, .. } = services;
        Ok(Self {
            streams: Streams::new(environment)?,
            bus: Bus::new(environment, https)?,
            failures: Queue::new(environment, https)?,
            shop: Shop::new(environment)?,
            log: Log::new(environment),
            done: Mutex::default(),
        })
    }

    /// Publishes what the records of a batch tell, and says which records Lambda has to bring again.
    ///
    /// A record whose event cannot be told does not hold up the others of its batch. Where some failed, those that are done with
    /// are remembered, and not told again with the next attempt. What cannot be told for an hour is put into the queue.
    pub async fn run(&self, request_id: &str, batch: &Batch) -> Undelivered {
        match web::invocation(env!("CARGO_PKG_NAME"), &self.log, request_id, self.publish(batch)).await {
            Ok(()) => Undelivered::default(),
            Err(Failed { undelivered, .. }) => undelivered,
        }
    }

    async fn publish(&self, batch: &Batch) -> Result<(), Failed> {
        let mut failed = vec![None; batch.records.len()];
        let mut done = Vec::new();
        let mut told = Vec::new();
        for (index, record) in batch.records.iter().enumerate().filter(|(_, record)| !self.is_done(&record.id)) {
            match self.told(index, record) {
                Ok(events) => told.extend(events),
                Err(reason) => match self.give_up(record, &reason, None).await {
                    Ok(()) => done.push(record.id.clone()),
                    Err(reason) => failed[index] = Some(reason),
                },
            }
        }
        told.retain(|told| !self.is_done(&told.id));
        let events: Vec<_> = told.iter().map(|told| told.event.clone()).collect();
        let results = self.bus.put(&events).await;

        for (Told { record, id, event }, result) in told.into_iter().zip(results) {
            let result = match result {
                Ok(()) => {
                    tracing::info!(kind = event.kind, id, "published");
                    Ok(())
                }
                Err(reason) => self.give_up(&batch.records[record], &reason, Some(&event)).await,
            };
            match result {
                Ok(()) => done.push(id),
                Err(reason) => failed[record] = Some(reason),
            }
        }
        let Some(reason) = failed.iter().flatten().next().cloned() else { return Ok(()) };
        self.remember(done);
        let again = batch.records.iter().zip(&failed).filter(|(_, reason)| reason.is_some());
        let failures = again.map(|(record, _)| Failure { item_identifier: record.sequence_number().to_owned() });
        let undelivered = Undelivered { batch_item_failures: failures.collect() };
        Err(Failed { undelivered, of: batch.records.len(), reason })
    }

    /// Puts what cannot be told into the queue, with the reason, if it was tried long enough. The reason, if it was not.
    async fn give_up(&self, record: &StreamRecord, reason: &str, event: Option<&Event>) -> Result<(), String> {
        let age = record.written_at().map(|at| web::now().duration_since(at));
        let is_late = age.is_some_and(|age| age.as_secs() >= TRIED.as_secs().cast_signed());
        let Some(queue) = self.failures.as_ref().filter(|_| is_late) else { return Err(reason.to_owned()) };
        let message = json!({
            "reason": reason,
            "stream": record.stream(),
            "sequence_number": record.sequence_number(),
            "number": record.key(),
            "detail_type": event.map(|event| event.kind),
            "detail": event.and_then(|event| serde_json::from_str::<Value>(&event.detail).ok()),
        });
        queue.send(&message).await.map_err(|failure| format!("{reason}; the queue: {failure}"))?;
        tracing::error!(record = record.id, reason, "an event could not be told and waits in the queue");
        Ok(())
    }

    /// The events that a record tells.
    fn told(&self, index: usize, record: &StreamRecord) -> Result<Vec<Told>, String> {
        let Some(written) = self.streams.read(record).map_err(|error| error.to_string())? else {
            return Ok(Vec::new());
        };
        let told = |kind| {
            let id = format!("{}-{kind}", record.id);
            let head = Head::new(&id);
            let detail = match &written {
                Written::Order { order, .. } => OrderDetail::new(head, order, &self.shop).bounded(),
                Written::Abandoned(abandoned) => detail::text(&CartDetail::new(head, abandoned)),
            };
            Told { record: index, event: Event { kind, at: record.written_at(), detail }, id }
        };
        Ok(kinds(&written).map(told).collect())
    }

    fn is_done(&self, id: &str) -> bool {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|done| done == id)
    }

    fn remember(&self, ids: Vec<String>) {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.extend(ids);
        let surplus = done.len().saturating_sub(REMEMBERED);
        done.drain(..surplus);
    }
}

/// The types of the events that tell what was written.
fn kinds(written: &Written) -> impl Iterator<Item = &'static str> {
    let kinds = match written {
        Written::Order { order, is_new, news } => [
            is_new.then_some("order.created"),
            news.map(kind),
            (*is_new && is_recovered(order)).then_some("cart.recovered"),
        ],
        Written::Abandoned(_) => [Some("cart.abandoned"), None, None],
    };
    kinds.into_iter().flatten()
}

fn kind(news: News) -> &'static str {
    match news {
        News::Authorized => "order.authorized",
        News::Paid => "order.paid",
        News::PaymentFailed => "order.payment_failed",
        News::Canceled => "order.canceled",
        News::Refunded => "order.refunded",
        News::RefundFailed => "order.refund_failed",
        News::Disputed => "order.disputed",
        News::DisputeClosed => "order.dispute_closed",
    }
}

/// Whether the buyer came back to an abandoned page. Of a cart that was paid before, this is not told again.
fn is_recovered(order: &Order) -> bool {
    order.recovered_from.is_some() && !order.marks.contains(&Mark::CartPaidTwice)
}
