//! Amounts: exact decimals, currencies, and what prices, discounts and taxes come to.

pub(crate) mod amounts;
pub(crate) mod currency;
pub(crate) mod decimal;
pub(crate) mod discount;
pub(crate) mod pricing;
pub(crate) mod tax;

/// The sum of amounts. One that does not fit is as large as can be, and Stripe takes nothing near it.
pub(crate) fn sum(amounts: impl IntoIterator<Item = i64>) -> i64 {
    amounts.into_iter().fold(0, i64::saturating_add)
}
