//! What a body says of lines.
//!
//! The allow-list: of a line, only price, quantity, adjustable quantity and description are read. Nothing else that a
//! client sends goes anywhere.

use cart::{AdjustableQuantity, Cart, Description, Item, LineUpdate, Metadata, PriceId, Quantity, Rejection};
use store::Offers;

use crate::body::{Body, Field};
use crate::{Error, upstream};

/// What a client wants of one line.
#[derive(Debug)]
pub struct WantedLine {
    price: PriceId,
    quantity: WantedQuantity,
    adjustable_quantity: Option<AdjustableQuantity>,
    description: Option<Description>,
}

/// What a client wants a line's quantity to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum WantedQuantity {
    /// What it is.
    Unsaid,
    /// None at all.
    Zero,
    /// So many units, or so many more.
    Units(Quantity),
}

impl WantedLine {
    /// The lines in `items`, each at least 1 unit, 1 where no quantity is given.
    ///
    /// # Errors
    ///
    /// [`Error::Field`] naming the field at fault.
    pub fn items(body: &Body) -> Result<Vec<Self>, Error> {
        let field = body.required("items")?;
        let items = field.list()?;
        if items.is_empty() {
            return Err(field.error("must not be empty"));
        }
        items.into_iter().map(|item| Self::item(&item.object()?)).collect()
    }

    fn item(item: &Field<'_>) -> Result<Self, Error> {
        let price = item.required("price")?;
        let quantity = match item.field("quantity") {
            None => Quantity::ONE,
            Some(field) => field.checked(Quantity::new(field.integer()?))?,
        };
        Self::attributes(item, price_id(&price, price.text()?)?, WantedQuantity::Units(quantity))
    }

    /// The lines in `updates`, keyed by price; none where there is no such field.
    ///
    /// # Errors
    ///
    /// [`Error::Field`] naming the field at fault.
    pub fn updates(body: &Body) -> Result<Vec<Self>, Error> {
        let Some(updates) = body.field("updates") else { return Ok(Vec::new()) };
        let members = updates.members()?.into_iter();
        members
            .map(|(price, update)| {
                let update = update.object()?;
                let quantity = match update.field("quantity") {
                    None => WantedQuantity::Unsaid,
                    Some(field) => match field.integer()? {
                        0 => WantedQuantity::Zero,
                        units => WantedQuantity::Units(field.checked(Quantity::new(units))?),
                    },
                };
                Self::attributes(&update, price_id(&update, price)?, quantity)
            })
            .collect()
    }

    fn attributes(line: &Field<'_>, price: PriceId, quantity: WantedQuantity) -> Result<Self, Error> {
        let adjustable_quantity = match line.field("adjustable_quantity") {
            None => None,
            Some(field) => Some(adjustable_quantity(&field.object()?)?),
        };
        let description = match line.field("description") {
            None => None,
            Some(field) => Some(field.checked(Description::new(field.scalar()?))?),
        };
        Ok(Self { price, quantity, adjustable_quantity, description })
    }

    /// The prices that must be for sale for these lines to be had.
    ///
    /// # Errors
    ///
    /// [`Rejection::TooManyItems`] if no cart could hold them all.
    pub fn prices(lines: &[Self]) -> Result<Vec<PriceId>, Error> {
        let sold = |line: &&Self| matches!(line.quantity, WantedQuantity::Units(_));
        let mut prices: Vec<_> = lines.iter().filter(sold).map(|line| line.price.clone()).collect();
        prices.sort();
        prices.dedup();
        if prices.len() > Cart::MAX_LINES { Err(Rejection::TooManyItems.into()) } else { Ok(prices) }
    }

    /// The line as units to be added.
    ///
    /// # Errors
    ///
    /// [`Rejection::PriceNotFound`] if `offers` does not have its price.
    pub fn into_item(self, offers: &Offers) -> Result<Item, Error> {
        match self.into_update(offers)? {
            LineUpdate::Set(item) => Ok(item),
            // `items` gives every line a quantity.
            LineUpdate::Describe { price, .. } | LineUpdate::Remove(price) => {
                Err(upstream(false, Rejection::PriceNotFound(price)))
            }
        }
    }

    /// The line as an update.
    ///
    /// # Errors
    ///
    /// [`Rejection::PriceNotFound`] if a quantity is to be set and `offers` does not have its price.
    pub fn into_update(self, offers: &Offers) -> Result<LineUpdate, Error> {
        let Self { price, quantity, adjustable_quantity, description } = self;
        Ok(match quantity {
            WantedQuantity::Unsaid => LineUpdate::Describe { price, adjustable_quantity, description },
            WantedQuantity::Zero => LineUpdate::Remove(price),
            WantedQuantity::Units(quantity) => {
                let offer = offers.get(&price).ok_or(Rejection::PriceNotFound(price))?;
                let item = Item::new(&offer.price, quantity);
                LineUpdate::Set(Item { adjustable_quantity, description, ..item })
            }
        })
    }
}

/// The metadata that a body wants a cart to have.
///
/// # Errors
///
/// [`Error::Field`] where it is not an object of scalars, [`Rejection::Metadata`] beyond Stripe's limits.
pub fn wanted_metadata(body: &Body) -> Result<Option<Metadata>, Error> {
    let Some(field) = body.field("metadata") else { return Ok(None) };
    let entries = field.members()?.into_iter().map(|(key, value)| Ok((key.to_owned(), value.scalar()?)));
    Ok(Some(Metadata::new(entries.collect::<Result<Vec<_>, Error>>()?)?))
}

fn price_id(field: &Field<'_>, text: &str) -> Result<PriceId, Error> {
    text.parse().map_err(|_| field.error("must be the id of a price"))
}

fn adjustable_quantity(field: &Field<'_>) -> Result<AdjustableQuantity, Error> {
    let enabled = field.required("enabled")?.flag()?;
    let bound = |name| field.field(name).map(|bound| bound.integer()).transpose();
    field.checked(AdjustableQuantity::new(enabled, bound("minimum")?, bound("maximum")?))
}
