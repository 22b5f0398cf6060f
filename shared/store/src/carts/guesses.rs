//! Counting the landings of a cart that guess a session.

use cart::{CartNumber, Timestamp};

use super::Carts;
use super::row::{FORMAT, GUESSES, GUESSES_HOUR, TABLE};
use crate::Error;
use crate::expression::Update;
use crate::item::{Item, Reader, number};
use crate::table::Guarded;

/// How many landings of a cart named another session than its current one within a clock hour.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Guesses {
    /// The clock hour, counted from 1970.
    hour: i64,
    count: u32,
}

/// Whether one more guess is among those that a cart has in an hour.
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
    /// Counts one more guess, provided that the present clock hour has fewer than `most`. `known` is what was read last.
    ///
    /// One write; further ones where other guesses are counted at the same time. The cart stays as it is: neither its
    /// version nor its life change, and an expired one stays expired.
    ///
    /// # Errors
    ///
    /// DynamoDB fails.
    pub async fn count_guess(
        &self,
        cart: CartNumber,
        known: Guesses,
        most: u32,
        now: Timestamp,
    ) -> Result<Counted, Error> {
        let mut known = known;
        // Each refusal means that another guess was counted, or that a new hour began.
        for _ in 0..most.saturating_add(2) {
            // A count of a later hour was made by a clock that is ahead.
            let hour = known.hour.max(now.as_second().div_euclid(SECONDS));
            let update = if known.hour < hour {
                first(hour)
            } else if known.count < most {
                one_more(hour, most)
            } else {
                return Ok(Counted::Full);
            };
            known = match self.update(cart, update).await? {
                Guarded::Done(_) => return Ok(Counted::In(Hour(hour))),
                Guarded::Refused(None) => return Ok(Counted::NoCart),
                Guarded::Refused(Some(row)) => Guesses::read(&row)?,
            };
        }
        Err(Error::Contended)
    }

    /// Takes a guess back that turned out to be right. One write.
    ///
    /// # Errors
    ///
    /// DynamoDB fails.
    pub async fn take_guess_back(&self, cart: CartNumber, Hour(hour): Hour) -> Result<(), Error> {
        let mut update = Update::default();
        let [hour, zero, less] = [hour, 0, -1].map(|value| update.value(number(value)));
        update.guard(format!("{GUESSES_HOUR} = {hour}"));
        update.guard(format!("{GUESSES} > {zero}"));
        update.add(format!("{GUESSES} {less}"));
        self.update(cart, update).await.map(drop)
    }
}

/// The first guess of an hour.
fn first(hour: i64) -> Update {
    let mut update = Update::default();
    let [hour, one] = [hour, 1].map(|value| update.value(number(value)));
    // An update of a row that is gone would make one.
    update.guard(format!("attribute_exists({FORMAT})"));
    update.guard(format!("attribute_not_exists({GUESSES_HOUR}) OR {GUESSES_HOUR} < {hour}"));
    update.set(format!("{GUESSES_HOUR} = {hour}"));
    update.set(format!("{GUESSES} = {one}"));
    update
}

/// Another guess of an hour that has had some.
fn one_more(hour: i64, most: u32) -> Update {
    let mut update = Update::default();
    let [hour, most, one] = [hour, most.into(), 1].map(|value| update.value(number(value)));
    update.guard(format!("{GUESSES_HOUR} = {hour}"));
    update.guard(format!("{GUESSES} < {most}"));
    update.add(format!("{GUESSES} {one}"));
    update
}

impl Guesses {
    pub(crate) fn read(row: &Item) -> Result<Self, Error> {
        let reader = Reader { table: TABLE, item: row };
        let hour = reader.parsed_if_there(GUESSES_HOUR)?.unwrap_or_default();
        Ok(Self { hour, count: reader.parsed_if_there(GUESSES)?.unwrap_or_default() })
    }
}
