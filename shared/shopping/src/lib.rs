//! The application around a cart: find it, open it once, change it, price it from the table.
//!
//! Knows what the table has for sale, not Stripe: the crate `catalog` puts Stripe behind it.

mod error;
mod keyed_request;
mod settings;
mod shopper;

use cart::{Cart, Change, Offers, PriceId, RefusedItem, Rejection, Timestamp, Token};
use services::Services;
use store::{Carts, CatalogTable, ChangeError, Preconditions};

pub use self::settings::{cart_lifetime, default_currency};
pub use error::Error;
pub use keyed_request::KeyedRequest;
pub use shopper::{Expected, Shopper};

/// The carts of shoppers, and what the table has for sale.
#[derive(Clone, Debug)]
pub struct Shopping {
    carts: Carts,
    catalog: CatalogTable,
}

/// A shopper's cart, with the offers of its prices.
#[derive(Debug)]
pub struct PricedCart {
    /// The cart.
    pub cart: Cart,
    /// The offers of its prices, as far as the catalogue has them.
    pub offers: Offers,
}

/// A cart after a change, or after one that an earlier request had made.
#[derive(Debug)]
pub struct ChangedCart {
    /// What opens the cart from now on: the shopper's own token, or a new one.
    pub token: Token,
    /// The cart, whatever is in it by now.
    pub cart: PricedCart,
}

/// What became of a change.
#[derive(Debug, Default)]
pub struct Changed {
    /// The cart; `None` where there is none, and the change leaves nothing in one.
    pub cart: Option<ChangedCart>,
    /// The items that were left out, of an addition that may be partial: none where the request had been carried out before.
    pub refused: Vec<RefusedItem>,
}

/// How often a cart that was opened under the same key may turn out to be in use.
const OPENINGS: usize = 8;

impl Shopping {
    /// The shopping that the settings of `services` describe.
    ///
    /// # Errors
    ///
    /// A setting is missing or malformed.
    pub fn new(services: &Services) -> Result<Self, ::settings::Error> {
        let Services { environment, database, .. } = services;
        Ok(Self { carts: Carts::new(database, environment)?, catalog: CatalogTable::new(database, environment)? })
    }

    /// What the table has for sale.
    #[must_use]
    pub fn catalog(&self) -> &CatalogTable {
        &self.catalog
    }

    /// Finds the shopper's cart; `None` where there is none, or it has expired. Writes nothing.
    ///
    /// One read of the cart, and one more for each token before it that opens none; and one batch where not all of its prices
    /// are in memory.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] if DynamoDB fails.
    pub async fn find(&self, shopper: &Shopper, now: Timestamp) -> Result<Option<PricedCart>, Error> {
        let Some(cart) = self.cart_of(shopper, now).await? else { return Ok(None) };
        let mut offers = self.catalog.offers(cart.lines().iter().map(|line| &line.price)).await?;
        self.catalog.add_successors(&mut offers).await?;
        Ok(Some(PricedCart { cart, offers }))
    }

    /// Empties the shopper's cart, which keeps its number.
    ///
    /// # Errors
    ///
    /// Those of [`Shopping::change`].
    pub async fn clear(&self, shopper: &Shopper, now: Timestamp) -> Result<Changed, Error> {
        self.change(shopper, &Change::Clear, Offers::default(), now).await
    }

    /// Lists the prices in the shopper's cart. One read for each token, up to the one that opens a cart.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] if DynamoDB fails.
    pub async fn prices_in_cart(&self, shopper: &Shopper, now: Timestamp) -> Result<Vec<PriceId>, Error> {
        let cart = self.cart_of(shopper, now).await?;
        Ok(cart.iter().flat_map(Cart::lines).map(|line| line.price.clone()).collect())
    }

    /// Applies a change to the shopper's cart, which is opened under a new token where there is none. `offers` holds the
    /// offers of the prices that the change names, with the successors of those that are archived.
    ///
    /// The token of a cart that is unknown, expired or completed is never used again. Where there is no cart and the change would
    /// leave nothing in one, none is opened.
    ///
    /// Lines that the change does not name cost one batch more where their offers are not in memory. Any change may leave such
    /// lines, one that empties the cart too: where it had been made before, the cart is as it is by now.
    ///
    /// # Errors
    ///
    /// - [`Error::VersionMismatch`] if the shopper insists on a version that the cart is not at.
    /// - [`Error::IdempotencyMismatch`] if the shopper gave another request the same key.
    /// - [`Error::Rejected`] if the rules refuse; the cart is unchanged.
    /// - [`Error::Store`] if DynamoDB fails.
    pub async fn change(
        &self,
        shopper: &Shopper,
        change: &Change,
        offers: Offers,
        now: Timestamp,
    ) -> Result<Changed, Error> {
        let Some((token, changed)) = self.apply(shopper, change, &offers, now).await? else {
            return Ok(Changed::default());
        };
        let is_stored = changed.is_stored();
        let store::Changed { cart, refused } = changed;
        let cart = if is_stored { Some(ChangedCart { token, cart: self.priced(cart, offers).await? }) } else { None };
        Ok(Changed { cart, refused })
    }

    /// The cart with the offers of all its prices, of which `offers` has some. The others are as they were known not long ago.
    async fn priced(&self, cart: Cart, mut offers: Offers) -> Result<PricedCart, Error> {
        let prices = cart.lines().iter().map(|line| &line.price);
        let absent: Vec<_> = prices.filter(|price| offers.get(price).is_none()).collect();
        if !absent.is_empty() {
            offers.extend(self.catalog.offers(absent).await?);
            self.catalog.add_successors(&mut offers).await?;
        }
        Ok(PricedCart { cart, offers })
    }

    /// Applies a change to the shopper's cart, or opens one with it. What became of the cart, and the token that opens it; `None`
    /// where there is none, and the change opens none.
    async fn apply(
        &self,
        shopper: &Shopper,
        change: &Change,
        offers: &Offers,
        now: Timestamp,
    ) -> Result<Option<(Token, store::Changed)>, Error> {
        let idempotency_key = shopper.request.as_ref().map(KeyedRequest::idempotency_key);
        let mut preconditions = Preconditions { expected_version: None, idempotency_key };
        for token in &shopper.tokens {
            preconditions.expected_version = self.expected_version(shopper, token, now).await?;
            match self.carts.change(token.number(), change, offers, &self.catalog, &preconditions, now).await {
                Ok(changed) => return Ok(Some((token.clone(), changed))),
                Err(ChangeError::Absent) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if shopper.expected != Expected::Anything {
            return Err(Error::VersionMismatch { current: None });
        }
        if let Change::Line(update) = change {
            return Err(Rejection::LineNotFound(update.line().clone()).into());
        }
        if !change.opens_a_cart() {
            return Ok(None);
        }
        let opened = match &shopper.request {
            None => self.open(change, offers, now).await?,
            Some(request) => self.open_once(shopper, request, change, offers, now).await?,
        };
        Ok(Some(opened))
    }

    /// The version at which the token's cart must be. Of several the one at which it is, for which it is read; where it is at none
    /// of them, one that it is not at.
    async fn expected_version(&self, shopper: &Shopper, token: &Token, now: Timestamp) -> Result<Option<u64>, Error> {
        match &shopper.expected {
            Expected::Anything | Expected::AnyCart => Ok(None),
            Expected::Version(version) => Ok(Some(*version)),
            Expected::OneOf(versions) => {
                let current = self.carts.find(token.number(), now).await?.map(|cart| cart.version());
                Ok(current.filter(|current| versions.contains(current)).or(versions.first().copied()))
            }
        }
    }

    /// The first open cart of the shopper's tokens, or else the first that is paid: one read for each token, up to the one that
    /// opens a cart.
    async fn cart_of(&self, shopper: &Shopper, now: Timestamp) -> Result<Option<Cart>, Error> {
        let mut closed = None;
        for token in &shopper.tokens {
            match self.carts.find(token.number(), now).await? {
                Some(cart) if cart.is_open(now) => return Ok(Some(cart)),
                found => closed = closed.or(found),
            }
        }
        Ok(closed)
    }

    async fn open(&self, change: &Change, offers: &Offers, now: Timestamp) -> Result<(Token, store::Changed), Error> {
        let token = Token::from_bytes(random()?);
        let opened = self.carts.open(token.number(), change, offers, None, now).await?;
        Ok((token, opened))
    }

    /// Opens a cart with a request that may be sent again before the client knows the cart's token.
    ///
    /// Retries derive the same token from the key and the stored seed, so they open the same cart. Tokens themselves are
    /// never stored. A client that brought no token is handed one a second time only while this request is all that has
    /// happened to the cart: another client with the same key and address never gets into a cart that its shopper uses.
    async fn open_once(
        &self,
        shopper: &Shopper,
        request: &KeyedRequest,
        change: &Change,
        offers: &Offers,
        now: Timestamp,
    ) -> Result<(Token, store::Changed), Error> {
        // A request that is refused leaves no key behind.
        let token = request.token([0; 16]);
        let tried = self.carts.opened_by(token.number(), change, offers, now)?;
        if !tried.is_stored() {
            return Ok((token, tried));
        }
        let idempotency_key = request.idempotency_key();
        let opening_key = request.opening_key(shopper.tokens.first());
        let mut used_up = None;
        for _ in 0..OPENINGS {
            let seed = self.carts.token_seed(&opening_key, random()?, used_up, now).await?;
            let token = request.token(seed);
            let opened = self.carts.open(token.number(), change, offers, Some(&idempotency_key), now).await?;
            let cart = &opened.cart;
            let untouched = cart.version() == 1 && cart.is_open(now);
            if untouched || (!shopper.tokens.is_empty() && now < cart.expires_at()) {
                return Ok((token, opened));
            }
            used_up = Some(seed);
        }
        Err(store::Error::Contended.into())
    }
}

fn random() -> Result<[u8; 16], Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(Error::NoRandomness)?;
    Ok(bytes)
}
