//! Where a shopper goes who comes back from Stripe's page.
//!
//! The landing page is public: anybody can call it with any session. So Stripe is asked only where the cart that the link
//! names has a row, and for each cart a few times an hour at most about sessions that are not the cart's own.

use cart::{CartNumber, OrderNumber, OrderStatus, SessionId, Timestamp};
use services::Services;
use settings::{Environment, with_parameter};
use store::{Carts, Counted, Hourly, Landed, LandedCart, Orders};
use tally::Metric;

use crate::{Error, Fulfilment, Outcome};

/// The landings of one cart in one clock hour that may name sessions which are not its own.
const GUESSES: u32 = 10;

/// Decides where a shopper goes who comes back from Stripe's page, and makes the order of what was paid.
#[derive(Clone, Debug)]
pub struct Landing {
    fulfilment: Fulfilment,
    orders: Orders,
    carts: Carts,
    pages: Pages,
}

/// What a shopper brings from Stripe's page, or a stranger makes up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Visit {
    session: Option<SessionId>,
    cart: Option<CartNumber>,
}

/// The shop's pages.
#[derive(Clone, Debug)]
struct Pages {
    success: String,
    cancel: String,
}

const SUCCESS_URL: &str = "SUCCESS_URL";
/// What becomes the order's number in it.
const NUMBER: &str = "{number}";
/// What becomes the session's id in it, by Stripe's own name.
const SESSION: &str = "{CHECKOUT_SESSION_ID}";

/// Where a shopper goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Destination {
    /// To the thank-you page of this order.
    ThankYou(OrderNumber, Payment),
    /// Back to the shop, which may not know of a payment. Nothing is claimed there.
    Shop,
}

/// What the thank-you page is told of the payment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Payment {
    /// Nothing: the order says it.
    Settled,
    /// It is under way, or not known of yet.
    Pending,
    /// It did not arrive.
    Failed,
}

/// Why it is not known yet whether a session makes an order.
#[derive(Debug, thiserror::Error)]
enum Unconfirmed {
    /// A session of an earlier version, or a made-up one.
    #[error("the link names no cart")]
    NoNumber,
    /// It expired and was deleted, or it is made up.
    #[error("there is no such cart")]
    NoCart,
    #[error("enough sessions that are not this cart's were asked for in this hour")]
    Guessed,
    #[error("the time for an answer was over")]
    Overdue,
    #[error(transparent)]
    Failed(#[from] Error),
}

impl Landing {
    /// The landing page as the settings of `services` describe it.
    ///
    /// # Errors
    ///
    /// A setting is missing or malformed.
    pub fn new(services: &Services) -> Result<Self, settings::Error> {
        let Services { environment, database, .. } = services;
        Ok(Self {
            fulfilment: Fulfilment::new(services)?,
            orders: Orders::new(database, environment)?,
            carts: Carts::new(database, environment)?,
            pages: Pages::new(environment)?,
        })
    }

    /// The URL of the page to which a visit leads. There always is one.
    ///
    /// Where there is an order of the session, Stripe is not asked. Else it is, and the order of a complete session is made,
    /// provided that the session is one of the named cart. Where that cannot be found out, the thank-you page is told that
    /// the payment is pending: the webhook or the sync make the order.
    pub async fn page(&self, visit: &Visit, now: Timestamp) -> String {
        let Some(session) = &visit.session else { return self.pages.url(Destination::Shop, None) };
        match self.destination(session, visit.cart, now).await {
            Ok(destination) => self.pages.url(destination, Some(session)),
            Err(reason) => self.unconfirmed(session, visit.cart, &reason),
        }
    }

    /// The page of a visit whose time was over before [`Landing::page`] had an answer.
    #[must_use]
    pub fn overdue_page(&self, visit: &Visit) -> String {
        match &visit.session {
            None => self.pages.url(Destination::Shop, None),
            Some(session) => self.unconfirmed(session, visit.cart, &Unconfirmed::Overdue),
        }
    }

    fn unconfirmed(&self, session: &SessionId, cart: Option<CartNumber>, reason: &Unconfirmed) -> String {
        // Neither the session nor the order's number: the number opens the order.
        let cart = cart.map(tracing::field::display);
        tracing::warn!(cart, %reason, "sent a shopper to the thank-you page without knowing of a payment");
        tally::count(Metric::LandingsUnconfirmed);
        self.pages.url(Destination::ThankYou(OrderNumber::of_session(session), Payment::Pending), Some(session))
    }

    async fn destination(
        &self,
        session: &SessionId,
        cart: Option<CartNumber>,
        now: Timestamp,
    ) -> Result<Destination, Unconfirmed> {
        let order = OrderNumber::of_session(session);
        let Landed { order: status, cart: row } =
            self.orders.find_landed(order, &self.carts, cart).await.map_err(Error::from)?;
        if let Some(status) = status {
            return Ok(Destination::ThankYou(order, status.into()));
        }
        let number = cart.ok_or(Unconfirmed::NoNumber)?;
        let row = row.ok_or(Unconfirmed::NoCart)?;

        Ok(match self.fulfil(session, number, &row, now).await? {
            Outcome::Ordered { number, status } => Destination::ThankYou(number, status.into()),
            Outcome::Unfinished | Outcome::Foreign | Outcome::Unknown => Destination::Shop,
        })
    }

    /// Asks Stripe for the session and fulfils it, if it is one of the cart with this number and row.
    ///
    /// That the current session is the cart's own is known. Any other is counted before Stripe is asked, so that many at once
    /// do not pass together, and taken back where it turns out to be the cart's own: an earlier page, say, or one that the
    /// shopper went on with after it had expired.
    async fn fulfil(
        &self,
        session: &SessionId,
        cart: CartNumber,
        row: &LandedCart,
        now: Timestamp,
    ) -> Result<Outcome, Unconfirmed> {
        if row.current_session.as_ref() == Some(session) {
            return Ok(self.fulfilment.fulfil_of_cart(session, cart, now).await?);
        }
        let counted = self.carts.count(cart, Hourly::Guesses, row.guesses, GUESSES, now).await.map_err(Error::from)?;
        let hour = match counted {
            Counted::In(hour) => hour,
            Counted::Full => return Err(Unconfirmed::Guessed),
            Counted::NoCart => return Err(Unconfirmed::NoCart),
        };
        let outcome = self.fulfilment.fulfil_of_cart(session, cart, now).await?;
        if matches!(outcome, Outcome::Ordered { .. } | Outcome::Unfinished)
            && let Err(error) = self.carts.take_back(cart, Hourly::Guesses, hour).await
        {
            tracing::warn!(%cart, %error, "a landing with a session of this cart stays counted among the guesses");
        }
        Ok(outcome)
    }
}

impl Visit {
    /// What the query of the landing page says. What cannot be a session's id or a cart's number counts as absent.
    #[must_use]
    pub fn new(session: Option<&str>, cart: Option<&str>) -> Self {
        Self { session: session.and_then(SessionId::from_visitor), cart: cart.and_then(|number| number.parse().ok()) }
    }
}

impl From<OrderStatus> for Payment {
    fn from(status: OrderStatus) -> Self {
        match status {
            OrderStatus::AwaitingPayment => Self::Pending,
            OrderStatus::PaymentFailed => Self::Failed,
            OrderStatus::Authorized
            | OrderStatus::Canceled
            | OrderStatus::Paid
            | OrderStatus::PartiallyRefunded
            | OrderStatus::Refunded => Self::Settled,
        }
    }
}

impl Pages {
    fn new(environment: &Environment) -> Result<Self, settings::Error> {
        let success = with_braces(environment.required_page(SUCCESS_URL)?);
        let rest = success.replace(NUMBER, "").replace(SESSION, "");
        if rest.contains(['{', '}']) {
            return Err(settings::Error::malformed(
                SUCCESS_URL,
                format!("no other braces than {NUMBER} and {SESSION}"),
            ));
        }
        if rest == success {
            tracing::warn!(
                "SUCCESS_URL has neither {NUMBER} nor {SESSION}: the thank-you page does not learn of which order"
            );
        }
        Ok(Self { success, cancel: environment.required_page("CANCEL_URL")? })
    }

    /// The page to which a visit with this session leads.
    fn url(&self, destination: Destination, session: Option<&SessionId>) -> String {
        let Destination::ThankYou(order, payment) = destination else { return self.cancel.clone() };
        let url = self.success.replace(NUMBER, &order.to_string());
        let url = url.replace(SESSION, session.map(SessionId::as_str).unwrap_or_default());
        match payment {
            Payment::Settled => url,
            Payment::Pending => with_parameter(&url, "payment=pending"),
            Payment::Failed => with_parameter(&url, "payment=failed"),
        }
    }
}

/// The URL with its placeholders as they are named, where a tool percent-encoded their braces.
fn with_braces(url: String) -> String {
    [NUMBER, SESSION].iter().fold(url, |url, placeholder| {
        let name = placeholder.trim_matches(['{', '}']);
        let encoded =
            ["%7B", "%7b"].into_iter().flat_map(|open| ["%7D", "%7d"].map(|close| format!("{open}{name}{close}")));
        encoded.fold(url, |url, encoded| url.replace(&encoded, placeholder))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: &str = "55a109cdfba5b6648676ee8c21e22322";

    fn pages(success: &str) -> Pages {
        let settings = [("SUCCESS_URL", success), ("CANCEL_URL", "https://shop.example/cart?lang=de#top")];
        Pages::new(&settings.into_iter().collect()).unwrap()
    }

    fn thank_you(payment: Payment) -> Destination {
        Destination::ThankYou(ORDER.parse().unwrap(), payment)
    }

    #[test]
    fn the_thank_you_page_has_the_orders_number_and_a_mark_for_a_payment_that_is_not_there() {
        for (success, settled, pending, failed) in [
            (
                "https://shop.example/thanks/{number}",
                format!("https://shop.example/thanks/{ORDER}"),
                format!("https://shop.example/thanks/{ORDER}?payment=pending"),
                format!("https://shop.example/thanks/{ORDER}?payment=failed"),
            ),
            (
                "https://shop.example/thanks?order={number}&again={number}",
                format!("https://shop.example/thanks?order={ORDER}&again={ORDER}"),
                format!("https://shop.example/thanks?order={ORDER}&again={ORDER}&payment=pending"),
                format!("https://shop.example/thanks?order={ORDER}&again={ORDER}&payment=failed"),
            ),
            (
                "https://shop.example/%7Bnumber%7d/{CHECKOUT_SESSION_ID}?%7Bother%7D=%7bCHECKOUT_SESSION_ID%7D",
                format!("https://shop.example/{ORDER}/cs_test_a1?%7Bother%7D=cs_test_a1"),
                format!("https://shop.example/{ORDER}/cs_test_a1?%7Bother%7D=cs_test_a1&payment=pending"),
                format!("https://shop.example/{ORDER}/cs_test_a1?%7Bother%7D=cs_test_a1&payment=failed"),
            ),
            (
                "https://shop.example/#/thanks/{number}",
                format!("https://shop.example/#/thanks/{ORDER}"),
                format!("https://shop.example/?payment=pending#/thanks/{ORDER}"),
                format!("https://shop.example/?payment=failed#/thanks/{ORDER}"),
            ),
            (
                "https://shop.example",
                "https://shop.example".to_owned(),
                "https://shop.example?payment=pending".to_owned(),
                "https://shop.example?payment=failed".to_owned(),
            ),
        ] {
            let pages = pages(success);
            let session = SessionId::from_visitor("cs_test_a1");
            let url = |payment| pages.url(thank_you(payment), session.as_ref());
            let urls = [Payment::Settled, Payment::Pending, Payment::Failed].map(url);

            assert_eq!(urls, [settled, pending, failed]);
        }
    }

    #[test]
    fn another_placeholder_stops_the_start() {
        for success in ["https://a/{order}", "https://a/{number}/{NUMBER}", "https://a/{number", "https://a/}{number}{"]
        {
            let settings = [("SUCCESS_URL", success), ("CANCEL_URL", "https://a")];
            let error = Pages::new(&settings.into_iter().collect()).err().unwrap();
            assert!(error.to_string().starts_with("SUCCESS_URL is malformed"), "{success}: {error}");
        }
    }

    #[test]
    fn the_way_back_to_the_shop_claims_nothing() {
        let pages = pages("https://shop.example/thanks/{number}");

        assert_eq!(pages.url(Destination::Shop, None), "https://shop.example/cart?lang=de#top");
    }

    /// A header takes no other letters.
    #[test]
    fn what_is_not_ascii_is_encoded() {
        let pages = pages("https://käse.example/größe/{number}?ö=ü#ß");

        assert_eq!(
            pages.url(thank_you(Payment::Settled), None),
            format!("https://xn--kse-qla.example/gr%C3%B6%C3%9Fe/{ORDER}?%C3%B6=%C3%BC#%C3%9F")
        );
    }

    #[test]
    fn the_mark_follows_the_orders_status() {
        for status in OrderStatus::ALL {
            let payment = match status.as_str() {
                "awaiting_payment" => Payment::Pending,
                "payment_failed" => Payment::Failed,
                _ => Payment::Settled,
            };
            assert_eq!(Payment::from(status), payment, "{status:?}");
        }
    }

    #[test]
    fn what_a_visit_does_not_name_is_absent() {
        let number = ORDER;
        for (session, cart, visit) in [
            (Some("cs_test_a1"), Some(number), (true, true)),
            (Some("cs_test_a1"), None, (true, false)),
            (Some("cs_test_a1"), Some("../x"), (true, false)),
            (Some("cs_test_a1"), Some("55A109CDFBA5B6648676EE8C21E22322"), (true, false)),
            (Some("pi_1"), Some(number), (false, true)),
            (Some("cs_a-b"), Some(number), (false, true)),
            (None, Some(number), (false, true)),
            (None, None, (false, false)),
        ] {
            let Visit { session: named, cart: numbered } = Visit::new(session, cart);

            assert_eq!((named.is_some(), numbered.is_some()), visit, "{session:?} {cart:?}");
        }
    }
}
