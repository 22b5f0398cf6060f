//! A price that took the place of another.

use cart::{Decimal, LineId, PriceChange, PriceId};
use serde::Serialize;
use serde_json::Number;

/// What checkout says of a line that goes on at another price. The cart's warning has the amounts as people write them, too.
#[derive(Serialize, Debug)]
pub struct PriceChangeView {
    price: PriceId,
    id: LineId,
    successor: PriceId,
    /// Minor units of the cart's currency, like the next; `null` where no single amount says it.
    from: Option<Number>,
    to: Option<Number>,
}

impl From<&PriceChange> for PriceChangeView {
    fn from(PriceChange { line, price, successor, from, to, .. }: &PriceChange) -> Self {
        Self {
            price: price.clone(),
            id: line.clone(),
            successor: successor.clone(),
            from: from.map(number),
            to: to.map(number),
        }
    }
}

/// The decimal as a JSON number.
pub(super) fn number(decimal: Decimal) -> Number {
    // The digits of a decimal are a number's.
    decimal.to_string().parse().unwrap_or_else(|_| Number::from(0))
}
