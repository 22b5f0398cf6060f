//! From a paid Checkout Session to an order.
//!
//! The webhook and the landing page run the same [`Fulfilment`], as often and as concurrently as they like: the
//! order's number follows from the session, and the order is stored together with the completed cart or not at all.

use cart::{CartNumber, CheckoutMetadata, Claim, OrderNumber, OrderStatus, SessionId, ShopIds, Status, Timestamp};
use payments::{SessionStatus, Stripe};
use settings::Environment;
use store::{Carts, Connection, Orders, Placed};

use crate::order::{order, status};

mod order;

/// Turns Checkout Sessions into orders.
#[derive(Clone, Debug)]
pub struct Fulfilment {
    shop: ShopIds,
    stripe: Stripe,
    carts: Carts,
    orders: Orders,
}

/// What goes wrong between a session and its order.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// DynamoDB failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Stripe failed.
    #[error(transparent)]
    Stripe(#[from] payments::Error),
}

impl Error {
    /// Whether trying again may help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Store(error) => error.is_transient(),
            Self::Stripe(error) => error.is_transient(),
        }
    }
}

/// What is known of a delayed payment beside what the session says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum News {
    /// Nothing.
    None,
    /// It failed.
    PaymentFailed,
}

/// What a session came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// There is an order, made just now or before.
    Ordered {
        /// The order's number.
        number: OrderNumber,
        /// Whether the money is still under way.
        awaits_payment: bool,
    },
    /// The shopper has not finished.
    Unfinished,
    /// No cart of this shop made the session.
    Foreign,
    /// Stripe knows no such session.
    Unknown,
}

/// How often a transaction that lost a race is tried again: each time somebody else's got through.
const TRIES: usize = 50;

impl Fulfilment {
    /// Fulfilment as `environment` says.
    ///
    /// # Errors
    ///
    /// A setting is missing or malformed.
    pub fn new(connection: &Connection, stripe: &Stripe, environment: &Environment) -> Result<Self, settings::Error> {
        Ok(Self {
            shop: payments::shop_ids(environment)?,
            stripe: stripe.clone(),
            carts: Carts::new(connection, environment)?,
            orders: Orders::new(connection, environment)?,
        })
    }

    /// Whether a session is this shop's, by what it says of the cart that it was made from.
    ///
    /// What has an order here is ours, whatever its shop says. A session that names no shop was made before shops had ids:
    /// it is ours where there is a cart of its number. No request for a session that names this shop, else one or two reads.
    ///
    /// # Errors
    ///
    /// DynamoDB fails.
    pub async fn is_ours(&self, session: &SessionId, checkout: &CheckoutMetadata) -> Result<bool, Error> {
        let by_cart = match self.shop.claim(checkout.shop.as_ref()) {
            Claim::Ours => true,
            Claim::Unmarked => self.carts.find_any(checkout.number).await?.is_some(),
            Claim::Foreign => false,
        };
        Ok(by_cart || self.orders.find(OrderNumber::of_session(session)).await?.is_some())
    }

    /// Brings the order of a payment up to date after a refund; `false` if the payment is none of ours.
    ///
    /// # Errors
    ///
    /// DynamoDB or Stripe fails.
    pub async fn refund(&self, payment_intent: &str, now: Timestamp) -> Result<bool, Error> {
        let Some(session) = self.stripe.session_of_payment(payment_intent).await? else {
            return Ok(false);
        };
        if session.checkout().is_none() {
            return Ok(false);
        }
        Ok(self.fulfil(&session.id, News::None, now).await? != Outcome::Foreign)
    }

    /// Has a cart forget a session that expired unpaid. One write.
    ///
    /// # Errors
    ///
    /// DynamoDB fails.
    pub async fn forget(&self, session: &SessionId, cart: CartNumber) -> Result<(), Error> {
        Ok(self.carts.record_expired(cart, session).await?)
    }

    /// Fulfils the sessions that shoppers have finished since `since` and that no webhook brought, and brings orders up to
    /// date whose payment was under way. Returns how many sessions it took up.
    ///
    /// Can be stopped and run again at any time. Costs a read per session.
    ///
    /// # Errors
    ///
    /// DynamoDB or Stripe fails: the next run goes on.
    pub async fn repair(&self, since: Timestamp, now: Timestamp) -> Result<usize, Error> {
        let mut repaired = 0;
        let mut after = None;
        loop {
            let page = self.stripe.finished_sessions(since, after.as_ref()).await?;
            for session in &page.data {
                let Some(checkout) = session.checkout() else { continue };
                let order = self.orders.find(OrderNumber::of_session(&session.id)).await?;
                let due = status(session, session.refunded(), News::None);
                let settled = match order {
                    Some(order) => order.status >= due,
                    None => self.shop.claim(checkout.shop.as_ref()) == Claim::Foreign,
                };
                if !settled && self.fulfil(&session.id, News::None, now).await? != Outcome::Foreign {
                    repaired += 1;
                }
            }
            after = page.data.last().map(|session| session.id.clone());
            if !page.has_more || after.is_none() {
                return Ok(repaired);
            }
        }
    }

    /// Makes the order of a session that Stripe says is complete, unless there is one already, and brings the order
    /// of a delayed payment up to date.
    ///
    /// # Errors
    ///
    /// DynamoDB or Stripe fails: nothing is half done, and the next call goes on.
    ///
    /// Source: <https://docs.stripe.com/checkout/fulfillment>
    pub async fn fulfil(&self, session: &SessionId, news: News, now: Timestamp) -> Result<Outcome, Error> {
        let session = match self.stripe.session(session).await {
            Ok((session, _)) => session,
            Err(error) if error.is_missing() => return Ok(Outcome::Unknown),
            Err(error) => return Err(error.into()),
        };
        let Some(checkout) = session.checkout() else { return Ok(Outcome::Foreign) };
        if !self.is_ours(&session.id, &checkout).await? {
            return Ok(Outcome::Foreign);
        }
        if session.status != SessionStatus::Complete {
            return Ok(Outcome::Unfinished);
        }
        let order_number = OrderNumber::of_session(&session.id);
        let refunded = self.stripe.refunded(&session).await?;
        let status = status(&session, refunded, news);

        let outcome = Outcome::Ordered { number: order_number, awaits_payment: status == OrderStatus::AwaitingPayment };

        let mut lines = None;
        for _ in 0..TRIES {
            let cart = self.carts.find_any(checkout.number).await?;
            let done = cart.as_ref().is_some_and(|cart| cart.status() == Status::Completed(order_number));
            let placed = if done {
                Placed::Existing
            } else {
                let lines = match &lines {
                    Some(lines) => lines,
                    None => lines.insert(self.stripe.line_items(&session.id).await?),
                };
                let order = order(&session, order_number, &checkout, (status, refunded), lines, cart.as_ref(), now);
                let after = cart.clone().map(|cart| cart.paid(order_number, checkout.version, &order.lines, now));
                let placed = self.orders.place(&order, &self.carts, cart.as_ref().zip(after.as_ref())).await?;
                if placed == Placed::New && !order.marks.is_empty() {
                    tally::count(tally::Metric::DoubtfulOrders);
                }
                placed
            };
            match placed {
                Placed::New => {
                    tally::count(tally::Metric::Orders);
                    return Ok(outcome);
                }
                Placed::Existing => {
                    tally::count(tally::Metric::DuplicatesSuppressed);
                    self.orders.advance(order_number, status, refunded).await?;
                    return Ok(outcome);
                }
                Placed::CartChanged => tally::count(tally::Metric::Conflicts),
            }
        }
        Err(store::Error::Contended.into())
    }
}
