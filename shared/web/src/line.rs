//! What a body says of lines.
//!
//! The allow-list: of a line, only price, quantity, adjustable quantity and description are read. Nothing else that a
//! client sends goes anywhere.

use cart::{AdjustableQuantity, Cart, Description, Item, LineUpdate, Metadata, PriceId, Quantity, Rejection};
use store::Offers;

use crate::Error;
use crate::body::{Body, Field};

/// A line of `items`: units to be added.
#[derive(Debug)]
pub struct WantedItem {
    price: PriceId,
    quantity: Quantity,
    attributes: Attributes,
}

/// A line of `updates`: what a line is to become.
#[derive(Debug)]
pub struct WantedUpdate {
    price: PriceId,
    /// `None` where it is to stay.
    quantity: Option<WantedQuantity>,
    attributes: Attributes,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum WantedQuantity {
    Zero,
    Units(Quantity),
}

/// What both may say of a line beside its quantity.
#[derive(Debug)]
struct Attributes {
    adjustable_quantity: Option<AdjustableQuantity>,
    description: Option<Description>,
}

impl WantedItem {
    /// The lines in `items`, each at least 1 unit, 1 where no quantity is given.
    ///
    /// # Errors
    ///
    /// [`Error::Field`] or [`Error::Quantity`] naming the field at fault.
    pub fn all(body: &Body) -> Result<Vec<Self>, Error> {
        let field = body.required("items")?;
        let items = field.list()?;
        if items.is_empty() {
            return Err(field.error("must not be empty"));
        }
        items.into_iter().map(|item| Self::of(&item.object()?)).collect()
    }

    fn of(item: &Field<'_>) -> Result<Self, Error> {
        let price = item.required("price")?;
        let price = price_id(&price, price.text()?)?;
        let quantity = match item.field("quantity") {
            None => Quantity::ONE,
            Some(field) => field.quantity()?.ok_or_else(|| field.wrong_quantity("must be at least 1"))?,
        };
        Ok(Self { price, quantity, attributes: Attributes::of(item)? })
    }

    /// The prices that must be for sale for these lines to be had.
    ///
    /// # Errors
    ///
    /// [`Rejection::TooManyItems`] if no cart could hold them all.
    pub fn prices(items: &[Self]) -> Result<Vec<PriceId>, Error> {
        distinct(items.iter().map(|item| item.price.clone()).collect())
    }

    /// The line as units to be added.
    ///
    /// # Errors
    ///
    /// [`Rejection::PriceNotFound`] if `offers` does not have its price.
    pub fn into_item(self, offers: &Offers) -> Result<Item, Error> {
        let Self { price, quantity, attributes } = self;
        attributes.item(price, quantity, offers)
    }
}

impl WantedUpdate {
    /// The lines in `updates`, keyed by price; none where there is no such field.
    ///
    /// # Errors
    ///
    /// [`Error::Field`] or [`Error::Quantity`] naming the field at fault.
    pub fn all(body: &Body) -> Result<Vec<Self>, Error> {
        let Some(updates) = body.field("updates") else { return Ok(Vec::new()) };
        updates.members()?.into_iter().map(|(price, update)| Self::of(price, &update.object()?)).collect()
    }

    fn of(price: &str, update: &Field<'_>) -> Result<Self, Error> {
        let quantity = update.field("quantity").map(|field| field.quantity()).transpose()?;
        let quantity = quantity.map(|units| units.map_or(WantedQuantity::Zero, WantedQuantity::Units));
        Ok(Self { price: price_id(update, price)?, quantity, attributes: Attributes::of(update)? })
    }

    /// The prices that must be for sale for these lines to be had.
    ///
    /// # Errors
    ///
    /// [`Rejection::TooManyItems`] if no cart could hold them all.
    pub fn prices(updates: &[Self]) -> Result<Vec<PriceId>, Error> {
        let sold = |update: &&Self| matches!(update.quantity, Some(WantedQuantity::Units(_)));
        distinct(updates.iter().filter(sold).map(|update| update.price.clone()).collect())
    }

    /// The line as an update.
    ///
    /// # Errors
    ///
    /// [`Rejection::PriceNotFound`] if a quantity is to be set and `offers` does not have its price.
    pub fn into_update(self, offers: &Offers) -> Result<LineUpdate, Error> {
        let Self { price, quantity, attributes } = self;
        Ok(match quantity {
            Some(WantedQuantity::Zero) => LineUpdate::Remove(price),
            Some(WantedQuantity::Units(quantity)) => LineUpdate::Set(attributes.item(price, quantity, offers)?),
            None => {
                let Attributes { adjustable_quantity, description } = attributes;
                LineUpdate::Describe { price, adjustable_quantity, description }
            }
        })
    }
}

impl Attributes {
    fn of(line: &Field<'_>) -> Result<Self, Error> {
        let adjustable_quantity = match line.field("adjustable_quantity") {
            None => None,
            Some(field) => Some(adjustable_quantity(&field.object()?)?),
        };
        let description = match line.field("description") {
            None => None,
            Some(field) => Some(field.checked(Description::new(field.scalar()?))?),
        };
        Ok(Self { adjustable_quantity, description })
    }

    fn item(self, price: PriceId, quantity: Quantity, offers: &Offers) -> Result<Item, Error> {
        let Self { adjustable_quantity, description } = self;
        let offer = offers.get(&price).ok_or(Rejection::PriceNotFound(price))?;
        Ok(Item { adjustable_quantity, description, ..Item::new(offer.price(), quantity) })
    }
}

/// Each price once, unless they are more than a cart can hold.
fn distinct(mut prices: Vec<PriceId>) -> Result<Vec<PriceId>, Error> {
    prices.sort();
    prices.dedup();
    if prices.len() > Cart::MAX_LINES { Err(Rejection::TooManyItems.into()) } else { Ok(prices) }
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
