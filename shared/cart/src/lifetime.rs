//! When carts change and expire.

use jiff::SignedDuration;

use crate::Timestamp;

/// How long a cart lives after its last change: [`Lifetime::MIN_DAYS`] to [`Lifetime::MAX_DAYS`] days.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lifetime(u16);

impl Lifetime {
    /// The shortest lifetime.
    pub const MIN_DAYS: u16 = 1;
    /// The longest lifetime.
    pub const MAX_DAYS: u16 = 365;

    /// A lifetime of `days`; `None` where that is too short or too long.
    #[must_use]
    pub fn days(days: u16) -> Option<Self> {
        (Self::MIN_DAYS..=Self::MAX_DAYS).contains(&days).then_some(Self(days))
    }

    /// In seconds.
    #[must_use]
    pub fn seconds(self) -> u32 {
        u32::from(self.0) * 24 * 60 * 60
    }

    /// When a cart changed at `now` expires.
    #[must_use]
    pub fn after(self, now: Timestamp) -> Timestamp {
        now.saturating_add(SignedDuration::from_hours(24 * i64::from(self.0))).unwrap_or(Timestamp::MAX)
    }
}

impl Default for Lifetime {
    fn default() -> Self {
        Self(7)
    }
}

/// The times of carts and orders are whole seconds, as a store keeps them.
#[must_use]
pub fn whole_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// A time to the millisecond, as readings of Stripe are compared.
#[must_use]
pub fn whole_millisecond(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
}
