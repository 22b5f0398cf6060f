//! What a cart comes to, at current prices.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::{
    AdjustableQuantity, Bounds, Cart, Currency, Decimal, Line, Money, Offer, Offers, Recurrence, Rejection, Succession,
};

/// Why a line cannot be bought at the moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unavailable {
    /// The catalogue does not know the price any more.
    Unknown,
    /// The price or its product is archived, or the price does not say what it costs.
    Inactive,
    /// The price has no amount in the cart's currency, or another own currency than the first line that can be bought.
    Currency,
}

/// A line with its current offer and what it comes to.
#[derive(Clone, Copy, Debug)]
pub struct PricedLine<'a> {
    /// The line.
    pub line: &'a Line,
    /// The offer that it is sold at, where the catalogue has one: that of its price, or of the successor of an archived one.
    pub offer: Option<&'a Arc<Offer>>,
    /// How it goes on, where its price is archived and has a successor.
    pub succession: Option<Succession<'a>>,
    /// What it comes to, or why it cannot be bought.
    pub amount: Result<Money, Unavailable>,
}

impl PricedLine<'_> {
    /// Whether the shopper may change on Stripe's page what is paid for the line.
    #[must_use]
    pub fn is_adjustable(&self) -> bool {
        self.line.adjustable_quantity.as_ref().is_some_and(AdjustableQuantity::enabled) || self.is_custom()
    }

    /// What each of its units costs in the cart's currency, in minor units; `None` where no single amount says it
    /// ([`crate::Price::each`]), and while the line cannot be bought.
    #[must_use]
    pub fn each(&self) -> Option<Decimal> {
        self.offer?.price.each(self.amount.ok()?.currency())
    }

    /// How many units it may have.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        Bounds::new(self.line.adjustable_quantity.as_ref(), self.offer.map(|offer| &offer.price))
    }

    /// Whether the shopper chooses on Stripe's page what the line comes to.
    #[must_use]
    pub fn is_custom(&self) -> bool {
        self.offer.is_some_and(|offer| offer.price.is_custom())
    }
}

/// What the recurring lines of a cart are paid with again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Renewal {
    /// How often.
    pub recurrence: Recurrence,
    /// What they come to each time at today's amounts. Metered lines count 0, because nothing says how much will be used;
    /// trials change nothing.
    pub total: Money,
}

/// A cart's lines with their current offers, and their sum.
#[derive(Debug)]
pub struct Totals<'a> {
    /// Each line, in the cart's order.
    pub lines: Vec<PricedLine<'a>>,
    /// The sum of all available lines.
    pub total: Money,
    /// The own currency of all available lines' prices.
    pub own_currency: Currency,
    /// What is paid again; `None` where all lines are one-time.
    pub renewal: Option<Renewal>,
}

impl<'a> Totals<'a> {
    /// Sums the lines of `cart` up at the prices in `offers`.
    ///
    /// Lines that are unavailable count in no sum. An empty cart comes to nothing in `default` currency.
    #[must_use]
    pub fn new(cart: &'a Cart, offers: &'a Offers, default: Currency) -> Self {
        let currency = cart.currency().unwrap_or(default);
        let own = own_currency(cart, offers);
        let priced = |line: &'a Line| {
            let succession = Succession::of(line, cart, offers);
            let offer = succession.map(|succession| succession.successor).or_else(|| offers.get(&line.price));
            PricedLine { line, offer, succession, amount: amount(line, offer.map(Arc::as_ref), currency, own) }
        };
        let mut lines: Vec<_> = cart.lines().iter().map(priced).collect();
        join(&mut lines, currency);
        let total = sum(lines.iter().filter_map(|priced| priced.amount.ok()), currency);
        let renewal = cart.recurrence().map(|recurrence| {
            let recurring = lines.iter().filter(|priced| priced.line.recurrence.is_some());
            Renewal { recurrence, total: sum(recurring.filter_map(|priced| priced.amount.ok()), currency) }
        });
        Self { lines, total, own_currency: own.unwrap_or(currency), renewal }
    }

    /// Whether the shopper chooses the amount of a line.
    #[must_use]
    pub fn has_custom_amount(&self) -> bool {
        self.lines.iter().any(PricedLine::is_custom)
    }

    /// Checks that a line whose amount the shopper chooses stands alone. One that an earlier release stored need not.
    ///
    /// # Errors
    ///
    /// [`Rejection::CustomAmountAlone`] naming the price.
    pub fn check_custom_amount(&self) -> Result<(), Rejection> {
        match self.lines.iter().find(|priced| priced.is_custom()) {
            Some(PricedLine { line, .. }) if !line.stands_alone(self.lines.len()) => {
                Err(Rejection::CustomAmountAlone(line.price.clone()))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The lines that cannot be bought at the moment.
    pub fn unavailable(&self) -> impl Iterator<Item = &'a Line> {
        self.lines.iter().filter(|priced| priced.amount.is_err()).map(|priced| priced.line)
    }
}

/// Has lines that become one by succession come to what they come to as one: so they are sold. Each has the share of its units,
/// exactly its own amount where all units cost the same.
fn join(lines: &mut [PricedLine<'_>], currency: Currency) {
    if lines.iter().all(|priced| priced.succession.is_none()) {
        return;
    }
    let becomes = |priced: &PricedLine<'_>| {
        priced.succession.map_or_else(|| priced.line.id.clone(), |succession| succession.id(&priced.line.attributes))
    };
    let ids: Vec<_> = lines.iter().map(becomes).collect();
    let joint: BTreeSet<_> = lines.iter().zip(&ids).filter_map(|(priced, id)| priced.succession.map(|_| id)).collect();
    for id in joint {
        let parts = lines.iter_mut().zip(&ids).filter(|(priced, becomes)| priced.amount.is_ok() && *becomes == id);
        let mut parts: Vec<_> = parts.map(|(priced, _)| priced).collect();
        let units = parts.iter().map(|part| u64::from(part.line.quantity)).sum();
        let total = parts.first().and_then(|first| first.offer?.price.amount(units, currency));
        let Some(total) = total.filter(|_| parts.len() > 1) else { continue };
        let share = |of: u64| total.minor() * i128::from(of) / i128::from(units);
        let mut before = 0;
        for part in &mut parts {
            let with_it = before + u64::from(part.line.quantity);
            part.amount = Ok(Money::new(share(with_it) - share(before), currency));
            before = with_it;
        }
    }
}

/// The sum of `amounts`, which are all in `currency`.
#[expect(clippy::expect_used, reason = "a total that leaves a line out would be worse")]
fn sum(mut amounts: impl Iterator<Item = Money>, currency: Currency) -> Money {
    let total = amounts.try_fold(Money::new(0, currency), Money::checked_add);
    total.expect("amounts of one currency, each at most a trillionth of what a sum can hold, add up")
}

/// The own currency of the first line's price that can be bought: Stripe takes no other beside it.
///
/// Source: <https://docs.stripe.com/payments/checkout/localize-prices/manual-currency-prices>
pub(crate) fn own_currency(cart: &Cart, offers: &Offers) -> Option<Currency> {
    let currency = cart.currency()?;
    let sold_at = |line: &Line| {
        let succession = Succession::of(line, cart, offers);
        succession.map(|succession| succession.successor).or_else(|| offers.get(&line.price))
    };
    let mut offered = cart.lines().iter().filter_map(|line| Some((line, sold_at(line)?)));
    let (_, first) = offered.find(|(line, offer)| amount(line, Some(offer), currency, None).is_ok())?;
    Some(first.price.currency)
}

/// What a line comes to in `currency`, beside prices whose own currency is `own`.
fn amount(line: &Line, offer: Option<&Offer>, currency: Currency, own: Option<Currency>) -> Result<Money, Unavailable> {
    let offer = offer.ok_or(Unavailable::Unknown)?;
    if !offer.is_active() {
        return Err(Unavailable::Inactive);
    }
    if own.is_some_and(|own| offer.price.currency != own) {
        return Err(Unavailable::Currency);
    }
    offer.price.amount(line.quantity.into(), currency).ok_or(Unavailable::Currency)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Addition, Change, Lifetime, Quantity, Token};

    #[test]
    fn the_largest_cart_adds_up_to_the_last_unit() {
        let dearest = |index: usize| {
            let price =
                format!(r#"{{"id":"price_{index}","product":"prod_a","currency":"usd","unit_amount":{}}}"#, i64::MAX);
            Offer {
                price: serde_json::from_str(&price).unwrap(),
                product: serde_json::from_str(r#"{"id":"prod_a"}"#).unwrap(),
            }
        };
        let offers: Offers = (0..Cart::MAX_LINES).map(dearest).collect();
        let most = Quantity::new(Quantity::MAX.into()).unwrap();
        let items = (0..Cart::MAX_LINES).map(|index| Addition::new(format!("price_{index}").parse().unwrap(), most));
        let now = crate::Timestamp::UNIX_EPOCH;
        let mut cart = Cart::new(Token::from_bytes([1; 16]).number(), now, Lifetime::default());
        cart.apply(&Change::add(items.collect()).unwrap(), &offers, now).unwrap();

        let total = Totals::new(&cart, &offers, Currency::USD).total;

        assert_eq!(total.minor(), i128::from(i64::MAX) * i128::from(Quantity::MAX) * 100);
    }
}
