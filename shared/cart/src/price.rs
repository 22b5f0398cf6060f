//! Prices as Stripe has them, and what they come to.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Currency, Decimal, Money, PriceId, ProductId};

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

/// How often a recurring line is paid; all recurring lines of a cart share one.
///
/// ```
/// let quarterly: cart::Recurrence = "3month".parse()?;
/// assert_eq!(quarterly.to_string(), "3month");
/// # Ok::<(), cart::Rejection>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Recurrence {
    interval: Interval,
    count: u64,
}

impl fmt::Display for Recurrence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let interval = match self.interval {
            Interval::Day => "day",
            Interval::Week => "week",
            Interval::Month => "month",
            Interval::Year => "year",
        };
        write!(f, "{}{interval}", self.count)
    }
}

impl FromStr for Recurrence {
    type Err = crate::Rejection;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let letters = text.trim_start_matches(|digit: char| digit.is_ascii_digit());
        let interval = match letters {
            "day" => Interval::Day,
            "week" => Interval::Week,
            "month" => Interval::Month,
            "year" => Interval::Year,
            _ => return Err(crate::Rejection::Malformed { field: "recurrence" }),
        };
        let count = text[..text.len() - letters.len()]
            .parse()
            .map_err(|_| crate::Rejection::Malformed { field: "recurrence" })?;
        Ok(Self { interval, count })
    }
}

impl Price {
    /// How often the price recurs; `None` for a one-time price.
    #[must_use]
    pub fn recurrence(&self) -> Option<Recurrence> {
        let recurring = self.recurring.as_ref()?;
        Some(Recurrence { interval: recurring.interval, count: recurring.interval_count })
    }

    /// Whether usage is billed afterwards, so that nothing is due now and Stripe takes no quantity.
    #[must_use]
    pub fn is_metered(&self) -> bool {
        self.recurring.as_ref().is_some_and(|recurring| recurring.usage_type == UsageType::Metered)
    }

    /// Whether the shopper chooses the amount on Stripe's page.
    #[must_use]
    pub fn is_custom(&self) -> bool {
        self.custom_unit_amount.is_some()
    }

    /// The currencies in which the price can be paid, its own first.
    pub fn currencies(&self) -> impl Iterator<Item = Currency> {
        let others = self.currency_options.iter().flatten().map(|(currency, _)| *currency);
        std::iter::once(self.currency).chain(others.filter(|currency| *currency != self.currency))
    }

    /// What `quantity` units come to in `currency`, before discounts, shipping and tax on top; `None` where the price
    /// cannot be paid in that currency.
    ///
    /// - `transform_quantity` first turns units into packages.
    /// - Decimal amounts are multiplied exactly. Stripe rounds each line once, after multiplying and before summing up:
    ///   to the nearest minor unit, halves up.
    /// - A metered price comes to nothing now, a `custom_unit_amount` to its preset.
    ///
    /// Sources: <https://docs.stripe.com/products-prices/pricing-models>,
    /// <https://docs.stripe.com/billing/subscriptions/decimal-amounts#rounding>
    #[must_use]
    pub fn amount(&self, quantity: u64, currency: Currency) -> Option<Money> {
        let terms = self.terms(currency)?;
        if self.is_metered() {
            return Some(Money::new(0, currency));
        }
        let units = match &self.transform_quantity {
            None => quantity,
            Some(TransformQuantity { divide_by, round: RoundUnits::Up }) => quantity.div_ceil(divide_by.get()),
            Some(TransformQuantity { divide_by, round: RoundUnits::Down }) => quantity / divide_by.get(),
        };
        let exact = match (self.billing_scheme, self.tiers_mode) {
            (BillingScheme::Tiered, Some(TiersMode::Volume)) => volume(terms.tiers, units),
            (BillingScheme::Tiered, _) => graduated(terms.tiers, units),
            (BillingScheme::PerUnit, _) => terms.unit.unwrap_or_default().times(units),
        };
        Some(Money::new(exact.rounded(), currency))
    }

    /// What one unit (with `transform_quantity`, one package) costs in `currency`: in minor units, not rounded.
    ///
    /// `None` where no single amount says it: with tiers, where the shopper chooses and nothing is preset, and where
    /// the price cannot be paid in that currency.
    #[must_use]
    pub fn unit(&self, currency: Currency) -> Option<Decimal> {
        match self.billing_scheme {
            BillingScheme::PerUnit => self.terms(currency)?.unit,
            BillingScheme::Tiered => None,
        }
    }

    /// What a price costs in `currency`.
    fn terms(&self, currency: Currency) -> Option<Terms<'_>> {
        if currency == self.currency {
            return Some(Terms {
                unit: unit(self.unit_amount_decimal, self.unit_amount, self.custom_unit_amount.as_ref()),
                tiers: self.tiers.as_deref().unwrap_or_default(),
            });
        }
        let option = self.currency_options.as_ref()?.get(&currency)?;
        Some(Terms {
            unit: unit(option.unit_amount_decimal, option.unit_amount, option.custom_unit_amount.as_ref()),
            tiers: option.tiers.as_deref().unwrap_or_default(),
        })
    }
}

/// A price's amounts in one currency.
struct Terms<'a> {
    unit: Option<Decimal>,
    tiers: &'a [Tier],
}

fn unit(decimal: Option<Decimal>, integer: Option<i64>, custom: Option<&CustomUnitAmount>) -> Option<Decimal> {
    let preset = custom.and_then(|custom| custom.preset);
    decimal.or(integer.map(Decimal::from)).or(preset.map(Decimal::from))
}

impl Tier {
    fn flat(&self) -> Decimal {
        unit(self.flat_amount_decimal, self.flat_amount, None).unwrap_or_default()
    }

    fn per_unit(&self) -> Decimal {
        unit(self.unit_amount_decimal, self.unit_amount, None).unwrap_or_default()
    }

    fn reaches(&self, units: u64) -> bool {
        self.up_to.is_none_or(|up_to| units <= up_to)
    }
}

/// The tier that holds all units prices every one of them.
fn volume(tiers: &[Tier], units: u64) -> Decimal {
    match tiers.iter().find(|tier| tier.reaches(units)) {
        Some(tier) if units > 0 => tier.per_unit().times(units) + tier.flat(),
        _ => Decimal::default(),
    }
}

/// Each tier prices the units that fall into it; its flat amount is due as soon as one does.
fn graduated(tiers: &[Tier], units: u64) -> Decimal {
    let mut below = 0;
    let mut sum = Decimal::default();
    for tier in tiers {
        if units <= below {
            break;
        }
        let last = tier.up_to.map_or(units, |up_to| up_to.min(units));
        sum = sum + tier.per_unit().times(last.saturating_sub(below)) + tier.flat();
        below = last;
    }
    sum
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
