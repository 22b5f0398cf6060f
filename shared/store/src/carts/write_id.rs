//! How a write is known when it comes again.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cart::Timestamp;

use crate::expression::Update;
use crate::item::{Item, number, text};

/// The mark of one write, by which it is known when it comes again.
///
/// The SDK repeats a request whose answer was lost. If the lost one took effect, the mark is in the item: the guard fails,
/// and the write is not made twice, however many others wrote in between.
///
/// Time is cut into periods of 20 seconds, which take four sets in turn. A write puts its mark into the set of its own
/// period and clears the set two periods away. So a mark outlives every write that begins within 20 seconds of its own,
/// and no call takes longer than that with all its attempts. An item holds the marks of one busy minute at most.
///
/// A period has room for [`WriteId::MOST`] marks, so that an item stays small. A mark begins with two letters of its period, by
/// which it is told from what is left of an earlier turn of its set, within a day.
#[derive(Clone, Debug)]
pub(crate) struct WriteId {
    mark: String,
    period: i64,
    /// For how many seconds the period goes on.
    rest: u64,
}

const SETS: [&str; 4] = ["w0", "w1", "w2", "w3"];
/// In seconds: the longest that a call may take, which is twice the most that `DYNAMODB_TIMEOUT_MS` may say.
const PERIOD: i64 = 20;
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl WriteId {
    /// The most writes of one cart in a period: 200 changes, and the one that opened it.
    const MOST: usize = 201;

    /// A mark that no other write bears, for a write that begins now: its request may have begun long before.
    #[expect(clippy::disallowed_methods, reason = "the request's own time may be long past")]
    pub(crate) fn new() -> Self {
        Self::at(Timestamp::now())
    }

    fn at(now: Timestamp) -> Self {
        let (period, rest) = (now.as_second().div_euclid(PERIOD), PERIOD - now.as_second().rem_euclid(PERIOD));
        let mut bytes = [0; 6];
        let random = match getrandom::fill(&mut bytes) {
            Ok(()) => URL_SAFE_NO_PAD.encode(bytes)[..6].to_owned(),
            // Without a random source the time has to do: marks only tell apart the writes to one cart.
            Err(_) => now.as_nanosecond().to_string(),
        };
        Self { mark: format!("{}{random}", letters(period)), period, rest: rest.unsigned_abs() }
    }

    pub(super) fn attribute(&self) -> &'static str {
        set_of(self.period)
    }

    /// The set two periods away, which no repetition can need any more.
    fn outdated(&self) -> &'static str {
        set_of(self.period + 2)
    }

    pub(super) fn as_set(&self) -> AttributeValue {
        AttributeValue::Ss(vec![self.mark.clone()])
    }

    /// Has the update bear the mark, and happen only if it has not happened before. The row must have room for the mark.
    pub(crate) fn record_in(&self, update: &mut Update) {
        let own = self.attribute();
        let [mark, set, most] = [text(&self.mark), self.as_set(), number(Self::MOST)].map(|value| update.value(value));
        update.guard(format_args!("NOT contains({own}, {mark})"));
        update.guard(format_args!("attribute_not_exists({own}) OR size({own}) < {most}"));
        update.add(format_args!("{own} {set}"));
        update.remove(self.outdated());
    }

    /// The same for an update of this row alone, which makes room for the mark. The row must have some.
    pub(crate) fn record_in_row(&self, update: &mut Update, row: &Item) {
        if self.marks(row).len() < Self::MOST {
            return self.record_in(update);
        }
        let mut marks: Vec<String> = self.marks_of_period(row).cloned().collect();
        marks.push(self.mark.clone());
        let marks = update.value(AttributeValue::Ss(marks));
        update.set(format_args!("{} = {marks}", self.attribute()));
        update.remove(self.outdated());
    }

    /// For how long the row takes no write any more; `None` where it has room for this one.
    pub(crate) fn has_to_wait(&self, row: &Item) -> Option<Duration> {
        (self.marks_of_period(row).count() >= Self::MOST).then(|| Duration::from_secs(self.rest))
    }

    /// Whether this write is among those that made the item what it is.
    pub(crate) fn is_recorded_in(&self, item: &Item) -> bool {
        self.marks(item).contains(&self.mark)
    }

    fn marks_of_period<'a>(&self, item: &'a Item) -> impl Iterator<Item = &'a String> {
        let letters = letters(self.period);
        self.marks(item).iter().filter(move |mark| mark.starts_with(&letters))
    }

    fn marks<'a>(&self, item: &'a Item) -> &'a [String] {
        item.get(self.attribute()).and_then(|set| set.as_ss().ok()).map(Vec::as_slice).unwrap_or_default()
    }
}

fn set_of(period: i64) -> &'static str {
    SETS[turn(period, SETS.len())]
}

/// What the marks of a period begin with.
fn letters(period: i64) -> String {
    let digits = turn(period, LETTERS.len() * LETTERS.len());
    [digits / LETTERS.len(), digits % LETTERS.len()].map(|digit| char::from(LETTERS[digit])).iter().collect()
}

fn turn(period: i64, of: usize) -> usize {
    usize::try_from(period.rem_euclid(of.try_into().unwrap_or(i64::MAX))).unwrap_or_default()
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

    #[test]
    fn what_an_earlier_turn_of_a_set_left_keeps_no_write_out() {
        let time = |second| Timestamp::from_second(1_800_000_000 + second).unwrap();
        let marks = |second| {
            let many = (0..WriteId::MOST).map(|_| WriteId::at(time(second)).mark).collect();
            Item::from([(WriteId::at(time(second)).attribute().to_owned(), AttributeValue::Ss(many))])
        };

        for later in [4 * PERIOD, 8 * PERIOD, 64 * PERIOD, 256 * PERIOD] {
            let write = WriteId::at(time(later));
            let row = marks(0);
            assert!(row.contains_key(write.attribute()), "{later}");
            assert_eq!(write.has_to_wait(&row), None, "{later}");

            let mut update = Update::default();
            write.record_in_row(&mut update, &row);
            let values = update.into_expression().values.unwrap_or_default();
            assert!(values.values().any(|value| *value == write.as_set()), "{values:?}");
        }
        assert_eq!(WriteId::at(time(7)).has_to_wait(&marks(0)), Some(Duration::from_secs(13)));
    }
}
