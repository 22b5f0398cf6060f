//! Prices as Stripe has them.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use crate::{Currency, Decimal, PriceId, ProductId};

/// A Stripe Price: what one unit, one package or one tier of a product costs.
///
/// Its serialised form is a line's on the wire, with the id under the key `price`; it is read from Stripe's own form
/// as well, with the id under `id`.
///
/// Source: <https://docs.stripe.com/api/prices/object>
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Price {
    /// Always `price`.
    #[serde(default = "object")]
    pub object: String,
    /// Whether the price can be bought.
    #[serde(default = "yes")]
    pub active: bool,
    /// By unit or by tiers.
    #[serde(default)]
    pub billing_scheme: BillingScheme,
    /// When it was created, in seconds since 1970.
    #[serde(default)]
    pub created: i64,
    /// The price's own currency.
    pub currency: Currency,
    /// Whether it exists in live mode.
    #[serde(default)]
    pub livemode: bool,
    /// The merchant's own handle for it.
    #[serde(default)]
    pub lookup_key: Option<String>,
    /// The merchant's own keys and values.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// A name, hidden from shoppers.
    #[serde(default)]
    pub nickname: Option<String>,
    /// The product that it is a price of.
    pub product: ProductId,
    /// How it recurs; absent for a one-time price.
    #[serde(default)]
    pub recurring: Option<Recurring>,
    /// Whether tax is within or on top.
    #[serde(default)]
    pub tax_behavior: Option<String>,
    /// How tiers add up.
    #[serde(default)]
    pub tiers_mode: Option<TiersMode>,
    /// How units become packages.
    #[serde(default)]
    pub transform_quantity: Option<TransformQuantity>,
    /// One-time or recurring.
    #[serde(rename = "type", default)]
    pub kind: PriceKind,
    /// The amount per unit in minor units, where it is a whole number.
    #[serde(default)]
    pub unit_amount: Option<i64>,
    /// The amount per unit in minor units, with up to twelve decimals.
    #[serde(default)]
    pub unit_amount_decimal: Option<Decimal>,
    /// The tiers, where the billing scheme is tiered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tiers: Option<Vec<Tier>>,
    /// The same price in other currencies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency_options: Option<BTreeMap<Currency, CurrencyOption>>,
    /// The shopper chooses the amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_unit_amount: Option<CustomUnitAmount>,
    /// The price's id.
    #[serde(rename = "price", alias = "id")]
    pub id: PriceId,
    /// The last lookup key that it had, also once the merchant moved it to another price: what the catalogue remembers,
    /// where the price comes from there. Stripe does not tell.
    #[serde(skip)]
    pub last_lookup_key: Option<String>,
}

/// Whether a price is one-time or recurring.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PriceKind {
    /// Paid once.
    #[default]
    OneTime,
    /// Paid again every interval.
    Recurring,
}

/// How a price's amount is found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BillingScheme {
    /// An amount for each unit or package.
    #[default]
    PerUnit,
    /// From a table of tiers.
    Tiered,
}

/// How tiers add up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TiersMode {
    /// Each tier prices the units that fall into it.
    Graduated,
    /// The tier that the whole quantity reaches prices all units.
    Volume,
}

/// One tier.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Tier {
    /// A fixed amount for the tier, in minor units.
    #[serde(default)]
    pub flat_amount: Option<i64>,
    /// The same with decimals.
    #[serde(default)]
    pub flat_amount_decimal: Option<Decimal>,
    /// The amount per unit, in minor units.
    #[serde(default)]
    pub unit_amount: Option<i64>,
    /// The same with decimals.
    #[serde(default)]
    pub unit_amount_decimal: Option<Decimal>,
    /// The last unit in the tier; absent in the last tier.
    #[serde(default)]
    pub up_to: Option<u64>,
}

/// Sells packages of units.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TransformQuantity {
    /// How many units make one package.
    pub divide_by: NonZeroU64,
    /// What happens to a package begun.
    pub round: RoundUnits,
}

/// Which way a package begun is rounded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoundUnits {
    /// A package begun is paid.
    Up,
    /// A package begun is free.
    Down,
}

/// A price in another currency.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct CurrencyOption {
    /// The shopper chooses the amount.
    #[serde(default)]
    pub custom_unit_amount: Option<CustomUnitAmount>,
    /// Whether tax is within or on top.
    #[serde(default)]
    pub tax_behavior: Option<String>,
    /// The tiers, where the billing scheme is tiered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tiers: Option<Vec<Tier>>,
    /// The amount per unit in minor units.
    #[serde(default)]
    pub unit_amount: Option<i64>,
    /// The same with decimals.
    #[serde(default)]
    pub unit_amount_decimal: Option<Decimal>,
}

/// An amount that the shopper chooses.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CustomUnitAmount {
    /// The largest amount.
    #[serde(default)]
    pub maximum: Option<i64>,
    /// The smallest amount.
    #[serde(default)]
    pub minimum: Option<i64>,
    /// The amount that is filled in.
    #[serde(default)]
    pub preset: Option<i64>,
}

/// The recurring part of a price.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Recurring {
    /// The interval.
    pub interval: Interval,
    /// How many intervals lie between two payments.
    #[serde(default = "one")]
    pub interval_count: u64,
    /// The meter that counts usage.
    #[serde(default)]
    pub meter: Option<String>,
    /// Days before the first payment.
    #[serde(default)]
    pub trial_period_days: Option<u64>,
    /// Whether the quantity is agreed beforehand or metered.
    #[serde(default)]
    pub usage_type: UsageType,
}

/// Whether a quantity is agreed beforehand or metered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageType {
    /// The quantity is what the line says.
    #[default]
    Licensed,
    /// Usage is billed afterwards.
    Metered,
}

/// The unit of time in which a price recurs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interval {
    /// Every day.
    Day,
    /// Every week.
    Week,
    /// Every month.
    Month,
    /// Every year.
    Year,
}

fn object() -> String {
    "price".to_owned()
}

pub(crate) fn yes() -> bool {
    true
}

fn one() -> u64 {
    1
}
