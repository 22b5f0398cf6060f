//! Stripe's events.

mod expired;
mod listed;
mod signature;
mod webhook;

use std::collections::BTreeMap;

use cart::{CheckoutMetadata, SessionId};
use serde::Deserialize;
use serde::de::IgnoredAny;

pub use expired::ExpiredSession;
pub use signature::{VerifyError, WebhookSecrets};
pub use webhook::Webhook;

/// An event that Stripe sent, with the object that it is about.
///
/// Little of that object can be read here: what it comes to is asked of Stripe, not believed of an event.
///
/// Source: <https://docs.stripe.com/api/events/object>
#[derive(Debug, Deserialize)]
pub struct Event {
    /// `event`, where it is said.
    #[serde(default, rename = "object")]
    shape: Option<String>,
    /// The event's id.
    pub id: String,
    /// What happened, such as `checkout.session.completed`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When, in seconds since 1970.
    #[serde(default)]
    pub created: i64,
    /// Whether it happened in live mode, where that is said.
    #[serde(default)]
    pub livemode: Option<bool>,
    /// The connected account that it happened in.
    #[serde(default)]
    account: Option<IgnoredAny>,
    #[serde(default)]
    data: Data,
}

#[derive(Debug, Default, Deserialize)]
struct Data {
    #[serde(default)]
    object: serde_json::Value,
}

impl Event {
    /// The event in a body that Stripe signed; `None` where the body is something else in JSON, such as a thin event, which
    /// comes without the object that it is about.
    ///
    /// # Errors
    ///
    /// [`VerifyError::NotJson`]: Stripe signs nothing but JSON.
    ///
    /// Source: <https://docs.stripe.com/event-destinations#thin-events>
    fn read(body: &[u8]) -> Result<Option<Self>, VerifyError> {
        match serde_json::from_slice::<Self>(body) {
            Ok(event) => Ok(Some(event).filter(|event| event.shape.as_deref().is_none_or(|shape| shape == "event"))),
            Err(_) => match serde_json::from_slice::<IgnoredAny>(body) {
                Ok(_) => Ok(None),
                Err(_) => Err(VerifyError::NotJson),
            },
        }
    }

    /// Whether it happened in the account that it was sent to, not in one that is connected to it.
    #[must_use]
    pub fn is_of_own_account(&self) -> bool {
        self.account.is_none()
    }

    /// The Checkout Session that the event is about, and what it says of the cart that it was made from; `None` where the
    /// event is about anything else.
    ///
    /// Reads nothing but the session's id and its metadata, so that no version of Stripe's API is too old or too new.
    #[must_use]
    pub fn session(&self) -> Option<(SessionId, CheckoutMetadata)> {
        Some((self.field("id")?.parse().ok()?, self.checkout()?))
    }

    /// What the object that the event is about says of the cart that it was made from: a session, or a payment or charge in
    /// payment mode. `None` where it says nothing.
    #[must_use]
    pub fn checkout(&self) -> Option<CheckoutMetadata> {
        let metadata = self.data.object.get("metadata")?;
        CheckoutMetadata::read(&BTreeMap::deserialize(metadata).ok()?)
    }

    /// A text field of the object that the event is about.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.data.object.get(name)?.as_str()
    }

    /// A whole number of the object that the event is about.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<i64> {
        self.data.object.get(name)?.as_i64()
    }
}
