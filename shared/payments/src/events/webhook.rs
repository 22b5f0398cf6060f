//! Where Stripe's events arrive.

use cart::Timestamp;
use secrets::Secrets;

use super::{Event, VerifyError, WebhookSecrets};

/// Takes what Stripe delivers, by signing secrets that may be replaced at any time.
#[derive(Clone, Debug)]
pub struct Webhook {
    secrets: Secrets,
}

impl Webhook {
    /// A webhook whose signing secrets are in `STRIPE_WEBHOOK_SECRET`.
    ///
    /// # Errors
    ///
    /// The setting has no usable secret, or one that is none of Stripe's. A secret that is a parameter is not looked at
    /// before an event arrives: a shop is deployed before Stripe has made it one.
    pub fn new(secrets: &Secrets) -> Result<Self, settings::Error> {
        if !secrets.is_renewable(WebhookSecrets::SETTING) {
            WebhookSecrets::all_usable(&secrets.required(WebhookSecrets::SETTING)?)?;
        }
        Ok(Self { secrets: secrets.clone() })
    }

    /// The event that was delivered; `None` where Stripe signed something else in JSON. Where no secret fits, they may have been replaced, and are read again.
    ///
    /// # Errors
    ///
    /// Those of [`WebhookSecrets::verify`]; [`VerifyError::NoSecret`] where no usable secret is stored yet.
    pub async fn event(
        &self,
        signature: Option<&str>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Option<Event>, VerifyError> {
        let held = self.secrets.get(WebhookSecrets::SETTING).unwrap_or_default();
        let verified = WebhookSecrets::usable(&held).verify(signature, body, now);
        if !matches!(verified, Err(VerifyError::Mismatch | VerifyError::NoSecret)) {
            return verified;
        }
        match self.secrets.renewed(WebhookSecrets::SETTING, &held).await {
            Some(renewed) => WebhookSecrets::usable(&renewed).verify(signature, body, now),
            None => verified,
        }
    }
}
