//! What a list is asked for.

use std::str::FromStr;

use cart::{OrderStatus, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use store::{Place, Wanted};
use web::{Error, Request};

/// How many orders stand on a page, unless the client asks for fewer or more.
const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 100;

/// The parameters of the query, in alphabetical order, as they are signed.
///
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>
const PARAMETERS: [&str; 6] = ["cursor", "email", "from", "limit", "status", "to"];

/// What stands in a query as it is: what a signature takes as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What a list is asked for.
pub(crate) struct Query {
    pub(crate) wanted: Wanted,
    pub(crate) after: Option<Place>,
    pub(crate) limit: usize,
}

impl Query {
    pub(crate) fn read(request: &Request) -> Result<Self, Error> {
        request.refuse_other_queries(&PARAMETERS)?;
        let limit = match request.query("limit").map(|limit| limit.parse()) {
            None => DEFAULT_LIMIT,
            Some(Ok(limit)) if (1..=MAX_LIMIT).contains(&limit) => limit,
            Some(_) => return Err(Error::field("limit", format!("must be 1 to {MAX_LIMIT}"))),
        };
        let time = |name| {
            let problem = "must be a date such as 2026-11-22 or a time such as 2026-11-22T12:00:00Z";
            let time: Option<Time> = request.parsed_query(name, problem)?;
            Ok::<_, Error>(time.map(|Time(time)| time))
        };
        let words = OrderStatus::ALL.map(OrderStatus::as_str).join(", ");
        let status: Option<Status> = request.parsed_query("status", &format!("must be one of {words}"))?;
        let status = status.map(|Status(status)| status);
        let wanted = Wanted { email: request.address_query("email")?, status, from: time("from")?, to: time("to")? };
        if wanted.from.zip(wanted.to).is_some_and(|(from, to)| to < from) {
            return Err(Error::field("to", "must not be before from"));
        }
        let after = match request.query("cursor") {
            None => None,
            Some(cursor) => {
                let problem = "must be the next_cursor of a page of the same list";
                Some(wanted.place(&cursor).ok_or_else(|| Error::field("cursor", problem))?)
            }
        };
        Ok(Self { wanted, after, limit })
    }

    /// The query for the page that `cursor` leads to.
    pub(crate) fn text(&self, request: &Request, cursor: &str) -> String {
        let value = |name: &&str| match *name {
            "cursor" => Some(cursor.to_owned()),
            "email" => self.wanted.email.clone(),
            name => request.query(name),
        };
        let given = PARAMETERS.iter().filter_map(|name| Some((name, value(name)?)));
        let written = given.map(|(name, value)| format!("{name}={}", utf8_percent_encode(&value, PLAIN)));
        written.collect::<Vec<_>>().join("&")
    }
}

struct Status(OrderStatus);

impl FromStr for Status {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        OrderStatus::ALL.into_iter().find(|status| status.as_str() == text).map(Self).ok_or(())
    }
}

/// The beginning of a day in UTC, or a time in the form of RFC 3339.
struct Time(Timestamp);

/// The day on which time ends.
const LAST_DAY: &str = "9999-12-31";

impl FromStr for Time {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text == LAST_DAY {
            return Ok(Self(Timestamp::MAX));
        }
        let time = if is_like(text, "0000-00-00") { format!("{text}T00:00:00Z") } else { text.to_owned() };
        // More is read as a time than RFC 3339 allows.
        let beginning = time.get(..19).is_some_and(|beginning| is_like(beginning, "0000-00-00T00:00:00"));
        if beginning && !time.contains('[') { time.parse().map(Self).map_err(|_| ()) } else { Err(()) }
    }
}

/// Whether a text has a digit wherever this one has a zero, and else the same.
fn is_like(text: &str, pattern: &str) -> bool {
    let fits = |(byte, wanted): (u8, u8)| {
        if wanted == b'0' { byte.is_ascii_digit() } else { byte.eq_ignore_ascii_case(&wanted) }
    };
    text.len() == pattern.len() && text.bytes().zip(pattern.bytes()).all(fits)
}
