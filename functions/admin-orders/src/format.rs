//! In which form orders are answered.

use cart::Order;
use store::{Listed, Place};
use web::{Answer, Error, Request, Shop};

use crate::fields::json;
use crate::{csv, view};

/// A form in which orders are answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Format {
    Json,
    Csv,
    /// An order a line, as JSON.
    Ndjson,
}

const MEDIA_TYPES: &[&str] = &["application/json", "text/csv", "application/x-ndjson"];

/// The most bytes of a page as Lambda takes it, which is as text in JSON: 6 MB with all that is around it.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const BYTES: usize = 4_000_000;

/// A page of orders, written.
pub(crate) struct Page {
    format: Format,
    orders: Vec<String>,
    /// Where the next page starts; `None` where there is none.
    pub(crate) next: Option<Place>,
}

impl Format {
    /// The form that the client wants most.
    pub(crate) fn asked_for(request: &Request) -> Result<Self, Error> {
        Ok(match request.accepted(MEDIA_TYPES)? {
            "text/csv" => Self::Csv,
            "application/x-ndjson" => Self::Ndjson,
            _ => Self::Json,
        })
    }

    fn order(self, order: &Order, shop: &Shop) -> String {
        let fields = view::order(order, shop);
        match self {
            Self::Csv => csv::line(&fields),
            Self::Json | Self::Ndjson => json(&fields),
        }
    }
}

impl Page {
    /// Writes the orders of a list, as many as there is room for, and at least one.
    pub(crate) fn new(format: Format, listed: &Listed, shop: &Shop) -> Self {
        let (mut orders, mut bytes) = (Vec::new(), 0);
        let mut last = None;
        for order in &listed.orders {
            let text = format.order(order, shop);
            bytes += text.bytes().map(bytes_in_json).sum::<usize>();
            if last.is_some() && bytes > BYTES {
                return Self { format, orders, next: last.map(Place::of) };
            }
            orders.push(text);
            last = Some(order);
        }
        Self { format, orders, next: listed.next.clone() }
    }

    /// The page as an answer, with what leads to the next one.
    pub(crate) fn answer(&self, next_cursor: Option<&str>) -> Answer {
        match self.format {
            Format::Csv => Answer::text("text/csv; charset=utf-8", csv::head() + &self.orders.concat()),
            Format::Ndjson => {
                let lines = self.orders.iter().map(|order| format!("{order}\n"));
                Answer::text("application/x-ndjson", lines.collect())
            }
            Format::Json => {
                // Orders are written already, since their size is counted.
                let (orders, next) = (self.orders.join(","), json(&next_cursor));
                Answer::text("application/json", format!(r#"{{"data":[{orders}],"next_cursor":{next}}}"#))
            }
        }
    }
}

/// How many bytes a byte of a text comes to within JSON.
fn bytes_in_json(byte: u8) -> usize {
    match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 2,
        0..0x20 => 6,
        _ => 1,
    }
}
