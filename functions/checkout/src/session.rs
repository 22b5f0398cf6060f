//! One Checkout Session per state of a cart.

use cart::{Cart, CurrentSession, PricedLine, SessionId, Timestamp, Totals};
use fulfilment::News;
use payments::{Parameters, Session, SessionStatus, Shopper};
use serde_json::value::RawValue;
use store::{IdempotencyKey, Recorded};
use tally::Metric;
use web::{CheckoutBody, Error};

use crate::Checkout;

/// A session that expires sooner than this, in seconds, is not handed out again.
const MARGIN: i64 = 10 * 60;
/// How often the cart may change under a checkout before it gives up.
const TRIES: usize = 20;

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
        wishes: &CheckoutBody,
        base: &str,
        once: Option<&IdempotencyKey>,
        now: Timestamp,
    ) -> Result<Box<RawValue>, Error> {
        let promotion_code = match wishes.promotion_code() {
            None => None,
            Some(code) => {
                let found = self.stripe.promotion_code(code).await.map_err(failed)?;
                Some(found.ok_or(Error::PromotionCodeInvalid)?)
            }
        };
        let shopper = Shopper { email: wishes.email().map(str::to_owned), promotion_code };

        for _ in 0..TRIES {
            if cart.lines().is_empty() {
                return Err(Error::CartEmpty);
            }
            cart.metadata().check_for_checkout()?;
            let (parameters, adjustable) = self.parameters(&cart, &shopper, base).await?;
            let digest = parameters.digest();
            let earlier = match cart.current_session() {
                None => Earlier::Gone,
                Some(pending) => self.earlier(pending, cart.version(), &digest, now).await?,
            };
            let handed_out = match earlier {
                Earlier::Usable(answer) if once.is_none() => {
                    tally::count(Metric::SessionsReused);
                    return Ok(answer);
                }
                Earlier::Usable(answer) => {
                    cart.current_session().cloned().map(|pending| (pending, answer, Metric::SessionsReused))
                }
                Earlier::Gone => {
                    let replaces = cart.current_session().map(|pending| &pending.id);
                    let (session, answer) = self.create(&cart, &parameters, replaces, now).await?;
                    let pending = CurrentSession {
                        id: session.id.clone(),
                        version: cart.version(),
                        parameters: digest,
                        expires_at: Some(session.expiry()),
                        descriptions: cart.descriptions(),
                        adjustable,
                    };
                    Some((pending, answer, Metric::SessionsCreated))
                }
                Earlier::Paid => None,
            };
            if let Some((pending, answer, metric)) = handed_out {
                if self.note(&cart, &pending, once, now).await? {
                    tally::count(metric);
                    return Ok(answer);
                }
                tally::count(Metric::Conflicts);
            }
            cart = match self.carts.find_for(cart.number(), once, now).await? {
                (_, Some(answered)) => return self.answered(&answered).await,
                (cart, None) => cart.ok_or(Error::CartEmpty)?,
            };
        }
        Err(web::upstream(true, store::Error::Contended))
    }

    /// The session that the same request was answered with before, as it is now.
    pub(crate) async fn answered(&self, session: &SessionId) -> Result<Box<RawValue>, Error> {
        let (_, answer) = self.stripe.session(session).await.map_err(failed)?;
        Ok(answer)
    }

    /// Has the cart remember a session that was made of it; `false` if it changed, or another checkout came first.
    async fn note(
        &self,
        cart: &Cart,
        pending: &CurrentSession,
        once: Option<&IdempotencyKey>,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let replaces = cart.current_session().map(|pending| &pending.id);
        match self.carts.record_session(cart.number(), pending, replaces, once, now).await? {
            Recorded::Now => return Ok(true),
            Recorded::Superseded { still_current: true } => {}
            // Nobody shall pay this session.
            Recorded::Superseded { still_current: false } => drop(self.expire(&pending.id, now).await?),
        }
        Ok(false)
    }

    /// What Stripe is to be asked for, at current prices; and whether the shopper may change there what is paid.
    async fn parameters(&self, cart: &Cart, shopper: &Shopper, base: &str) -> Result<(Parameters, bool), Error> {
        let prices = cart.lines().iter().map(|line| &line.price);
        let offers =
            self.catalogue.fresh_offers(prices).await.map_err(|error| web::upstream(error.is_transient(), error))?;
        let totals = Totals::new(cart, &offers, self.shop.currency());
        let unavailable: Vec<_> = totals.unavailable().map(|line| line.price.clone()).collect();
        if !unavailable.is_empty() {
            return Err(Error::CartChanged(unavailable));
        }
        let adjustable = totals.lines.iter().any(PricedLine::is_adjustable);
        Ok((self.settings.parameters(cart, &totals, shopper, base), adjustable))
    }

    /// Looks after the session that the cart was handed out with before: a hosted page's lines cannot be changed.
    async fn earlier(
        &self,
        pending: &CurrentSession,
        version: u64,
        digest: &str,
        now: Timestamp,
    ) -> Result<Earlier, Error> {
        let fits = pending.version == version && pending.parameters == digest;
        let Some(expires_at) = pending.expires_at else { return Ok(Earlier::Gone) };
        if !(fits && lasts(expires_at, now)) {
            return self.expire(&pending.id, now).await;
        }
        match self.stripe.session(&pending.id).await {
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
    async fn expire(&self, session: &SessionId, now: Timestamp) -> Result<Earlier, Error> {
        match self.stripe.expire_session(session).await {
            Ok(_) => {
                tally::count(Metric::SessionsExpired);
                Ok(Earlier::Gone)
            }
            Err(error) if error.is_missing() => Ok(Earlier::Gone),
            // Only an open session can be expired. This one was expired before, or it was paid just now.
            Err(refusal @ payments::Error::Refused { .. }) => {
                let (session, _) = self.stripe.session(session).await.map_err(failed)?;
                match session.status {
                    SessionStatus::Complete => self.paid(&session.id, now).await,
                    SessionStatus::Expired => Ok(Earlier::Gone),
                    SessionStatus::Open | SessionStatus::Unknown => Err(failed(refusal)),
                }
            }
            Err(error) => Err(failed(error)),
        }
    }

    async fn paid(&self, session: &SessionId, now: Timestamp) -> Result<Earlier, Error> {
        let fulfilled = self.fulfilment.fulfil(session, News::None, now).await;
        fulfilled.map_err(|error| web::upstream(error.is_transient(), error))?;
        Ok(Earlier::Paid)
    }

    async fn create(
        &self,
        cart: &Cart,
        parameters: &Parameters,
        replaces: Option<&SessionId>,
        now: Timestamp,
    ) -> Result<(Session, Box<RawValue>), Error> {
        let parameters = self.settings.expiring(parameters, now);
        let mut replaces = replaces.cloned();
        for _ in 0..TRIES {
            let digest = parameters.digest_replacing(replaces.as_ref().map(SessionId::as_str));
            let key = format!("{}-{}-{digest}", cart.number(), cart.version());
            let (session, answer) = match self.stripe.create_session(&parameters, &key).await {
                Ok(created) => created,
                Err(error) => {
                    let refused = refused(error, cart);
                    if let Error::CartChanged(prices) = &refused {
                        self.learn(prices, now).await;
                    }
                    return Err(refused);
                }
            };
            // Stripe repeats what it answered under this key, perhaps to a checkout that went no further, for a day.
            if lasts(session.expiry(), now) {
                return Ok((session, answer));
            }
            replaces = Some(session.id);
        }
        Err(web::upstream(true, store::Error::Contended))
    }

    /// Stripe knows better what is for sale than the catalogue, which missed the news. The cart shall show it.
    async fn learn(&self, prices: &[cart::PriceId], now: Timestamp) {
        if let Err(error) = self.catalogue.refresh(prices, now).await {
            // The shopper is told all the same.
            tracing::warn!(%error, "cannot refresh prices that Stripe refused");
        }
    }
}

/// Whether a session can be handed out: the shopper needs time to pay.
fn lasts(expires_at: Timestamp, now: Timestamp) -> bool {
    expires_at.as_second() - now.as_second() > MARGIN
}

/// What a refusal of the parameters means to the shopper.
fn refused(error: payments::Error, cart: &Cart) -> Error {
    let payments::Error::Refused { code, param, .. } = &error else { return failed(error) };
    match code.as_deref() {
        Some("amount_too_large") => return Error::AmountTooLarge,
        Some("amount_too_small") => return Error::AmountTooSmall,
        _ => {}
    }
    let Some(param) = param else { return failed(error) };
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
