//! Sessions that ended without a payment.

use cart::SessionId;
use serde::Deserialize;

use super::Event;

/// What an event `checkout.session.expired` says.
///
/// Source: <https://docs.stripe.com/payments/checkout/abandoned-carts>
#[derive(Debug, Clone, Deserialize)]
pub struct ExpiredSession {
    /// The session's id.
    pub id: SessionId,
    #[serde(default)]
    expires_at: i64,
    #[serde(default)]
    after_expiration: Option<AfterExpiration>,
    #[serde(default)]
    consent: Option<Consent>,
}

#[derive(Debug, Clone, Deserialize)]
struct AfterExpiration {
    #[serde(default)]
    recovery: Option<Recovery>,
}

#[derive(Debug, Clone, Deserialize)]
struct Recovery {
    #[serde(default)]
    url: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct Consent {
    #[serde(default)]
    promotions: Option<String>,
}

impl ExpiredSession {
    /// The session that an event is about, if its time ran out before it was paid.
    ///
    /// A session that is closed before its time, because its cart has changed and another page takes its place, is not
    /// abandoned.
    #[must_use]
    pub fn abandoned(event: &Event) -> Option<Self> {
        event.object().filter(|session: &Self| event.created >= session.expires_at)
    }

    /// Where the shopper may go on, if the shop has asked Stripe for such links and the shopper agreed to be told.
    #[must_use]
    pub fn recovery_url(&self) -> Option<&str> {
        let agreed = self.consent.as_ref().and_then(|consent| consent.promotions.as_deref()) == Some("opt_in");
        let url = self.after_expiration.as_ref()?.recovery.as_ref()?.url.as_deref();
        url.filter(|_| agreed)
    }
}
