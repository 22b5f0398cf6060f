//! What a session sells.

use std::collections::BTreeSet;

use cart::{Currency, Money, PriceId, ProductId, Recurrence, Totals};

/// What a session sells, as far as it decides which settings fit.
#[derive(Clone, Debug)]
pub(super) struct Contents {
    /// What the lines come to, in the session's currency.
    pub(super) total: Money,
    /// The currency that all prices have as their own.
    pub(super) own_currency: Currency,
    /// How often the lines that recur are paid; `None` where none does.
    pub(super) recurrence: Option<Recurrence>,
    /// How many lines are paid once.
    pub(super) once: usize,
    /// The prices that recur.
    pub(super) recurring: BTreeSet<PriceId>,
    /// What is sold.
    pub(super) products: BTreeSet<ProductId>,
    /// Whether the shopper chooses what to pay.
    pub(super) has_custom_amount: bool,
}

impl Contents {
    pub(super) fn new(totals: &Totals<'_>) -> Self {
        let prices: Vec<_> = totals.lines.iter().filter_map(|priced| Some(&priced.offer?.price)).collect();
        Self {
            total: totals.total,
            own_currency: totals.own_currency,
            recurrence: prices.iter().find_map(|price| price.recurrence()),
            once: prices.iter().filter(|price| price.recurring.is_none()).count(),
            recurring: prices.iter().filter(|price| price.recurring.is_some()).map(|price| price.id.clone()).collect(),
            products: prices.iter().map(|price| price.product.clone()).collect(),
            has_custom_amount: prices.iter().any(|price| price.is_custom()),
        }
    }
}
