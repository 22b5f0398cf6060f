//! How Stripe fails a request that is not at fault, when a test asks for it.

use crate::protocol::refusal::Refusal;

/// How Stripe fails a request that is not at fault.
///
/// Source: <https://docs.stripe.com/error-low-level>, <https://docs.stripe.com/rate-limits>
#[derive(Clone, Debug)]
pub struct Failure {
    pub(crate) refusal: Refusal,
    pub(crate) retry_after: Option<u64>,
    pub(crate) should_retry: Option<bool>,
}

impl Failure {
    const fn new(refusal: Refusal) -> Self {
        Self { refusal, retry_after: None, should_retry: None }
    }

    /// A 500, which an idempotency key keeps like any answer.
    #[must_use]
    pub const fn broken() -> Self {
        Self::new(Refusal::Broken)
    }

    /// A 429 with the code `rate_limit`.
    #[must_use]
    pub const fn rate_limited() -> Self {
        Self::new(Refusal::RateLimited)
    }

    /// A 429 with the code `lock_timeout`: another request works on the same object.
    #[must_use]
    pub const fn lock_timeout() -> Self {
        Self::new(Refusal::LockTimeout)
    }

    /// A 409 with the code `idempotency_key_in_use`: the first request under the key is not done.
    #[must_use]
    pub const fn key_in_use() -> Self {
        Self::new(Refusal::KeyInUse)
    }

    /// The same failure with `Retry-After` in seconds.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// The same failure with Stripe's last word on repeating it: `Stripe-Should-Retry`.
    #[must_use]
    pub fn should_retry(self, should_retry: bool) -> Self {
        Self { should_retry: Some(should_retry), ..self }
    }
}
