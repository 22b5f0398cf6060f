//! Who asks, and on which conditions.

use lambda_http::RequestExt as _;
use lambda_http::http::{Method, header};
use lambda_http::request::RequestContext;
use shopping::{Expected, KeyedRequest, Shopper};

use crate::request::Presented;
use crate::{AllowedOrigins, Error, Request, entity_tags, origins};

/// The header that gives a request a key.
pub(crate) const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
const SEC_FETCH_SITE: &str = "sec-fetch-site";
/// The longest key, in characters, as Stripe has it.
const LONGEST_KEY: usize = 255;

impl Request {
    /// The shopper behind a request to a cart: the token that they brought, and the conditions `If-Match` and
    /// `Idempotency-Key` of a request that changes something.
    ///
    /// A cookie is sent by a browser whatever page asks it to, so a change without `Cart-Token` must come from the shop's own
    /// origin or from one of `origins`. What no browser sent passes.
    ///
    /// # Errors
    ///
    /// - [`Error::ForeignOrigin`] if it comes from elsewhere.
    /// - [`Error::Header`] if `Cart-Token` is malformed, `If-Match` is not an entity tag of ours, or `Idempotency-Key` is not 1
    ///   to 255 visible ASCII characters.
    pub fn shopper(&self, origins: &AllowedOrigins) -> Result<Shopper, Error> {
        let tokens = match &self.token {
            Presented::Malformed => {
                return Err(Error::Header { name: "Cart-Token", problem: "is not a cart token" });
            }
            Presented::Cookies(_) | Presented::Nothing if self.is_from_elsewhere(origins) => {
                let origin = self.header(header::ORIGIN).map(|origin| String::from_utf8_lossy(origin).into_owned());
                return Err(Error::ForeignOrigin { origin });
            }
            Presented::Header(token) => vec![token.clone()],
            Presented::Cookies(tokens) => tokens.clone(),
            Presented::Nothing => Vec::new(),
        };
        if !self.changes_something() {
            return Ok(Shopper { tokens, ..Shopper::default() });
        }
        let request = self.keyed()?;
        Ok(Shopper { tokens, request, expected: self.expected()? })
    }

    /// Whether a browser sent the request from a page that is not the shop's, and the request changes something.
    ///
    /// Behind a proxy that rewrites `Host`, only the browser knows that a page is of the same origin, and says so in
    /// `Sec-Fetch-Site`, which no page can forge.
    ///
    /// Source: <https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header>
    fn is_from_elsewhere(&self, origins: &AllowedOrigins) -> bool {
        if !self.changes_something() {
            return false;
        }
        // A blank origin is none of ours.
        match (self.header(SEC_FETCH_SITE), self.headers().get(header::ORIGIN)) {
            (Some(b"same-origin"), _) | (None | Some(b"none"), None) => false,
            (_, None) => true,
            (_, Some(origin)) => {
                let own = self.text_header(header::HOST.as_str()).map(|host| format!("{}://{host}", self.scheme()));
                !origin.to_str().is_ok_and(|origin| {
                    origins.contains(origin) || own.is_some_and(|own| origins::are_same(&own, origin))
                })
            }
        }
    }

    fn changes_something(&self) -> bool {
        !matches!(*self.inner.method(), Method::GET | Method::HEAD | Method::OPTIONS)
    }

    fn keyed(&self) -> Result<Option<KeyedRequest>, Error> {
        let Some(value) = self.header(IDEMPOTENCY_KEY) else { return Ok(None) };
        let key = visible(value).unwrap_or_default();
        if key.is_empty() || key.len() > LONGEST_KEY {
            return Err(Error::Header { name: IDEMPOTENCY_KEY, problem: "must have 1 to 255 ASCII characters" });
        }
        let currency = Self::CURRENCY_HEADERS.map(|name| self.headers().get(name));
        let mut asked_for = vec![self.target().into_bytes(), self.bytes().to_vec()];
        asked_for.extend(currency.map(|value| value.map(|value| value.as_bytes().to_vec()).unwrap_or_default()));

        let address = self.inner.request_context_ref().and_then(|context| match context {
            RequestContext::ApiGatewayV2(context) => context.http.source_ip.clone(),
            _ => None,
        });
        let user_agent = self.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        let client = vec![address.unwrap_or_default(), user_agent.unwrap_or_default().to_owned()];
        Ok(Some(KeyedRequest { key: key.to_owned(), content: asked_for, client }))
    }

    /// What the key is given for: the method and the whole path. For a path that the version 0.1.0 has, the word by which that
    /// calls it, so that a request which one version answered is known to the other.
    fn target(&self) -> String {
        match (self.inner.method(), self.path()) {
            (&Method::POST, path @ ("/cart/add" | "/cart/update" | "/cart/clear" | "/cart/checkout")) => {
                path.trim_start_matches("/cart/").to_owned()
            }
            (method, path) => format!("{method} {path}"),
        }
    }

    fn expected(&self) -> Result<Expected, Error> {
        let Some(value) = self.header(header::IF_MATCH) else { return Ok(Expected::Anything) };
        if value == b"*" {
            return Ok(Expected::AnyCart);
        }
        match listed_versions(value).as_deref() {
            Some([version]) => Ok(Expected::Version(*version)),
            Some(versions) => Ok(Expected::OneOf(versions.to_vec())),
            None => Err(Error::Header { name: "If-Match", problem: "is not the ETag of a cart" }),
        }
    }
}

/// The versions that a list of entity tags says. `None` where an element is no tag of a cart's, or there is none at all.
fn listed_versions(value: &[u8]) -> Option<Vec<u64>> {
    let list = std::str::from_utf8(value).ok()?;
    let versions: Vec<u64> = entity_tags::elements(list).map(version).collect::<Option<_>>()?;
    (!versions.is_empty()).then_some(versions)
}

/// The version that an entity tag of a cart's says. Weak ones mean the same cart.
fn version(tag: &str) -> Option<u64> {
    let digits = entity_tags::opaque(tag)?;
    let is_version = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    is_version.then(|| digits.parse().ok()).flatten()
}

/// The text of a header of visible ASCII characters.
fn visible(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(value).ok().filter(|text| text.chars().all(|letter| letter == ' ' || letter.is_ascii_graphic()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sources: <https://www.rfc-editor.org/rfc/rfc9110#section-5.6.1.2>, whose examples of lists these are, and
    /// <https://www.rfc-editor.org/rfc/rfc9110#section-5.6.3> for the space between elements.
    #[test]
    fn empty_elements_of_a_list_count_for_nothing() {
        for (list, versions) in [
            ("\"1\",\"2\"", vec![1, 2]),
            ("\"1\" ,\"2\",", vec![1, 2]),
            ("\"1\" , ,\"2\",\"3\"", vec![1, 2, 3]),
            ("\"1\",", vec![1]),
            (",\"1\"", vec![1]),
            (",,W/\"1\" ,\t,\t\"2-gzip\", ", vec![1, 2]),
        ] {
            assert_eq!(listed_versions(list.as_bytes()), Some(versions), "{list}");
        }
        for list in
            ["", ",", ",   ,", "\"\",\"1\"", "\"1\",2", "\"1\" \"2\"", "*,\"1\"", "\"1\",\u{a0}\"2\"", "\"1\t\""]
        {
            assert_eq!(listed_versions(list.as_bytes()), None, "{list}");
        }
    }
}
