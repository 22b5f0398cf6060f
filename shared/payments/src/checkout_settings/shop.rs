//! Which sessions at Stripe are this shop's.

use cart::ShopIds;
use settings::{Environment, Error};

/// Reads the ids of the shop: `SHOP_ID`.
///
/// # Errors
///
/// The setting is missing or malformed.
pub fn shop_ids(environment: &Environment) -> Result<ShopIds, Error> {
    environment.required_value("SHOP_ID", "ids of 1 to 200 letters, digits, - and _, comma-separated")
}
