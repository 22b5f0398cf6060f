//! What prices come to.

use crate::{
    BillingScheme, Currency, CustomUnitAmount, Decimal, Money, Price, RoundUnits, Tier, TiersMode, TransformQuantity,
    UsageType,
};

impl Price {
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

    /// Whether the price can be paid in `currency`.
    #[must_use]
    pub fn sells_in(&self, currency: Currency) -> bool {
        self.currency == currency
            || self.currency_options.as_ref().is_some_and(|options| options.contains_key(&currency))
    }

    /// What `quantity` units come to in `currency`, before discounts, shipping and tax on top; `None` where the price
    /// cannot be paid in that currency.
    ///
    /// - `transform_quantity` first turns units into packages.
    /// - Decimal amounts are multiplied exactly. Stripe rounds each line once, after multiplying and before summing up:
    ///   to the nearest minor unit, halves away from zero.
    /// - A metered price comes to nothing now, a `custom_unit_amount` to its preset.
    ///
    /// Sources: <https://docs.stripe.com/products-prices/pricing-models>,
    /// <https://docs.stripe.com/billing/subscriptions/decimal-amounts#rounding>
    #[must_use]
    pub fn amount(&self, quantity: u64, currency: Currency) -> Option<Money> {
        let rates = self.rates(currency)?;
        if self.is_metered() {
            return Some(Money::new(0, currency));
        }
        let units = match &self.transform_quantity {
            None => quantity,
            Some(TransformQuantity { divide_by, round: RoundUnits::Up }) => quantity.div_ceil(divide_by.get()),
            Some(TransformQuantity { divide_by, round: RoundUnits::Down }) => quantity / divide_by.get(),
        };
        let exact = match (self.billing_scheme, self.tiers_mode) {
            (BillingScheme::Tiered, Some(TiersMode::Volume)) => volume(rates.tiers, units),
            (BillingScheme::Tiered, _) => graduated(rates.tiers, units),
            (BillingScheme::PerUnit, _) => rates.unit.unwrap_or_default().times(units),
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
            BillingScheme::PerUnit => self.rates(currency)?.unit,
            BillingScheme::Tiered => None,
        }
    }

    /// The amounts of the price in `currency`.
    fn rates(&self, currency: Currency) -> Option<Rates<'_>> {
        if currency == self.currency {
            return Some(Rates {
                unit: unit(self.unit_amount_decimal, self.unit_amount, self.custom_unit_amount.as_ref()),
                tiers: self.tiers.as_deref().unwrap_or_default(),
            });
        }
        let option = self.currency_options.as_ref()?.get(&currency)?;
        Some(Rates {
            unit: unit(option.unit_amount_decimal, option.unit_amount, option.custom_unit_amount.as_ref()),
            tiers: option.tiers.as_deref().unwrap_or_default(),
        })
    }
}

/// A price's amounts in one currency.
struct Rates<'a> {
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
