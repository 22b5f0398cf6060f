//! A price that took the place of another.

use cart::{Decimal, LineId, PriceChange, PriceId};
use serde::Serialize;
use serde_json::Number;

use super::amounts::WithCurrency;
use crate::Shop;

/// What the shopper is told of a line that goes on at another price.
#[derive(Serialize, Debug)]
pub struct PriceChangeView {
    price: PriceId,
    id: LineId,
    successor: PriceId,
    /// Minor units of the cart's currency, like the next; `null` where no single amount says it.
    from: Option<Number>,
    to: Option<Number>,
    from_with_currency: Option<WithCurrency>,
    to_with_currency: Option<WithCurrency>,
}

impl PriceChangeView {
    /// What the shopper is told of `change` in this shop.
    #[must_use]
    pub fn new(change: &PriceChange, shop: &Shop) -> Self {
        let PriceChange { line, price, successor, from, to, currency } = change;
        let written = |unit: Option<Decimal>| Some(shop.unit_amount(unit?, *currency).with_currency());
        Self {
            price: price.clone(),
            id: line.clone(),
            successor: successor.clone(),
            from: from.map(number),
            to: to.map(number),
            from_with_currency: written(*from),
            to_with_currency: written(*to),
        }
    }
}

/// The decimal as a JSON number.
fn number(decimal: Decimal) -> Number {
    // The digits of a decimal are a number's.
    decimal.to_string().parse().unwrap_or_else(|_| Number::from(0))
}
