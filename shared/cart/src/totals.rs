//! What a cart comes to, at current prices.

use crate::{Cart, Currency, Line, Money, Price, Product};

/// A price with its product: what is for sale.
///
/// It is written as JSON once, when it is made, since carts show it far more often than it changes.
#[derive(Clone, PartialEq, Debug)]
pub struct Offer {
    price: Price,
    product: Product,
    price_json: Box<str>,
    product_json: Box<str>,
}

/// Why a line cannot be bought at the moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unavailable {
    /// The catalogue does not know the price any more.
    Unknown,
    /// The price or its product is archived.
    Inactive,
    /// The price lost the cart's currency.
    Currency,
}

impl Offer {
    /// A price with the product that it is a price of.
    #[must_use]
    pub fn new(price: Price, product: Product) -> Self {
        let [price_json, product_json] = [json(&price), json(&product)];
        Self { price, product, price_json, product_json }
    }

    /// The price.
    #[must_use]
    pub fn price(&self) -> &Price {
        &self.price
    }

    /// The product that it is a price of.
    #[must_use]
    pub fn product(&self) -> &Product {
        &self.product
    }

    /// The price as a JSON object.
    #[must_use]
    pub fn price_json(&self) -> &str {
        &self.price_json
    }

    /// The product as a JSON object.
    #[must_use]
    pub fn product_json(&self) -> &str {
        &self.product_json
    }

    /// Whether the price can be bought: neither it nor its product is archived.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.price.active && self.product.active
    }
}

/// A cart's lines with their current offers, and their sum.
#[derive(Debug)]
pub struct Totals<'a> {
    /// Each line with its offer, where the catalogue has one, and its amount or why it has none.
    pub lines: Vec<(&'a Line, Option<&'a Offer>, Result<Money, Unavailable>)>,
    /// The sum of all available lines.
    pub total: Money,
}

impl<'a> Totals<'a> {
    /// Sums the lines of `cart` up at the prices that `offer` finds.
    ///
    /// Lines that are unavailable count in no sum. An empty cart comes to nothing in `default` currency.
    pub fn of(cart: &'a Cart, default: Currency, offer: impl Fn(&Line) -> Option<&'a Offer>) -> Self {
        let currency = cart.currency().unwrap_or(default);
        let lines: Vec<_> = cart
            .lines()
            .iter()
            .map(|line| {
                let offer = offer(line);
                (line, offer, amount(line, offer, currency))
            })
            .collect();
        // All amounts are in the one currency, and 100 lines do not reach the bounds of a sum.
        let amounts = lines.iter().filter_map(|(_, _, amount)| amount.ok());
        let total = amounts.fold(Money::new(0, currency), |sum, amount| sum.checked_add(amount).unwrap_or(sum));
        Self { lines, total }
    }

    /// The lines that cannot be bought at the moment.
    pub fn unavailable(&self) -> impl Iterator<Item = (&'a Line, Unavailable)> {
        self.lines.iter().filter_map(|(line, _, amount)| amount.err().map(|reason| (*line, reason)))
    }
}

fn json(value: &impl serde::Serialize) -> Box<str> {
    // Prices and products are plain data with text keys: they always serialise.
    serde_json::to_string(value).unwrap_or_default().into()
}

fn amount(line: &Line, offer: Option<&Offer>, currency: Currency) -> Result<Money, Unavailable> {
    let offer = offer.ok_or(Unavailable::Unknown)?;
    if !offer.is_active() {
        return Err(Unavailable::Inactive);
    }
    offer.price().amount(line.quantity.into(), currency).ok_or(Unavailable::Currency)
}
