//! Amounts: exact decimals, currencies, and what prices, discounts and taxes come to.

pub(crate) mod amounts;
pub(crate) mod currency;
pub(crate) mod decimal;
pub(crate) mod discount;
pub(crate) mod pricing;
pub(crate) mod tax;
