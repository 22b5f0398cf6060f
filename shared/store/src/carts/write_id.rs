//! How a write is known when it comes again.

use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cart::Timestamp;

use crate::expression::Update;
use crate::item::{Item, text};

/// The mark of one write, by which it is known when it comes again.
///
/// The SDK repeats a request whose answer was lost. If the lost one took effect, the mark is in the item: the guard fails,
/// and the write is not made twice, however many others wrote in between.
///
/// Time is cut into periods of 20 seconds, which take four sets in turn. A write puts its mark into the set of its own
/// period and clears the set two periods away. So a mark outlives every write that begins within 20 seconds of its own,
/// and no call takes longer than that with all its attempts. An item holds the marks of one busy minute at most.
#[derive(Clone, Debug)]
pub(crate) struct WriteId {
    mark: String,
    period: usize,
}

const SETS: [&str; 4] = ["w0", "w1", "w2", "w3"];
/// In seconds: the longest that a call may take, which is twice the most that `DYNAMODB_TIMEOUT_MS` may say.
const PERIOD: i64 = 20;

impl WriteId {
    /// A mark that no other write bears, for a write that begins now: its request may have begun long before.
    #[expect(clippy::disallowed_methods, reason = "the request's own time may be long past")]
    pub(crate) fn new() -> Self {
        Self::at(Timestamp::now())
    }

    fn at(now: Timestamp) -> Self {
        let mut bytes = [0; 6];
        let mark = match getrandom::fill(&mut bytes) {
            Ok(()) => URL_SAFE_NO_PAD.encode(bytes),
            // Without a random source the time has to do: marks only tell apart the writes to one cart.
            Err(_) => now.as_nanosecond().to_string(),
        };
        let turn = usize::try_from(now.as_second().div_euclid(PERIOD)).unwrap_or_default();
        Self { mark, period: turn % SETS.len() }
    }

    pub(super) fn attribute(&self) -> &'static str {
        SETS[self.period]
    }

    /// The set two periods away, which no repetition can need any more.
    fn outdated(&self) -> &'static str {
        SETS[(self.period + 2) % SETS.len()]
    }

    pub(super) fn as_set(&self) -> AttributeValue {
        AttributeValue::Ss(vec![self.mark.clone()])
    }

    /// Has the update bear the mark, and happen only if it has not happened before.
    pub(crate) fn record_in(&self, update: &mut Update) {
        let own = self.attribute();
        let [mark, set] = [text(&self.mark), self.as_set()].map(|value| update.value(value));
        update.guard(format!("NOT contains({own}, {mark})"));
        update.add(format!("{own} {set}"));
        update.remove(self.outdated());
    }

    /// Whether this write is among those that made the item what it is.
    pub(crate) fn is_recorded_in(&self, item: &Item) -> bool {
        let marks = item.get(self.attribute()).and_then(|set| set.as_ss().ok());
        marks.is_some_and(|marks| marks.contains(&self.mark))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_write_drops_the_mark_of_one_that_may_still_be_repeated() {
        for second in 0..200 {
            let write = WriteId::at(Timestamp::from_second(1_800_000_000 + second).unwrap());
            for other in second - PERIOD..=second + PERIOD {
                let other = WriteId::at(Timestamp::from_second(1_800_000_000 + other).unwrap());
                assert_ne!(other.outdated(), write.attribute(), "{second}");
            }
        }
    }

    #[test]
    fn marks_are_dropped_within_a_minute() {
        for second in 0..200 {
            let time = |second| Timestamp::from_second(1_800_000_000 + second).unwrap();
            let later = (second..second + 3 * PERIOD).map(|second| WriteId::at(time(second)).outdated());

            assert!(later.collect::<Vec<_>>().contains(&WriteId::at(time(second)).attribute()));
        }
    }
}
