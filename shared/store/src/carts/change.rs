//! Changing a cart.

use std::borrow::Cow;

use cart::{Cart, CartNumber, Change, Lifetime, Offers, RefusedItem, Timestamp};

use super::row::{self, VERSION};
use super::write_id::WriteId;
use super::{Carts, ChangeError, Preconditions, guarded, remember_in, remember_unseen};
use crate::expression::Update;
use crate::idempotency::Seen;
use crate::item::{Item, number, text};
use crate::table::Guarded;
use crate::{CatalogTable, Error};

/// How often a write that lost a race is tried again: each lost race means that another write took effect.
const TRIES: usize = 100;

/// A cart after a change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Changed {
    /// The cart.
    pub cart: Cart,
    /// The items that the write left out, of an addition that may be partial. None where an earlier request of the same key had
    /// made the change.
    pub refused: Vec<RefusedItem>,
}

impl Changed {
    /// Whether there is such a cart. One that no item of its first change fits is not stored.
    #[must_use]
    pub fn is_stored(&self) -> bool {
        self.cart.version() > 0
    }
}

/// A change of one cart, however many writes it takes.
struct Wanted<'a> {
    change: &'a Change,
    offers: &'a Offers,
    catalog: &'a CatalogTable,
    preconditions: &'a Preconditions,
    now: Timestamp,
    lifetime: Lifetime,
    write_id: WriteId,
}

/// What is to be done about a change, given the cart's row.
enum Decision {
    /// Nothing: the change is made already, or makes no difference.
    Answer(Changed),
    /// This update, as long as the row stays as it is; it leaves these items out.
    Write(Update, Vec<RefusedItem>),
    /// Nothing: an earlier try of this call wrote the cart.
    Written(Cart),
}

impl Carts {
    /// Applies a change to an open cart and returns the whole cart, with what was left out of the change. `offers` holds the offers of the prices that the change
    /// names; those of other lines, where the rules need them, are looked up in `catalog`.
    ///
    /// One write where the change can be said as a guarded expression and its guard holds. Otherwise DynamoDB hands
    /// the current item back, the rules decide on it, and a second write is conditional on the version they saw.
    /// Concurrent changes are all applied, one after the other. Applied once, even where DynamoDB's answer was
    /// lost and the call is repeated; and once for all requests of the same key, whatever became of the cart meanwhile.
    ///
    /// # Errors
    ///
    /// - [`ChangeError::Absent`] if there is no such cart, or it is expired or completed.
    /// - [`ChangeError::Stale`] if the preconditions insist on a version that is not the cart's.
    /// - [`ChangeError::IdempotencyMismatch`] if another request had the same key.
    /// - [`ChangeError::Rejected`] if the rules refuse the change; nothing is written.
    /// - [`ChangeError::TooManyWrites`] if the cart was changed 200 times in the present 20 seconds.
    /// - [`ChangeError::Store`] if DynamoDB fails.
    pub async fn change(
        &self,
        cart: CartNumber,
        change: &Change,
        offers: &Offers,
        catalog: &CatalogTable,
        preconditions: &Preconditions,
        now: Timestamp,
    ) -> Result<Changed, ChangeError> {
        let (lifetime, write_id) = (self.lifetime, WriteId::new());
        let wanted = Wanted { change, offers, catalog, preconditions, now, lifetime, write_id };
        let key = preconditions.idempotency_key.as_ref();
        let forgotten = key.map(|key| self.surplus.take(cart, key)).unwrap_or_default();
        let mut current = match wanted.as_expression(&forgotten) {
            None => self.table.get(text(cart)).await?,
            Some(update) => match self.update_with_key(cart, key, update).await? {
                Guarded::Done(row) => {
                    return Ok(Changed { cart: row::read(&row, self.lifetime)?, refused: Vec::new() });
                }
                Guarded::Refused(row) => row,
            },
        };

        let mut refused = Vec::new();
        for _ in 0..TRIES {
            let update = match wanted.decide(current.as_ref().ok_or(ChangeError::Absent)?).await? {
                Decision::Answer(changed) => return Ok(changed),
                Decision::Written(cart) => return Ok(Changed { cart, refused }),
                Decision::Write(update, left_out) => {
                    refused = left_out;
                    update
                }
            };
            match self.update_with_key(cart, key, update).await? {
                Guarded::Done(row) => return Ok(Changed { cart: row::read(&row, self.lifetime)?, refused }),
                Guarded::Refused(row) => {
                    tally::count(tally::Metric::Conflicts);
                    current = row;
                }
            }
        }
        Err(Error::Contended.into())
    }
}

impl Wanted<'_> {
    /// The change as one guarded expression, without a look at the cart; `None` where it cannot be said as one. Of the keys,
    /// those that are `forgotten` are removed.
    fn as_expression(&self, forgotten: &[String]) -> Option<Update> {
        let Preconditions { expected_version, idempotency_key } = self.preconditions;
        let mut update = guarded::expression(self.change, self.offers, self.now, self.lifetime)?;
        if let Some(expected) = expected_version {
            let expected = update.value(number(expected));
            update.guard(format_args!("{VERSION} = {expected}"));
        }
        if let Some(key) = idempotency_key {
            remember_unseen(&mut update, key, forgotten, None, self.now);
        }
        self.write_id.record_in(&mut update);
        Some(update)
    }

    /// Has the rules decide on the change, given the cart's row.
    async fn decide(&self, row: &Item) -> Result<Decision, ChangeError> {
        let Preconditions { expected_version, idempotency_key } = self.preconditions;
        let before = row::read(row, self.lifetime)?;
        if self.write_id.is_recorded_in(row) {
            return Ok(Decision::Written(before));
        }
        match idempotency_key.as_ref().map_or(Seen::Never, |key| key.recall(row, self.now)) {
            Seen::Never => {}
            Seen::SameRequest(_) => return Ok(Decision::Answer(Changed { cart: before, refused: Vec::new() })),
            Seen::OtherRequest => return Err(ChangeError::IdempotencyMismatch),
        }
        if !before.is_open(self.now) {
            return Err(ChangeError::Absent);
        }
        if expected_version.is_some_and(|expected| expected != before.version()) {
            return Err(ChangeError::Stale { current: before.version() });
        }

        let mut after = before.clone();
        let refused = after.apply(self.change, &*self.offers_for(&before).await?, self.now)?;
        if after == before && idempotency_key.is_none() {
            return Ok(Decision::Answer(Changed { cart: before, refused }));
        }
        if let Some(retry_after) = self.write_id.has_to_wait(row) {
            return Err(ChangeError::TooManyWrites { retry_after });
        }
        Ok(Decision::Write(self.replace(row, &before, &after), refused))
    }

    /// The offers that the rules need to decide on the change of this cart.
    async fn offers_for(&self, cart: &Cart) -> Result<Cow<'_, Offers>, Error> {
        let absent: Vec<_> =
            cart.prices_to_look_up(self.change, self.offers).filter(|price| self.offers.get(price).is_none()).collect();
        if absent.is_empty() {
            return Ok(Cow::Borrowed(self.offers));
        }
        let mut offers = self.offers.clone();
        offers.extend(self.catalog.offers(absent).await?);
        self.catalog.add_successors(&mut offers).await?;
        Ok(Cow::Owned(offers))
    }

    fn replace(&self, row: &Item, before: &Cart, after: &Cart) -> Update {
        let mut update = row::replace(before, after);
        if let Some(key) = &self.preconditions.idempotency_key {
            remember_in(&mut update, row, key, None, self.now);
        }
        self.write_id.record_in_row(&mut update, row);
        update
    }
}
