//! What a body says of lines.
//!
//! The allow-list: of a line, only price, quantity, adjustable quantity and description are read. Nothing else that a
//! client sends goes anywhere.

use cart::{Addition, AdjustableQuantity, Description, LineUpdate, Metadata, PriceId, Quantity};

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

    /// The line as units to be added.
    #[must_use]
    pub fn into_addition(self) -> Addition {
        let Self { price, quantity, attributes } = self;
        attributes.addition(price, quantity)
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

    /// The line as an update.
    #[must_use]
    pub fn into_update(self) -> LineUpdate {
        let Self { price, quantity, attributes } = self;
        match quantity {
            Some(WantedQuantity::Zero) => LineUpdate::Remove(price),
            Some(WantedQuantity::Units(quantity)) => LineUpdate::Set(attributes.addition(price, quantity)),
            None => {
                let Attributes { adjustable_quantity, description } = attributes;
                LineUpdate::Describe { price, adjustable_quantity, description }
            }
        }
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

    fn addition(self, price: PriceId, quantity: Quantity) -> Addition {
        let Self { adjustable_quantity, description } = self;
        Addition { price, quantity, adjustable_quantity, description }
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
