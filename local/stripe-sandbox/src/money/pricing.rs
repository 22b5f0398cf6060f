//! How a price turns a quantity into an amount (<https://docs.stripe.com/products-prices/pricing-models>).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::amounts::Amounts;
use super::decimal::Decimal;

/// How a price turns a quantity into an amount.
///
/// The rules are those of <https://docs.stripe.com/products-prices/pricing-models> and of the price object,
/// <https://docs.stripe.com/api/prices/object>.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Pricing {
    model: Model,
    packages: Option<Packages>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
enum Model {
    PerUnit(Decimal),
    Graduated(Vec<Tier>),
    Volume(Vec<Tier>),
    /// The shopper names the amount; until then it is the preset.
    Custom {
        preset: i64,
    },
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Tier {
    unit: Decimal,
    flat: Decimal,
    up_to: Option<u64>,
}

/// Quantities are counted in packages of `size`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Packages {
    size: u64,
    round_up: bool,
}

impl Pricing {
    /// Reads the pricing of a price object in `currency`, its own or one of its `currency_options`.
    ///
    /// `None` when the price has no amount in that currency.
    pub(crate) fn of(price: &Value, currency: &str) -> Option<Self> {
        let amounts = Amounts::of(price).within(currency)?;
        let model = if price["billing_scheme"] == "tiered" {
            let tiers = amounts["tiers"].as_array()?.iter().map(Tier::of).collect();
            if price["tiers_mode"] == "volume" { Model::Volume(tiers) } else { Model::Graduated(tiers) }
        } else if amounts["custom_unit_amount"].is_object() {
            Model::Custom { preset: amounts["custom_unit_amount"]["preset"].as_i64().unwrap_or(0) }
        } else {
            Model::PerUnit(decimal(amounts, "unit_amount", "unit_amount_decimal"))
        };
        let packages = price["transform_quantity"]["divide_by"]
            .as_u64()
            .map(|size| Packages { size: size.max(1), round_up: price["transform_quantity"]["round"] == "up" });
        Some(Self { model, packages })
    }

    pub(crate) fn is_custom(&self) -> bool {
        matches!(self.model, Model::Custom { .. })
    }

    /// The amount of `quantity` units, rounded once, a half away from zero.
    pub(crate) fn amount(&self, quantity: u64) -> i64 {
        let counted = match &self.packages {
            None => quantity,
            Some(Packages { size, round_up: true }) => quantity.div_ceil(*size),
            Some(Packages { size, round_up: false }) => quantity / size,
        };
        match &self.model {
            Model::PerUnit(unit) => unit.times(counted).round(),
            Model::Custom { preset } => Decimal::whole(*preset).times(counted).round(),
            Model::Graduated(tiers) => graduated(tiers, counted).round(),
            Model::Volume(tiers) => volume(tiers, counted).round(),
        }
    }

    /// The amount when the shopper has named the price of a unit.
    pub(crate) fn amount_at(&self, quantity: u64, unit: Option<i64>) -> i64 {
        match unit {
            Some(unit) if self.is_custom() => Decimal::whole(unit).times(quantity).round(),
            _ => self.amount(quantity),
        }
    }
}

impl Tier {
    fn of(tier: &Value) -> Self {
        Self {
            unit: decimal(tier, "unit_amount", "unit_amount_decimal"),
            flat: decimal(tier, "flat_amount", "flat_amount_decimal"),
            up_to: tier["up_to"].as_u64(),
        }
    }
}

/// Each unit costs what the tier it falls into says; every tier that is entered adds its flat amount.
fn graduated(tiers: &[Tier], quantity: u64) -> Decimal {
    let mut total = Decimal::default();
    let mut below = 0;
    for tier in tiers {
        if quantity <= below {
            break;
        }
        let end = tier.up_to.map_or(quantity, |up_to| up_to.min(quantity));
        total = total.plus(tier.unit.times(end.saturating_sub(below))).plus(tier.flat);
        below = end;
    }
    total
}

/// All units cost what the tier of the last one says.
fn volume(tiers: &[Tier], quantity: u64) -> Decimal {
    let tier = tiers.iter().find(|tier| tier.up_to.is_none_or(|up_to| quantity <= up_to));
    match tier {
        Some(tier) if quantity > 0 => tier.unit.times(quantity).plus(tier.flat),
        _ => Decimal::default(),
    }
}

/// An amount that Stripe gives as an integer, as a decimal string, or as both.
fn decimal(object: &Value, integer: &str, decimal: &str) -> Decimal {
    let precise = object[decimal].as_str().and_then(|text| text.parse().ok());
    precise.or_else(|| object[integer].as_i64().map(Decimal::whole)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn amount(price: &Value, quantity: u64) -> i64 {
        Pricing::of(price, "usd").unwrap().amount(quantity)
    }

    #[test]
    fn per_unit_amounts_round_once_per_line() {
        let cases = [
            (json!({ "unit_amount": 1200, "unit_amount_decimal": "1200" }), 3, 3600),
            (json!({ "unit_amount": null, "unit_amount_decimal": "0.05" }), 9, 0),
            (json!({ "unit_amount": null, "unit_amount_decimal": "0.05" }), 10, 1),
            (json!({ "unit_amount": null, "unit_amount_decimal": "0.333333333333" }), 3, 1),
            (json!({ "unit_amount": null, "unit_amount_decimal": "12.345" }), 999_999, 12_344_988),
            (json!({ "unit_amount": 99_999_999, "unit_amount_decimal": "99999999" }), 999_999, 99_999_899_000_001),
        ];
        for (mut price, quantity, total) in cases {
            price["currency"] = json!("usd");
            price["billing_scheme"] = json!("per_unit");

            assert_eq!(amount(&price, quantity), total, "{price} × {quantity}");
        }
    }

    #[test]
    fn tiers_are_graduated_or_by_volume() {
        let tiers = json!([
            { "up_to": 5, "unit_amount": 700, "unit_amount_decimal": "700" },
            { "up_to": 10, "unit_amount": 650, "unit_amount_decimal": "650", "flat_amount": 100 },
            { "up_to": null, "unit_amount": null, "unit_amount_decimal": "599.5", "flat_amount_decimal": "0.5" },
        ]);
        let price =
            |mode: &str| json!({ "currency": "usd", "billing_scheme": "tiered", "tiers_mode": mode, "tiers": tiers });
        let cases = [
            (0, 0, 0),
            (1, 700, 700),
            (5, 3500, 3500),
            (6, 3500 + 650 + 100, 3900 + 100),
            (10, 3500 + 3250 + 100, 6500 + 100),
            (11, 6850 + 600, 6595),
            (20, 6850 + 5996, 11_991),
        ];
        for (quantity, graduated, volume) in cases {
            assert_eq!(amount(&price("graduated"), quantity), graduated, "graduated {quantity}");
            assert_eq!(amount(&price("volume"), quantity), volume, "volume {quantity}");
        }
    }

    #[test]
    fn packages_round_up_or_down_before_pricing() {
        let price = |round: &str| {
            json!({
                "currency": "usd", "billing_scheme": "per_unit", "unit_amount": 400,
                "transform_quantity": { "divide_by": 6, "round": round },
            })
        };
        for (quantity, up, down) in [(1, 400, 0), (5, 400, 0), (6, 400, 400), (7, 800, 400), (12, 800, 800)] {
            assert_eq!(amount(&price("up"), quantity), up, "up {quantity}");
            assert_eq!(amount(&price("down"), quantity), down, "down {quantity}");
        }
    }

    #[test]
    fn another_currency_has_its_own_amounts_and_tiers() {
        let price = json!({
            "currency": "usd", "billing_scheme": "tiered", "tiers_mode": "volume",
            "tiers": [{ "up_to": null, "unit_amount": 100 }],
            "currency_options": { "jpy": { "tiers": [{ "up_to": null, "unit_amount": 150, "flat_amount": 10 }] } },
        });

        assert_eq!(Pricing::of(&price, "jpy").unwrap().amount(3), 460);
        assert!(Pricing::of(&price, "kwd").is_none());
    }

    #[test]
    fn a_custom_amount_starts_at_its_preset() {
        let price = json!({
            "currency": "usd", "billing_scheme": "per_unit",
            "custom_unit_amount": { "minimum": 100, "maximum": 5000, "preset": 1500 },
        });
        let pricing = Pricing::of(&price, "usd").unwrap();

        assert_eq!(pricing.amount(1), 1500);
        assert_eq!(pricing.amount_at(2, Some(700)), 1400);
    }
}
