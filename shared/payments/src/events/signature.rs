//! Whether an event is Stripe's.

use cart::Timestamp;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq as _};

use super::Event;

/// The secrets with which Stripe may have signed an event: several while they are being rotated.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecrets(Vec<String>);

/// What a signing secret begins with, and how many characters follow at least. A placeholder that a document or a person
/// made up is none: everybody could sign with it.
const PREFIX: &str = "whsec_";
const LEAST: usize = 16;

/// How old a signature may be, in seconds, and how far ahead its clock.
///
/// Source: <https://docs.stripe.com/webhooks#replay-attacks>
const TOLERANCE: i64 = 300;

/// Why a delivery was not taken for an event of Stripe's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// There is no `Stripe-Signature`, or it cannot be read.
    #[error("the Stripe-Signature header is missing or malformed")]
    Malformed,
    /// The signature was made more than five minutes ago, or ahead.
    #[error("the signature is too old")]
    Old,
    /// No secret of ours made the signature.
    #[error("no signature matches")]
    Mismatch,
    /// There is no secret that could have made one.
    #[error("there is no usable signing secret")]
    NoSecret,
    /// The signature is right but the body is not JSON.
    #[error("the body is not JSON")]
    NotJson,
}

impl WebhookSecrets {
    /// The setting that holds them.
    pub const SETTING: &str = "STRIPE_WEBHOOK_SECRET";

    /// The secrets in a text, separated by commas or line breaks. What cannot be a secret of Stripe's is not used.
    ///
    /// ```
    /// use payments::WebhookSecrets;
    ///
    /// let secrets = WebhookSecrets::usable("whsec_placeholder, \"whsec_0123456789abcdef\"\n");
    ///
    /// assert_eq!(secrets.len(), 1);
    /// ```
    #[must_use]
    pub fn usable(text: &str) -> Self {
        Self(parts(text).filter(|part| is_usable(part)).map(str::to_owned).collect())
    }

    /// The same, where all must be usable and at least one is there.
    ///
    /// # Errors
    ///
    /// They are not: without a secret anybody could place orders.
    pub fn all_usable(text: &str) -> Result<Self, settings::Error> {
        let secrets = Self::usable(text);
        if secrets.is_empty() || secrets.len() < parts(text).count() {
            let expected = format!("signing secrets of Stripe's: {PREFIX} and {LEAST} characters or more");
            return Err(settings::Error::malformed(Self::SETTING, expected));
        }
        Ok(secrets)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes a delivery for Stripe's if one of the secrets signed these very bytes within five minutes of `now`. Returns the
    /// event; `None` where Stripe signed something else in JSON.
    ///
    /// # Errors
    ///
    /// [`VerifyError`] says why not; nothing of the body is believed then.
    ///
    /// Source: <https://docs.stripe.com/webhooks#verify-manually>
    pub fn verify(&self, signature: Option<&str>, body: &[u8], now: Timestamp) -> Result<Option<Event>, VerifyError> {
        if self.is_empty() {
            return Err(VerifyError::NoSecret);
        }
        let signature = signature.ok_or(VerifyError::Malformed)?;
        let mut time = None;
        let mut offered = Vec::new();
        for part in signature.split(',') {
            match part.trim().split_once('=') {
                Some(("t", seconds)) => time = seconds.parse::<i64>().ok(),
                Some(("v1", digest)) => offered.extend(hex::decode(digest)),
                _ => {}
            }
        }
        let time = time.ok_or(VerifyError::Malformed)?;
        if offered.is_empty() {
            return Err(VerifyError::Malformed);
        }

        let matches = self.0.iter().fold(Choice::from(0), |matches, secret| {
            let digest = sign(secret, time, body);
            offered.iter().fold(matches, |matches, offered| matches | digest.as_slice().ct_eq(offered))
        });
        if !bool::from(matches) {
            return Err(VerifyError::Mismatch);
        }
        if now.as_second().saturating_sub(time).saturating_abs() > TOLERANCE {
            return Err(VerifyError::Old);
        }
        Event::read(body)
    }
}

impl std::fmt::Debug for WebhookSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WebhookSecrets({})", self.0.len())
    }
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', '\r', '\n']).map(secrets::clean).filter(|part| !part.is_empty())
}

fn is_usable(secret: &str) -> bool {
    secret
        .strip_prefix(PREFIX)
        .is_some_and(|rest| rest.len() >= LEAST && rest.bytes().all(|byte| byte.is_ascii_graphic()))
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn sign(secret: &str, time: i64, body: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(time.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"id":"evt_1","type":"ping","created":1,"data":{"object":{"id":"x"}}}"#;

    const NEW: &str = "whsec_new0123456789abcdef";
    const OLD: &str = "whsec_old0123456789abcdef";
    const A: &str = "whsec_a0123456789abcdef";
    const B: &str = "whsec_b0123456789abcdef";

    fn secrets(list: &str) -> WebhookSecrets {
        WebhookSecrets::all_usable(list).unwrap()
    }

    fn header(secret: &str, time: i64) -> String {
        format!("t={time},v0=00,v1={}", hex::encode(sign(secret, time, BODY)))
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_signature_of_any_current_secret_is_taken() {
        let secrets = secrets(&format!("{NEW}, {OLD}"));

        for secret in [NEW, OLD] {
            let event = secrets.verify(Some(&header(secret, 1000)), BODY, at(1000)).unwrap();

            assert_eq!(event.unwrap().id, "evt_1");
        }
    }

    #[test]
    fn one_matching_signature_of_several_is_enough() {
        let header = format!("{},v1={}", header(B, 1000), hex::encode([0; 32]));

        assert!(secrets(B).verify(Some(&header), BODY, at(1000)).unwrap().is_some());
    }

    #[test]
    fn what_is_not_stripes_is_refused() {
        let secrets = secrets(A);
        let good = header(A, 1000);
        let cases = [
            (None, BODY, 1000, VerifyError::Malformed),
            (Some(""), BODY, 1000, VerifyError::Malformed),
            (Some("t=1000"), BODY, 1000, VerifyError::Malformed),
            (Some("v1=00"), BODY, 1000, VerifyError::Malformed),
            (Some("t=abc,v1=00"), BODY, 1000, VerifyError::Malformed),
            (Some("t=1000,v1=zz"), BODY, 1000, VerifyError::Malformed),
            (Some("t=1000,v1=00"), BODY, 1000, VerifyError::Mismatch),
            (Some(good.as_str()), b"{}".as_slice(), 1000, VerifyError::Mismatch),
            (Some(good.as_str()), BODY, 1301, VerifyError::Old),
            (Some(good.as_str()), BODY, 699, VerifyError::Old),
        ];

        for (signature, body, now, expected) in cases {
            assert_eq!(secrets.verify(signature, body, at(now)).unwrap_err(), expected, "{signature:?} at {now}");
        }
    }

    #[test]
    fn what_cannot_be_a_secret_of_stripes_is_not_used() {
        let unusable = [
            "",
            " ",
            ",",
            "\"\"",
            "whsec_…",
            "whsec_0123456789abcde",
            "placeholder0123456789",
            "whsec_01234567 89abcdef",
        ];
        for text in unusable {
            assert!(WebhookSecrets::usable(text).is_empty(), "{text}");
            let error = WebhookSecrets::all_usable(text).unwrap_err();
            assert!(error.to_string().starts_with("STRIPE_WEBHOOK_SECRET is malformed"), "{error}");
        }
        for separator in [",", ", ", "\n", "\r\n", ",\n"] {
            let some = [NEW, "whsec_placeholder", OLD].join(separator);

            assert_eq!(WebhookSecrets::usable(&some), secrets(&[NEW, OLD].join(separator)));
            assert!(WebhookSecrets::all_usable(&some).is_err());
        }
    }
}
