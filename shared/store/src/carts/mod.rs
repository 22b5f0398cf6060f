//! The table of carts.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use cart::{Cart, CartNumber, Lifetime, Rejection, SessionId, Timestamp};
use settings::{CART_TTL_DAYS, Environment};

use self::row::{NUMBER, REQUESTS};
use crate::expression::Update;
use crate::idempotency::{ROOM, Seen, Surplus, forgettable};
use crate::item::{Item, number, text};
use crate::table::{Guarded, OnRefusal, Table};
use crate::{Connection, Error, IdempotencyKey};

pub(crate) mod abandoned;
mod anonymise;
mod change;
mod guarded;
mod hourly;
mod opening;
pub(crate) mod row;
mod session;
mod write_id;

pub use abandoned::Abandoned;
pub use change::Changed;
pub use hourly::{Count, Counted, Hour, Hourly};
pub use session::Recorded;

/// The carts.
#[derive(Clone, Debug)]
pub struct Carts {
    table: Table,
    lifetime: Lifetime,
    surplus: Arc<Surplus>,
}

/// The conditions on which a client wants a change.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Preconditions {
    /// The version that the cart must be at.
    pub expected_version: Option<u64>,
    /// The request's key: it takes effect once, however often it is sent within 24 hours.
    pub idempotency_key: Option<IdempotencyKey>,
}

/// A cart, and what a checkout asks of its row.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FoundCart {
    /// The cart, unless it is expired.
    pub cart: Option<Cart>,
    /// The Checkout Session that the request was answered with, if it was answered before.
    pub answered: Option<SessionId>,
    /// How many sessions became the cart's.
    pub sessions: Count,
    /// How many promotion codes could not be used for it.
    pub wrong_codes: Count,
}

/// Why a cart was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// No open cart has this number: it never existed, is expired, or is completed.
    #[error("no open cart has this number")]
    Absent,
    /// The cart has another version than the caller insisted on.
    #[error("the cart is at version {current}")]
    Stale {
        /// The cart's version.
        current: u64,
    },
    /// The client gave another request the same key.
    #[error("another request had the same key")]
    IdempotencyMismatch,
    /// A rule refused.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The cart was changed too often within a few seconds.
    #[error("too many changes of one cart at once")]
    TooManyWrites {
        /// In how long it can be changed again.
        retry_after: Duration,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] Error),
}

impl Carts {
    /// The carts in `CARTS_TABLE`, living for [`CART_TTL_DAYS`] after their last change.
    ///
    /// # Errors
    ///
    /// A setting is missing or malformed.
    pub fn new(connection: &Connection, environment: &Environment) -> Result<Self, settings::Error> {
        let lifetime = Self::lifetime(environment)?;
        let table = Table::new(connection, environment.required("CARTS_TABLE")?, NUMBER);
        Ok(Self { table, lifetime, surplus: Arc::default() })
    }

    /// How long carts live after their last change: [`CART_TTL_DAYS`].
    ///
    /// # Errors
    ///
    /// The setting is malformed.
    pub fn lifetime(environment: &Environment) -> Result<Lifetime, settings::Error> {
        let days = environment.number(&CART_TTL_DAYS)?;
        u16::try_from(days).ok().and_then(Lifetime::days).ok_or_else(|| CART_TTL_DAYS.out_of_range())
    }

    pub(crate) fn table(&self) -> &Table {
        &self.table
    }

    /// The cart with this number, unless it is expired: completed ones are found too. One strongly consistent read.
    ///
    /// # Errors
    ///
    /// DynamoDB fails, or the item is corrupt.
    pub async fn find(&self, number: CartNumber, now: Timestamp) -> Result<Option<Cart>, Error> {
        Ok(self.find_any(number).await?.filter(|cart| now < cart.expires_at()))
    }

    /// The cart with this number, unless it is expired, and what a checkout asks of it. One strongly consistent read.
    ///
    /// # Errors
    ///
    /// - [`ChangeError::IdempotencyMismatch`] if another request had the same key.
    /// - [`ChangeError::Store`] if DynamoDB fails.
    pub async fn find_with_answer(
        &self,
        number: CartNumber,
        key: Option<&IdempotencyKey>,
        now: Timestamp,
    ) -> Result<FoundCart, ChangeError> {
        let Some(item) = self.table.get(text(number)).await? else { return Ok(FoundCart::default()) };
        let answered = match key.map_or(Seen::Never, |key| key.recall(&item, now)) {
            Seen::Never => None,
            Seen::SameRequest(session) => session,
            Seen::OtherRequest => return Err(ChangeError::IdempotencyMismatch),
        };
        Ok(FoundCart {
            cart: Some(row::read(&item, self.lifetime)?).filter(|cart| now < cart.expires_at()),
            answered,
            sessions: Hourly::Sessions.read(&item)?,
            wrong_codes: Hourly::WrongCodes.read(&item)?,
        })
    }

    /// The cart with this number, even if it is expired.
    ///
    /// # Errors
    ///
    /// DynamoDB fails, or the item is corrupt.
    pub async fn find_any(&self, number: CartNumber) -> Result<Option<Cart>, Error> {
        let item = self.table.get(text(number)).await?;
        item.map(|item| row::read(&item, self.lifetime)).transpose()
    }

    /// Makes a write that remembers a request, and takes note of what the cart need not remember any more.
    async fn update_with_key(
        &self,
        number: CartNumber,
        key: Option<&IdempotencyKey>,
        update: Update,
    ) -> Result<Guarded<Item>, Error> {
        let written = self.update(number, update).await?;
        if let (Some(_), Guarded::Done(row)) = (key, &written) {
            self.surplus.note(number, row);
        }
        Ok(written)
    }

    async fn update(&self, number: CartNumber, update: Update) -> Result<Guarded<Item>, Error> {
        self.table.update(text(number), update, OnRefusal::Row).await
    }
}

/// Remembers a request in a cart whose row is not known, which forgets the keys that are `forgotten`. The cart must not know the
/// key, and must have room for it.
fn remember_unseen(
    update: &mut Update,
    key: &IdempotencyKey,
    forgotten: &[String],
    session: Option<&SessionId>,
    now: Timestamp,
) {
    forget(update, forgotten);
    remember(update, key, None, session, now);
    let room = update.value(number(ROOM));
    update.guard(format_args!("size({REQUESTS}) < {room}"));
}

/// Remembers a request in the cart with this row, which forgets what is over.
fn remember_in(update: &mut Update, row: &Item, key: &IdempotencyKey, session: Option<&SessionId>, now: Timestamp) {
    forget(update, &forgettable(row, key, now));
    remember(update, key, key.stored(row), session, now);
}

fn forget(update: &mut Update, keys: &[String]) {
    for key in keys {
        let key = update.name(key);
        update.remove(format_args!("{REQUESTS}.{key}"));
    }
}

/// Remembers a request, provided that `known` is what the cart remembers under its key.
fn remember(
    update: &mut Update,
    key: &IdempotencyKey,
    known: Option<&AttributeValue>,
    session: Option<&SessionId>,
    now: Timestamp,
) {
    let entry = update.value(key.entry(now, session));
    let key = update.name(key.key());
    let known = known.map(|known| update.value(known.clone()));
    update.guard(match known {
        None => format!("attribute_not_exists({REQUESTS}.{key})"),
        Some(known) => format!("{REQUESTS}.{key} = {known}"),
    });
    update.set(format_args!("{REQUESTS}.{key} = {entry}"));
}
