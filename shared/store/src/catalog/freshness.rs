//! As of when a price or a product is known.

use cart::Timestamp;

/// The time as of which an object is known, in milliseconds since 1970: when the request was sent that brought it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct AsOf {
    pub(super) milliseconds: i64,
}

impl AsOf {
    /// An object fetched from Stripe by a request begun at `time`.
    #[must_use]
    pub fn fetched(time: Timestamp) -> Self {
        Self { milliseconds: time.as_millisecond() }
    }

    /// The time from which on whatever is fetched shows what an event told that was created in this second and is here
    /// `now`. An event that claims to come from the future tells of now.
    #[must_use]
    pub fn after_event(second: i64, now: Timestamp) -> Self {
        let over = Timestamp::from_second(second.saturating_add(1));
        Self::fetched(over.map_or(now, |over| over.min(now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_fetched_after_an_events_second_or_its_arrival_shows_what_it_told() {
        let now = Timestamp::from_millisecond(1_700_000_000_250).unwrap();
        for (second, expected) in [
            (1_699_999_000, 1_699_999_001_000),
            (1_699_999_999, 1_700_000_000_000),
            // The same second: Stripe sent it before it arrived.
            (1_700_000_000, 1_700_000_000_250),
            (1_700_000_001, 1_700_000_000_250),
            (9_999_999_999, 1_700_000_000_250),
            (i64::MAX, 1_700_000_000_250),
            // No time that there is.
            (i64::MIN, 1_700_000_000_250),
            (0, 1000),
        ] {
            assert_eq!(AsOf::after_event(second, now).milliseconds, expected, "{second}");
        }
    }
}
