//! One Checkout Session per state of a cart.

use cart::{Cart, PendingCheckout, Timestamp, Totals};
use fulfilment::News;
use payments::{Parameters, Session, SessionStatus, Shopper};
use serde_json::value::RawValue;
use web::{Body, Error};

use crate::Checkout;

/// A session that expires sooner than this, in seconds, is not handed out again.
const MARGIN: i64 = 10 * 60;
/// How often the cart may change under a checkout before it gives up.
const TRIES: usize = 5;

/// What the shopper brings to the checkout.
pub(crate) struct Wishes {
    email: Option<String>,
    promotion_code: Option<String>,
}

impl Wishes {
    pub(crate) fn of(body: &Body) -> Result<Self, Error> {
        let email = match body.field("email") {
            None => None,
            Some(field) => Some(field.text()?.trim()).filter(|email| !email.is_empty()).map(str::to_owned),
        };
        // Only what cannot be an address at all: Stripe has the last word.
        let plausible = |email: &String| {
            email.len() <= 254
                && !email.contains(char::is_whitespace)
                && matches!(email.rsplit_once('@'), Some((name, host)) if !name.is_empty() && host.contains('.'))
        };
        if email.as_ref().is_some_and(|email| !plausible(email)) {
            return Err(Error::field("email", "must be an e-mail address"));
        }
        let promotion_code = match body.field("promotion_code") {
            None => None,
            Some(field) => Some(field.text()?.trim()).filter(|code| !code.is_empty()).map(str::to_owned),
        };
        Ok(Self { email, promotion_code })
    }
}

/// What became of a session that had been handed out before.
enum Earlier {
    /// It can still be paid, and is what would be made now.
    Usable(Box<RawValue>),
    /// Nobody can pay it any more.
    Gone,
    /// It was paid: the cart is not what it was.
    Paid,
}

impl Checkout {
    /// The session of `cart`: the one it was handed out with before if that still fits, else a new one.
    ///
    /// However many ask at once, there is one session for a state of the cart: they all use the same idempotency key,
    /// and the one that the cart remembers is the one they all get.
    pub(crate) async fn session(
        &self,
        mut cart: Cart,
        wishes: &Wishes,
        base: &str,
        now: Timestamp,
    ) -> Result<Box<RawValue>, Error> {
        let promotion_code = match &wishes.promotion_code {
            None => None,
            Some(code) => {
                let found = self.stripe.promotion_code(code).await.map_err(failed)?;
                Some(found.ok_or(Error::PromotionCodeInvalid)?)
            }
        };
        let shopper = Shopper { email: wishes.email.clone(), promotion_code };

        for _ in 0..TRIES {
            if cart.lines().is_empty() {
                return Err(Error::CartEmpty);
            }
            let parameters = self.parameters(&cart, &shopper, base).await?;
            let digest = parameters.digest();
            let earlier = cart.pending().map(|pending| pending.session.clone());
            if let Some(pending) = cart.pending() {
                match self.earlier(pending, cart.version(), &digest, now).await? {
                    Earlier::Usable(session) => {
                        tally::count(tally::Metric::SessionsReused);
                        return Ok(session);
                    }
                    Earlier::Gone => {}
                    Earlier::Paid => {
                        cart = self.carts.find(cart.number(), now).await?.ok_or(Error::CartEmpty)?;
                        continue;
                    }
                }
            }

            let (session, answer) = self.create(&cart, &parameters, earlier.as_deref(), now).await?;
            let pending = PendingCheckout {
                session: session.id.clone(),
                version: cart.version(),
                parameters: digest,
                expires_at: session.expiry(),
            };
            let current = self.carts.note_checkout(cart.number(), &pending, earlier.as_deref()).await?;
            if current.pending().is_some_and(|noted| noted.session == session.id) {
                tally::count(tally::Metric::SessionsCreated);
                return Ok(answer);
            }
            tally::count(tally::Metric::Conflicts);
            // The cart changed, or another checkout was noted first: nobody shall pay this session.
            self.expire(&session.id, now).await?;
            cart = current;
        }
        Err(web::upstream(true, store::Error::Contended))
    }

    /// What Stripe is to be asked for, at current prices.
    async fn parameters(&self, cart: &Cart, shopper: &Shopper, base: &str) -> Result<Parameters, Error> {
        let prices = cart.lines().iter().map(|line| &line.price);
        let offers =
            self.catalogue.fresh_offers(prices).await.map_err(|error| web::upstream(error.is_transient(), error))?;
        let totals = Totals::of(cart, self.currency, |line| offers.get(&line.price));
        let unavailable: Vec<_> = totals.unavailable().map(|(line, _)| line.price.clone()).collect();
        if unavailable.is_empty() {
            Ok(self.settings.parameters(cart, &totals, shopper, base))
        } else {
            Err(Error::CartChanged(unavailable))
        }
    }

    /// Looks after the session that the cart was handed out with before: a hosted page's lines cannot be changed.
    async fn earlier(
        &self,
        pending: &PendingCheckout,
        version: u64,
        digest: &str,
        now: Timestamp,
    ) -> Result<Earlier, Error> {
        let fits = pending.version == version && pending.parameters == digest;
        let lasts = pending.expires_at.as_second() - now.as_second() > MARGIN;
        if !(fits && lasts) {
            return self.expire(&pending.session, now).await;
        }
        match self.stripe.session(&pending.session).await {
            Ok((session, answer)) => match session.status {
                SessionStatus::Open => Ok(Earlier::Usable(answer)),
                SessionStatus::Complete => self.paid(&session.id, now).await,
                SessionStatus::Expired | SessionStatus::Unknown => Ok(Earlier::Gone),
            },
            Err(error) if error.is_missing() => Ok(Earlier::Gone),
            Err(error) => Err(failed(error)),
        }
    }

    /// Makes sure that nobody can pay a session any more, unless somebody has paid it already.
    async fn expire(&self, session: &str, now: Timestamp) -> Result<Earlier, Error> {
        match self.stripe.expire_session(session).await {
            Ok(_) => {
                tally::count(tally::Metric::SessionsExpired);
                Ok(Earlier::Gone)
            }
            Err(error) if error.is_missing() => Ok(Earlier::Gone),
            // Only an open session can be expired. This one was expired before, or it was paid just now.
            Err(payments::Error::Refused { .. }) => match self.stripe.session(session).await {
                Ok((session, _)) if session.status == SessionStatus::Complete => self.paid(&session.id, now).await,
                Ok(_) => Ok(Earlier::Gone),
                Err(error) => Err(failed(error)),
            },
            Err(error) => Err(failed(error)),
        }
    }

    async fn paid(&self, session: &str, now: Timestamp) -> Result<Earlier, Error> {
        let fulfilled = self.fulfilment.fulfil(session, News::None, now).await;
        fulfilled.map_err(|error| web::upstream(error.is_transient(), error))?;
        Ok(Earlier::Paid)
    }

    async fn create(
        &self,
        cart: &Cart,
        parameters: &Parameters,
        replaces: Option<&str>,
        now: Timestamp,
    ) -> Result<(Session, Box<RawValue>), Error> {
        let parameters = self.settings.expiring(parameters, now);
        let key = format!("{}-{}-{}", cart.number(), cart.version(), parameters.digest_replacing(replaces));
        self.stripe.create_session(&parameters, &key).await.map_err(|error| refused(error, cart))
    }
}

/// What a refusal of the parameters means to the shopper.
fn refused(error: payments::Error, cart: &Cart) -> Error {
    let payments::Error::Refused { param: Some(param), .. } = &error else { return failed(error) };
    if param.starts_with("discounts") {
        return Error::PromotionCodeInvalid;
    }
    if param == "customer_email" {
        return Error::field("email", "must be an e-mail address");
    }
    // A price or product that was archived just now: `line_items[0][price]`.
    let index = param.strip_prefix("line_items[").and_then(|rest| rest.split(']').next()?.parse::<usize>().ok());
    match index.and_then(|index| cart.lines().get(index)) {
        Some(line) => Error::CartChanged(vec![line.price.clone()]),
        None => failed(error),
    }
}

fn failed(error: payments::Error) -> Error {
    web::upstream(error.is_transient(), error)
}
