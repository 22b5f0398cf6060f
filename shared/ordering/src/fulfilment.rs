//! From a paid Checkout Session to an order.

use std::time::Duration;

use cart::{
    Cart, CartNumber, CheckoutMetadata, Claim, CurrentSession, DisputeReading, Mark, Order, OrderNumber, OrderStatus,
    Progress, Reading, SessionId, Standing, Status, Step, Timestamp,
};
use payments::{LineItem, Mode, PaymentIntent, Refusal, SaleReader, Session, SessionStatus, Stripe};
use services::Services;
use store::{Carts, NewOrder, OrderIndex, Orders, Placed};
use tally::Metric;

use crate::Error;
use crate::events::unknown;
use crate::order::Sale;
use crate::ownership::Ownership;
use crate::reading::{self, PaymentFailed};
use crate::troubles::Troubles;

/// Turns Checkout Sessions into orders.
#[derive(Clone, Debug)]
pub struct Fulfilment {
    stripe: Stripe,
    carts: Carts,
    orders: Orders,
    index: OrderIndex,
    ownership: Ownership,
}

/// What a session came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// There is an order, made just now or before.
    Ordered {
        /// The order's number.
        number: OrderNumber,
        /// Where its payment stood when Stripe was asked.
        status: OrderStatus,
    },
    /// The shopper has not finished.
    Unfinished,
    /// The session is not this shop's.
    Foreign,
    /// Stripe knows no such session.
    Unknown,
}

/// Why a repair takes up a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Due {
    /// There is no order of it.
    Missing,
    /// Its order is not where the payment is.
    Behind,
}

/// What a session is taken up for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Purpose {
    /// There shall be an order of it.
    Order,
    /// What became of its money shall be known, which takes the right to read it.
    Money,
}

/// How long the webhook and the landing page may take: an order that is not there sooner is not missed yet.
pub(crate) const TIME_TO_ARRIVE: Duration = Duration::from_mins(5);

/// How long the closing of a cart's other page may take: the order is stored, and the answer to Stripe waits.
const TIME_TO_CLOSE: Duration = Duration::from_secs(3);

/// How often a transaction that lost a race is tried again: each time another one got through.
const TRIES: usize = 50;

impl Fulfilment {
    /// Fulfilment as the settings of `services` describe it.
    ///
    /// # Errors
    ///
    /// A setting is missing or malformed.
    pub fn new(services: &Services) -> Result<Self, settings::Error> {
        Self::with_stripe(services, &Stripe::new(&services.environment, &services.secrets, &services.https)?)
    }

    /// The same, with a client of Stripe's that others use too.
    ///
    /// # Errors
    ///
    /// A setting is missing or malformed.
    pub fn with_stripe(services: &Services, stripe: &Stripe) -> Result<Self, settings::Error> {
        let Services { environment, database, .. } = services;
        let carts = Carts::new(database, environment)?;
        let orders = Orders::new(database, environment)?;
        let shop = payments::shop_ids(environment)?;
        Ok(Self {
            stripe: stripe.clone(),
            ownership: Ownership { shop, carts: carts.clone(), orders: orders.clone() },
            carts,
            orders,
            index: OrderIndex::new(database, environment)?,
        })
    }

    pub(crate) fn ownership(&self) -> &Ownership {
        &self.ownership
    }

    /// The order with this number.
    pub(crate) async fn order(&self, number: OrderNumber) -> Result<Option<Order>, Error> {
        Ok(self.orders.find(number).await?)
    }

    /// The order of a payment, as far as the index leads to it.
    pub(crate) async fn order_of_payment(&self, payment_intent: &str) -> Result<Option<Order>, Error> {
        match self.index.of_payment(payment_intent).await? {
            Some(number) => self.order(number).await,
            None => Ok(None),
        }
    }

    /// Brings the order of a payment up to date, whatever happened to it; `false` if the payment is not this shop's.
    ///
    /// `claim` says whose the payment is, where it bears a shop's mark itself. One of another shop is looked for in the index
    /// alone.
    ///
    /// # Errors
    ///
    /// DynamoDB or Stripe fails.
    pub async fn follow_payment(
        &self,
        payment_intent: &str,
        claim: Option<Claim>,
        now: Timestamp,
    ) -> Result<bool, Error> {
        if let Some(order) = self.order_of_payment(payment_intent).await? {
            return self.follow_money(&order.payment.session, now).await;
        }
        if claim == Some(Claim::Foreign) {
            return Ok(false);
        }
        let session = self.stripe.session_of_payment(payment_intent).await?;
        match session.filter(|session| session.checkout().is_some()) {
            None => Ok(false),
            Some(session) => self.follow_money(&session.id, now).await,
        }
    }

    /// Brings the order of a session up to date; `false` if the session is not this shop's.
    async fn follow_money(&self, session: &SessionId, now: Timestamp) -> Result<bool, Error> {
        match self.take_up(session, None, Purpose::Money, now).await? {
            Outcome::Unknown => Err(unknown(session.clone())),
            outcome => Ok(outcome != Outcome::Foreign),
        }
    }

    /// Has the orders follow whose money is not where it stays, however old they are. Returns how many have changed.
    ///
    /// Can be stopped and run again at any time. Costs what a delivered event costs for each of them.
    ///
    /// # Errors
    ///
    /// DynamoDB or Stripe fails: the next run goes on. What is the matter with one order does not hold up the others.
    pub async fn follow_open(&self, now: Timestamp) -> Result<usize, Error> {
        let (mut changed, mut after, mut troubles) = (0, None, Troubles::default());
        loop {
            let page = self.index.open(after.as_ref()).await?;
            for number in page.numbers {
                let followed = Box::pin(self.follow_one(number, now)).await;
                changed += usize::from(troubles.note(number, followed)?);
            }
            after = page.next;
            if after.is_none() {
                return troubles.end(changed);
            }
        }
    }

    /// Has an open order follow; whether it changed.
    async fn follow_one(&self, number: OrderNumber, now: Timestamp) -> Result<bool, Error> {
        let Some(before) = self.orders.find(number).await? else { return Ok(false) };
        if !before.standing.is_open() {
            self.orders.leave_open(&before, &self.index).await?;
            return Ok(false);
        }
        if self.take_up(&before.payment.session, None, Purpose::Money, now).await? == Outcome::Unknown {
            // Nothing can come of it any more, as where test data was deleted: no reason for each run to fail.
            drop(unknown(before.payment.session));
            tracing::warn!(order = %number, "Stripe does not know the session of an open order, which is left as it is");
            return Ok(false);
        }
        let now = self.orders.find(number).await?;
        Ok(now.is_some_and(|now| now.standing.differs(&before.standing)))
    }

    /// Enters the orders into the index that no way leads to yet: those of version 0.1.0, or all, if this is to be done `again`
    /// since the index was lost. Returns how many it entered.
    ///
    /// # Errors
    ///
    /// DynamoDB fails: the next run goes on.
    pub async fn enter_earlier(&self, again: bool) -> Result<usize, Error> {
        if again {
            self.index.scan_again().await?;
        }
        Ok(self.orders.enter_earlier(&self.index).await?)
    }

    /// Fulfils the sessions that shoppers have finished since `since` and that no webhook brought, and brings orders up to
    /// date whose payment was under way. Returns how many sessions it took up.
    ///
    /// What had time to arrive is judged by `at`; what is stored has the time `now`.
    ///
    /// Can be stopped and run again at any time. Costs a read per session.
    ///
    /// # Errors
    ///
    /// DynamoDB or Stripe fails: the next run goes on. What is the matter with one session does not hold up the others.
    pub async fn repair(&self, since: Timestamp, at: Timestamp, now: Timestamp) -> Result<usize, Error> {
        let (mut repaired, mut after, mut troubles) = (0, None, Troubles::default());
        loop {
            let page = self.stripe.finished_sessions(since, after.as_ref()).await?;
            for session in &page.data {
                let done = Box::pin(self.repair_one(session, now)).await;
                let Some(due) = troubles.note(OrderNumber::of_session(&session.id), done)? else { continue };
                repaired += 1;
                if due == Due::Missing && session.finished_after() < at - TIME_TO_ARRIVE {
                    tally::count(Metric::OrderMissed);
                }
            }
            after = page.data.last().map(|session| session.id.clone());
            if !page.has_more || after.is_none() {
                return troubles.end(repaired);
            }
        }
    }

    /// Fulfils a finished session if that is due; what it was due for.
    async fn repair_one(&self, session: &Session, now: Timestamp) -> Result<Option<Due>, Error> {
        let Some(due) = self.due(session).await? else { return Ok(None) };
        let outcome = self.fulfil(&session.id, None, now).await?;
        Ok(Some(due).filter(|_| outcome != Outcome::Foreign))
    }

    /// What a finished session of this shop is to be taken up for.
    async fn due(&self, session: &Session) -> Result<Option<Due>, Error> {
        let Some(made_from) = session.checkout() else { return Ok(None) };
        let Some(order) = self.orders.find(OrderNumber::of_session(&session.id)).await? else {
            return Ok((self.ownership.claim(&made_from) != Claim::Foreign).then_some(Due::Missing));
        };
        if order.standing.read_at.is_none() {
            // An order of version 0.1.0, which no way leads to.
            return Ok(Some(Due::Behind));
        }
        let payment: Vec<_> = session.payment().cloned().into_iter().collect();
        let reading = reading::reading(session, &payment, None, DisputeReading::Unreadable, None)?;
        let is_behind = match session.mode {
            // The payments of a subscription do not come with a list of sessions.
            Mode::Subscription => reading.progress == Progress::Settled && !order.standing.status.is_settled(),
            Mode::Payment | Mode::Other => order.standing.is_behind(&reading),
        };
        Ok(is_behind.then_some(Due::Behind))
    }

    /// Makes the order of a session that Stripe says is complete, unless there is one already, and has it follow what Stripe
    /// says of the money.
    ///
    /// # Errors
    ///
    /// DynamoDB or Stripe fails: nothing is half done, and the next call goes on.
    ///
    /// Source: <https://docs.stripe.com/checkout/fulfillment>
    pub async fn fulfil(
        &self,
        session: &SessionId,
        failed: Option<PaymentFailed>,
        now: Timestamp,
    ) -> Result<Outcome, Error> {
        self.take_up(session, failed, Purpose::Order, now).await
    }

    async fn take_up(
        &self,
        session: &SessionId,
        failed: Option<PaymentFailed>,
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<Outcome, Error> {
        let mut reader = self.stripe.sale_reader();
        match ask(&mut reader, session).await? {
            None => Ok(Outcome::Unknown),
            // Boxed: the future is large.
            Some(session) => Box::pin(self.fulfil_found(&session, reader, failed, purpose, now)).await,
        }
    }

    /// [`Fulfilment::fulfil`] for a session of this cart: one of another cart is foreign, and stays as it is.
    pub(crate) async fn fulfil_of_cart(
        &self,
        session: &SessionId,
        cart: CartNumber,
        now: Timestamp,
    ) -> Result<Outcome, Error> {
        let of_cart = |session: &Session| session.checkout().is_some_and(|made_from| made_from.number == cart);
        let mut reader = self.stripe.sale_reader();
        match ask(&mut reader, session).await? {
            None => Ok(Outcome::Unknown),
            Some(session) if of_cart(&session) => {
                Box::pin(self.fulfil_found(&session, reader, None, Purpose::Order, now)).await
            }
            Some(_) => Ok(Outcome::Foreign),
        }
    }

    async fn fulfil_found(
        &self,
        session: &Session,
        mut reader: SaleReader<'_>,
        failed: Option<PaymentFailed>,
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<Outcome, Error> {
        let Some(made_from) = session.checkout() else { return Ok(Outcome::Foreign) };
        if !self.ownership.is_ours(&session.id, &made_from).await? {
            return Ok(Outcome::Foreign);
        }
        if session.status != SessionStatus::Complete {
            return Ok(Outcome::Unfinished);
        }
        let number = OrderNumber::of_session(&session.id);
        let payments = reader.payments(session).await?;
        let refund_is_pending = self.has_pending_refund(&payments).await?;
        let dispute = self.dispute(&payments).await?;
        let reading = reading::reading(session, &payments, refund_is_pending, dispute, failed)?;

        if self.place(session, &made_from, &reading, &payments, &mut reader, now).await? {
            tally::count(Metric::Orders);
            report_unread(number, reader.refusals());
        } else {
            tally::count(Metric::DuplicatesSuppressed);
            let is_there = match unread_money(&reader, &payments) {
                Some(refusal) if purpose == Purpose::Money => return Err(payments::Error::from(refusal).into()),
                // The order may know more of its money than the session says.
                Some(_) => match self.orders.find(number).await? {
                    Some(order) if !says_more(&reading, failed, &order.standing) => true,
                    _ => self.orders.follow(number, &reading, &self.index, &ids(&payments)).await?,
                },
                None => self.orders.follow(number, &reading, &self.index, &ids(&payments)).await?,
            };
            if !is_there {
                self.place_again(session, &made_from, &reading, &payments, &mut reader, now).await?;
            }
        }
        Ok(Outcome::Ordered { number, status: reading.status() })
    }

    /// Whether a refund of these payments is on its way. Asks only where a payment says that something was paid back.
    async fn has_pending_refund(&self, payments: &[PaymentIntent]) -> Result<Option<bool>, Error> {
        for payment in reading::refunded(payments) {
            match self.stripe.has_pending_refund(payment).await {
                Ok(true) => return Ok(Some(true)),
                Ok(false) => {}
                Err(error) if error.is_forbidden() => {
                    tracing::error!(%error, "whether an order's refund is on its way is not known: the key may not read it");
                    return Ok(None);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Some(false))
    }

    /// What Stripe says of disputes about these payments. Asks only where a payment says that there is one.
    async fn dispute(&self, payments: &[PaymentIntent]) -> Result<DisputeReading, Error> {
        let Some(disputed) = reading::disputed(payments) else { return Ok(DisputeReading::None) };
        match self.stripe.latest_dispute(disputed).await {
            Ok(latest) => Ok(reading::read(latest)),
            Err(error) if error.is_forbidden() => {
                tracing::error!(%error, "an order's dispute is not written down: the key may not read it");
                Ok(DisputeReading::Unreadable)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Places the order of a complete session, together with its cart as it is afterwards; `false` if it is placed already.
    async fn place(
        &self,
        session: &Session,
        made_from: &CheckoutMetadata,
        reading: &Reading,
        payments: &[PaymentIntent],
        reader: &mut SaleReader<'_>,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let ids = ids(payments);
        let number = OrderNumber::of_session(&session.id);
        let Step { standing, news } = Standing::of_new_order(reading);
        let mut lines: Option<Vec<LineItem>> = None;
        for _ in 0..TRIES {
            let cart = self.carts.find_any(made_from.number).await?;
            if cart.as_ref().is_some_and(|cart| cart.status() == Status::Completed(number)) {
                return Ok(false);
            }
            let lines = match &lines {
                Some(lines) => lines,
                None => lines.insert(reader.line_items(session).await?),
            };
            let sale = Sale { session, made_from, lines, cart: cart.as_ref(), standing: &standing, payments };
            let order = sale.order(number, now)?;
            let units = sale.units();
            let after = cart.clone().map(|cart| cart.paid(number, made_from.version, &units, now));
            let new = NewOrder { order: &order, news, payments: &ids };
            match self.orders.place(new, &self.index, &self.carts, cart.as_ref().zip(after.as_ref())).await? {
                Placed::New => {
                    if reading.dispute != DisputeReading::None {
                        self.orders.follow(number, reading, &self.index, &ids).await?;
                    }
                    if order.marks.iter().any(|mark| mark.doubts_payment()) {
                        tally::count(Metric::DoubtfulOrders);
                    }
                    if order.marks.contains(&Mark::NoShipping) {
                        tally::count(Metric::NoShipping);
                    }
                    if let Some(cart) = &cart {
                        self.close_other_page(cart, &session.id, now).await;
                    }
                    return Ok(true);
                }
                Placed::Existing => return Ok(false),
                Placed::CartChanged => tally::count(Metric::Conflicts),
            }
        }
        Err(store::Error::Contended.into())
    }

    /// Places an order that is gone, though its cart says that it was placed. The cart stays as it is.
    async fn place_again(
        &self,
        session: &Session,
        made_from: &CheckoutMetadata,
        reading: &Reading,
        payments: &[PaymentIntent],
        reader: &mut SaleReader<'_>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let number = OrderNumber::of_session(&session.id);
        let Step { standing, news } = Standing::of_new_order(reading);
        let lines = reader.line_items(session).await?;
        // What the cart knew of these lines went with them.
        let sale = Sale { session, made_from, lines: &lines, cart: None, standing: &standing, payments };
        let order = sale.order(number, now)?;
        let new = NewOrder { order: &order, news, payments: &ids(payments) };
        if self.orders.place(new, &self.index, &self.carts, None).await? == Placed::New {
            tracing::warn!(order = %number, "an order that was gone is made again");
            tally::count(Metric::Orders);
        }
        self.orders.follow(number, reading, &self.index, &ids(payments)).await.map(drop).map_err(Error::from)
    }

    /// Expires the page that the cart's shopper was last sent to, if another one was paid and this one is still open: its
    /// lines are sold. The order is stored by now, so a failure is logged and no more: a cart that is paid twice is marked.
    ///
    /// Costs a request to Stripe where there is such a page. The cart hears of its end by Stripe's event.
    async fn close_other_page(&self, cart: &Cart, paid: &SessionId, now: Timestamp) {
        let is_open = |current: &&CurrentSession| current.expires_at.is_some_and(|time| now < time);
        let Some(other) = cart.current_session().filter(is_open).filter(|current| current.id != *paid) else { return };
        let number = cart.number();
        match tokio::time::timeout(TIME_TO_CLOSE, self.stripe.expire_session(&other.id)).await {
            Ok(Ok(_)) => tally::count(Metric::SessionsExpired),
            Ok(Err(error)) => {
                tracing::warn!(cart = %number, %error, "cannot close the other page of a cart that is paid");
            }
            Err(_) => tracing::warn!(cart = %number, "had no time to close the other page of a cart that is paid"),
        }
    }
}

/// The session as Stripe has it now, if Stripe knows it.
async fn ask(reader: &mut SaleReader<'_>, session: &SessionId) -> Result<Option<Session>, Error> {
    match reader.session(session).await {
        Ok(session) => Ok(Some(session)),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn ids(payments: &[PaymentIntent]) -> Vec<String> {
    payments.iter().map(|payment| payment.id().to_owned()).collect()
}

/// Whether a session, or the event about it, says more of the money than an order knows: that it is in, or that a delayed payment
/// failed. It does not say what is held, given up or paid back.
fn says_more(reading: &Reading, failed: Option<PaymentFailed>, standing: &Standing) -> bool {
    let is_in = reading.progress == Progress::Settled && !standing.status.is_settled();
    is_in || (failed.is_some() && standing.status == OrderStatus::AwaitingPayment)
}

/// Why nothing was read of what was taken and paid back, if the key may not.
fn unread_money(reader: &SaleReader<'_>, payments: &[PaymentIntent]) -> Option<Refusal> {
    let refusal = reader.refusal_of_money()?;
    payments.iter().all(|payment| payment.charge().is_none()).then(|| refusal.clone())
}

/// Tells that an order is stored without what the key may not read. It is complete but for that, and stays so.
fn report_unread(order: OrderNumber, refusals: &[Refusal]) {
    if refusals.is_empty() {
        return;
    }
    tally::count(Metric::OrderIncomplete);
    let refusals: Vec<_> = refusals.iter().map(ToString::to_string).collect();
    tracing::error!(
        %order,
        cause = refusals.join("; "),
        "an order is stored without what the key may not read: give the key this right"
    );
}
