//! What changes an order's total beside its lines: shipping, discounts and taxes.

use serde::{Deserialize, Serialize};

use crate::{Decimal, Money};

/// The way of shipping that the buyer chose.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShippingOption {
    /// The id of Stripe's shipping rate.
    pub rate: Option<String>,
    /// What the page called it.
    pub name: Option<String>,
    /// Before tax on top.
    pub amount: Money,
    /// The tax.
    pub tax: Money,
    /// When the goods arrive.
    pub delivery_estimate: Option<DeliveryEstimate>,
}

/// When goods arrive, as Stripe's page says it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct DeliveryEstimate {
    /// No sooner than this.
    #[serde(default)]
    pub minimum: Option<DeliveryTime>,
    /// No later than this.
    #[serde(default)]
    pub maximum: Option<DeliveryTime>,
}

/// A time that a delivery takes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DeliveryTime {
    /// Stripe's word for the unit: `hour`, `day`, `business_day`, `week` or `month`.
    pub unit: String,
    /// How many of them.
    pub value: u64,
}

/// What a coupon took off.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Discount {
    /// How much.
    pub amount: Money,
    /// The id of Stripe's coupon.
    pub coupon: Option<String>,
    /// The id of Stripe's promotion code, where the buyer used one.
    pub promotion_code: Option<String>,
    /// The text of the promotion code.
    pub code: Option<String>,
}

/// One tax.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tax {
    /// How much.
    pub amount: Money,
    /// The id of Stripe's tax rate.
    pub rate: Option<String>,
    /// What the page called it, such as `VAT`.
    pub name: Option<String>,
    /// How many percent.
    pub percentage: Option<Decimal>,
    /// Where it is due.
    pub jurisdiction: Option<String>,
    /// Whether the prices contain it.
    pub inclusive: bool,
}
