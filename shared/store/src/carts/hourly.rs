//! What a cart counts by the clock hour.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use cart::{CartNumber, Timestamp};

use super::Carts;
use super::row::{FORMAT, GUESSES, GUESSES_HOUR, SESSIONS, SESSIONS_HOUR, TABLE, WRONG_CODES, WRONG_CODES_HOUR};
use crate::Error;
use crate::expression::Update;
use crate::item::{Item, Reader, number};
use crate::table::Guarded;

/// What is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hourly {
    /// Landings that named another session than the cart's current one.
    Guesses,
    /// Sessions that became the cart's current one.
    Sessions,
    /// Promotion codes that could not be used for the cart.
    WrongCodes,
}

/// How many there were in a clock hour, as a cart's row says it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Count {
    /// The clock hour, counted from 1970.
    hour: i64,
    count: u32,
}

/// Whether one more is among those that a cart has in an hour.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Counted {
    /// It is, and it is counted in this clock hour.
    In(Hour),
    /// The hour has as many as it may have. Nothing is written.
    Full,
    /// There is no such cart.
    NoCart,
}

/// A clock hour, counted from 1970.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hour(i64);

const SECONDS: i64 = 60 * 60;

impl Carts {
    /// Counts one more, provided that the present clock hour has fewer than `most`. `known` is what was read last.
    ///
    /// One write; further ones where others are counted at the same time. The cart stays as it is: neither its version nor
    /// its life change, and an expired one stays expired.
    ///
    /// # Errors
    ///
    /// DynamoDB fails.
    pub async fn count(
        &self,
        cart: CartNumber,
        counter: Hourly,
        known: Count,
        most: u32,
        now: Timestamp,
    ) -> Result<Counted, Error> {
        let mut known = known;
        // Each refusal means that another one was counted, or that a new hour began.
        for _ in 0..most.saturating_add(2) {
            if known.is_full(most, now) {
                return Ok(Counted::Full);
            }
            let hour = known.hour_at(now);
            let update = if known.hour < hour { counter.first(hour) } else { counter.one_more(hour, most) };
            known = match self.update(cart, update).await? {
                Guarded::Done(_) => return Ok(Counted::In(Hour(hour))),
                Guarded::Refused(None) => return Ok(Counted::NoCart),
                Guarded::Refused(Some(row)) => counter.read(&row)?,
            };
        }
        Err(Error::Contended)
    }

    /// Takes one back that should not have been counted. One write.
    ///
    /// # Errors
    ///
    /// DynamoDB fails.
    pub async fn take_back(&self, cart: CartNumber, counter: Hourly, Hour(hour): Hour) -> Result<(), Error> {
        let [at, count] = counter.attributes();
        let mut update = Update::default();
        let [hour, zero, less] = [hour, 0, -1].map(|value| update.value(number(value)));
        update.guard(format_args!("{at} = {hour}"));
        update.guard(format_args!("{count} > {zero}"));
        update.add(format_args!("{count} {less}"));
        self.update(cart, update).await.map(drop)
    }
}

impl Hourly {
    /// The attributes for the hour and for the count.
    fn attributes(self) -> [&'static str; 2] {
        match self {
            Self::Guesses => [GUESSES_HOUR, GUESSES],
            Self::Sessions => [SESSIONS_HOUR, SESSIONS],
            Self::WrongCodes => [WRONG_CODES_HOUR, WRONG_CODES],
        }
    }

    pub(crate) fn read(self, row: &Item) -> Result<Count, Error> {
        let reader = Reader { table: TABLE, item: row };
        let [hour, count] = self.attributes();
        Ok(Count {
            hour: reader.parsed_if_there(hour)?.unwrap_or_default(),
            count: reader.parsed_if_there(count)?.unwrap_or_default(),
        })
    }

    /// Counts one more by a write that others of its kind cannot overtake: it is refused where `known` is not the latest.
    pub(super) fn count_in(self, update: &mut Update, known: Count, now: Timestamp) {
        let hour = known.hour_at(now);
        let count = if known.hour < hour { 1 } else { known.count.saturating_add(1) };
        let values: [AttributeValue; 2] = [number(hour), number(count)];
        for (attribute, value) in self.attributes().into_iter().zip(values) {
            let value = update.value(value);
            update.set(format_args!("{attribute} = {value}"));
        }
    }

    /// The first of an hour.
    fn first(self, hour: i64) -> Update {
        let [at, count] = self.attributes();
        let mut update = Update::default();
        let [hour, one] = [hour, 1].map(|value| update.value(number(value)));
        // An update of a row that is gone would make one.
        update.guard(format_args!("attribute_exists({FORMAT})"));
        update.guard(format_args!("attribute_not_exists({at}) OR {at} < {hour}"));
        update.set(format_args!("{at} = {hour}"));
        update.set(format_args!("{count} = {one}"));
        update
    }

    /// Another one of an hour that has had some.
    fn one_more(self, hour: i64, most: u32) -> Update {
        let [at, count] = self.attributes();
        let mut update = Update::default();
        let [hour, most, one] = [hour, most.into(), 1].map(|value| update.value(number(value)));
        update.guard(format_args!("{at} = {hour}"));
        update.guard(format_args!("{count} < {most}"));
        update.add(format_args!("{count} {one}"));
        update
    }
}

impl Count {
    /// Whether the clock hour of `now` has had `most` of them.
    #[must_use]
    pub fn is_full(self, most: u32, now: Timestamp) -> bool {
        self.hour == self.hour_at(now) && self.count >= most
    }

    /// In how long the clock hour is over that counts at `now`.
    #[must_use]
    pub fn rest_of_hour(self, now: Timestamp) -> Duration {
        let end = self.hour_at(now).saturating_add(1).saturating_mul(SECONDS);
        Duration::from_secs(end.saturating_sub(now.as_second()).try_into().unwrap_or_default())
    }

    /// The clock hour of `now`, or the later one that a clock which is ahead has counted in.
    fn hour_at(self, now: Timestamp) -> i64 {
        self.hour.max(now.as_second().div_euclid(SECONDS))
    }
}
