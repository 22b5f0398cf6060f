//! A request as API Gateway hands it to a function.

use std::borrow::Cow;
use std::str::FromStr;

use cart::{CartNumber, Currency, Timestamp, Token};
use lambda_http::RequestExt as _;
use lambda_http::http::header::AsHeaderName;
use lambda_http::http::{HeaderMap, HeaderName, header};
use lambda_http::request::RequestContext;
use percent_encoding::utf8_percent_encode;

use crate::event::NOT_IN_PATH;
use crate::{Error, cookies, host};

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
    /// In cookies, which a browser sends whatever page asks it to. The first one that opens a cart counts.
    Cookies(Vec<Token>),
    /// In the header, which only a program sends.
    Header(Token),
    /// In the header, and it cannot be one: a program can mend it.
    Malformed,
}

impl Request {
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

    /// The number of the cart that the token would open, or the first of the tokens.
    pub(crate) fn cart(&self) -> Option<CartNumber> {
        match &self.token {
            Presented::Cookies(tokens) => tokens.first().map(Token::number),
            Presented::Header(token) => Some(token.number()),
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

    /// The path, decoded as API Gateway hands it on. It may have segments in front of the route's own.
    pub(crate) fn path(&self) -> &str {
        match self.inner.raw_http_path() {
            "" => self.inner.uri().path(),
            path => path,
        }
    }

    /// The last segment of the path.
    #[must_use]
    pub fn last_segment(&self) -> &str {
        self.path().rsplit('/').next().unwrap_or_default()
    }

    /// A parameter of the route's path, decoded; `None` where the route has none of this name.
    #[must_use]
    pub fn path_parameter(&self, name: &str) -> Option<String> {
        self.inner.path_parameters_ref()?.first(name).map(str::to_owned)
    }

    /// The method, in capitals. HEAD counts as GET: who answers it leaves the body out.
    #[must_use]
    pub fn method(&self) -> &str {
        match self.inner.method().as_str() {
            "HEAD" => "GET",
            method => method,
        }
    }

    /// The segments of the path, the last one first.
    pub fn segments_from_the_last(&self) -> impl Iterator<Item = &str> {
        self.path().rsplit('/')
    }

    /// Which of these media types the client wants most, by `Accept`: of those that it wants alike the one that it names more
    /// closely, or else the first. All of them are fine to a client that says nothing.
    ///
    /// Source: <https://www.rfc-editor.org/rfc/rfc9110#name-accept>
    ///
    /// # Errors
    ///
    /// [`Error::NotAcceptable`] if it takes none of them.
    pub fn accepted(&self, offered: &'static [&'static str]) -> Result<&'static str, Error> {
        let all = self.headers().get_all(header::ACCEPT).iter();
        let accept = all.map(|value| String::from_utf8_lossy(value.as_bytes())).collect::<Vec<_>>().join(",");
        let ranges: Vec<Range<'_>> = accept.split(',').filter_map(Range::parse).collect();
        if ranges.is_empty() {
            return offered.first().copied().ok_or(Error::NotAcceptable(offered));
        }
        let wish = |offered: &'static &'static str| {
            // The closest range counts, whatever the others say.
            let closest = ranges.iter().filter_map(|range| Some((range.closeness(offered)?, range.thousandths)));
            closest.max_by_key(|(closeness, _)| *closeness).filter(|(_, thousandths)| *thousandths > 0)
        };
        let wishes = offered.iter().rev().filter_map(|offered| Some((wish(offered)?, *offered)));
        // Of equal ones the last counts: the first that is offered.
        let best = wishes.max_by_key(|((closeness, thousandths), _)| (*thousandths, *closeness));
        best.map(|(_, offered)| offered).ok_or(Error::NotAcceptable(offered))
    }

    /// The parameters of the query, by name and value.
    fn queries(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        form_urlencoded::parse(self.inner.uri().query().unwrap_or_default().as_bytes())
    }

    /// A parameter of the query; `None` where it is absent or blank. Of several the first counts.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<String> {
        self.given_query(name).filter(|value| !value.is_empty())
    }

    /// A parameter of the query, blank or not.
    fn given_query(&self, name: &str) -> Option<String> {
        self.queries().find(|(given, _)| given == name).map(|(_, value)| value.into_owned())
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

    /// Refuses parameters of the query that are none of these, for lists where one that is overlooked would show too much.
    ///
    /// # Errors
    ///
    /// [`Error::Field`] that names the first of them.
    pub fn refuse_other_queries(&self, known: &[&str]) -> Result<(), Error> {
        match self.queries().map(|(name, _)| name).filter(|name| !known.contains(&&**name)).min() {
            Some(other) => Err(Error::field(other, format!("is none of {}", known.join(", ")))),
            None => Ok(()),
        }
    }

    /// A parameter of the query that is an e-mail address, without white space around it; `None` where it is absent.
    ///
    /// # Errors
    ///
    /// [`Error::Field`] if it cannot be one, or is blank.
    pub fn address_query(&self, name: &str) -> Result<Option<String>, Error> {
        let found = self
            .given_query(name)
            .map(|text| address(&text).map(str::to_owned).ok_or_else(|| Error::field(name, NO_ADDRESS)));
        found.transpose()
    }

    /// The currency that the client wants a new cart to have, and an answer without one: from `X-Currency`, or else from
    /// `X-MOLTIN-CURRENCY`.
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

    /// The URL under which the client reached this deployment by a route that ends with the path `own`: `https://host`, and
    /// behind it what stands in the request's path before the route's, which is a stage or a domain's base path.
    ///
    /// Where the client names no host, the API's own.
    #[must_use]
    pub fn base_url(&self, own: &str) -> Option<String> {
        let context = self.inner.request_context_ref().and_then(|context| match context {
            RequestContext::ApiGatewayV2(context) => Some(context),
            _ => None,
        });
        let api = context.and_then(|context| context.domain_name.as_deref());
        let host = self.text_header(header::HOST.as_str()).or(api)?;
        let route_key = context.and_then(|context| context.route_key.as_deref());
        let stage = context.and_then(|context| context.stage.as_deref());
        let base = utf8_percent_encode(base_path(self.path(), own, route_key, stage), NOT_IN_PATH);
        Some(format!("{}://{host}{base}", self.scheme()))
    }

    /// Refuses a request for a host that cannot be one.
    ///
    /// # Errors
    ///
    /// [`Error::Header`] that names `Host`.
    pub(crate) fn check_host(&self) -> Result<(), Error> {
        let is_possible = self.headers().get(header::HOST).is_none_or(|host| host::is_possible(host.as_bytes()));
        if is_possible { Ok(()) } else { Err(Error::Header { name: "Host", problem: "cannot be a host" }) }
    }

    /// The scheme of the client's request. API Gateway takes HTTPS only; the local stack takes HTTP, and says so.
    pub(crate) fn scheme(&self) -> &'static str {
        let plain = self.text_header("x-forwarded-proto").is_some_and(|scheme| scheme.eq_ignore_ascii_case("http"));
        if plain { "http" } else { "https" }
    }

    /// Whether it came over plain http, and not from this machine: there browsers keep no `Secure` cookie.
    pub(crate) fn is_plain_from_elsewhere(&self) -> bool {
        self.scheme() == "http" && !self.header(header::HOST).is_some_and(host::is_loopback)
    }
}

/// What is wrong with a text that is no e-mail address.
pub(crate) const NO_ADDRESS: &str = "must be an e-mail address";

/// The longest address that Stripe takes, in bytes.
///
/// Source: <https://docs.stripe.com/api/customers/object#customer_object-email>
const LONGEST_ADDRESS: usize = 512;

/// The e-mail address that a text holds, if it may be one.
pub(crate) fn address(text: &str) -> Option<&str> {
    let is_address = |text: &&str| {
        let plain = !text.contains(|letter: char| letter.is_whitespace() || letter.is_control());
        text.contains('@') && plain && text.len() <= LONGEST_ADDRESS
    };
    Some(text.trim()).filter(is_address)
}

/// One of the media types that a client accepts, perhaps with stars, and how much it wants it.
struct Range<'a> {
    media_type: &'a str,
    thousandths: u16,
}

impl<'a> Range<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let media_type = parts.next().filter(|media_type| !media_type.is_empty())?;
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        Some(Self { media_type, thousandths: weight.map_or(Some(1000), thousandths)? })
    }

    /// How closely it names this media type; `None` where it does not.
    fn closeness(&self, media_type: &str) -> Option<u8> {
        if self.media_type.eq_ignore_ascii_case(media_type) {
            return Some(2);
        }
        if self.media_type == "*/*" {
            return Some(0);
        }
        let kind = self.media_type.strip_suffix("/*")?;
        media_type.split_once('/').is_some_and(|(own, _)| own.eq_ignore_ascii_case(kind)).then_some(1)
    }
}

/// A weight from 0 to 1 with up to three decimals.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let whole: u16 = whole.parse().ok().filter(|whole| *whole <= 1)?;
    let decimals: u16 = format!("{decimals:0<3}").parse().ok().filter(|_| decimals.len() <= 3)?;
    Some(whole * 1000 + decimals).filter(|weight| *weight <= 1000)
}

impl Presented {
    fn by(headers: &HeaderMap) -> Self {
        let header = headers.get(Request::TOKEN).map(|value| value.as_bytes().trim_ascii());
        match header.filter(|value| !value.is_empty()) {
            None => {
                Some(cookies::tokens(headers)).filter(|tokens| !tokens.is_empty()).map_or(Self::Nothing, Self::Cookies)
            }
            Some(value) => {
                let token = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                token.map_or(Self::Malformed, Self::Header)
            }
        }
    }
}

/// What stands in the `path` of a request before that of its route, which ends with `own`.
///
/// The key of the route, such as `POST /{prefix}/cart/checkout`, tells how many segments of its own stand before `own`.
/// `$default` does not tell: then one is taken for the prefix, unless it is the stage.
///
/// Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>
fn base_path<'a>(path: &'a str, own: &str, route_key: Option<&str>, stage: Option<&str>) -> &'a str {
    let Some(before) = path.strip_suffix(own) else { return "" };
    let route = route_key.and_then(|key| key.split_once(' ')).and_then(|(_, route)| route.strip_suffix(own));
    let segments = route.map_or(1, |route| route.matches('/').count());
    let last = before.rsplit('/').next();
    if route.is_none() && before.matches('/').count() == 1 && last == stage {
        return before;
    }
    (0..segments).fold(before, |before, _| before.rsplit_once('/').map_or("", |(before, _)| before))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The request that API Gateway makes an event of, in the format 2.0.
    ///
    /// Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>
    fn request(path: &str, route_key: &str, stage: &str) -> Request {
        let event = json!({
            "version": "2.0",
            "routeKey": route_key,
            "rawPath": path,
            "rawQueryString": "",
            "headers": { "host": "shop.example", "x-forwarded-proto": "https" },
            "requestContext": {
                "accountId": "123456789012",
                "apiId": "api-id",
                "domainName": "id.execute-api.us-east-1.amazonaws.com",
                "domainPrefix": "id",
                "http": {
                    "method": "POST",
                    "path": path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "192.0.2.1",
                    "userAgent": "agent",
                },
                "requestId": "id",
                "routeKey": route_key,
                "stage": stage,
                "time": "12/Mar/2020:19:03:58 +0000",
                "timeEpoch": 1_583_348_638_390_i64,
            },
            "isBase64Encoded": false,
        });
        Request::new(crate::event::request(&event.to_string()))
    }

    #[test]
    fn a_client_gets_what_it_wants_most() {
        const OFFERED: &[&str] = &["application/json", "text/csv", "application/x-ndjson"];
        for (accept, expected) in [
            ("", Some("application/json")),
            ("*/*", Some("application/json")),
            ("text/csv", Some("text/csv")),
            ("Text/CSV; charset=utf-8", Some("text/csv")),
            ("text/*", Some("text/csv")),
            ("application/*", Some("application/json")),
            ("application/x-ndjson, */*;q=0.1", Some("application/x-ndjson")),
            ("application/json;q=0.5, text/csv;q=0.8", Some("text/csv")),
            ("*/*, text/csv", Some("text/csv")),
            ("application/*, application/json;q=0", Some("application/x-ndjson")),
            ("text/html, application/xhtml+xml, */*;q=0.8", Some("application/json")),
            ("text/csv;q=0, text/*", None),
            ("text/html", None),
            ("application/json;q=0", None),
            ("application/json;q=0.000", None),
            // What cannot be read is as if it were not there.
            ("text/csv;q=much", Some("application/json")),
            ("text/csv;q=2, application/x-ndjson;q=0.001", Some("application/x-ndjson")),
            ("text/csv;q=65535.999, application/x-ndjson;q=0.1", Some("application/x-ndjson")),
            ("text/csv;q=0.0001, text/csv;q=-1, text/csv;q=", Some("application/json")),
        ] {
            let mut request = lambda_http::Request::new(lambda_http::Body::Empty);
            request.headers_mut().insert(header::ACCEPT, accept.parse().unwrap());

            let accepted = Request::new(request).accepted(OFFERED);

            assert_eq!(accepted.as_ref().ok(), expected.as_ref(), "{accept}");
        }
    }

    #[test]
    fn what_stands_before_the_route_belongs_to_the_address() {
        const PLAIN: &str = "POST /cart/checkout";
        const PREFIXED: &str = "POST /{prefix}/cart/checkout";
        for (path, route_key, stage, base) in [
            ("/cart/checkout", PLAIN, "$default", ""),
            ("/shop/cart/checkout", PLAIN, "$default", "/shop"),
            ("/shop/v1/cart/checkout", PLAIN, "$default", "/shop/v1"),
            ("/enupal-stripe/cart/checkout", PREFIXED, "$default", ""),
            ("/shop/enupal-stripe/cart/checkout", PREFIXED, "$default", "/shop"),
            ("/shop/v1/enupal-stripe/cart/checkout", PREFIXED, "$default", "/shop/v1"),
            // A prefix may be called like anything.
            ("/cart/cart/checkout", PREFIXED, "$default", ""),
            ("/cart/checkout/cart/checkout", PREFIXED, "$default", "/cart"),
            // A stage with a name stands in front.
            ("/prod/cart/checkout", PLAIN, "prod", "/prod"),
            ("/prod/enupal-stripe/cart/checkout", PREFIXED, "prod", "/prod"),
            ("/prod/prod/cart/checkout", PREFIXED, "prod", "/prod"),
            // A domain that is mapped to it leaves it out.
            ("/cart/checkout", PLAIN, "prod", ""),
            ("/shop/cart/checkout", PLAIN, "prod", "/shop"),
            // cargo lambda, `cargo run`, and an API that has one route for all paths.
            ("/cart/checkout", "$default", "$default", ""),
            ("/enupal-stripe/cart/checkout", "$default", "$default", ""),
            ("/shop/enupal-stripe/cart/checkout", "$default", "$default", "/shop"),
            ("/prod/cart/checkout", "$default", "prod", "/prod"),
            ("/prod/enupal-stripe/cart/checkout", "$default", "prod", "/prod"),
            ("/enupal-stripe/cart/checkout", "ANY /{proxy+}", "$default", ""),
            // A route of another name.
            ("/elsewhere", "POST /elsewhere", "$default", ""),
        ] {
            let url = request(path, route_key, stage).base_url("/cart/checkout");

            assert_eq!(url, Some(format!("https://shop.example{base}")), "{path} by {route_key} at {stage}");
        }
    }
}
