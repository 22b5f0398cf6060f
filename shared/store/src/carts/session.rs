//! Recording the current session of a cart.

use cart::{Cart, CartNumber, CurrentSession, SessionId, Timestamp};

use super::row::{self, COMPLETED, SESSION, SESSION_EXPIRY, SESSION_ID, at_version};
use super::{Carts, ChangeError, Count, Hourly, abandoned, remember_in, remember_unseen};
use crate::expression::Update;
use crate::idempotency::Seen;
use crate::item::text;
use crate::table::Guarded;
use crate::{Error, IdempotencyKey};

/// Whether a session was recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Recorded {
    /// It is the cart's current session.
    Now,
    /// The cart changed, or another session was recorded first, or the request had been answered before.
    Superseded {
        /// Whether the session is the cart's current one all the same.
        still_current: bool,
    },
}

impl Carts {
    /// Records `session` as the cart's current session, in place of `replaces`, and as the answer to the request `key`. It is
    /// counted among those of the clock hour, of which there were as many as `counted` says when the cart was read with
    /// `replaces`; a session that is recorded again is not counted. One write; two where the cart must forget older keys first.
    ///
    /// With it the lines are written that `succeeded` has, where the session sells some of them at prices that took the place of
    /// theirs: the cart as it was read, with other lines.
    ///
    /// Nothing is recorded if the cart is no longer at `session.version`, if another session was recorded first, or if the
    /// request was answered before. Neither version nor life change.
    ///
    /// # Errors
    ///
    /// - [`ChangeError::Absent`] if there is no such cart.
    /// - [`ChangeError::Store`] if DynamoDB fails.
    #[expect(clippy::too_many_arguments, reason = "one write says all of it")]
    pub async fn record_session(
        &self,
        number: CartNumber,
        session: &CurrentSession,
        replaces: Option<&SessionId>,
        succeeded: Option<&Cart>,
        counted: Count,
        key: Option<&IdempotencyKey>,
        now: Timestamp,
    ) -> Result<Recorded, ChangeError> {
        let record = || {
            let mut update = replace_session(session, replaces);
            if let Some(cart) = succeeded {
                row::set_lines(&mut update, cart);
            }
            if replaces != Some(&session.id) {
                // No other session is counted in between: it would be in the place of the one that this one replaces.
                Hourly::Sessions.count_in(&mut update, counted, now);
            }
            update
        };
        let mut update = record();
        if let Some(key) = key {
            remember_unseen(&mut update, key, &self.surplus.take(number, key), Some(&session.id), now);
        }
        let mut written = self.update_with_key(number, key, update).await?;
        if let (Some(key), Guarded::Refused(Some(row))) = (key, &written)
            && key.needs_room(row, now)
        {
            let mut update = record();
            remember_in(&mut update, row, key, Some(&session.id), now);
            written = self.update_with_key(number, Some(key), update).await?;
        }
        match written {
            Guarded::Done(_) => Ok(Recorded::Now),
            Guarded::Refused(None) => Err(ChangeError::Absent),
            Guarded::Refused(Some(item)) => {
                let cart = row::read(&item, self.lifetime)?;
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

    /// Whether the end of a session is recorded: that its cart was abandoned, if its time `ran_out`, else that the cart does
    /// not count on it any more. One read.
    ///
    /// # Errors
    ///
    /// DynamoDB fails, or the item is corrupt.
    pub async fn knows_end(&self, number: CartNumber, session: &SessionId, ran_out: bool) -> Result<bool, Error> {
        if ran_out {
            return Ok(self.table.get(text(abandoned::key(session))).await?.is_some());
        }
        let cart = self.find_any(number).await?;
        let current = cart.as_ref().and_then(|cart| cart.current_session());
        Ok(!current.is_some_and(|current| current.id == *session && current.expires_at.is_some()))
    }

    /// Records that `session` has expired. Does nothing unless it is the cart's current session. One write.
    ///
    /// # Errors
    ///
    /// DynamoDB fails.
    pub async fn record_expired(&self, number: CartNumber, session: &SessionId) -> Result<(), Error> {
        let mut update = Update::default();
        let session = update.value(text(session));
        update.guard(format_args!("{SESSION}.{SESSION_ID} = {session}"));
        update.remove(format_args!("{SESSION}.{SESSION_EXPIRY}"));
        self.update(number, update).await.map(drop)
    }
}

/// Makes `session` the current session in place of `replaces`, provided that the cart is at its version and not completed.
fn replace_session(session: &CurrentSession, replaces: Option<&SessionId>) -> Update {
    let mut update = at_version(session.version);
    let [value, own] = [row::current_session(session), text(&session.id)].map(|value| update.value(value));
    let known = match replaces {
        None => format!("attribute_not_exists({SESSION})"),
        Some(before) => format!("{SESSION}.{SESSION_ID} = {}", update.value(text(before))),
    };
    update.guard(format_args!("{known} OR {SESSION}.{SESSION_ID} = {own}"));
    update.guard(format_args!("attribute_not_exists({COMPLETED})"));
    update.set(format_args!("{SESSION} = {value}"));
    update
}
