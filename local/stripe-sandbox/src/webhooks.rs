//! Webhooks: events on their way to the shop, signed and retried (<https://docs.stripe.com/webhooks>).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::Sha256;
use tokio::sync::{Semaphore, watch};

use crate::protocol::json_text;

/// Attempts that run at the same time.
const CONCURRENT: usize = 16;
/// How long the shop may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// One attempt to deliver an event.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// The event's id.
    pub event: String,
    /// The event's type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The number of the attempt, from 1.
    pub attempt: usize,
    /// The status that was answered; `None` without an answer.
    pub status: Option<u16>,
}

/// Sends events to the shop.
#[derive(Debug)]
pub(crate) struct Webhooks {
    url: Mutex<Option<String>>,
    secret: String,
    delays: Vec<Duration>,
    paused: AtomicBool,
    log: Mutex<Vec<Delivery>>,
    /// Events that are on their way.
    pending: watch::Sender<usize>,
    slots: Semaphore,
    client: Client<HttpConnector, Full<Bytes>>,
    runtime: tokio::runtime::Handle,
    stopped: watch::Receiver<bool>,
}

impl Webhooks {
    /// Must be called within a tokio runtime, which then carries the deliveries.
    pub(crate) fn new(
        url: Option<String>,
        secret: &str,
        delays: Vec<Duration>,
        log: Vec<Delivery>,
        stopped: watch::Receiver<bool>,
    ) -> Self {
        Self {
            url: Mutex::new(url),
            secret: secret.split(',').next().unwrap_or_default().trim().to_owned(),
            delays,
            paused: AtomicBool::new(false),
            log: Mutex::new(log),
            pending: watch::Sender::new(0),
            slots: Semaphore::new(CONCURRENT),
            client: Client::builder(TokioExecutor::new()).build_http(),
            runtime: tokio::runtime::Handle::current(),
            stopped,
        }
    }

    pub(crate) fn set_url(&self, url: &str) {
        *self.url.lock().unwrap_or_else(PoisonError::into_inner) = Some(url.to_owned());
    }

    /// Where events go.
    pub(crate) fn url(&self) -> Option<String> {
        self.url.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn pause(&self, paused: bool) {
        self.paused.store(paused, Ordering::Relaxed);
    }

    pub(crate) fn log(&self) -> Vec<Delivery> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Resolves when nothing is on its way.
    pub(crate) async fn settled(&self) {
        // An error would mean that the sender is gone, and nothing is on its way then.
        let _ = self.pending.subscribe().wait_for(|pending| *pending == 0).await;
    }

    /// Starts the delivery of an event, unless deliveries are paused.
    pub(crate) fn send(self: &Arc<Self>, event: Value) {
        if !self.paused.load(Ordering::Relaxed) {
            self.send_now(event);
        }
    }

    /// Starts the delivery of an event, also while deliveries are paused.
    pub(crate) fn send_now(self: &Arc<Self>, event: Value) {
        self.pending.send_modify(|pending| *pending += 1);
        let webhooks = Arc::clone(self);
        self.runtime.spawn(async move {
            let mut stopped = webhooks.stopped.clone();
            tokio::select! {
                () = webhooks.deliver(&event) => {}
                _ = stopped.wait_for(|stopped| *stopped) => {}
            }
            webhooks.pending.send_modify(|pending| *pending -= 1);
        });
    }

    async fn deliver(&self, event: &Value) {
        for attempt in 1..=self.delays.len() + 1 {
            let status = self.attempt(event).await;
            let delivered = status.is_some_and(|status| (200..300).contains(&status));
            self.log.lock().unwrap_or_else(PoisonError::into_inner).push(Delivery {
                event: json_text(&event["id"]).to_owned(),
                kind: json_text(&event["type"]).to_owned(),
                attempt,
                status,
            });
            if delivered {
                return;
            }
            tracing::debug!(event = %event["id"], attempt, status, "the webhook was not accepted");
            if let Some(delay) = self.delays.get(attempt - 1) {
                pause(*delay).await;
            }
        }
    }

    /// Sends the event once; `None` when there was no answer.
    async fn attempt(&self, event: &Value) -> Option<u16> {
        let _slot = self.slots.acquire().await.ok()?;
        let (body, signature) = self.signed(event);
        let request = http::Request::post(self.url()?)
            .header("content-type", "application/json; charset=utf-8")
            .header("user-agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
            .header("stripe-signature", signature)
            .body(Full::new(Bytes::from(body)))
            .ok()?;
        let answer = tokio::time::timeout(TIMEOUT, self.client.request(request)).await;
        answer.ok()?.ok().map(|answer| answer.status().as_u16())
    }

    /// The body of an event and the header that signs it now.
    pub(crate) fn signed(&self, event: &Value) -> (String, String) {
        let body = event.to_string();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let header = format!("t={now},v1={}", sign(&self.secret, now, &body));
        (body, header)
    }
}

/// The signature of a body: the HMAC with SHA-256 of its time, a dot and itself, in hex.
#[expect(clippy::expect_used, reason = "a key may have any length")]
fn sign(secret: &str, time: u64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key may have any length");
    mac.update(format!("{time}.{body}").as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

#[expect(clippy::disallowed_methods, reason = "Stripe waits between two deliveries, so the sandbox does")]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_hmac_of_time_and_body() {
        let signature = sign("whsec_test", 1_700_000_000, r#"{"id":"evt_1"}"#);

        // printf '%s' '1700000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_test
        assert_eq!(signature, "c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925");
    }
}
