//! What goes wrong between a function and Stripe.

use std::time::Duration;

use crate::refusal::Refusal;

/// A request to Stripe that failed, after the retries that were worth it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Stripe is overloaded, unreachable or slow: the same call may succeed later.
    #[error("Stripe is unavailable: {reason}")]
    Unavailable {
        /// What happened, in words that are not Stripe's.
        reason: String,
        /// How long Stripe wants to be left alone, if it says so.
        retry_after: Option<Duration>,
    },
    /// Stripe refused the request.
    #[error("Stripe answered {0}")]
    Refused(Box<Refusal>),
    /// The parameters cannot be written as a form, so nothing was sent: an override or a hook nests them too deeply.
    #[error("the request cannot be written: {reason}")]
    Unwritable {
        /// What is wrong with it.
        reason: String,
    },
    /// A price or a product has something that this version does not know, such as an id of another shape. There is no use in
    /// asking again.
    #[error("an object of Stripe's cannot be read: {reason}")]
    Unknown {
        /// What is wrong with it, without what it says.
        reason: String,
    },
    /// Stripe's answer is not what it documents.
    #[error("Stripe's answer cannot be read: {reason}")]
    Unreadable {
        /// What is wrong with it, without what it says.
        reason: String,
    },
}

/// In how long another attempt may help where Stripe does not say.
const SOON: Duration = Duration::from_secs(1);

impl Error {
    /// What serde says quotes the texts that it did not expect, which may be a shopper's.
    pub(crate) fn unreadable(error: &serde_json::Error) -> Self {
        Self::Unreadable { reason: without_quotes(error) }
    }

    /// The same of an object in an answer that can be read.
    pub(crate) fn unknown(error: &serde_json::Error) -> Self {
        Self::Unknown { reason: without_quotes(error) }
    }

    /// The object that was asked for does not exist.
    pub(crate) fn missing() -> Self {
        Self::Refused(Box::new(Refusal::missing()))
    }

    /// In how long the same call may succeed; `None` where repeating it does not help.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after, .. } => Some(retry_after.unwrap_or(SOON)),
            Self::Refused(_) | Self::Unwritable { .. } | Self::Unknown { .. } | Self::Unreadable { .. } => None,
        }
    }

    /// Whether the object that was asked for does not exist.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.is_missing(),
            Self::Unavailable { .. } | Self::Unwritable { .. } | Self::Unknown { .. } | Self::Unreadable { .. } => {
                false
            }
        }
    }

    /// Whether the key lacks the right to do what was asked for.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.is_forbidden(),
            Self::Unavailable { .. } | Self::Unwritable { .. } | Self::Unknown { .. } | Self::Unreadable { .. } => {
                false
            }
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

/// What serde says, without the texts that it quotes.
fn without_quotes(error: &serde_json::Error) -> String {
    let said = error.to_string();
    match (said.split_once('"'), said.rsplit_once('"')) {
        (Some((before, _)), Some((_, after))) => format!("{before}…{after}"),
        _ => said,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_not_quoted() {
        let error = serde_json::from_str::<u32>(r#""Ann \"A\" Smith""#).unwrap_err();

        let said = Error::unreadable(&error).to_string();

        assert!(said.contains("invalid type: string …, expected u32"), "{said}");
    }
}
