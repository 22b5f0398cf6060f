//! What a Checkout Session is to sell.

use crate::ids::half_sha256;
use crate::{Decimal, LineId, Money, PriceId, PricedLine};

/// What a session is to have sold once it is paid.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Expected {
    /// What the lines come to before discounts, tax on top and shipping, as Stripe said when it made the session.
    pub subtotal: Money,
    /// A digest of the lines.
    pub lines: String,
}

/// A line as far as it is known before it is paid.
///
/// Its amounts are not: Stripe charges nothing for a trial.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ExpectedLine {
    /// The cart's line.
    pub line: LineId,
    /// The price; `None` where the shopper chooses the amount.
    pub price: Option<PriceId>,
    /// What one unit costs in the price's own currency; `None` where the price has tiers, or the shopper chooses.
    pub unit: Option<Decimal>,
    /// How many units; `None` where Stripe counts them later.
    pub quantity: Option<u64>,
}

impl Expected {
    /// These lines, which come to `subtotal`. Unless it `is_fixed`, the shopper may change on Stripe's page how many units
    /// there are.
    #[must_use]
    pub fn new(subtotal: Money, lines: impl IntoIterator<Item = ExpectedLine>, is_fixed: bool) -> Self {
        let mut lines: Vec<_> = lines.into_iter().collect();
        lines.sort();
        let text: String = lines.iter().map(|line| line.text(is_fixed)).collect();
        Self { subtotal, lines: hex::encode(half_sha256(text.as_bytes())) }
    }

    /// Whether what was `sold` is what was expected. Unless it `is_fixed`, the shopper could change what the lines come to.
    #[must_use]
    pub fn is_met_by(&self, sold: &Self, is_fixed: bool) -> bool {
        let [expected, came_to] = [self.subtotal, sold.subtotal];
        let amounts_agree = if is_fixed { expected == came_to } else { expected.currency() == came_to.currency() };
        amounts_agree && self.lines == sold.lines
    }
}

impl ExpectedLine {
    /// The line as text. An id has no line break.
    fn text(&self, is_fixed: bool) -> String {
        let Self { line, price, unit, quantity } = self;
        let price = price.as_ref().map_or("", PriceId::as_str);
        let unit = unit.map(|unit| unit.to_string()).unwrap_or_default();
        let quantity = quantity.filter(|_| is_fixed).map(|quantity| quantity.to_string()).unwrap_or_default();
        format!("{}\n{price}\n{unit}\n{quantity}\n", line.as_str())
    }
}

impl From<&PricedLine<'_>> for ExpectedLine {
    fn from(PricedLine { line, offer, .. }: &PricedLine<'_>) -> Self {
        let price = offer.map(|offer| &offer.price);
        let is_chosen = price.is_some_and(crate::Price::is_custom);
        let is_metered = price.is_some_and(crate::Price::is_metered);
        Self {
            line: line.id.clone(),
            price: (!is_chosen).then(|| line.price.clone()),
            unit: price.filter(|_| !is_chosen).and_then(|price| price.unit(price.currency)),
            quantity: (!is_metered).then(|| line.quantity.into()),
        }
    }
}
