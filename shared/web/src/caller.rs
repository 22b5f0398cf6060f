//! Who asks.

use cart::{Cart, Change, Currency, Timestamp, Token};
use lambda_http::RequestExt as _;
use lambda_http::http::{HeaderMap, HeaderName, Method, header};

use store::{Carts, ChangeError};

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
        if let Some(value) = headers.get(Self::HEADER) {
            let token = value.to_str().ok().and_then(|text| text.trim().parse().ok());
            let problem = "is not a cart token";
            return Ok(Self { token: Some(token.ok_or(Error::Header { name: "Cart-Token", problem })?) });
        }
        if request.method() == Method::POST && !is_own_origin(headers, shop) {
            return Err(Error::ForeignOrigin);
        }
        Ok(Self { token: Self::presented(headers) })
    }

    /// The token in a message's header or cookie, if it is well-formed; whether it opens anything is another matter.
    pub(crate) fn presented(headers: &HeaderMap) -> Option<Token> {
        let header = headers.get(Self::HEADER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        header.or_else(|| {
            cookies
                .flat_map(|cookies| cookies.split(';'))
                .filter_map(|cookie| cookie.trim().split_once('='))
                .filter(|(name, _)| *name == Self::COOKIE)
                .find_map(|(_, value)| value.parse().ok())
        })
    }

    /// The token that the client brought.
    #[must_use]
    pub fn token(&self) -> Option<&Token> {
        self.token.as_ref()
    }

    /// Applies a change to the client's cart, which is opened under a new token where there is none.
    ///
    /// The token of a cart that is unknown, expired or completed is never used again. `None` where there is no cart
    /// and the change would leave nothing in one: then none is opened.
    ///
    /// # Errors
    ///
    /// - [`Error::VersionMismatch`] if the client insists on a version that the cart is not at.
    /// - [`Error::Rejected`] if the rules refuse; the cart is unchanged.
    /// - [`Error::Upstream`] if DynamoDB fails.
    pub async fn change(
        self,
        carts: &Carts,
        change: &Change,
        expected: Option<u64>,
        now: Timestamp,
    ) -> Result<Option<(Token, Cart)>, Error> {
        if let Some(token) = self.token {
            match carts.change(token.number(), change, expected, now).await {
                Ok(cart) => return Ok(Some((token, cart))),
                Err(ChangeError::Absent) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if expected.is_some() {
            return Err(Error::VersionMismatch { current: None });
        }
        if !change.opens_a_cart() {
            return Ok(None);
        }
        let token = new_token()?;
        let cart = carts.open(token.number(), change, now).await?;
        Ok(Some((token, cart)))
    }
}

/// A token that nobody has.
fn new_token() -> Result<Token, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| crate::upstream(true, error))?;
    Ok(Token::from_bytes(bytes))
}

fn is_own_origin(headers: &HeaderMap, shop: &Shop) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let same = origin.split_once("://").is_some_and(|(_, authority)| Some(authority) == host);
    same || shop.origins.iter().any(|allowed| allowed == origin)
}

/// The version that the client insists on with `If-Match`.
///
/// # Errors
///
/// [`Error::Header`] if it is not an entity tag of ours.
pub fn precondition(request: &Request) -> Result<Option<u64>, Error> {
    let problem = "is not the ETag of a cart";
    let Some(value) = request.headers().get(header::IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    let tag = text.strip_prefix("W/").unwrap_or(text);
    let version = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).and_then(|tag| tag.parse().ok());
    version.map(Some).ok_or(Error::Header { name: "If-Match", problem })
}

/// The currency that the client wants a new cart to have, from `X-Currency` or `X-MOLTIN-CURRENCY`.
///
/// # Errors
///
/// [`Error::Header`] if it is not a currency's code.
pub fn preferred_currency(request: &Request) -> Result<Option<Currency>, Error> {
    for name in ["X-Currency", "X-MOLTIN-CURRENCY"] {
        if let Some(value) = request.headers().get(name) {
            let currency = value.to_str().ok().and_then(|text| text.trim().parse().ok());
            let problem = "is not a three-letter currency code";
            return currency.map(Some).ok_or(Error::Header { name, problem });
        }
    }
    Ok(None)
}

/// The URL under which the client reached this deployment: `https://host`, with a stage if the API has one.
#[must_use]
pub fn base_url(request: &Request) -> Option<String> {
    let host = request.headers().get(header::HOST)?.to_str().ok()?;
    let scheme = request.headers().get("x-forwarded-proto").and_then(|value| value.to_str().ok()).unwrap_or("https");
    let stage = request.request_context_ref().and_then(|context| match context {
        lambda_http::request::RequestContext::ApiGatewayV2(context) => context.stage.clone(),
        _ => None,
    });
    let stage = stage.filter(|stage| stage != "$default").map(|stage| format!("/{stage}")).unwrap_or_default();
    Some(format!("{scheme}://{host}{stage}"))
}
