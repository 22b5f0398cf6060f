//! The table of carts.

use aws_sdk_dynamodb::types::AttributeValue;
use cart::{Cart, CartNumber, Change, Lifetime, Offers, Rejection, SessionId, Timestamp};
use settings::{CART_TTL_DAYS, Environment};

use self::row::{NUMBER, REQUESTS, VERSION};
use self::write_id::WriteId;
use crate::expression::Update;
use crate::idempotency::{self, Seen};
use crate::item::{self, Item, text};
use crate::table::{Guarded, OnRefusal, Table};
use crate::{Connection, Error, IdempotencyKey};

mod abandoned;
mod guarded;
mod opening;
pub(crate) mod row;
mod session;
mod write_id;

pub use abandoned::Abandoned;
pub use session::Recorded;

/// The carts.
#[derive(Clone, Debug)]
pub struct Carts {
    table: Table,
    lifetime: Lifetime,
}

/// The conditions on which a client wants a change.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Preconditions {
    /// The version that the cart must be at.
    pub expected_version: Option<u64>,
    /// The request's name: it takes effect key, however often it is sent within 24 hours.
    pub idempotency_key: Option<IdempotencyKey>,
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
    /// The client gave another request the same name.
    #[error("another request had the same name")]
    IdempotencyMismatch,
    /// A rule refused.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] Error),
}

/// How often a write that lost a race is tried again: each time somebody else's write got through.
const TRIES: usize = 100;

impl Carts {
    /// The carts in `CARTS_TABLE`, living for [`CART_TTL_DAYS`] after their last change.
    ///
    /// # Errors
    ///
    /// A setting is missing or malformed.
    pub fn new(connection: &Connection, environment: &Environment) -> Result<Self, settings::Error> {
        let lifetime = Self::lifetime(environment)?;
        Ok(Self { table: Table::new(connection, environment.required("CARTS_TABLE")?, NUMBER), lifetime })
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

    /// The cart with this number, unless it is expired, and the Checkout Session that the request `once` was answered
    /// with, if it was. One strongly consistent read.
    ///
    /// # Errors
    ///
    /// - [`ChangeError::IdempotencyMismatch`] if another request had the same name.
    /// - [`ChangeError::Store`] if DynamoDB fails.
    pub async fn find_for(
        &self,
        number: CartNumber,
        key: Option<&IdempotencyKey>,
        now: Timestamp,
    ) -> Result<(Option<Cart>, Option<SessionId>), ChangeError> {
        let Some(item) = self.table.get(text(number)).await? else { return Ok((None, None)) };
        let cart = Some(row::read(&item, self.lifetime)?).filter(|cart| now < cart.expires_at());
        match key.map_or(Seen::Never, |key| key.recall(&item, now)) {
            Seen::Never => Ok((cart, None)),
            Seen::SameRequest(session) => Ok((cart, session)),
            Seen::OtherRequest => Err(ChangeError::IdempotencyMismatch),
        }
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

    /// Applies a change to an open cart and returns the whole cart.
    ///
    /// One write where the change can be said as a guarded expression and its guard holds. Otherwise DynamoDB hands
    /// the current item back, the rules decide on it, and a second write is conditional on the version they saw.
    /// Concurrent changes are all applied, one after the other. Applied key, even where DynamoDB's answer was lost
    /// and the call is repeated; and once for all requests of the same name, whatever became of the cart meanwhile.
    ///
    /// # Errors
    ///
    /// - [`ChangeError::Absent`] if there is no such cart, or it is expired or completed.
    /// - [`ChangeError::Stale`] if the terms insist on a version that is not the cart's.
    /// - [`ChangeError::IdempotencyMismatch`] if another request had the same name.
    /// - [`ChangeError::Rejected`] if the rules refuse the change; nothing is written.
    /// - [`ChangeError::Store`] if DynamoDB fails.
    pub async fn change(
        &self,
        number: CartNumber,
        change: &Change,
        offers: &Offers,
        terms: &Preconditions,
        now: Timestamp,
    ) -> Result<Cart, ChangeError> {
        let Preconditions { expected_version, idempotency_key: key } = terms;
        let write_id = WriteId::new();
        let mut current = match guarded::expression(change, offers, now, self.lifetime) {
            None => self.table.get(text(number)).await?,
            Some(mut update) => {
                if let Some(expected) = expected_version {
                    let expected = update.value(item::number(expected));
                    update.guard(format!("{VERSION} = {expected}"));
                }
                if let Some(key) = key {
                    remember(&mut update, key, None, None, now);
                    let many = update.value(item::number(idempotency::SWEEP_FROM));
                    update.guard(format!("size({REQUESTS}) < {many}"));
                }
                write_id.record_in(&mut update);
                match self.update(number, update).await? {
                    Guarded::Done(row) => return Ok(row::read(&row, self.lifetime)?),
                    Guarded::Refused(item) => item,
                }
            }
        };

        for _ in 0..TRIES {
            let Some(item) = &current else { return Err(ChangeError::Absent) };
            let before = row::read(item, self.lifetime)?;
            if write_id.is_recorded_in(item) {
                return Ok(before);
            }
            match key.as_ref().map_or(Seen::Never, |key| key.recall(item, now)) {
                Seen::Never => {}
                Seen::SameRequest(_) => return Ok(before),
                Seen::OtherRequest => return Err(ChangeError::IdempotencyMismatch),
            }
            if !before.is_open(now) {
                return Err(ChangeError::Absent);
            }
            if expected_version.is_some_and(|expected| expected != before.version()) {
                return Err(ChangeError::Stale { current: before.version() });
            }
            let mut after = before.clone();
            after.apply(change, offers, now)?;
            if after == before && key.is_none() {
                return Ok(before);
            }

            let mut update = row::replace(&before, &after);
            if let Some(key) = key {
                for forgotten in idempotency::forgettable(item, key, now) {
                    let forgotten = update.name(&forgotten);
                    update.remove(format!("{REQUESTS}.{forgotten}"));
                }
                remember(&mut update, key, key.stored(item), None, now);
            }
            write_id.record_in(&mut update);
            match self.update(number, update).await? {
                Guarded::Done(row) => return Ok(row::read(&row, self.lifetime)?),
                Guarded::Refused(item) => {
                    tally::count(tally::Metric::Conflicts);
                    current = item;
                }
            }
        }
        Err(Error::Contended.into())
    }

    async fn update(&self, number: CartNumber, update: Update) -> Result<Guarded<Item>, Error> {
        self.table.update(text(number), update, OnRefusal::Row).await
    }
}

/// Remembers a request of which the cart must remember `known` and nothing else.
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
    update.set(format!("{REQUESTS}.{key} = {entry}"));
}
