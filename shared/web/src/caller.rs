//! Who asks.

use cart::{Cart, Change, Currency, Offers, PriceId, Timestamp, Token};
use lambda_http::RequestExt as _;
use lambda_http::http::{HeaderMap, HeaderName, Method, header};
use lambda_http::request::RequestContext;

use store::{Carts, ChangeError, IdempotencyKey};

use crate::terms::{Named, Terms};
use crate::{Error, Request, Shop};

/// The client behind a request to a cart: the token that it brought, if any.
#[derive(Debug)]
pub struct Caller {
    token: Option<Token>,
}

impl Caller {
    /// The cookie that carries a cart's token.
    pub const COOKIE: &'static str = "cart_token";
    /// The header that carries a cart's token, in and out. It wins over the cookie.
    pub const HEADER: HeaderName = HeaderName::from_static("cart-token");

    /// Reads the token of a request, after making sure that it may be used from where it comes.
    ///
    /// A cookie is sent by a browser whatever page asks it to, so a POST without `Cart-Token` must come from the
    /// shop's own origin or from one of `ALLOWED_ORIGINS`. A malformed cookie counts as none, since a shopper could
    /// not get rid of it.
    ///
    /// # Errors
    ///
    /// - [`Error::ForeignOrigin`] if it comes from elsewhere.
    /// - [`Error::Header`] if `Cart-Token` is malformed.
    pub fn of(request: &Request, shop: &Shop) -> Result<Self, Error> {
        let headers = request.headers();
        if let Some(value) = crate::header(headers, Self::HEADER) {
            let token = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
            let problem = "is not a cart token";
            return Ok(Self { token: Some(token.ok_or(Error::Header { name: "Cart-Token", problem })?) });
        }
        if request.method() == Method::POST && !is_own_origin(headers, shop) {
            return Err(Error::ForeignOrigin);
        }
        Ok(Self { token: cookie(headers) })
    }

    /// The token in a message's header or cookie, if it is well-formed; whether it opens anything is another matter.
    pub(crate) fn presented(headers: &HeaderMap) -> Option<Token> {
        let header = headers.get(Self::HEADER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        header.or_else(|| cookie(headers))
    }

    /// The token that the client brought.
    #[must_use]
    pub fn token(&self) -> Option<&Token> {
        self.token.as_ref()
    }

    /// The prices in the client's cart. One read, or none without a token.
    ///
    /// # Errors
    ///
    /// [`Error::Upstream`] if DynamoDB fails.
    pub async fn prices(&self, carts: &Carts, now: Timestamp) -> Result<Vec<PriceId>, Error> {
        let Some(token) = &self.token else { return Ok(Vec::new()) };
        let cart = carts.find(token.number(), now).await?;
        Ok(cart.iter().flat_map(Cart::lines).map(|line| line.price.clone()).collect())
    }

    /// Applies a change to the client's cart, which is opened under a new token where there is none.
    ///
    /// The token of a cart that is unknown, expired or completed is never used again. `None` where there is no cart
    /// and the change would leave nothing in one: then none is opened.
    ///
    /// # Errors
    ///
    /// - [`Error::VersionMismatch`] if the client insists on a version that the cart is not at.
    /// - [`Error::IdempotencyMismatch`] if the client gave another request the same name.
    /// - [`Error::Rejected`] if the rules refuse; the cart is unchanged.
    /// - [`Error::Upstream`] if DynamoDB fails.
    pub async fn change(
        self,
        carts: &Carts,
        change: &Change,
        offers: &Offers,
        terms: &Terms,
        now: Timestamp,
    ) -> Result<Option<(Token, Cart)>, Error> {
        if let Some(token) = &self.token {
            match carts.change(token.number(), change, offers, &terms.store, now).await {
                Ok(cart) => return Ok(Some((token.clone(), cart))),
                Err(ChangeError::Absent) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if terms.expected().is_some() || terms.any_cart {
            return Err(Error::VersionMismatch { current: None });
        }
        if !change.opens_a_cart() {
            return Ok(None);
        }
        if let Some(named) = &terms.named {
            return self.open_once(carts, change, offers, named, terms.once(), now).await.map(Some);
        }
        let token = Token::from_bytes(random()?);
        let cart = carts.open(token.number(), change, offers, None, now).await?;
        Ok(Some((token, cart)))
    }

    /// Opens a cart with a request that may be sent again before the client knows the cart's token.
    ///
    /// The token is made of the key and of a salt that all repetitions find under the key, so that they all open the
    /// same cart, and none of it needs to be stored. A client that brought no token is handed one a second time only
    /// while nothing but this request has happened to the cart: whoever else sends the same key from the same address
    /// never gets into a cart that its shopper uses.
    async fn open_once(
        &self,
        carts: &Carts,
        change: &Change,
        offers: &Offers,
        named: &Named,
        once: Option<&IdempotencyKey>,
        now: Timestamp,
    ) -> Result<(Token, Cart), Error> {
        // A request that is refused leaves no name behind.
        carts.admits(named.token([0; 16]).number(), change, offers, now)?;
        let name = named.opening(self.token.as_ref());
        let mut spent = None;
        for _ in 0..OPENINGS {
            let salt = carts.token_seed(&name, random()?, spent, now).await?;
            let token = named.token(salt);
            let cart = carts.open(token.number(), change, offers, once, now).await?;
            let untouched = cart.version() == 1 && cart.is_open(now);
            if untouched || (self.token.is_some() && now < cart.expires_at()) {
                return Ok((token, cart));
            }
            spent = Some(salt);
        }
        Err(crate::upstream(true, store::Error::Contended))
    }
}

/// How often a cart that was opened under the same key may turn out to be in use.
const OPENINGS: usize = 8;

fn random() -> Result<[u8; 16], Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| crate::upstream(true, error))?;
    Ok(bytes)
}

/// The first well-formed token among the cookies. What other cookies hold is nobody's business here: it may be anything.
fn cookie(headers: &HeaderMap) -> Option<Token> {
    let cookies =
        headers.get_all(header::COOKIE).iter().flat_map(|cookies| cookies.as_bytes().split(|byte| *byte == b';'));
    cookies.map(<[u8]>::trim_ascii).find_map(|cookie| {
        let value = cookie.strip_prefix(Caller::COOKIE.as_bytes())?.strip_prefix(b"=")?;
        std::str::from_utf8(value).ok()?.parse().ok()
    })
}

fn is_own_origin(headers: &HeaderMap, shop: &Shop) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    let same = text(headers, header::HOST).is_some_and(|host| origin == format!("{}://{host}", scheme(headers)));
    same || shop.origins.iter().any(|allowed| allowed == origin)
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    crate::header(headers, name).and_then(|value| std::str::from_utf8(value).ok())
}

/// API Gateway speaks HTTPS only: without encryption is what says so, the local stack.
fn scheme(headers: &HeaderMap) -> &'static str {
    let plain = text(headers, FORWARDED_PROTO).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http"));
    if plain { "http" } else { "https" }
}

/// How the client's request came to API Gateway: `http` or `https`.
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The currency that the client wants a new cart to have, from `X-Currency` or `X-MOLTIN-CURRENCY`.
///
/// # Errors
///
/// [`Error::Header`] if it is not a currency's code.
pub fn preferred_currency(request: &Request) -> Result<Option<Currency>, Error> {
    for name in ["X-Currency", "X-MOLTIN-CURRENCY"] {
        if let Some(value) = crate::header(request.headers(), name) {
            let currency = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
            let problem = "is not a three-letter currency code";
            return currency.map(Some).ok_or(Error::Header { name, problem });
        }
    }
    Ok(None)
}

/// The URL under which the client reached this deployment: `https://host`, with a stage if the API has one.
///
/// Where the client names no host, the API's own.
#[must_use]
pub fn base_url(request: &Request) -> Option<String> {
    let context = request.request_context_ref().and_then(|context| match context {
        RequestContext::ApiGatewayV2(context) => Some(context),
        _ => None,
    });
    let api = context.and_then(|context| context.domain_name.as_deref());
    let host = text(request.headers(), header::HOST).or(api)?;
    let stage = context.and_then(|context| context.stage.as_deref()).filter(|stage| *stage != "$default");
    let stage = stage.map(|stage| format!("/{stage}")).unwrap_or_default();
    Some(format!("{}://{host}{stage}", scheme(request.headers())))
}
