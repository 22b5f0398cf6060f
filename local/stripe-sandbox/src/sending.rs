//! Events that are sent by hand: once more, thin, or as they come from elsewhere.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::Sandbox;
use crate::after_payment::NotPossible;
use crate::protocol::refusal::Refusal;
use crate::protocol::{ids, json_text};
use crate::shared::Shared;
use crate::state::{Cause, State};

/// What is sent of an event that the sandbox has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sending<'a> {
    /// The event itself, under its own id.
    Again,
    /// What a destination for thin events gets in its place (<https://docs.stripe.com/event-destinations#thin-events>).
    Thin,
    /// One like it of a connected account (<https://docs.stripe.com/connect/webhooks>).
    OfAccount(&'a str),
    /// One like it of live mode: an endpoint may get both (<https://docs.stripe.com/connect/webhooks>).
    OfOtherMode,
}

impl Sending<'_> {
    fn of(self, state: &State, id: &str) -> Result<Value, Refusal> {
        let mut event = state.events.found(id)?.clone();
        match self {
            Self::Again => return Ok(event),
            Self::Thin => return Ok(thin(&event)),
            Self::OfAccount(account) => event["account"] = json!(account),
            Self::OfOtherMode => {
                let livemode = json!(event["livemode"] != true);
                event["livemode"] = livemode.clone();
                if let Some(own) = event["data"]["object"].get_mut("livemode") {
                    *own = livemode;
                }
            }
        }
        event["id"] = json!(ids::object("evt"));
        Ok(event)
    }
}

/// The thin event that stands for one with a snapshot: it names the object, and has nothing of it.
fn thin(event: &Value) -> Value {
    let object = &event["data"]["object"];
    let kind = json_text(&object["object"]);
    let related = json!({
        "id": object["id"],
        "type": kind,
        "url": format!("/v1/{}s/{}", kind.replace('.', "/"), json_text(&object["id"])),
    });
    let kind = format!("v1.{}", json_text(&event["type"]));
    let mut thin = notification(&kind, event["created"].as_i64().unwrap_or(0), &related);
    thin["snapshot_event"] = event["id"].clone();
    thin
}

/// The event with which a new destination for thin events is tried.
///
/// Source: <https://docs.stripe.com/api/v2/core/event-destinations/event-types>
fn ping(now: i64) -> Value {
    let id = ids::new("ed_test_", 40);
    let url = format!("/v2/core/event_destinations/{id}");
    let related = json!({ "id": id, "type": "v2.core.event_destination", "url": url });
    notification("v2.core.event_destination.ping", now, &related)
}

fn notification(kind: &str, created: i64, related: &Value) -> Value {
    let created = Timestamp::from_second(created).unwrap_or_default();
    json!({
        "id": ids::new("evt_test_", 40),
        "object": "v2.core.event",
        "created": format!("{created:.3}"),
        "livemode": false,
        "related_object": related,
        "type": kind,
    })
}

impl Shared {
    /// Delivers what is sent of an event, whether or not deliveries are paused and the endpoint is registered for it.
    pub(crate) fn send(&self, id: &str, sending: Sending<'_>) -> Result<Value, Refusal> {
        let event = self.step(Cause::default(), |state| sending.of(state, id))?;
        self.send_now(event)
    }

    /// Delivers a ping.
    pub(crate) fn ping(&self) -> Result<Value, Refusal> {
        let event = self.step(Cause::default(), |state| ping(state.now()));
        self.send_now(event)
    }

    fn send_now(&self, event: Value) -> Result<Value, Refusal> {
        if self.webhooks.url().is_none() {
            return Err(Refusal::invalid("url", "There is no endpoint for webhooks."));
        }
        self.webhooks.send_now(event.clone());
        Ok(event)
    }
}

impl Sandbox {
    /// Delivers an event again, under the same id and signed anew, even while deliveries are paused.
    ///
    /// # Errors
    ///
    /// [`NotPossible`] when there is no such event, or no address for webhooks. So it is for all that is sent by hand.
    pub fn resend(&self, event: &str) -> Result<(), NotPossible> {
        self.shared.send(event, Sending::Again)?;
        Ok(())
    }

    /// Sends what a destination for thin events gets in the place of an event, and gives it.
    ///
    /// # Errors
    ///
    /// As with [`resend`](Self::resend).
    pub fn send_thin(&self, event: &str) -> Result<Value, NotPossible> {
        Ok(self.shared.send(event, Sending::Thin)?)
    }

    /// Sends the thin event with which Stripe tries a new destination, and gives it.
    ///
    /// # Errors
    ///
    /// [`NotPossible`] when there is no address for webhooks.
    pub fn send_ping(&self) -> Result<Value, NotPossible> {
        Ok(self.shared.ping()?)
    }

    /// Sends an event like this one of another account, such as `acct_1…`, and gives it.
    ///
    /// # Errors
    ///
    /// As with [`resend`](Self::resend).
    pub fn send_of_account(&self, event: &str, account: &str) -> Result<Value, NotPossible> {
        Ok(self.shared.send(event, Sending::OfAccount(account))?)
    }

    /// Sends an event like this one of live mode, and gives it.
    ///
    /// # Errors
    ///
    /// As with [`resend`](Self::resend).
    pub fn send_of_other_mode(&self, event: &str) -> Result<Value, NotPossible> {
        Ok(self.shared.send(event, Sending::OfOtherMode)?)
    }
}
