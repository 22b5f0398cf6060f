//! One Checkout Session per state of a cart.

use std::collections::BTreeMap;

use cart::{
    Agreement, Cart, CurrentSession, Expected, ExpectedLine, PriceId, PricedLine, Reference, Rejection, SessionId,
    Status, Timestamp, Token, Totals,
};
use catalog::Catalog;
use payments::{
    Buyer, CheckoutSettings, Draft, Hook, LeftOut, NamedObjects, Parameters, PromotionCode, PromotionCodeFault,
    Refusal, Session, SessionAmounts, SessionStatus, Stripe,
};
use serde_json::value::RawValue;
use services::Services;
use shopping::{KeyedRequest, Shopper};
use store::{Carts, ChangeError, Count, Counted, FoundCart, Hourly, IdempotencyKey, Recorded};
use tally::Metric;
use tokio::time::Instant;

use crate::{Error, Fulfilment};

mod error;

pub use error::CheckoutError;

/// A session that expires sooner than this, in seconds, is not handed out again.
const MARGIN: i64 = 10 * 60;
/// How many new sessions a cart has in a clock hour. Each is an object at Stripe, and a page that has to be closed.
const SESSIONS: u32 = 30;
/// How many promotion codes that cannot be used a cart has in a clock hour, so that none is found by trying.
const WRONG_CODES: u32 = 10;
/// How often the cart may change under a checkout before it gives up.
const TRIES: usize = 20;

/// Makes Checkout Sessions of carts.
#[derive(Clone, Debug)]
pub struct Checkout {
    carts: Carts,
    catalog: Catalog,
    stripe: Stripe,
    named: NamedObjects,
    fulfilment: Fulfilment,
    settings: CheckoutSettings,
    default_currency: cart::Currency,
}

/// What a shopper brings to the checkout, besides the cart.
#[derive(Clone, Debug, Default)]
pub struct CheckoutRequest {
    /// Fills in the e-mail field of Stripe's page.
    pub email: Option<String>,
    /// The text of a promotion code to apply.
    pub promotion_code: Option<String>,
    /// The shopper's yes to lines that go on at a higher price.
    pub agreement: Option<Agreement>,
    /// The URL under which this deployment is reached: Stripe sends the shopper back to it.
    pub base_url: String,
}

/// What the shopper brings, as Stripe knows it.
struct Brought {
    buyer: Buyer,
    /// The promotion code that the buyer has the id of.
    promotion_code: Option<PromotionCode>,
}

/// What a session is to be made with.
struct Planned {
    draft: Draft,
    /// The draft, as far as it fits.
    parameters: Parameters,
    lines: Vec<ExpectedLine>,
    /// Whether the shopper may change on Stripe's page what is paid for a line.
    adjustable: bool,
    /// The cart with the lines that are sold, where some of them go on at another price.
    succeeded: Option<Cart>,
}

/// A new session.
struct Created {
    session: Session,
    /// The session as Stripe shows it.
    answer: Box<RawValue>,
    /// What it was made with, where that is not what was planned.
    refitted: Option<Parameters>,
}

/// What became of the cart's current session.
enum PreviousSession {
    /// It can still be paid, and is what would be made now.
    Usable(Box<RawValue>),
    /// It has ended, or there is none.
    Gone,
    /// It was paid: the cart is not what it was.
    Paid,
}

/// What one attempt at a checkout came to.
enum Attempt {
    /// This session, as Stripe shows it.
    Done(Box<RawValue>),
    /// The cart changed, or another checkout came first.
    Again,
}

impl Checkout {
    /// Checkout as the settings of `services` describe it.
    ///
    /// # Errors
    ///
    /// A setting is missing or malformed.
    pub fn new(services: &Services) -> Result<Self, settings::Error> {
        let Services { environment, secrets, https, database } = services;
        let stripe = Stripe::new(environment, secrets, https)?;
        Ok(Self {
            carts: Carts::new(database, environment)?,
            catalog: Catalog::with_stripe(services, &stripe)?,
            fulfilment: Fulfilment::with_stripe(services, &stripe)?,
            named: NamedObjects::new(&stripe),
            stripe,
            settings: CheckoutSettings::new(environment)?,
            default_currency: shopping::default_currency(environment)?,
        })
    }

    /// The same checkout with a merchant's hook on the parameters of every session.
    #[must_use]
    pub fn with_hook(self, hook: Hook) -> Self {
        Self { settings: self.settings.with_hook(hook), ..self }
    }

    /// The session of the shopper's cart, as Stripe shows it: the cart's current session if that still fits, else a new one.
    ///
    /// Parallel requests get the same session for the same state of the cart: they use the same idempotency key, and all
    /// return the session that the cart records.
    ///
    /// # Errors
    ///
    /// [`CheckoutError`] says what is in the way; the cart is unchanged.
    pub async fn session(
        &self,
        shopper: &Shopper,
        request: &CheckoutRequest,
        now: Timestamp,
    ) -> Result<Box<RawValue>, CheckoutError> {
        let token = self.token(shopper, now).await?.ok_or(CheckoutError::CartEmpty)?;
        let key = shopper.request.as_ref().map(KeyedRequest::idempotency_key);
        let mut brought = None;

        for _ in 0..TRIES {
            let FoundCart { cart, answered, sessions, wrong_codes } =
                self.carts.find_with_answer(token.number(), key.as_ref(), now).await?;
            if let Some(answered) = answered {
                return self.current(&answered).await;
            }
            let cart = cart.ok_or(CheckoutError::CartEmpty)?;
            match cart.status() {
                Status::Active => {}
                Status::Completed(_) => return Err(Rejection::Closed.into()),
            }
            if !shopper.expected.allows(cart.version()) {
                return Err(CheckoutError::VersionMismatch { current: cart.version() });
            }
            if cart.lines().is_empty() {
                return Err(CheckoutError::CartEmpty);
            }
            cart.metadata().check_for_checkout()?;
            if request.promotion_code.is_some() && wrong_codes.is_full(WRONG_CODES, now) {
                return Err(CheckoutError::too_many(wrong_codes, now));
            }
            let made = async {
                let brought = match &brought {
                    Some(brought) => brought,
                    None => brought.insert(self.brought(request).await?),
                };
                self.attempt(&cart, brought, request, sessions, key.as_ref(), now).await
            };
            match made.await {
                Ok(Attempt::Done(session)) => return Ok(session),
                Ok(Attempt::Again) => {}
                Err(error @ CheckoutError::PromotionCodeInvalid(_)) => {
                    return Err(self.count_wrong_code(&cart, wrong_codes, now).await?.unwrap_or(error));
                }
                Err(error) => return Err(error),
            }
        }
        Err(store::Error::Contended.into())
    }

    /// The token that counts: the first that opens a cart, or else the first of a paid one. Nothing is read to find the only one.
    async fn token<'a>(&self, shopper: &'a Shopper, now: Timestamp) -> Result<Option<&'a Token>, CheckoutError> {
        let mut closed = None;
        if shopper.tokens.len() > 1 {
            for token in &shopper.tokens {
                match self.carts.find(token.number(), now).await? {
                    Some(cart) if cart.is_open(now) => return Ok(Some(token)),
                    Some(_) => closed = closed.or(Some(token)),
                    None => {}
                }
            }
        }
        Ok(closed.or(shopper.tokens.first()))
    }

    /// Counts a promotion code that cannot be used. Where others used the hour up meanwhile, that is the answer, and it does
    /// not say whether this code could be used.
    async fn count_wrong_code(
        &self,
        cart: &Cart,
        known: Count,
        now: Timestamp,
    ) -> Result<Option<CheckoutError>, CheckoutError> {
        let counted = self.carts.count(cart.number(), Hourly::WrongCodes, known, WRONG_CODES, now).await?;
        Ok((counted == Counted::Full).then(|| CheckoutError::too_many(known, now)))
    }

    /// Hands out the cart's current session, or makes one and has the cart record it. `sessions` says how many were made.
    async fn attempt(
        &self,
        cart: &Cart,
        brought: &Brought,
        request: &CheckoutRequest,
        sessions: Count,
        key: Option<&IdempotencyKey>,
        now: Timestamp,
    ) -> Result<Attempt, CheckoutError> {
        let planned = self.plan(cart, brought, request, now).await?;
        let sold = planned.succeeded.as_ref().unwrap_or(cart);
        let fits =
            cart.current_session().is_some_and(|current| is_fit(current, cart, planned.parameters.digest(), now));
        if !fits && sessions.is_full(SESSIONS, now) {
            // The page that the shopper has stays open.
            return Err(CheckoutError::too_many(sessions, now));
        }
        let (session, answer, metric) = match self.previous(cart, fits, now).await? {
            PreviousSession::Paid => return Ok(Attempt::Again),
            PreviousSession::Usable(answer) => match cart.current_session() {
                // A request with a key is recorded with the session that answered it.
                Some(current) if key.is_some() => {
                    let current = CurrentSession { descriptions: descriptions(sold), ..current.clone() };
                    (current, answer, Metric::SessionsReused)
                }
                _ => {
                    tally::count(Metric::SessionsReused);
                    return Ok(Attempt::Done(answer));
                }
            },
            PreviousSession::Gone if sessions.is_full(SESSIONS, now) => {
                return Err(CheckoutError::too_many(sessions, now));
            }
            PreviousSession::Gone => {
                let Created { session, answer, refitted } = self.make(sold, brought, &planned, now).await?;
                let parameters = refitted.as_ref().unwrap_or(&planned.parameters);
                for LeftOut { parameter, object, reason } in parameters.left_out() {
                    tracing::warn!(
                        parameter,
                        object,
                        reason,
                        "left out of a session, which Stripe would have refused with it"
                    );
                    tally::count(Metric::SettingLeftOut);
                }
                let adjustable = planned.adjustable || parameters.has_optional_items();
                let lines = planned.lines;
                let expected = |amounts: SessionAmounts| Expected::new(amounts.subtotal(), lines, !adjustable);
                let current = CurrentSession {
                    expires_at: Some(session.expiry()),
                    expected: session.amounts().ok().map(expected),
                    id: session.id,
                    version: cart.version(),
                    parameters: parameters.digest().to_owned(),
                    descriptions: descriptions(sold),
                    adjustable,
                };
                (current, answer, Metric::SessionsCreated)
            }
        };
        if self.record(cart, &session, planned.succeeded.as_ref(), sessions, key, now).await? {
            tally::count(metric);
            Ok(Attempt::Done(answer))
        } else {
            tally::count(Metric::Conflicts);
            Ok(Attempt::Again)
        }
    }

    /// Looks up the promotion code that the shopper typed in. Shoppers are not known here, so none is their own.
    async fn brought(&self, request: &CheckoutRequest) -> Result<Brought, CheckoutError> {
        let promotion_code = match &request.promotion_code {
            None => None,
            Some(text) => {
                let found = self.stripe.promotion_code(text, None).await?;
                Some(found.ok_or(CheckoutError::PromotionCodeInvalid(PromotionCodeFault::Unknown))?)
            }
        };
        let id = promotion_code.as_ref().map(|code| code.id().to_owned());
        Ok(Brought { buyer: Buyer { email: request.email.clone(), promotion_code: id }, promotion_code })
    }

    /// Returns the session that answered a request with a key before, as it is now.
    async fn current(&self, session: &SessionId) -> Result<Box<RawValue>, CheckoutError> {
        let (_, answer) = self.stripe.session(session).await?;
        Ok(answer)
    }

    /// Records the session in the cart; `false` if the cart changed, or another checkout came first.
    async fn record(
        &self,
        cart: &Cart,
        session: &CurrentSession,
        succeeded: Option<&Cart>,
        sessions: Count,
        key: Option<&IdempotencyKey>,
        now: Timestamp,
    ) -> Result<bool, CheckoutError> {
        let replaces = cart.current_session().map(|current| &current.id);
        match self.carts.record_session(cart.number(), session, replaces, succeeded, sessions, key, now).await? {
            Recorded::Now => return Ok(true),
            Recorded::Superseded { still_current: true } => {}
            // Its page must not be paid beside the page that the other checkout handed out.
            Recorded::Superseded { still_current: false } => drop(self.expire(&session.id, now).await?),
        }
        Ok(false)
    }

    /// What Stripe is to be asked for, at current prices.
    async fn plan(
        &self,
        cart: &Cart,
        brought: &Brought,
        request: &CheckoutRequest,
        now: Timestamp,
    ) -> Result<Planned, CheckoutError> {
        let prices = cart.lines().iter().map(|line| &line.price);
        let offers = self.catalog.fresh_offers(prices).await?;
        let totals = Totals::new(cart, &offers, self.default_currency);
        totals.check_custom_amount()?;
        if totals.has_custom_amount() && brought.promotion_code.is_some() {
            return Err(CheckoutError::PromotionCodeInvalid(PromotionCodeFault::CustomAmount));
        }
        let unavailable: Vec<_> = totals.unavailable().cloned().collect();
        let waiting = totals.lines.iter().filter(|priced| priced.awaits_yes(cart, request.agreement.as_ref()));
        let successors: Vec<_> = waiting.filter_map(PricedLine::price_change).collect();
        if !unavailable.is_empty() || !successors.is_empty() {
            return Err(CheckoutError::CartChanged { unavailable, successors });
        }
        let mut succeeded = totals.lines.iter().any(|priced| priced.succession.is_some()).then(|| cart.clone());
        if let Some(cart) = &mut succeeded {
            cart.succeed(&offers)?;
        }
        let sold = succeeded.as_ref().unwrap_or(cart);
        let totals = Totals::new(sold, &offers, self.default_currency);
        let adjustable = totals.lines.iter().any(PricedLine::is_adjustable);
        let draft = self.settings.draft(sold, &totals, &brought.buyer, &request.base_url);
        let parameters = self.named.fit(&draft, now).await;
        if let Some(code) = &brought.promotion_code {
            let checked = code.check(&parameters, totals.total, totals.own_currency, now);
            checked.map_err(CheckoutError::PromotionCodeInvalid)?;
        }
        let lines = totals.lines.iter().map(ExpectedLine::from).collect();
        Ok(Planned { draft, parameters, lines, adjustable, succeeded })
    }

    /// Reuses the cart's current session if it still `fits`, else expires it: line items of a hosted page cannot change.
    async fn previous(&self, cart: &Cart, fits: bool, now: Timestamp) -> Result<PreviousSession, CheckoutError> {
        let Some(current) = cart.current_session() else { return Ok(PreviousSession::Gone) };
        if current.expires_at.is_none() {
            return Ok(PreviousSession::Gone);
        }
        if !fits {
            return self.expire(&current.id, now).await;
        }
        match self.stripe.session(&current.id).await {
            Ok((session, answer)) => match session.status {
                SessionStatus::Open => Ok(PreviousSession::Usable(answer)),
                SessionStatus::Complete => self.paid(&session.id, now).await,
                SessionStatus::Expired | SessionStatus::Unknown => Ok(PreviousSession::Gone),
            },
            Err(error) if error.is_missing() => Ok(PreviousSession::Gone),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes sure that a session cannot be paid any more, unless it was paid already.
    async fn expire(&self, session: &SessionId, now: Timestamp) -> Result<PreviousSession, CheckoutError> {
        match self.stripe.expire_session(session).await {
            Ok(_) => {
                tally::count(Metric::SessionsExpired);
                Ok(PreviousSession::Gone)
            }
            Err(error) if error.is_missing() => Ok(PreviousSession::Gone),
            // Only an open session can be expired. This one was expired before, or it was paid just now.
            Err(refusal @ payments::Error::Refused(_)) => {
                let (session, _) = self.stripe.session(session).await?;
                match session.status {
                    SessionStatus::Complete => self.paid(&session.id, now).await,
                    SessionStatus::Expired => Ok(PreviousSession::Gone),
                    SessionStatus::Open | SessionStatus::Unknown => Err(Error::from(refusal).into()),
                }
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn paid(&self, session: &SessionId, now: Timestamp) -> Result<PreviousSession, CheckoutError> {
        // Boxed, since few checkouts come here, and all would carry its size.
        Box::pin(self.fulfilment.fulfil(session, None, now)).await?;
        Ok(PreviousSession::Paid)
    }

    /// Makes a session in place of the cart's current one: once more where Stripe refuses something that a setting names.
    /// The shop may have archived it just now.
    async fn make(
        &self,
        cart: &Cart,
        brought: &Brought,
        planned: &Planned,
        now: Timestamp,
    ) -> Result<Created, CheckoutError> {
        let Planned { draft, parameters, .. } = planned;
        let begun = Instant::now();
        let error = match self.create(cart, parameters, now).await {
            Ok((session, answer)) => return Ok(Created { session, answer, refitted: None }),
            Err(error) => error,
        };
        let Error::Stripe(payments::Error::Refused(refusal)) = &error else { return Err(error.into()) };
        let fitting = if CheckoutError::of_shopper(refusal, &brought.buyer).is_some() {
            None
        } else {
            self.named.refit(draft, parameters, refusal, begun.elapsed(), now).await
        };
        let Some(parameters) = fitting else { return Err(self.refused(error, cart, &brought.buyer, now).await) };
        match self.create(cart, &parameters, now).await {
            Ok((session, answer)) => Ok(Created { session, answer, refitted: Some(parameters) }),
            Err(error) => Err(self.refused(error, cart, &brought.buyer, now).await),
        }
    }

    /// Makes a session in place of the cart's current one.
    ///
    /// The idempotency key is made of the cart's number, its version, and a digest of the parameters and of the session
    /// that is replaced: parallel checkouts get one session. What people will call the order follows from the key, and is put
    /// into the parameters after the digest was taken.
    async fn create(
        &self,
        cart: &Cart,
        parameters: &Parameters,
        now: Timestamp,
    ) -> Result<(Session, Box<RawValue>), Error> {
        let parameters = self.settings.expiring(parameters, now);
        let mut replaces = cart.current_session().map(|current| current.id.clone());
        for _ in 0..TRIES {
            let digest = parameters.digest_replacing(replaces.as_ref().map(SessionId::as_str));
            let key = format!("{}-{}-{digest}", cart.number(), cart.version());
            let referenced = parameters.referenced(Reference::of_key(&key));
            let (session, answer) = self.stripe.create_session(&referenced, &key).await?;
            // Stripe repeats what it answered under this key, perhaps to a checkout that went no further, for a day.
            if lasts(session.expiry(), now) {
                return Ok((session, answer));
            }
            replaces = Some(session.id);
        }
        Err(store::Error::Contended.into())
    }

    /// What a refusal of the parameters means to the shopper.
    ///
    /// Only a line that really became unavailable sends the shopper back to the cart. Everything else that is not of the
    /// shopper's making is a fault of the shop's configuration.
    async fn refused(&self, error: Error, cart: &Cart, buyer: &Buyer, now: Timestamp) -> CheckoutError {
        let Error::Stripe(payments::Error::Refused(refusal)) = &error else { return error.into() };
        if let Some(known) = CheckoutError::of_shopper(refusal, buyer) {
            return known;
        }
        match self.changed_since(refusal, cart, now).await {
            Ok(None) => error.into(),
            Ok(Some(changed)) => changed,
            Err(failure) => {
                tracing::warn!(%error, "cannot find out whether a refused line can still be bought");
                failure.into()
            }
        }
    }

    /// What changed about the cart, where a refusal is about one of its lines: the price or product may have been archived just
    /// now. Stripe is asked, and what it says is saved, so that the cart shows it.
    async fn changed_since(
        &self,
        refusal: &Refusal,
        cart: &Cart,
        now: Timestamp,
    ) -> Result<Option<CheckoutError>, Error> {
        let Some(line) = refusal.line().and_then(|index| cart.lines().get(index)) else { return Ok(None) };
        self.catalog.refresh(&line.price, now).await?;
        let offers = self.catalog.fresh_offers(cart.lines().iter().map(|line| &line.price)).await?;
        let totals = Totals::new(cart, &offers, self.default_currency);
        let unavailable: Vec<_> = totals.unavailable().cloned().collect();
        let successors: Vec<_> = totals.lines.iter().filter_map(PricedLine::price_change).collect();
        let changed = !unavailable.is_empty() || !successors.is_empty();
        Ok(changed.then_some(CheckoutError::CartChanged { unavailable, successors }))
    }
}

/// The lines' own texts, for version 0.1.0, which does not read a cart with attributes.
fn descriptions(cart: &Cart) -> BTreeMap<PriceId, String> {
    if cart.lines().iter().any(|line| line.id.has_attributes()) {
        return BTreeMap::new();
    }
    let lines = cart.lines().iter();
    lines.filter_map(|line| Some((line.price.clone(), line.description.as_ref()?.as_str().to_owned()))).collect()
}

/// Whether the cart's current session is what would be made now with parameters of this digest, and can be handed out.
fn is_fit(current: &CurrentSession, cart: &Cart, digest: &str, now: Timestamp) -> bool {
    let same = current.version == cart.version() && current.parameters == digest;
    same && current.expires_at.is_some_and(|expires_at| lasts(expires_at, now))
}

/// Whether a session can be handed out: the shopper needs time to pay.
fn lasts(expires_at: Timestamp, now: Timestamp) -> bool {
    expires_at.as_second() - now.as_second() > MARGIN
}

impl From<ChangeError> for CheckoutError {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Absent => Self::Rejected(Rejection::Closed),
            ChangeError::Stale { current } => Self::VersionMismatch { current },
            ChangeError::IdempotencyMismatch => Self::IdempotencyMismatch,
            ChangeError::Rejected(rejection) => Self::Rejected(rejection),
            ChangeError::TooManyWrites { retry_after } => Self::TooManyRequests { retry_after },
            ChangeError::Store(error) => error.into(),
        }
    }
}
