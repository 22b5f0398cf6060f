//! What prices come to.

use crate::{
    BillingScheme, Currency, Decimal, Money, Price, RoundUnits, Tier, TiersMode, TransformQuantity, UsageType,
};

impl Price {
    /// Whether usage is billed afterwards, so that nothing is due now and Stripe takes no quantity.
    #[must_use]
    pub fn is_metered(&self) -> bool {
        self.recurring.as_ref().is_some_and(|recurring| recurring.usage_type == UsageType::Metered)
    }

    /// Whether the shopper chooses the amount on Stripe's page, in one of the price's currencies at least.
    #[must_use]
    pub fn is_custom(&self) -> bool {
        let mut options = self.currency_options.iter().flatten();
        self.custom_unit_amount.is_some() || options.any(|(_, option)| option.custom_unit_amount.is_some())
    }

    /// The currencies in which the price can be paid, its own first.
    pub fn currencies(&self) -> impl Iterator<Item = Currency> {
        std::iter::once(self.currency).chain(self.other_currencies()).filter(|currency| self.sells_in(*currency))
    }

    /// Whether the price can be paid in `currency`: whether it says what it costs there.
    #[must_use]
    pub fn sells_in(&self, currency: Currency) -> bool {
        self.rates(currency).is_some()
    }

    /// Whether the price has amounts in other currencies than its own, known here or not.
    #[must_use]
    pub fn has_several_currencies(&self) -> bool {
        self.other_currencies().next().is_some()
    }

    /// Whether the price has tiers in another currency that are not here: Stripe leaves them out unless they are asked
    /// for, each currency's on its own.
    ///
    /// Source: <https://docs.stripe.com/api/prices/object#price_object-currency_options-tiers>
    #[must_use]
    pub fn lacks_tiers(&self) -> bool {
        let mut others = self.currency_options.iter().flatten().filter(|(currency, _)| **currency != self.currency);
        self.billing_scheme == BillingScheme::Tiered && others.any(|(_, option)| option.tiers.is_none())
    }

    fn other_currencies(&self) -> impl Iterator<Item = Currency> {
        let options = self.currency_options.iter().flatten().map(|(currency, _)| *currency);
        options.filter(|currency| *currency != self.currency)
    }

    /// What `quantity` units come to in `currency`, before discounts, shipping and tax on top; `None` where the price
    /// cannot be paid in that currency, or its tiers end before the quantity.
    ///
    /// - An amount that is absent is not zero. Tiers that Stripe left out make the price one that cannot be paid.
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
        let exact = match rates {
            Rates::Unit(unit) => unit.times(units),
            Rates::Chosen(preset) => preset.unwrap_or_default().times(units),
            Rates::Graduated(tiers) => graduated(tiers, units)?,
            Rates::Volume(tiers) => volume(tiers, units)?,
        };
        Some(Money::new(exact.rounded(), currency))
    }

    /// What one unit (with `transform_quantity`, one package) costs in `currency`: in minor units, not rounded.
    ///
    /// `None` where no single amount says it: with tiers, where the shopper chooses and nothing is preset, and where
    /// the price cannot be paid in that currency.
    #[must_use]
    pub fn unit(&self, currency: Currency) -> Option<Decimal> {
        match self.rates(currency)? {
            Rates::Unit(unit) => Some(unit),
            Rates::Chosen(preset) => preset,
            Rates::Graduated(_) | Rates::Volume(_) => None,
        }
    }

    /// What each unit of a line costs in `currency`, however many there are: in minor units, not rounded.
    ///
    /// `None` where no single amount says it: with tiers, with packages (`unit_amount` is then that of a package), where
    /// the shopper chooses the amount, and where the price cannot be paid in that currency. Of a metered price it is what
    /// each unit of usage costs.
    ///
    /// Sources: <https://docs.stripe.com/products-prices/pricing-models>,
    /// <https://docs.stripe.com/payments/checkout/pay-what-you-want>
    #[must_use]
    pub fn each(&self, currency: Currency) -> Option<Decimal> {
        let packages = self.transform_quantity.as_ref().is_some_and(|packages| packages.divide_by.get() > 1);
        match self.rates(currency)? {
            Rates::Unit(unit) if !packages => Some(unit),
            Rates::Unit(_) | Rates::Chosen(_) | Rates::Graduated(_) | Rates::Volume(_) => None,
        }
    }

    /// Whether tax is within the price in `currency` or on top of it, in Stripe's words.
    pub(crate) fn tax_behavior_in(&self, currency: Currency) -> Option<&str> {
        if currency == self.currency {
            return self.tax_behavior.as_deref();
        }
        self.currency_options.as_ref()?.get(&currency)?.tax_behavior.as_deref()
    }

    /// What the price costs in `currency`; `None` where it does not say.
    fn rates(&self, currency: Currency) -> Option<Rates<'_>> {
        let (decimal, integer, custom, tiers) = if currency == self.currency {
            (self.unit_amount_decimal, self.unit_amount, &self.custom_unit_amount, &self.tiers)
        } else {
            let option = self.currency_options.as_ref()?.get(&currency)?;
            (option.unit_amount_decimal, option.unit_amount, &option.custom_unit_amount, &option.tiers)
        };
        if self.billing_scheme == BillingScheme::Tiered {
            let tiers = tiers.as_deref().filter(|tiers| !tiers.is_empty() && tiers.iter().all(Tier::has_an_amount))?;
            return Some(match self.tiers_mode {
                Some(TiersMode::Volume) => Rates::Volume(tiers),
                Some(TiersMode::Graduated) | None => Rates::Graduated(tiers),
            });
        }
        match (either(decimal, integer), custom) {
            (Some(unit), _) => Some(Rates::Unit(unit)),
            (None, Some(custom)) => Some(Rates::Chosen(custom.preset.map(Decimal::from))),
            (None, None) => None,
        }
    }
}

/// What a price costs in one currency. One that does not say has none.
enum Rates<'a> {
    /// An amount for each unit or package.
    Unit(Decimal),
    /// The shopper chooses; the amount that is filled in, if any.
    Chosen(Option<Decimal>),
    /// Each tier prices the units that fall into it. There is at least one, and each has an amount.
    Graduated(&'a [Tier]),
    /// The tier that the whole quantity reaches prices all units. There is at least one, and each has an amount.
    Volume(&'a [Tier]),
}

fn either(decimal: Option<Decimal>, integer: Option<i64>) -> Option<Decimal> {
    decimal.or(integer.map(Decimal::from))
}

impl Tier {
    fn has_an_amount(&self) -> bool {
        self.flat().or(self.per_unit()).is_some()
    }

    fn flat(&self) -> Option<Decimal> {
        either(self.flat_amount_decimal, self.flat_amount)
    }

    fn per_unit(&self) -> Option<Decimal> {
        either(self.unit_amount_decimal, self.unit_amount)
    }

    /// What `units` in this tier come to. A tier may have only one of the two amounts.
    fn amount(&self, units: u64) -> Decimal {
        self.per_unit().unwrap_or_default().times(units) + self.flat().unwrap_or_default()
    }

    fn reaches(&self, units: u64) -> bool {
        self.up_to.is_none_or(|up_to| units <= up_to)
    }
}

/// The tier that holds all units prices every one of them; `None` where none does.
fn volume(tiers: &[Tier], units: u64) -> Option<Decimal> {
    let tier = tiers.iter().find(|tier| tier.reaches(units))?;
    Some(if units > 0 { tier.amount(units) } else { Decimal::default() })
}

/// Each tier prices the units that fall into it; its flat amount is due as soon as one does. `None` where the tiers end
/// before the units do.
fn graduated(tiers: &[Tier], units: u64) -> Option<Decimal> {
    let mut below = 0;
    let mut sum = Decimal::default();
    for tier in tiers {
        if units <= below {
            break;
        }
        let last = tier.up_to.map_or(units, |up_to| up_to.min(units));
        sum = sum + tier.amount(last.saturating_sub(below));
        below = last;
    }
    (below >= units).then_some(sum)
}
