//! What all cart endpoints know of the shop.

use cart::{Currency, Money};
use settings::Environment;

use crate::cookies::Cookies;
use crate::format::Formatter;
use crate::origins::AllowedOrigins;
use crate::views::{Amounts, Renderings};

/// The shop's settings: `DEFAULT_CURRENCY`, `SHOP_LOCALE`, `ALLOWED_ORIGINS`, `COOKIE_SAME_SITE`.
#[derive(Debug)]
pub struct Shop {
    pub(crate) currency: Currency,
    pub(crate) formatter: Formatter,
    pub(crate) renderings: Renderings,
    pub(crate) amounts: Amounts,
    /// Whose pages may change a cart.
    pub origins: AllowedOrigins,
    pub(crate) cookies: Cookies,
}

impl Shop {
    /// The settings in `environment`.
    ///
    /// # Errors
    ///
    /// A setting is malformed.
    pub fn new(environment: &Environment) -> Result<Self, settings::Error> {
        let lifetime = shopping::cart_lifetime(environment)?;
        Ok(Self {
            currency: shopping::default_currency(environment)?,
            formatter: Formatter::new(environment.get("SHOP_LOCALE").unwrap_or("en-US"))
                .ok_or_else(|| settings::Error::malformed("SHOP_LOCALE", "a locale such as en-US"))?,
            renderings: Renderings::default(),
            amounts: Amounts::default(),
            origins: AllowedOrigins::new(environment)?,
            cookies: Cookies::new(environment, lifetime.seconds())?,
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
}
