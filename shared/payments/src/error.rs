//! What goes wrong between a function and Stripe.

/// A request to Stripe that failed, after the retries that were worth it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Stripe is overloaded, unreachable or slow: the same call may succeed in a moment.
    #[error("Stripe is unavailable: {reason}")]
    Unavailable {
        /// Whether Stripe said so before, and repeated what it keeps under the request's idempotency key.
        replayed: bool,
        /// What Stripe or the connection said.
        reason: String,
    },
    /// Stripe refused the request.
    ///
    /// Its text leaves Stripe's message out, which may quote what a shopper wrote.
    #[error("Stripe answered {status}, code {}, parameter {}", code.as_deref().unwrap_or("none"), param.as_deref().unwrap_or("none"))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Stripe's error code, such as `resource_missing`.
        code: Option<String>,
        /// The parameter at fault.
        param: Option<String>,
        /// Stripe's message. May quote what was sent: neither for logs nor for shoppers.
        message: String,
    },
    /// The parameters cannot be written as a form, so nothing was sent: an override or a hook nests them too deeply.
    #[error("the request cannot be written: {reason}")]
    Unwritable {
        /// What is wrong with it.
        reason: String,
    },
    /// Stripe's answer is not what it documents.
    #[error("Stripe's answer cannot be read: {reason}")]
    Unreadable {
        /// What is wrong with it.
        reason: String,
    },
}

impl Error {
    pub(crate) fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable { replayed: false, reason: reason.into() }
    }

    /// The object that was asked for does not exist.
    pub(crate) fn missing() -> Self {
        let code = Some("resource_missing".to_owned());
        Self::Refused { status: 404, code, param: None, message: String::new() }
    }

    /// Whether the same call may succeed in a moment.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable { .. } => true,
            Self::Refused { .. } | Self::Unwritable { .. } | Self::Unreadable { .. } => false,
        }
    }

    /// Whether the object that was asked for does not exist.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        match self {
            Self::Refused { status, code, .. } => *status == 404 || code.as_deref() == Some("resource_missing"),
            Self::Unavailable { .. } | Self::Unwritable { .. } | Self::Unreadable { .. } => false,
        }
    }
}
