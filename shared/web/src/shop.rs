//! What all cart endpoints know of the shop.

use cart::{Currency, Money, Token};
use lambda_http::http::{HeaderValue, header};
use settings::Environment;

use crate::format::Formatter;
use crate::origins::AllowedOrigins;
use crate::views::{Amounts, Renderings};
use crate::{Request, Response};

/// The shop's settings: `DEFAULT_CURRENCY`, `SHOP_LOCALE`, `ALLOWED_ORIGINS`, `COOKIE_SAME_SITE`.
#[derive(Debug)]
pub struct Shop {
    pub(crate) currency: Currency,
    pub(crate) formatter: Formatter,
    pub(crate) renderings: Renderings,
    pub(crate) amounts: Amounts,
    /// Whose pages may change a cart.
    pub origins: AllowedOrigins,
    cookie_attributes: String,
}

impl Shop {
    /// The settings in `environment`.
    ///
    /// # Errors
    ///
    /// A setting is malformed.
    pub fn new(environment: &Environment) -> Result<Self, settings::Error> {
        let same_site = match environment.get("COOKIE_SAME_SITE").unwrap_or("Lax") {
            "Lax" => "SameSite=Lax",
            // A cross-site cookie is kept apart for each site that embeds the shop.
            "None" => "SameSite=None; Partitioned",
            _ => return Err(settings::Error::malformed("COOKIE_SAME_SITE", "Lax or None")),
        };
        let lifetime = shopping::cart_lifetime(environment)?;
        Ok(Self {
            currency: shopping::default_currency(environment)?,
            formatter: Formatter::new(environment.get("SHOP_LOCALE").unwrap_or("en-US"))
                .ok_or_else(|| settings::Error::malformed("SHOP_LOCALE", "a locale such as en-US"))?,
            renderings: Renderings::default(),
            amounts: Amounts::default(),
            origins: AllowedOrigins::new(environment)?,
            cookie_attributes: format!("HttpOnly; Secure; {same_site}; Path=/; Max-Age={}", lifetime.seconds()),
        })
    }

    /// The amount as people in the shop's locale write it.
    #[must_use]
    pub fn written(&self, money: Money) -> String {
        self.formatter.format(money)
    }

    /// What one unit costs, given in minor units, as people in the shop's locale write it, with all its digits.
    #[must_use]
    pub fn written_unit(&self, unit: cart::Decimal, currency: Currency) -> String {
        self.formatter.format_unit(unit, currency)
    }

    /// Hands the token to the client, in the cookie and in `Cart-Token`.
    pub(crate) fn set_token(&self, token: &Token, response: &mut Response) {
        let token = token.reveal();
        let cookie = format!("{}={token}; {}", Request::COOKIE, self.cookie_attributes);
        for (name, value) in [(header::SET_COOKIE, cookie), (Request::TOKEN, token)] {
            // Base64url and our own attributes: always a valid header.
            if let Ok(mut value) = HeaderValue::try_from(value) {
                value.set_sensitive(true);
                response.headers_mut().insert(name, value);
            }
        }
    }
}
