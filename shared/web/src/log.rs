//! What the log says of a request: one line.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use cart::CartNumber;
use serde::Serialize;
use serde::ser::SerializeMap as _;
use serde_json::json;
use settings::Environment;
use tally::Tally;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::{Format, Json, JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;

/// Where lines about requests come from. They are JSON already, and are printed as they are.
const TARGET: &str = "request";

/// Our own crates: only they obey the log level. What others say at a fine level may show what was sent.
///
/// Every crate under `functions` and `shared`; a test holds the list to the folders.
pub const LOG_TARGETS: &[&str] = &[
    "add",
    "admin_orders",
    "aws",
    "bus",
    "cart",
    "catalog",
    "checkout",
    "clear",
    "finish_order",
    "get",
    "https",
    "order",
    "ordering",
    "payments",
    "products",
    "publish",
    "secrets",
    "services",
    "settings",
    "shopping",
    "store",
    "stripe_webhook",
    "sync",
    "tally",
    "update",
    "web",
];

/// Writes one line for each request or run, with CloudWatch's metrics in it where something was counted.
///
/// A line holds what the list of `Line`'s fields says and nothing else: no token, no address, no body, no URL.
#[derive(Debug)]
pub struct Log {
    namespace: String,
    cold: AtomicBool,
}

/// A request that is being answered, or a run of a function without a route.
pub(crate) struct Begun {
    at: Instant,
    cold: bool,
}

/// How a request or a run ended.
pub(crate) struct Ended<'a> {
    pub(crate) function: &'static str,
    /// `None` for a run: no client waits for it.
    pub(crate) status: Option<u16>,
    pub(crate) cart: Option<CartNumber>,
    pub(crate) request_id: &'a str,
    /// Why it is a 5xx, or failed.
    pub(crate) cause: Option<String>,
}

#[derive(Serialize)]
struct Line<'a> {
    /// When it was answered. Without a timestamp Lambda ignores `level` and assumes INFO.
    ///
    /// Source: <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html>
    timestamp: String,
    level: &'static str,
    function: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cart: Option<CartNumber>,
    /// How long it took, in milliseconds.
    ms: u128,
    /// Requests to DynamoDB.
    db: u32,
    cold: bool,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
    #[serde(flatten)]
    metrics: Metrics<'a>,
}

/// CloudWatch's embedded metric format.
///
/// Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>
struct Metrics<'a> {
    namespace: &'a str,
    tally: &'a Tally,
}

impl Serialize for Metrics<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let names: Vec<_> = self.tally.counted().map(|(name, _)| json!({ "Name": name, "Unit": "Count" })).collect();
        if !names.is_empty() {
            let directive = json!({ "Namespace": self.namespace, "Dimensions": [[]], "Metrics": names });
            let timestamp = crate::now().as_millisecond();
            map.serialize_entry("_aws", &json!({ "Timestamp": timestamp, "CloudWatchMetrics": [directive] }))?;
        }
        for (name, count) in self.tally.counted() {
            map.serialize_entry(name, &count)?;
        }
        map.end()
    }
}

impl Log {
    /// A log as `environment` says: `METRICS_NAMESPACE` (Cartwright).
    #[must_use]
    pub fn new(environment: &Environment) -> Self {
        let namespace = environment.get("METRICS_NAMESPACE").unwrap_or("Cartwright").to_owned();
        Self { namespace, cold: AtomicBool::new(true) }
    }

    pub(crate) fn begin(&self) -> Begun {
        Begun { at: Instant::now(), cold: self.cold.swap(false, Ordering::Relaxed) }
    }

    /// Writes the line.
    pub(crate) fn end(&self, begun: &Begun, ended: Ended<'_>, tally: &Tally) {
        let Ended { function, status, cart, request_id, cause } = ended;
        let cause = cause.map(|cause| without_addresses(&cause));
        let line = Line {
            timestamp: format!("{:.3}", crate::now()),
            level: if cause.is_some() { "ERROR" } else { "INFO" },
            function,
            status,
            cart,
            ms: begun.at.elapsed().as_millis(),
            db: tally.database_requests(),
            cold: begun.cold,
            request_id,
            cause: cause.as_deref(),
            metrics: Metrics { namespace: &self.namespace, tally },
        };
        let text = crate::json::text(&line);
        if cause.is_some() {
            tracing::error!(target: TARGET, "{text}");
        } else {
            tracing::info!(target: TARGET, "{text}");
        }
    }
}

/// Stripe's messages may quote what a shopper typed.
fn without_addresses(text: &str) -> String {
    text.split(' ').map(|word| if word.contains('@') { "…" } else { word }).collect::<Vec<_>>().join(" ")
}

/// What prints the log: JSON, one line each, from `AWS_LAMBDA_LOG_LEVEL` (info) on.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html>
pub fn subscriber<W>(environment: &Environment, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let level = match environment.get("AWS_LAMBDA_LOG_LEVEL").unwrap_or("info").to_lowercase().as_str() {
        "fatal" => LevelFilter::ERROR,
        level => level.parse().unwrap_or(LevelFilter::INFO),
    };
    let levels = LOG_TARGETS.iter().chain([&TARGET]).map(|name| (*name, level));
    let json = tracing_subscriber::fmt::format().json().with_target(false).with_current_span(false);
    let lines = tracing_subscriber::fmt::layer()
        .fmt_fields(JsonFields::new())
        .event_format(Lines(json))
        .with_writer(writer)
        .with_filter(Targets::new().with_targets(levels).with_default(LevelFilter::WARN));
    tracing_subscriber::registry().with(lines)
}

/// Lines about requests as they are, all others in tracing's JSON.
struct Lines(Format<Json>);

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        if event.metadata().target() != TARGET {
            return self.0.format_event(context, writer, event);
        }
        let mut message = Message(String::new());
        event.record(&mut message);
        writeln!(writer, "{}", message.0)
    }
}

/// The message of an event.
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// What a subscriber prints of an event of each level.
    fn printed(environment: &Environment) -> String {
        let (reader, writer) = std::io::pipe().unwrap();
        let subscriber = subscriber(environment, Mutex::new(writer));
        tracing::subscriber::with_default(subscriber, || {
            tracing::error!(target: TARGET, "broken");
            tracing::info!(target: TARGET, "answered");
            tracing::debug!(target: TARGET, "looked up");
            tracing::info!(target: "hyper", "connected");
        });
        std::io::read_to_string(reader).unwrap()
    }

    #[test]
    fn the_log_says_what_its_level_lets_through() {
        for (level, expected) in [
            (None, "broken\nanswered\n"),
            (Some("INFO"), "broken\nanswered\n"),
            (Some("DEBUG"), "broken\nanswered\nlooked up\n"),
            (Some("FATAL"), "broken\n"),
            (Some("nonsense"), "broken\nanswered\n"),
        ] {
            let environment = level.map(|level| ("AWS_LAMBDA_LOG_LEVEL", level)).into_iter().collect();

            assert_eq!(printed(&environment), expected, "{level:?}");
        }
    }

    #[test]
    fn an_address_that_a_message_quotes_is_left_out() {
        assert_eq!(without_addresses("Invalid email: ann@example.com given"), "Invalid email: … given");
    }
}
