//! Lists of orders.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cart::{Order, OrderStatus, Reference, Timestamp};
use sha2::{Digest as _, Sha256};

use super::Orders;
use super::index::{OrderIndex, Place, Stretch, same_address};
use super::row::{NUMBER, read, size};
use crate::Error;
use crate::item::text;

/// Which orders are wanted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Wanted {
    /// Those of this e-mail address, however it is written.
    pub email: Option<String>,
    /// Those with this status.
    pub status: Option<OrderStatus>,
    /// Those made then or later.
    pub from: Option<Timestamp>,
    /// Those made earlier.
    pub to: Option<Timestamp>,
}

/// A page of a list, newest first.
#[derive(Debug, Default)]
pub struct Listed {
    /// The orders.
    pub orders: Vec<Order>,
    /// Where the next page starts; `None` where there is none.
    pub next: Option<Place>,
}

/// The most orders that are looked at for a page.
const MOST: usize = 500;

/// How many are read at once: an order may have 300 KB, and DynamoDB gives 16 MB.
const AT_ONCE: i32 = 25;

/// The most bytes of orders as they are stored that stand on a page.
const BYTES: usize = 4_000_000;

/// How many bytes of a cursor say what it is of.
const DIGEST: usize = 8;

impl Wanted {
    /// What leads to the page that starts after this place, and to no page of another list.
    #[must_use]
    pub fn cursor(&self, after: &Place) -> String {
        URL_SAFE_NO_PAD.encode([&self.digest()[..], after.as_str().as_bytes()].concat())
    }

    /// The place after which the page starts that a cursor leads to; `None` if it is not one of this list.
    #[must_use]
    pub fn place(&self, cursor: &str) -> Option<Place> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (digest, place) = bytes.split_at_checked(DIGEST)?;
        let place = Place::parse(std::str::from_utf8(place).ok()?)?;
        Some(place).filter(|place| digest == self.digest() && self.stretch().has(place))
    }

    fn digest(&self) -> [u8; DIGEST] {
        let Self { email, status, from, to } = self;
        let time = |time: &Option<Timestamp>| time.map(|time| time.as_nanosecond().to_string());
        let parts =
            [email.as_deref().map(same_address), status.map(|status| status.as_str().to_owned()), time(from), time(to)];
        let mut hash = Sha256::new();
        for part in parts {
            // A text begins with its length, and none is another than a blank one.
            hash.update(part.as_ref().map_or(u64::MAX, |part| part.len() as u64).to_be_bytes());
            hash.update(part.unwrap_or_default());
        }
        let mut digest = [0; DIGEST];
        digest.copy_from_slice(&hash.finalize()[..DIGEST]);
        digest
    }

    fn stretch(&self) -> Stretch<'_> {
        Stretch::newest(self.email.as_deref(), self.from, self.to)
    }

    /// Whether an order to which the index led is one of these. A row of the index may be left over.
    fn fits(&self, order: &Order) -> bool {
        let email = |wanted: &String| {
            let email = order.customer.email.as_deref();
            email.is_some_and(|email| same_address(email) == same_address(wanted))
        };
        self.email.as_ref().is_none_or(email)
            && self.status.is_none_or(|status| order.standing.status == status)
            && self.from.is_none_or(|from| order.created_at >= from)
            && self.to.is_none_or(|to| order.created_at < to)
    }
}

impl Orders {
    /// The orders that people call so, oldest first: hardly ever more than one. A query and a batch.
    ///
    /// # Errors
    ///
    /// DynamoDB fails, or an item is corrupt.
    pub async fn of_reference(&self, index: &OrderIndex, reference: Reference) -> Result<Vec<Order>, Error> {
        let places = index.of_reference(reference).await?;
        let rows = self.table.get_many(places.iter().filter_map(Place::number).map(text), true).await?;
        let mut orders = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        orders.retain(|order| order.reference == reference);
        orders.sort_by_key(|order| (order.created_at, order.number));
        Ok(orders)
    }

    /// A page of at most `limit` orders, newest first, which starts after this place.
    ///
    /// It may have fewer and still have a next one: 500 orders are looked at, and their size is bounded. An order that is made
    /// meanwhile stands on no page, or on one. An item that is corrupt is passed over, and the log names it. A query and a batch
    /// for every 25 orders that are looked at.
    ///
    /// # Errors
    ///
    /// DynamoDB fails.
    pub async fn list(
        &self,
        index: &OrderIndex,
        wanted: &Wanted,
        after: Option<&Place>,
        limit: usize,
    ) -> Result<Listed, Error> {
        let stretch = wanted.stretch();
        let (mut listed, mut looked_at, mut bytes) = (Listed::default(), 0, 0);
        let mut after = after.cloned();
        while looked_at < MOST {
            let page = index.page(&stretch, after.as_ref(), AT_ONCE).await?;
            let numbers = page.places.iter().filter_map(Place::number).map(text);
            let rows = self.table.get_many(numbers, true).await?;
            let mut rows: HashMap<_, _> =
                rows.into_iter().filter_map(|row| Some((row.get(NUMBER)?.as_s().ok()?.clone(), row))).collect();
            looked_at += page.places.len();
            let last = page.places.last().filter(|_| page.next.is_none()).cloned();
            for place in page.places {
                let row = place.number().and_then(|number| rows.remove(&number.to_string()));
                let Some(row) = row else { continue };
                let order = match read(&row) {
                    Ok(order) => order,
                    // The others are wanted all the same.
                    Err(error) => {
                        tracing::error!(%error, "an order cannot be listed");
                        continue;
                    }
                };
                if !wanted.fits(&order) {
                    continue;
                }
                bytes += size(&row);
                listed.orders.push(order);
                if listed.orders.len() == limit || bytes >= BYTES {
                    listed.next = Some(place).filter(|place| Some(place) != last.as_ref());
                    return Ok(listed);
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(listed);
            }
        }
        listed.next = after;
        Ok(listed)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::orders::row::tests::order;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_cursor_leads_to_its_place_in_its_own_list_alone() {
        let place = Place::of(&order());
        let lists = [
            Wanted::default(),
            Wanted { email: Some("ann@example.com".to_owned()), ..Wanted::default() },
            Wanted { email: Some(String::new()), ..Wanted::default() },
            Wanted { status: Some(OrderStatus::Paid), ..Wanted::default() },
            Wanted { from: Some(time("1970-01-01T00:00:00Z")), ..Wanted::default() },
            Wanted { to: Some(time("1970-01-02T00:00:00Z")), ..Wanted::default() },
            Wanted { to: Some(time("1970-01-02T00:00:00.5Z")), ..Wanted::default() },
        ];

        for (index, list) in lists.iter().enumerate() {
            let cursor = list.cursor(&place);
            assert!(cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{cursor}");
            for (other, list) in lists.iter().enumerate() {
                assert_eq!(list.place(&cursor), (index == other).then(|| place.clone()), "{index} {other}");
            }
        }
    }

    #[test]
    fn an_address_is_the_same_however_it_is_written() {
        let list = |email: &str| Wanted { email: Some(email.to_owned()), ..Wanted::default() };
        let place = Place::of(&order());

        let cursor = list(" Ann@Example.COM").cursor(&place);

        assert_eq!(list("ann@example.com ").place(&cursor), Some(place));
    }

    #[test]
    fn what_is_no_cursor_leads_nowhere() {
        let list = Wanted { from: Some(time("2026-01-01T00:00:00Z")), ..Wanted::default() };
        let of = |place: &str| URL_SAFE_NO_PAD.encode([&list.digest()[..], place.as_bytes()].concat());
        let number = order().number;

        assert!(list.place(&of(&format!("2026-01-01T00:00:00Z#{number}"))).is_some());
        for cursor in [
            String::new(),
            "!".to_owned(),
            "AAAA".to_owned(),
            of(""),
            of("2026-01-01T00:00:00Z"),
            of(&format!("2026-01-01#{number}")),
            of(&format!("2026-01-01T00:00:00+00:00#{number}")),
            of("2026-01-01T00:00:00Z#7"),
            of("\u{ff}"),
            // DynamoDB refuses a start outside of what is asked for.
            of(&format!("2025-12-31T23:59:59Z#{number}")),
            of(&format!("2026-01-01T00:00:00Z#{number}")) + "=",
        ] {
            assert_eq!(list.place(&cursor), None, "{cursor}");
        }
    }

    proptest! {
        /// Behind the right digest stands anything: it is a place as it is written, or none.
        #[test]
        fn a_place_is_read_as_it_is_written(text in r"(20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ#[0-9a-f]{32})|\PC{0,60}") {
            let list = Wanted::default();
            let cursor = URL_SAFE_NO_PAD.encode([&list.digest()[..], text.as_bytes()].concat());

            if let Some(place) = list.place(&cursor) {
                prop_assert_eq!(place.as_str(), &text);
                prop_assert_eq!(list.cursor(&place), cursor);
            }
        }
    }
}
