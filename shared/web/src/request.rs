//! A request as API Gateway hands it to a function.

use std::str::FromStr;

use cart::{CartNumber, Currency, Timestamp, Token};
use lambda_http::RequestExt as _;
use lambda_http::http::header::AsHeaderName;
use lambda_http::http::{HeaderMap, HeaderName, header};
use lambda_http::request::RequestContext;

use crate::Error;

/// A request, with the token that it brought read once.
#[derive(Debug)]
pub struct Request {
    pub(crate) inner: lambda_http::Request,
    pub(crate) token: Presented,
    received_at: Timestamp,
}

/// The token that a request brought; whether it opens anything is another matter.
#[derive(Debug)]
pub(crate) enum Presented {
    /// None, or none that can be one: a shopper cannot get rid of an `HttpOnly` cookie.
    Nothing,
    /// In the cookie, which a browser sends whatever page asks it to.
    Cookie(Token),
    /// In the header, which only a program sends.
    Header(Token),
    /// In the header, and it cannot be one: a program can mend it.
    Malformed,
}

impl Request {
    /// The cookie that carries a cart's token.
    pub const COOKIE: &'static str = "cart_token";
    /// The header that carries a cart's token, in and out. It wins over the cookie.
    pub const TOKEN: HeaderName = HeaderName::from_static("cart-token");
    /// The headers that name a currency; the first one wins.
    pub(crate) const CURRENCY_HEADERS: [&str; 2] = ["X-Currency", "X-MOLTIN-CURRENCY"];

    /// Reads the token of a request of API Gateway's.
    #[must_use]
    pub fn new(inner: lambda_http::Request) -> Self {
        let token = Presented::by(inner.headers());
        Self { inner, token, received_at: crate::now() }
    }

    /// When it was received: the time for all that it leads to.
    #[must_use]
    pub fn received_at(&self) -> Timestamp {
        self.received_at
    }

    /// The number of the cart that the token would open.
    pub(crate) fn cart(&self) -> Option<CartNumber> {
        match &self.token {
            Presented::Cookie(token) | Presented::Header(token) => Some(token.number()),
            Presented::Nothing | Presented::Malformed => None,
        }
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        self.inner.headers()
    }

    /// The value of a header, without space around it; `None` where it is absent or blank.
    pub(crate) fn header(&self, name: impl AsHeaderName) -> Option<&[u8]> {
        self.headers().get(name).map(|value| value.as_bytes().trim_ascii()).filter(|value| !value.is_empty())
    }

    /// The value of a header that is text; `None` where it is absent or blank.
    #[must_use]
    pub fn text_header(&self, name: &'static str) -> Option<&str> {
        self.header(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// The body's bytes, decoded from base64 where API Gateway encoded them.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.inner.body().as_ref()
    }

    /// The last segment of the path. The path may have segments in front of the route's own.
    #[must_use]
    pub fn last_segment(&self) -> &str {
        self.inner.uri().path().rsplit('/').next().unwrap_or_default()
    }

    /// A parameter of the query; `None` where it is absent or blank.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<String> {
        let parameters = self.inner.query_string_parameters_ref()?;
        parameters.first(name).map(str::to_owned).filter(|value| !value.is_empty())
    }

    /// A parameter of the query, read; `None` where it is absent or blank.
    ///
    /// # Errors
    ///
    /// [`Error::Field`] with this `problem` if it cannot be read.
    pub fn parsed_query<T: FromStr>(&self, name: &str, problem: &str) -> Result<Option<T>, Error> {
        let parsed = self.query(name).map(|text| text.parse()).transpose();
        parsed.map_err(|_| Error::field(name, problem))
    }

    /// The currency that the client wants a new cart to have: from `X-Currency`, or else from `X-MOLTIN-CURRENCY`.
    ///
    /// # Errors
    ///
    /// [`Error::Header`] if it is not a currency's code.
    pub fn currency(&self) -> Result<Option<Currency>, Error> {
        for name in Self::CURRENCY_HEADERS {
            if let Some(value) = self.header(name) {
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
    pub fn base_url(&self) -> Option<String> {
        let context = self.inner.request_context_ref().and_then(|context| match context {
            RequestContext::ApiGatewayV2(context) => Some(context),
            _ => None,
        });
        let api = context.and_then(|context| context.domain_name.as_deref());
        let host = self.text_header(header::HOST.as_str()).or(api)?;
        let stage = context.and_then(|context| context.stage.as_deref()).filter(|stage| *stage != "$default");
        let stage = stage.map(|stage| format!("/{stage}")).unwrap_or_default();
        Some(format!("{}://{host}{stage}", self.scheme()))
    }

    /// The scheme of the client's request. API Gateway takes HTTPS only; the local stack takes HTTP, and says so.
    pub(crate) fn scheme(&self) -> &'static str {
        let plain = self.text_header("x-forwarded-proto").is_some_and(|scheme| scheme.eq_ignore_ascii_case("http"));
        if plain { "http" } else { "https" }
    }
}

impl Presented {
    fn by(headers: &HeaderMap) -> Self {
        let header = headers.get(Request::TOKEN).map(|value| value.as_bytes().trim_ascii());
        match header.filter(|value| !value.is_empty()) {
            None => cookie(headers).map_or(Self::Nothing, Self::Cookie),
            Some(value) => {
                let token = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                token.map_or(Self::Malformed, Self::Header)
            }
        }
    }
}

/// The first well-formed token among the cookies. Other cookies may hold anything.
fn cookie(headers: &HeaderMap) -> Option<Token> {
    let cookies =
        headers.get_all(header::COOKIE).iter().flat_map(|cookies| cookies.as_bytes().split(|byte| *byte == b';'));
    cookies.map(<[u8]>::trim_ascii).find_map(|cookie| {
        let value = cookie.strip_prefix(Request::COOKIE.as_bytes())?.strip_prefix(b"=")?;
        std::str::from_utf8(value).ok()?.parse().ok()
    })
}
