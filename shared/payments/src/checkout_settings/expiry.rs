//! When sessions expire.

use cart::Timestamp;
use settings::{CHECKOUT_EXPIRES_AFTER_MINUTES, Environment, Error, WholeNumber};

/// How long a session can be paid.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expiry {
    minutes: Option<u64>,
}

impl Expiry {
    pub(super) fn new(environment: &Environment) -> Result<Self, Error> {
        Ok(Self { minutes: environment.optional_number(&CHECKOUT_EXPIRES_AFTER_MINUTES)? })
    }

    /// When a session made at `now` shall expire, in seconds since 1970: a whole minute.
    pub(super) fn at(self, now: Timestamp) -> Option<i64> {
        let WholeNumber { min, max, .. } = CHECKOUT_EXPIRES_AFTER_MINUTES;
        // Stripe keeps to the range by its own clock, which need not agree with ours.
        let minutes = self.minutes?.clamp(min + 1, max - 1) + 1;
        let this_minute = now.as_second() / 60;
        Some(this_minute.saturating_add_unsigned(minutes) * 60)
    }
}
