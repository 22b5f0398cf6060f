//! Opening a cart.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use cart::{Cart, CartNumber, Change, Offers, Rejection, Timestamp};
use jiff::SignedDuration;

use super::row::{self, EXPIRES, NUMBER, TABLE};
use super::write_id::WriteId;
use super::{Carts, ChangeError, Changed};
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
    /// The cart that a change would open under this number. No request.
    ///
    /// # Errors
    ///
    /// The rules refuse.
    pub fn opened_by(
        &self,
        number: CartNumber,
        change: &Change,
        offers: &Offers,
        now: Timestamp,
    ) -> Result<Changed, Rejection> {
        let mut cart = Cart::new(number, now, self.lifetime);
        let refused = cart.apply(change, offers, now)?;
        Ok(Changed { cart, refused })
    }

    /// Opens a cart under an unused number, with its first change. One write; none where the change leaves the cart as no cart is
    /// stored ([`Changed::is_stored`]).
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
    ) -> Result<Changed, ChangeError> {
        let opened = self.opened_by(number, change, offers, now)?;
        if !opened.is_stored() {
            return Ok(opened);
        }
        let write_id = WriteId::new();

        let row = row::fresh(&opened.cart, &write_id, key, now);
        let there = match self.table.put(row, self.table.absent(), OnRefusal::Row).await? {
            Guarded::Done(()) => return Ok(opened),
            Guarded::Refused(row) => row.unwrap_or_default(),
        };
        if write_id.is_recorded_in(&there) {
            return Ok(opened);
        }
        match key.map_or(Seen::Never, |key| key.recall(&there, now)) {
            Seen::SameRequest(_) => Ok(Changed { cart: row::read(&there, self.lifetime)?, refused: Vec::new() }),
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
