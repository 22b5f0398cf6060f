//! The event bus: EventBridge, as far as events are put on it, and the queue for those that it does not take.

mod queue;

use std::time::Duration;

use aws::{Failure, Name, Service};
use cart::Timestamp;
use https::Https;
use serde::{Deserialize, Serialize};
use serde_json::json;
use settings::Environment;

pub use queue::Queue;

const NAME: Name = Name { signing: "events", setting: "EVENTBRIDGE", target: "AWSEvents", content: aws::JSON_1_1 };

/// The source of all events.
const SOURCE: &str = "cartwright";

/// How long a request may take with all its attempts. Afterwards Lambda brings the records again.
const PATIENCE: Duration = Duration::from_secs(5);

/// The most events that one request takes.
///
/// Source: <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html>
const MOST_ENTRIES: usize = 10;
/// The most bytes that the details of one request come to: EventBridge takes 256 KB, with all that is around them.
///
/// Source: <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html>
const MOST_BYTES: usize = 240_000;

/// An event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// Its type, such as `order.paid`.
    pub kind: &'static str,
    /// When it happened.
    pub at: Option<Timestamp>,
    /// A JSON object.
    pub detail: String,
}

/// The bus that `EVENT_BUS` names.
#[derive(Clone)]
pub struct Bus {
    service: Service,
    name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<'a> {
    event_bus_name: &'a str,
    source: &'static str,
    detail_type: &'a str,
    detail: &'a str,
    /// In seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<i64>,
}

/// The answer to `PutEvents`.
///
/// Source: <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html>
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    entries: Vec<Taken>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Taken {
    #[serde(default)]
    event_id: Option<String>,
    #[serde(default)]
    error_code: Option<String>,
}

impl Bus {
    /// The bus as `environment` says.
    ///
    /// # Errors
    ///
    /// A setting is missing or malformed.
    pub fn new(environment: &Environment, https: &Https) -> Result<Self, settings::Error> {
        let service = Service::new(NAME, environment, https)?;
        Ok(Self { service, name: environment.required("EVENT_BUS")?.to_owned() })
    }

    /// Begins to open the connection over which the first events go.
    pub fn open(&self) {
        self.service.open();
    }

    /// Puts events on the bus. Returns for each, in their order, why the bus did not take it.
    pub async fn put(&self, events: &[Event]) -> Vec<Result<(), String>> {
        let mut results = Vec::with_capacity(events.len());
        let mut rest = events;
        while !rest.is_empty() {
            let (together, later) = rest.split_at(together(rest));
            results.extend(self.put_together(together).await);
            rest = later;
        }
        results
    }

    async fn put_together(&self, events: &[Event]) -> Vec<Result<(), String>> {
        let entries: Vec<_> = events.iter().map(|event| self.entry(event)).collect();
        let body = json!({ "Entries": entries }).to_string();
        let answer = aws::persistently(PATIENCE, || self.attempt(&body)).await;
        let taken = match answer {
            Ok(Answer { entries }) if entries.len() == events.len() => entries,
            Ok(_) => return vec![Err("EventBridge answers for other events".to_owned()); events.len()],
            Err(reason) => return vec![Err(reason); events.len()],
        };
        let result = |Taken { event_id, error_code }| match event_id {
            Some(_) => Ok(()),
            None => Err(error_code.unwrap_or_default()),
        };
        taken.into_iter().map(result).collect()
    }

    async fn attempt(&self, body: &str) -> Result<Answer, Failure> {
        let answer = self.service.call("PutEvents", body.to_owned()).await?;
        serde_json::from_slice(&answer).map_err(|_| Failure::lasting("the answer cannot be read"))
    }

    fn entry<'a>(&'a self, event: &'a Event) -> Entry<'a> {
        Entry {
            event_bus_name: &self.name,
            source: SOURCE,
            detail_type: event.kind,
            detail: &event.detail,
            time: event.at.map(Timestamp::as_second),
        }
    }
}

/// How many of the first events go into one request: at least one.
fn together(events: &[Event]) -> usize {
    let mut bytes = 0;
    let fit = events.iter().take(MOST_ENTRIES).take_while(|event| {
        bytes += event.detail.len();
        bytes <= MOST_BYTES
    });
    fit.count().max(1)
}

impl std::fmt::Debug for Bus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bus({})", self.name)
    }
}
