//! Making carts anonymous.

use cart::{CartNumber, SessionId, Timestamp};

use super::Carts;
use super::abandoned::{ANONYMISED, DAY, NOTED, RECOVERY_URL, key, lead};
use super::row::{self, EXPIRES};
use crate::Error;
use crate::expression::Update;
use crate::item::{number, seconds, text};
use crate::table::{Guarded, OnRefusal};

/// How long it is remembered that a cart is anonymous, in seconds: until Stripe does not send an event any more about a page
/// that was open. It can be sent again for 30 days, and a page is open for one.
///
/// Source: <https://docs.stripe.com/api/events>
const REMEMBERED: i64 = 31 * DAY;

/// How often a write that lost a race is tried again: each time another one got through.
const TRIES: usize = 50;

impl Carts {
    /// Takes out of the cart what its shopper wrote, and out of the notes about it where the shopper may go on. Notes that come
    /// later do not say it.
    ///
    /// `recovered` is the session after which an order of the cart was made, where it was not the first. The cart keeps its lines and its life. Can be repeated at any time. Five requests, and one for each note.
    ///
    /// # Errors
    ///
    /// DynamoDB fails, or the item is corrupt: some of it is taken out, and the next call goes on.
    pub async fn anonymise(
        &self,
        cart: CartNumber,
        recovered: Option<&SessionId>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let lead = self.table.update(lead(cart), is_anonymous(now), OnRefusal::Nothing).await?.into_row();
        let mut noted: Vec<String> = lead.get(NOTED).and_then(|noted| noted.as_ss().ok()).cloned().unwrap_or_default();
        // Nothing leads to the notes of version 0.1.0.
        let current = self.anonymise_row(cart).await?;
        noted.extend(current.iter().chain(recovered).map(ToString::to_string));
        for session in noted {
            let mut update = Update::default();
            let [blank, name] = [update.value(text("")), update.name(RECOVERY_URL)];
            update.guard(format_args!("attribute_exists({name})"));
            update.set(format_args!("{name} = {blank}"));
            self.table.update(text(key(&session)), update, OnRefusal::Nothing).await?;
        }
        Ok(())
    }

    /// Takes out of the cart's own row what its shopper wrote. Returns its current session.
    async fn anonymise_row(&self, number: CartNumber) -> Result<Option<SessionId>, Error> {
        for _ in 0..TRIES {
            let Some(before) = self.find_any(number).await? else { return Ok(None) };
            let after = before.clone().anonymised();
            let session = before.current_session().map(|session| session.id.clone());
            if after == before {
                return Ok(session);
            }
            if let Guarded::Done(_) = self.update(number, row::replace(&before, &after)).await? {
                return Ok(session);
            }
        }
        Err(Error::Contended)
    }
}

fn is_anonymous(now: Timestamp) -> Update {
    let mut update = Update::default();
    for (name, value) in [(ANONYMISED, seconds(now)), (EXPIRES, number(now.as_second() + REMEMBERED))] {
        let value = update.value(value);
        update.set(format_args!("{name} = {value}"));
    }
    update
}
