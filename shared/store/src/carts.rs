//! The table of carts.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use cart::{Cart, CartNumber, Change, Lifetime, PendingCheckout, Rejection, Timestamp};
use settings::Environment;

use crate::cart_item::{self, COMPLETED, NUMBER, PENDING, VERSION, WRITER};
use crate::expression::Update;
use crate::item::{self, Item, text};
use crate::{Connection, Error};

mod guarded;

/// The carts.
#[derive(Clone, Debug)]
pub struct Carts {
    connection: Connection,
    table: String,
    lifetime: Lifetime,
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
    /// The carts in `CARTS_TABLE`, living for `CART_TTL_DAYS` (1 to 365, default 7) after their last change.
    ///
    /// # Errors
    ///
    /// A setting is missing or malformed.
    pub fn new(connection: &Connection, environment: &Environment) -> Result<Self, settings::Error> {
        let lifetime = match environment.parse("CART_TTL_DAYS", "1 to 365")? {
            None => Lifetime::default(),
            Some(days) => {
                Lifetime::days(days).ok_or_else(|| settings::Error::malformed("CART_TTL_DAYS", "1 to 365"))?
            }
        };
        Ok(Self { connection: connection.clone(), table: environment.required("CARTS_TABLE")?.to_owned(), lifetime })
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(crate) fn table(&self) -> &str {
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

    /// The cart with this number, even if it is expired.
    ///
    /// # Errors
    ///
    /// DynamoDB fails, or the item is corrupt.
    pub async fn find_any(&self, number: CartNumber) -> Result<Option<Cart>, Error> {
        let item = self.get(number).await?;
        item.map(|item| cart_item::read(&item, self.lifetime)).transpose()
    }

    /// Opens a cart under a number that nobody has used, with its first change. One write.
    ///
    /// # Errors
    ///
    /// - [`ChangeError::Rejected`] if the rules refuse the change; nothing is written.
    /// - [`ChangeError::Store`] if DynamoDB fails.
    pub async fn open(&self, number: CartNumber, change: &Change, now: Timestamp) -> Result<Cart, ChangeError> {
        let mut cart = Cart::new(number, now, self.lifetime);
        cart.apply(change, now)?;
        let writer = new_writer();

        let mut guard = Update::default();
        let key = guard.name(NUMBER);
        guard.guard(format!("attribute_not_exists({key})"));
        match self.put(&cart, &writer, guard).await? {
            Write::Done => Ok(cart),
            // 128 random bits do not collide.
            Write::Refused(_) => Err(Error::Contended.into()),
        }
    }

    /// Applies a change to an open cart and returns the whole cart.
    ///
    /// One write where the change can be said as a guarded expression and its guard holds. Otherwise DynamoDB hands
    /// the current item back, the rules decide on it, and a second write is conditional on the version they saw.
    /// Concurrent changes are all applied, one after the other. Applied once, even where DynamoDB's answer was lost
    /// and the call is repeated.
    ///
    /// # Errors
    ///
    /// - [`ChangeError::Absent`] if there is no such cart, or it is expired or completed.
    /// - [`ChangeError::Stale`] if `expected` is given and is not the cart's version.
    /// - [`ChangeError::Rejected`] if the rules refuse the change; nothing is written.
    /// - [`ChangeError::Store`] if DynamoDB fails.
    pub async fn change(
        &self,
        number: CartNumber,
        change: &Change,
        expected: Option<u64>,
        now: Timestamp,
    ) -> Result<Cart, ChangeError> {
        let writer = new_writer();
        let mut current = match guarded::expression(change, now, self.lifetime) {
            None => self.get(number).await?,
            Some(mut update) => {
                if let Some(expected) = expected {
                    let version = update.name(VERSION);
                    let expected = update.value(item::number(expected));
                    update.guard(format!("{version} = {expected}"));
                }
                match self.update(number, update, &writer).await? {
                    Applied::Done(cart) => return Ok(cart),
                    Applied::Refused(item) => item,
                }
            }
        };

        for _ in 0..TRIES {
            let Some(item) = &current else { return Err(ChangeError::Absent) };
            let mut cart = cart_item::read(item, self.lifetime)?;
            if cart_item::is_by(item, &writer) {
                return Ok(cart);
            }
            if expected.is_some_and(|expected| expected != cart.version()) {
                let closed = !cart.is_open(now);
                return Err(if closed { ChangeError::Absent } else { ChangeError::Stale { current: cart.version() } });
            }
            let seen = cart.version();
            match cart.apply(change, now) {
                Err(Rejection::Closed) => return Err(ChangeError::Absent),
                Err(rejection) => return Err(rejection.into()),
                Ok(()) if cart.version() == seen => return Ok(cart),
                Ok(()) => {}
            }

            match self.put(&cart, &writer, at_version(seen)).await? {
                Write::Done => return Ok(cart),
                Write::Refused(item) => {
                    tally::count(tally::Metric::Conflicts);
                    current = item;
                }
            }
        }
        Err(Error::Contended.into())
    }

    /// Notes that the cart, still at `checkout.version`, was handed out as a Checkout Session, in place of the session
    /// `replaces`.
    ///
    /// Returns the cart as it is now. Where it changed meanwhile, or somebody else noted another session first, nothing
    /// is noted, and the caller sees the other version or the other session. Neither version nor life change.
    ///
    /// # Errors
    ///
    /// - [`ChangeError::Absent`] if there is no such cart.
    /// - [`ChangeError::Store`] if DynamoDB fails.
    pub async fn note_checkout(
        &self,
        number: CartNumber,
        checkout: &PendingCheckout,
        replaces: Option<&str>,
    ) -> Result<Cart, ChangeError> {
        let mut update = at_version(checkout.version);
        let [pending, completed] = [PENDING, COMPLETED].map(|name| update.name(name));
        let [value, own] = [cart_item::pending(checkout), text(&checkout.session)].map(|value| update.value(value));
        let known = match replaces {
            None => format!("attribute_not_exists({pending})"),
            Some(before) => format!("{pending}.s = {}", update.value(text(before))),
        };
        update.guard(format!("{known} OR {pending}.s = {own}"));
        update.guard(format!("attribute_not_exists({completed})"));
        update.set(format!("{pending} = {value}"));
        match self.send_update(number, update).await? {
            Applied::Done(cart) => Ok(cart),
            Applied::Refused(None) => Err(ChangeError::Absent),
            Applied::Refused(Some(item)) => Ok(cart_item::read(&item, self.lifetime)?),
        }
    }

    async fn get(&self, number: CartNumber) -> Result<Option<Item>, Error> {
        let output = self
            .connection
            .client()
            .get_item()
            .table_name(&self.table)
            .key(NUMBER, text(number))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| Error::from_sdk("GetItem", error))?;
        Ok(output.item)
    }

    async fn update(&self, number: CartNumber, mut update: Update, writer: &str) -> Result<Applied, Error> {
        // The SDK repeats a call whose answer was lost. If the lost one took effect, the guard fails, and the item
        // that comes back carries our mark.
        let last = update.name(WRITER);
        let writer = update.value(text(writer));
        update.guard(format!("{last} <> {writer}"));
        update.set(format!("{last} = {writer}"));
        self.send_update(number, update).await
    }

    async fn send_update(&self, number: CartNumber, update: Update) -> Result<Applied, Error> {
        let result = self
            .connection
            .client()
            .update_item()
            .table_name(&self.table)
            .key(NUMBER, text(number))
            .update_expression(update.expression())
            .condition_expression(update.condition())
            .set_expression_attribute_names(Some(update.names))
            .set_expression_attribute_values(Some(update.values))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match result {
            Ok(output) => Ok(Applied::Done(cart_item::read(&output.attributes.unwrap_or_default(), self.lifetime)?)),
            Err(SdkError::ServiceError(context)) => match context.into_err() {
                UpdateItemError::ConditionalCheckFailedException(failed) => Ok(Applied::Refused(failed.item)),
                error => Err(Error::from_service("UpdateItem", &error)),
            },
            Err(error) => Err(Error::from_sdk("UpdateItem", error)),
        }
    }

    async fn put(&self, cart: &Cart, writer: &str, guard: Update) -> Result<Write, Error> {
        let result = self
            .connection
            .client()
            .put_item()
            .table_name(&self.table)
            .set_item(Some(cart_item::write(cart, writer)))
            .condition_expression(guard.condition())
            .set_expression_attribute_names(Some(guard.names))
            .set_expression_attribute_values(Some(guard.values).filter(|values| !values.is_empty()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match result {
            Ok(_) => Ok(Write::Done),
            Err(SdkError::ServiceError(context)) => match context.into_err() {
                PutItemError::ConditionalCheckFailedException(failed) => Ok(match failed.item {
                    Some(item) if cart_item::is_by(&item, writer) => Write::Done,
                    item => Write::Refused(item),
                }),
                error => Err(Error::from_service("PutItem", &error)),
            },
            Err(error) => Err(Error::from_sdk("PutItem", error)),
        }
    }
}

/// What became of a guarded update.
enum Applied {
    /// It took effect; this is the cart after it.
    Done(Cart),
    /// Its guard did not hold; this is the item as it is.
    Refused(Option<Item>),
}

/// What became of a conditional put.
enum Write {
    /// It took effect.
    Done,
    /// Its condition did not hold; this is the item as it is.
    Refused(Option<Item>),
}

/// The condition that the cart is still at `version`.
fn at_version(version: u64) -> Update {
    let mut guard = Update::default();
    let name = guard.name(VERSION);
    let value = guard.value(item::number(version));
    guard.guard(format!("{name} = {value}"));
    guard
}

/// A mark that no other write bears.
fn new_writer() -> String {
    // Without a random source the time has to do: the mark only tells apart writes to one cart at one moment.
    getrandom::u64().map_or_else(|_| Timestamp::now().as_nanosecond().to_string(), |bits| format!("{bits:x}"))
}
