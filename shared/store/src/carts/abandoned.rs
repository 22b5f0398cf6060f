//! Notes of abandoned carts, which the table's stream passes on.

use cart::{CartNumber, SessionId, Timestamp};

use super::Carts;
use super::row::{CREATED, EXPIRES, FORMAT, NUMBER};
use crate::Error;
use crate::item::{Item, number, seconds, text};
use crate::table::OnRefusal;

/// A Checkout Session that ended without a payment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Abandoned {
    /// The session.
    pub session: SessionId,
    /// The cart that it was made from.
    pub cart: CartNumber,
    /// Where the shopper may go on, if they agreed to be told.
    pub recovery_url: Option<String>,
}

/// How long a note is kept, in seconds: as long as Stripe's link to go on is good for.
///
/// Source: <https://docs.stripe.com/payments/checkout/abandoned-carts>
const KEPT: i64 = 30 * 24 * 60 * 60;

impl Carts {
    /// Notes that a cart was abandoned, unless that is noted already. One write.
    ///
    /// The note is an item of its own, whose key is no cart's number. It changes nothing about the cart, so that
    /// the shopper can go on with it.
    ///
    /// # Errors
    ///
    /// DynamoDB fails.
    pub async fn record_abandoned(&self, abandoned: &Abandoned, now: Timestamp) -> Result<(), Error> {
        let item = Item::from([
            (NUMBER.to_owned(), text(key(&abandoned.session))),
            (FORMAT.to_owned(), number(1)),
            ("session".to_owned(), text(&abandoned.session)),
            ("cart".to_owned(), text(abandoned.cart)),
            // Always there, since the event's template names it.
            ("recovery_url".to_owned(), text(abandoned.recovery_url.as_deref().unwrap_or_default())),
            (CREATED.to_owned(), seconds(now)),
            (EXPIRES.to_owned(), number(now.as_second() + KEPT)),
        ]);
        self.table.put(item, self.table.absent(), OnRefusal::Nothing).await.map(drop)
    }
}

/// The key of a session's note.
pub(super) fn key(session: &SessionId) -> String {
    format!("abandoned-{session}")
}
