//! How often something is paid.

use std::fmt;
use std::str::FromStr;

use crate::{Interval, Price};

/// How often a recurring line is paid; all recurring lines of a cart share one.
///
/// ```
/// let quarterly: cart::Recurrence = "3month".parse()?;
/// assert_eq!(quarterly.to_string(), "3month");
/// # Ok::<(), cart::MalformedRecurrence>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Recurrence {
    interval: Interval,
    count: u64,
}

/// The text is not a number and an interval, such as `3month`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a number of intervals")]
pub struct MalformedRecurrence;

impl Recurrence {
    /// The unit of time.
    #[must_use]
    pub fn interval(self) -> Interval {
        self.interval
    }

    /// How many of them lie between two payments.
    #[must_use]
    pub fn interval_count(self) -> u64 {
        self.count
    }
}

impl fmt::Display for Recurrence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let interval = match self.interval {
            Interval::Day => "day",
            Interval::Week => "week",
            Interval::Month => "month",
            Interval::Year => "year",
        };
        write!(f, "{}{interval}", self.count)
    }
}

impl FromStr for Recurrence {
    type Err = MalformedRecurrence;

    fn from_str(text: &str) -> Result<Self, MalformedRecurrence> {
        let letters = text.trim_start_matches(|digit: char| digit.is_ascii_digit());
        let interval = match letters {
            "day" => Interval::Day,
            "week" => Interval::Week,
            "month" => Interval::Month,
            "year" => Interval::Year,
            _ => return Err(MalformedRecurrence),
        };
        let count = text[..text.len() - letters.len()].parse().map_err(|_| MalformedRecurrence)?;
        Ok(Self { interval, count })
    }
}

impl Price {
    /// How often the price recurs; `None` for a one-time price.
    #[must_use]
    pub fn recurrence(&self) -> Option<Recurrence> {
        let recurring = self.recurring.as_ref()?;
        Some(Recurrence { interval: recurring.interval, count: recurring.interval_count })
    }
}
