//! What carts are like in this shop.

use cart::{Currency, Lifetime};
use settings::{Environment, Error};
use store::Carts;

/// The currency of a cart without lines: `DEFAULT_CURRENCY` (usd).
///
/// # Errors
///
/// The setting is malformed.
pub fn default_currency(environment: &Environment) -> Result<Currency, Error> {
    let currency = environment.parse("DEFAULT_CURRENCY", "a three-letter currency code")?;
    Ok(currency.unwrap_or(Currency::USD))
}

/// How long carts live after their last change: `CART_TTL_DAYS`.
///
/// # Errors
///
/// The setting is malformed.
pub fn cart_lifetime(environment: &Environment) -> Result<Lifetime, Error> {
    Carts::lifetime(environment)
}
