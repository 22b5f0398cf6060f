//! Sessions that ended without a payment.

use std::collections::BTreeMap;

use cart::{CheckoutMetadata, SessionId};
use serde::Deserialize;

use crate::{Error, SessionStatus, Stripe, api};

/// A session that can no longer be paid, as Stripe has it.
///
/// Source: <https://docs.stripe.com/payments/checkout/abandoned-carts>
#[derive(Debug, Clone, Deserialize)]
pub struct ExpiredSession {
    #[serde(default)]
    status: Option<SessionStatus>,
    #[serde(default)]
    expires_at: i64,
    #[serde(default)]
    metadata: Option<BTreeMap<String, String>>,
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

impl Stripe {
    /// The session with this id, if it has expired; `None` where it can still be paid, or was. One request.
    ///
    /// # Errors
    ///
    /// Stripe fails, or there is no such session: [`Error::is_missing`].
    pub async fn expired_session(&self, id: &SessionId) -> Result<Option<ExpiredSession>, Error> {
        let session: ExpiredSession = self.call(api::session_alone(id), None).await?;
        Ok(Some(session).filter(|session| session.status == Some(SessionStatus::Expired)))
    }
}

impl ExpiredSession {
    /// What the session says of the cart that it was made from; `None` for sessions of other integrations.
    #[must_use]
    pub fn checkout(&self) -> Option<CheckoutMetadata> {
        CheckoutMetadata::read(self.metadata.as_ref()?)
    }

    /// Whether the session's time ran out before it ended, at `second` since 1970.
    ///
    /// A session that is closed before its time, because its cart has changed and another page takes its place, is not
    /// abandoned.
    #[must_use]
    pub fn ran_out(&self, second: i64) -> bool {
        second >= self.expires_at
    }

    /// Where the shopper may go on, if the shop has asked Stripe for such links and the shopper agreed to be told.
    #[must_use]
    pub fn recovery_url(&self) -> Option<&str> {
        let agreed = self.consent.as_ref().and_then(|consent| consent.promotions.as_deref()) == Some("opt_in");
        let url = self.after_expiration.as_ref()?.recovery.as_ref()?.url.as_deref();
        url.filter(|_| agreed)
    }
}
