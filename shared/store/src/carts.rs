//! The table of carts.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use cart::{Cart, CartNumber, Change, CurrentSession, Lifetime, Offers, Rejection, SessionId, Timestamp};
use jiff::SignedDuration;
use settings::{CART_TTL_DAYS, Environment};

use crate::cart_item::{self, COMPLETED, EXPIRES, EXPIRY, NUMBER, REQUESTS, SESSION, VERSION, WriteId, at_version};
use crate::expression::{Update, any};
use crate::idempotency::{self, Seen};
use crate::item::{self, Item, Reader, seconds, text};
use crate::table::{Guarded, OnRefusal, Table};
use crate::{Connection, Error, IdempotencyKey};

mod guarded;

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

/// Of a token seed's item: a digest of the request.
const REQUEST: &str = "r";
/// Of a token seed's item: the seed.
const SEED: &str = "s";

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
        let cart = Some(cart_item::read(&item, self.lifetime)?).filter(|cart| now < cart.expires_at());
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
        item.map(|item| cart_item::read(&item, self.lifetime)).transpose()
    }

    /// Whether the rules let a cart be opened with this change. No request.
    ///
    /// # Errors
    ///
    /// The rules refuse.
    pub fn admits(
        &self,
        number: CartNumber,
        change: &Change,
        offers: &Offers,
        now: Timestamp,
    ) -> Result<(), Rejection> {
        Cart::new(number, now, self.lifetime).apply(change, offers, now)
    }

    /// Opens a cart under a number that nobody has used, with its first change. One write.
    ///
    /// A request with a name finds the cart that it opened before.
    ///
    /// # Errors
    ///
    /// - [`ChangeError::Rejected`] if the rules refuse the change; nothing is written.
    /// - [`ChangeError::IdempotencyMismatch`] if another request had the same name.
    /// - [`ChangeError::Store`] if DynamoDB fails.
    pub async fn open(
        &self,
        number: CartNumber,
        change: &Change,
        offers: &Offers,
        key: Option<&IdempotencyKey>,
        now: Timestamp,
    ) -> Result<Cart, ChangeError> {
        let mut cart = Cart::new(number, now, self.lifetime);
        cart.apply(change, offers, now)?;
        let write_id = WriteId::new();

        let row = cart_item::fresh(&cart, &write_id, key, now);
        let there = match self.table.put(row, absent(), OnRefusal::Row).await? {
            Guarded::Done(()) => return Ok(cart),
            Guarded::Refused(row) => row.unwrap_or_default(),
        };
        if write_id.is_recorded_in(&there) {
            return Ok(cart);
        }
        match key.map_or(Seen::Never, |key| key.recall(&there, now)) {
            Seen::SameRequest(_) => Ok(cart_item::read(&there, self.lifetime)?),
            Seen::OtherRequest => Err(ChangeError::IdempotencyMismatch),
            // 128 random bits do not collide.
            Seen::Never => Err(Error::Contended.into()),
        }
    }

    /// Returns the token seed stored under `key`, storing `seed` if none is stored or the stored one is `used_up`. Seeds live
    /// for 24 hours. One write.
    ///
    /// Retries that race each other all get the same seed.
    ///
    /// # Errors
    ///
    /// - [`ChangeError::IdempotencyMismatch`] if another request had the same key.
    /// - [`ChangeError::Store`] if DynamoDB fails.
    pub async fn token_seed(
        &self,
        key: &IdempotencyKey,
        seed: [u8; 16],
        used_up: Option<[u8; 16]>,
        now: Timestamp,
    ) -> Result<[u8; 16], ChangeError> {
        let bytes = |seed: [u8; 16]| AttributeValue::B(Blob::new(seed));
        let over = now.saturating_add(SignedDuration::from_secs(idempotency::LIFETIME)).unwrap_or(Timestamp::MAX);
        let item = Item::from([
            // No cart's number looks like this.
            (NUMBER.to_owned(), text(format!("opening-{}", key.key()))),
            (REQUEST.to_owned(), text(key.request())),
            (SEED.to_owned(), bytes(seed)),
            (EXPIRES.to_owned(), seconds(over)),
        ]);
        let mut guard = Update::default();
        let time = guard.value(seconds(now));
        let mut free = vec![format!("attribute_not_exists({EXPIRES})"), format!("{EXPIRES} <= {time}")];
        if let Some(used_up) = used_up {
            free.push(format!("{SEED} = {}", guard.value(bytes(used_up))));
        }
        guard.guard(any(free));

        let item = match self.table.put(item, guard, OnRefusal::Row).await? {
            Guarded::Done(()) => return Ok(seed),
            Guarded::Refused(row) => row.unwrap_or_default(),
        };
        let reader = Reader { table: "carts", item: &item };
        if reader.text(REQUEST) != Some(key.request()) {
            return Err(ChangeError::IdempotencyMismatch);
        }
        let seed = item.get(SEED).and_then(|seed| seed.as_b().ok()?.as_ref().try_into().ok());
        Ok(seed.ok_or_else(|| reader.corrupt(SEED))?)
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
                    Guarded::Done(row) => return Ok(cart_item::read(&row, self.lifetime)?),
                    Guarded::Refused(item) => item,
                }
            }
        };

        for _ in 0..TRIES {
            let Some(item) = &current else { return Err(ChangeError::Absent) };
            let before = cart_item::read(item, self.lifetime)?;
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

            let mut update = cart_item::replace(&before, &after);
            if let Some(key) = key {
                for forgotten in idempotency::forgettable(item, key, now) {
                    let forgotten = update.name(&forgotten);
                    update.remove(format!("{REQUESTS}.{forgotten}"));
                }
                remember(&mut update, key, key.stored(item), None, now);
            }
            write_id.record_in(&mut update);
            match self.update(number, update).await? {
                Guarded::Done(row) => return Ok(cart_item::read(&row, self.lifetime)?),
                Guarded::Refused(item) => {
                    tally::count(tally::Metric::Conflicts);
                    current = item;
                }
            }
        }
        Err(Error::Contended.into())
    }

    /// Notes that the cart, still at `session.version`, was handed out as a Checkout Session, in place of the session
    /// `replaces`; and that this was the answer to the request `once`.
    ///
    /// Returns the cart as it is now. Where it changed meanwhile, or somebody else noted another session first, or the
    /// request had been answered before, nothing is noted, and the caller sees the other version or the other session.
    /// Neither version nor life change.
    ///
    /// # Errors
    ///
    /// - [`ChangeError::Absent`] if there is no such cart.
    /// - [`ChangeError::Store`] if DynamoDB fails.
    pub async fn record_session(
        &self,
        number: CartNumber,
        session: &CurrentSession,
        replaces: Option<&SessionId>,
        key: Option<&IdempotencyKey>,
        now: Timestamp,
    ) -> Result<Recorded, ChangeError> {
        let mut update = at_version(session.version);
        let [value, own] = [cart_item::current_session(session), text(&session.id)].map(|value| update.value(value));
        let known = match replaces {
            None => format!("attribute_not_exists({SESSION})"),
            Some(before) => format!("{SESSION}.s = {}", update.value(text(before))),
        };
        update.guard(format!("{known} OR {SESSION}.s = {own}"));
        update.guard(format!("attribute_not_exists({COMPLETED})"));
        update.set(format!("{SESSION} = {value}"));
        if let Some(key) = key {
            remember(&mut update, key, None, Some(&session.id), now);
        }
        match self.update(number, update).await? {
            Guarded::Done(_) => Ok(Recorded::Now),
            Guarded::Refused(None) => Err(ChangeError::Absent),
            Guarded::Refused(Some(item)) => {
                let cart = cart_item::read(&item, self.lifetime)?;
                let noted = cart.current_session().is_some_and(|current| current.id == session.id);
                let answered = key.map_or(Seen::Never, |key| key.recall(&item, now));
                Ok(match answered {
                    Seen::Never if noted && key.is_none() => Recorded::Now,
                    Seen::SameRequest(answered) if answered.as_ref() == Some(&session.id) => Recorded::Now,
                    _ => Recorded::Superseded { still_current: noted },
                })
            }
        }
    }

    /// Notes that nobody can pay the session any more that the cart was handed out as; nothing if it was another one.
    /// One write.
    ///
    /// # Errors
    ///
    /// DynamoDB fails.
    pub async fn record_expired(&self, number: CartNumber, session: &SessionId) -> Result<(), Error> {
        let mut update = Update::default();
        let session = update.value(text(session));
        update.guard(format!("{SESSION}.s = {session}"));
        update.remove(format!("{SESSION}.{EXPIRY}"));
        self.update(number, update).await.map(drop)
    }

    async fn update(&self, number: CartNumber, update: Update) -> Result<Guarded<Item>, Error> {
        self.table.update(text(number), update, OnRefusal::Row).await
    }
}

/// Whether a session was noted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Recorded {
    /// It is the one that the cart is handed out as.
    Now,
    /// The cart changed, or another session was noted first, or the request had been answered before.
    Superseded {
        /// Whether the session is the cart's current one all the same.
        still_current: bool,
    },
}

/// The condition that there is no such item.
fn absent() -> Update {
    let mut guard = Update::default();
    guard.guard(format!("attribute_not_exists({EXPIRES})"));
    guard
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
