//! A queue of SQS, as far as messages are put into it.

use std::time::Duration;

use aws::{Name, Service};
use https::Https;
use serde_json::{Value, json};
use settings::Environment;

const NAME: Name = Name { signing: "sqs", setting: "SQS", target: "AmazonSQS", content: aws::JSON_1_0 };

/// How long a message may take with all its attempts.
const PATIENCE: Duration = Duration::from_secs(5);

/// A queue for what cannot be delivered.
#[derive(Clone)]
pub struct Queue {
    service: Service,
    url: String,
}

impl Queue {
    /// The queue whose URL `EVENT_FAILURES_QUEUE` is; `None` where it is not set.
    ///
    /// # Errors
    ///
    /// A setting is malformed.
    pub fn new(environment: &Environment, https: &Https) -> Result<Option<Self>, settings::Error> {
        let Some(url) = environment.url("EVENT_FAILURES_QUEUE")? else { return Ok(None) };
        Ok(Some(Self { service: Service::new(NAME, environment, https)?, url: url.to_owned() }))
    }

    /// Puts a message into the queue.
    ///
    /// # Errors
    ///
    /// Why the queue did not take it.
    pub async fn send(&self, message: &Value) -> Result<(), String> {
        let body = json!({ "QueueUrl": self.url, "MessageBody": message.to_string() }).to_string();
        aws::persistently(PATIENCE, || self.service.call("SendMessage", body.clone())).await.map(drop)
    }
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Queue({})", self.url)
    }
}
