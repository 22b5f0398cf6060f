//! Opening a cart.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use cart::{Cart, CartNumber, Change, Offers, Rejection, Timestamp};
use jiff::SignedDuration;

use super::row::{self, EXPIRES, NUMBER, TABLE};
use super::write_id::WriteId;
use super::{Carts, ChangeError};
use crate::expression::{Update, any};
use crate::idempotency::{self, Seen};
use crate::item::{Item, Reader, seconds, text};
use crate::table::{Guarded, OnRefusal};
use crate::{Error, IdempotencyKey};

/// Of a token seed's item: a digest of the request.
const REQUEST: &str = "r";
/// Of a token seed's item: the seed.
const SEED: &str = "s";

impl Carts {
    /// Checks that the rules let a cart be opened with this change. No request.
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

    /// Opens a cart under an unused number, with its first change. One write.
    ///
    /// A request with a `key` that opened a cart before finds that one.
    ///
    /// # Errors
    ///
    /// - [`ChangeError::Rejected`] if the rules refuse the change; nothing is written.
    /// - [`ChangeError::IdempotencyMismatch`] if another request had the same key.
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

        let row = row::fresh(&cart, &write_id, key, now);
        let there = match self.table.put(row, self.table.absent(), OnRefusal::Row).await? {
            Guarded::Done(()) => return Ok(cart),
            Guarded::Refused(row) => row.unwrap_or_default(),
        };
        if write_id.is_recorded_in(&there) {
            return Ok(cart);
        }
        match key.map_or(Seen::Never, |key| key.recall(&there, now)) {
            Seen::SameRequest(_) => Ok(row::read(&there, self.lifetime)?),
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
        let reader = Reader { table: TABLE, item: &item };
        if reader.text(REQUEST) != Some(key.request()) {
            return Err(ChangeError::IdempotencyMismatch);
        }
        let seed = item.get(SEED).and_then(|seed| seed.as_b().ok()?.as_ref().try_into().ok());
        Ok(seed.ok_or_else(|| reader.corrupt(SEED))?)
    }
}
