//! Notes of abandoned carts, which the table's stream passes on.

use aws_sdk_dynamodb::types::AttributeValue;
use cart::{CartNumber, SessionId, Timestamp};

use super::Carts;
use super::row::{CREATED, EXPIRES, FORMAT, NUMBER};
use crate::Error;
use crate::expression::Update;
use crate::item::{Item, Reader, number, seconds, text};
use crate::table::{OnRefusal, Transacted};

const SESSION: &str = "session";
const CART: &str = "cart";
/// What the keys of notes begin with.
const KEY: &str = "abandoned-";

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
const KEPT: i64 = 30 * DAY;

pub(super) const DAY: i64 = 24 * 60 * 60;

pub(super) const RECOVERY_URL: &str = "recovery_url";
/// The sessions of a cart whose notes say where the shopper may go on.
pub(super) const NOTED: &str = "noted";
/// When the cart was made anonymous, in seconds since 1970; absent where it was not.
pub(super) const ANONYMISED: &str = "anonymised";

/// How often a transaction that lost a race is tried again: each time another one got through.
const TRIES: usize = 50;

impl Carts {
    /// Notes that a cart was abandoned, unless that is noted already. One write; a transaction where the shopper may go on.
    ///
    /// The note is an item of its own, whose key is no cart's number. It changes nothing about the cart, so that
    /// the shopper can go on with it. Another item leads from the cart to its notes that say where the shopper may go on, and
    /// outlives the cart. Of a cart that was made anonymous, no note says that.
    ///
    /// # Errors
    ///
    /// DynamoDB fails.
    pub async fn record_abandoned(&self, abandoned: &Abandoned, now: Timestamp) -> Result<(), Error> {
        if abandoned.recovery_url.is_none() {
            return self.put_note(abandoned, now).await;
        }
        for _ in 0..TRIES {
            let writes = vec![
                self.table.put_in_transaction(note(abandoned, now), self.table.absent())?,
                self.table.update_in_transaction(lead(abandoned.cart), leads_to(&abandoned.session, now))?,
            ];
            match self.table.transact(writes).await? {
                // The note is the first of the writes.
                Transacted::Done | Transacted::Refused(0) => return Ok(()),
                Transacted::Refused(_) => {
                    return self.put_note(&Abandoned { recovery_url: None, ..abandoned.clone() }, now).await;
                }
                Transacted::Conflict => {}
            }
        }
        Err(Error::Contended)
    }

    async fn put_note(&self, abandoned: &Abandoned, now: Timestamp) -> Result<(), Error> {
        self.table.put(note(abandoned, now), self.table.absent(), OnRefusal::Nothing).await.map(drop)
    }
}

/// The key of a session's note.
pub(super) fn key(session: impl std::fmt::Display) -> String {
    format!("{KEY}{session}")
}

/// Whether an item with this key is a note.
pub(crate) fn is_note(key: &str) -> bool {
    key.starts_with(KEY)
}

pub(crate) fn read(item: &Item) -> Result<Abandoned, Error> {
    let reader = Reader { table: "carts", item };
    let recovery_url = reader.text(RECOVERY_URL).filter(|url| !url.is_empty()).map(str::to_owned);
    Ok(Abandoned { session: reader.parsed(SESSION)?, cart: reader.parsed(CART)?, recovery_url })
}

fn note(abandoned: &Abandoned, now: Timestamp) -> Item {
    Item::from([
        (NUMBER.to_owned(), text(key(&abandoned.session))),
        (FORMAT.to_owned(), number(1)),
        (SESSION.to_owned(), text(&abandoned.session)),
        (CART.to_owned(), text(abandoned.cart)),
        // Always there, since the pipe of version 0.1.0 asks for it.
        (RECOVERY_URL.to_owned(), text(abandoned.recovery_url.as_deref().unwrap_or_default())),
        (CREATED.to_owned(), seconds(now)),
        (EXPIRES.to_owned(), number(now.as_second() + KEPT)),
    ])
}

/// The key of the item that leads from a cart to its notes. It tells nothing, nor is it a cart's number.
pub(super) fn lead(cart: CartNumber) -> AttributeValue {
    text(format!("notes-{cart}"))
}

/// Leads to the note about this session, provided that the cart is not anonymous.
fn leads_to(session: &SessionId, now: Timestamp) -> Update {
    let mut update = Update::default();
    let [noted, expiry] = [AttributeValue::Ss(vec![session.to_string()]), number(now.as_second() + KEPT)]
        .map(|value| update.value(value));
    update.add(format_args!("{NOTED} {noted}"));
    update.set(format_args!("{EXPIRES} = {expiry}"));
    update.guard(format_args!("attribute_not_exists({ANONYMISED})"));
    update
}
