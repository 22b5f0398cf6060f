//! What a shop sells: one file per resource, and the catalogue that a sandbox starts with.

pub(crate) mod change;
pub(crate) mod coupons;
pub(crate) mod file;
pub(crate) mod given;
mod price;
pub(crate) mod prices;
mod product;
pub(crate) mod products;
pub(crate) mod promotion_codes;
mod reader;
pub(crate) mod shipping_rates;
pub(crate) mod tax_rates;
