//! The cookie that carries a cart's token.

use cart::Token;
use lambda_http::http::{HeaderMap, HeaderValue, header};
use settings::Environment;

use crate::{Request, Response};

/// Its name. A cookie of such a name can be set by no other host, and not over plain http.
///
/// Source: <https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#name-the-__host-prefix>
const NAME: &str = "__Host-cart_token";
/// Its name in the version 0.1.0, and over plain http from elsewhere than loopback, where no browser keeps the other.
const OLD_NAME: &str = "cart_token";

/// The most tokens that are tried. A browser has one, or two while the old name or another `SameSite` is still about.
const MAX_TOKENS: usize = 4;

/// The well-formed tokens among the cookies, each once: those of the name, then those of the old one, in the order in which they
/// were sent. Other cookies may hold anything.
pub(crate) fn tokens(headers: &HeaderMap) -> Vec<Token> {
    let mut tokens = Vec::new();
    for name in [NAME, OLD_NAME] {
        for value in values(headers, name) {
            let token = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
            tokens.extend(token.filter(|token| !tokens.contains(token)));
        }
    }
    tokens.truncate(MAX_TOKENS);
    tokens
}

/// The values of the cookies of this name.
fn values<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a [u8]> {
    let all = headers.get_all(header::COOKIE).iter();
    let cookies = all.flat_map(|cookies| cookies.as_bytes().split(|byte| *byte == b';')).map(<[u8]>::trim_ascii);
    cookies.filter_map(move |cookie| cookie.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
}

/// How a shop's cookies are set: `COOKIE_SAME_SITE`, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cookies {
    same_site: SameSite,
    /// In seconds.
    lifetime: u32,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum SameSite {
    Lax,
    /// Kept apart for each site that embeds the shop.
    None,
}

/// What becomes of the client's token with an answer.
#[derive(Debug)]
pub(crate) enum Handed {
    /// It is this one from now on.
    Over(Token, Cookies),
    /// The browser is to forget it.
    Back(Cookies),
}

impl Cookies {
    /// The setting in `environment`, for cookies that live this many seconds.
    ///
    /// # Errors
    ///
    /// It is malformed.
    pub(crate) fn new(environment: &Environment, lifetime: u32) -> Result<Self, settings::Error> {
        let same_site = match environment.get("COOKIE_SAME_SITE").unwrap_or("Lax") {
            "Lax" => SameSite::Lax,
            "None" => SameSite::None,
            _ => return Err(settings::Error::malformed("COOKIE_SAME_SITE", "Lax or None")),
        };
        Ok(Self { same_site, lifetime })
    }

    fn cookie(self, token: &str, is_plain: bool) -> String {
        let (name, attributes) = match self.same_site {
            // A cookie that is not `Secure` cannot be `None`.
            _ if is_plain => (OLD_NAME, "HttpOnly; SameSite=Lax"),
            SameSite::Lax => (NAME, "HttpOnly; Secure; SameSite=Lax"),
            SameSite::None => (NAME, "HttpOnly; Secure; SameSite=None; Partitioned"),
        };
        format!("{name}={token}; {attributes}; Path=/; Max-Age={}", self.lifetime)
    }

    /// Has the browser drop all cookies of this name: a partitioned one is another than one that is not.
    fn ended(self, name: &str, is_plain: bool) -> Vec<String> {
        let attributes = match self.same_site {
            _ if is_plain => return vec![format!("{name}=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0")],
            SameSite::Lax => "HttpOnly; Secure; SameSite=Lax",
            SameSite::None => "HttpOnly; Secure; SameSite=None",
        };
        ["", "; Partitioned"].map(|more| format!("{name}=; {attributes}{more}; Path=/; Max-Age=0")).to_vec()
    }
}

impl Handed {
    /// Hands the token to the client that sent `request`, in the cookie and in `Cart-Token`, or has its browser forget it. A cookie
    /// of the old name ends where the new one begins.
    pub(crate) fn write(&self, request: &Request, response: &mut Response) {
        let is_plain = request.is_plain_from_elsewhere();
        let has_old = values(request.headers(), OLD_NAME).next().is_some();
        let cookies = match self {
            Self::Over(token, cookies) => {
                let token = token.reveal();
                let old = if has_old && !is_plain { cookies.ended(OLD_NAME, is_plain) } else { Vec::new() };
                let all = [vec![cookies.cookie(&token, is_plain)], old].concat();
                insert(response, Request::TOKEN, token);
                all
            }
            Self::Back(cookies) => {
                let names = [(NAME, !is_plain), (OLD_NAME, has_old)].into_iter().filter(|(_, is_there)| *is_there);
                names.flat_map(|(name, _)| cookies.ended(name, is_plain)).collect()
            }
        };
        for cookie in cookies {
            insert(response, header::SET_COOKIE, cookie);
        }
    }
}

fn insert(response: &mut Response, name: header::HeaderName, value: String) {
    // Base64url and our own attributes: always a valid header.
    if let Ok(mut value) = HeaderValue::try_from(value) {
        value.set_sensitive(true);
        response.headers_mut().append(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_four_tokens_are_tried_those_of_the_new_name_first() {
        let [first, second, third, fourth, fifth] =
            ['a', 'b', 'c', 'd', 'e'].map(|letter| letter.to_string().repeat(21) + "A");
        let mut headers = HeaderMap::new();
        let one =
            format!("cart_token={fourth}; x=1; __Host-cart_token={second}; cart_token={second};__Host-cart_token=%");
        let other = format!("__Host-cart_token={first}; cart_token={third}; cart_token={fifth}");
        for cookies in [one, other] {
            headers.append(header::COOKIE, cookies.parse().unwrap());
        }

        let tried: Vec<_> = tokens(&headers).iter().map(Token::reveal).collect();

        assert_eq!(tried, [second, first, fourth, third]);
    }
}
