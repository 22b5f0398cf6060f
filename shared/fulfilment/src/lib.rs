//! From a paid Checkout Session to an order.
//!
//! The webhook and the landing page run the same [`Fulfilment`], as often and as concurrently as they like: the
//! order's number follows from the session, and the order is stored together with the completed cart or not at all.

use std::collections::BTreeMap;

use cart::{Mark, Order, OrderLine, OrderNumber, OrderStatus, Payment, Status, Timestamp};
use payments::{LineItem, PaymentStatus, Session, SessionStatus, Stripe};
use settings::Environment;
use store::{Carts, Connection, Orders, Placed};

/// Turns Checkout Sessions into orders.
#[derive(Clone, Debug)]
pub struct Fulfilment {
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
    pub fn new(connection: &Connection, environment: &Environment) -> Result<Self, settings::Error> {
        Ok(Self {
            stripe: Stripe::new(environment)?,
            carts: Carts::new(connection, environment)?,
            orders: Orders::new(connection, environment)?,
        })
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
        if session.cart().is_none() {
            return Ok(false);
        }
        self.fulfil(&session.id, News::None, now).await?;
        Ok(true)
    }

    /// Makes the order of a session that Stripe says is complete, unless there is one already, and brings the order
    /// of a delayed payment up to date.
    ///
    /// # Errors
    ///
    /// DynamoDB or Stripe fails: nothing is half done, and the next call goes on.
    ///
    /// Source: <https://docs.stripe.com/checkout/fulfillment>
    pub async fn fulfil(&self, session: &str, news: News, now: Timestamp) -> Result<Outcome, Error> {
        let session = match self.stripe.session(session).await {
            Ok((session, _)) => session,
            Err(error) if error.is_missing() => return Ok(Outcome::Unknown),
            Err(error) => return Err(error.into()),
        };
        let Some(number) = session.cart() else { return Ok(Outcome::Foreign) };
        if session.status != SessionStatus::Complete {
            return Ok(Outcome::Unfinished);
        }
        let order_number = OrderNumber::of_session(&session.id);
        let status = status(&session, news);

        let outcome = Outcome::Ordered { number: order_number, awaits_payment: status == OrderStatus::AwaitingPayment };

        let mut lines = None;
        for _ in 0..TRIES {
            let cart = self.carts.find_any(number).await?;
            let done = cart.as_ref().is_some_and(|cart| cart.status() == Status::Completed(order_number));
            let placed = if done {
                Placed::Before
            } else {
                let lines = match &lines {
                    Some(lines) => lines,
                    None => lines.insert(self.stripe.line_items(&session.id).await?),
                };
                let order = order(&session, order_number, number, status, lines, cart.as_ref(), now);
                let after = cart.clone().map(|cart| {
                    let checked_out = session.cart_version().unwrap_or(cart.version());
                    cart.paid(order_number, checked_out, &order.lines, now)
                });
                let placed = self.orders.place(&order, &self.carts, cart.as_ref().zip(after.as_ref())).await?;
                if placed == Placed::Now && !order.marks.is_empty() {
                    tally::count(tally::Metric::DoubtfulOrders);
                }
                placed
            };
            match placed {
                Placed::Now => {
                    tally::count(tally::Metric::Orders);
                    return Ok(outcome);
                }
                Placed::Before => {
                    tally::count(tally::Metric::DuplicatesSuppressed);
                    self.orders.advance(order_number, status, session.refunded()).await?;
                    return Ok(outcome);
                }
                Placed::CartChanged => tally::count(tally::Metric::Conflicts),
            }
        }
        Err(store::Error::Contended.into())
    }
}

fn status(session: &Session, news: News) -> OrderStatus {
    match (session.payment_status, news) {
        (PaymentStatus::Paid | PaymentStatus::NoPaymentRequired, _) => {
            OrderStatus::Paid.after_refund(session.amount_total.unwrap_or_default(), session.refunded())
        }
        (PaymentStatus::Unpaid, News::PaymentFailed) => OrderStatus::PaymentFailed,
        (PaymentStatus::Unpaid, News::None) => {
            let intent = session.payment_intent.as_ref().and_then(|intent| intent.object());
            match intent.map(|intent| intent.status.as_str()) {
                Some("requires_payment_method" | "canceled") => OrderStatus::PaymentFailed,
                _ => OrderStatus::AwaitingPayment,
            }
        }
    }
}

fn order(
    session: &Session,
    number: OrderNumber,
    cart_number: cart::CartNumber,
    status: OrderStatus,
    lines: &[LineItem],
    cart: Option<&cart::Cart>,
    now: Timestamp,
) -> Order {
    let (shipping_name, shipping_address) = session.ship_to();
    let mut metadata: BTreeMap<_, _> = session.metadata.clone().unwrap_or_default();
    metadata.retain(|key, _| !cart::OWN_KEYS.contains(&key.as_str()));
    let subtotal = session.amount_subtotal.unwrap_or_default();
    let mut marks = Vec::new();
    if cart.is_some_and(|cart| matches!(cart.status(), Status::Completed(other) if other != number)) {
        marks.push(Mark::CartPaidTwice);
    }
    // A shopper who was allowed to change quantities on Stripe's page may well have done so.
    let adjustable =
        |line: &cart::Line| line.adjustable_quantity.as_ref().is_some_and(cart::AdjustableQuantity::enabled);
    let fixed = cart.is_none_or(|cart| !cart.lines().iter().any(adjustable));
    if fixed && session.cart_total().is_some_and(|expected| expected != subtotal) {
        marks.push(Mark::UnexpectedAmount);
    }
    Order {
        number,
        cart: cart_number,
        status,
        lines: lines.iter().filter_map(|line| order_line(line, cart)).collect(),
        currency: session.currency.unwrap_or(cart::Currency::USD),
        subtotal,
        discount: session.discount(),
        tax: session.tax(),
        shipping: session.shipping_amount(),
        total: session.amount_total.unwrap_or_default(),
        refunded: session.refunded(),
        customer: session.buyer(),
        billing_address: session.billing_address(),
        shipping_name,
        shipping_address,
        metadata,
        payment: Payment {
            session: session.id.clone(),
            payment_intent: session.payment_intent.as_ref().map(|object| object.id().to_owned()),
            subscription: session.subscription.as_ref().map(|object| object.id().to_owned()),
            invoice: session.invoice.as_ref().map(|object| object.id().to_owned()),
        },
        marks,
        created_at: cart::whole_second(now),
    }
}

fn order_line(line: &LineItem, cart: Option<&cart::Cart>) -> Option<OrderLine> {
    let price = line.price.as_ref()?;
    let in_cart = cart.and_then(|cart| cart.lines().iter().find(|held| held.price == price.id));
    Some(OrderLine {
        price: price.id.clone(),
        product: price.product.as_ref().map(|product| product.id().to_owned()),
        name: line.description.clone().unwrap_or_default(),
        description: in_cart.and_then(|held| held.description.as_ref()).map(|text| text.as_str().to_owned()),
        // Stripe counts no units of metered usage.
        quantity: line.quantity.or(in_cart.map(|held| held.quantity.into())).unwrap_or(1),
        subtotal: line.amount_subtotal,
        discount: line.amount_discount,
        tax: line.amount_tax,
        total: line.amount_total,
    })
}
