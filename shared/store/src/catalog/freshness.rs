//! As of when a price or a product is known.

use cart::Timestamp;

/// The time as of which an object is known, in milliseconds since 1970.
///
/// Stripe's events tell whole seconds, what is fetched is known to the millisecond.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AsOf {
    pub(super) milliseconds: i64,
    /// The first millisecond that is certainly later.
    pub(super) until: i64,
}

impl AsOf {
    /// An object fetched from Stripe by a request begun at `time`.
    #[must_use]
    pub fn fetched(time: Timestamp) -> Self {
        let milliseconds = time.as_millisecond();
        Self { milliseconds, until: milliseconds + 1 }
    }

    /// An object that an event of this second says is deleted: later than all else in that second.
    #[must_use]
    pub fn deleted(second: i64) -> Self {
        Self {
            milliseconds: second.saturating_mul(1000).saturating_add(999),
            until: second.saturating_add(1).saturating_mul(1000),
        }
    }

    /// An object in an event created in this second.
    #[must_use]
    pub fn event(second: i64) -> Self {
        Self { milliseconds: second.saturating_mul(1000), until: second.saturating_add(1).saturating_mul(1000) }
    }
}

/// What became of an object that was to be saved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Saved {
    /// It is the newest and was saved.
    Newer,
    /// Something newer is known already.
    Older,
    /// Something of the same second is known: only Stripe can tell which is newer.
    SameSecond,
}
