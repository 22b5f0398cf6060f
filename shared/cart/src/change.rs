//! Changes to a cart, as values.

use crate::{AdjustableQuantity, Currency, Description, Metadata, Price, PriceId, Quantity, Recurrence, Rejection};

/// A change that a shopper asks for. [`crate::Cart::apply`] says what it does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// Adds units to lines, and lines to the cart.
    Add {
        /// What is added; each price once.
        items: Vec<Item>,
        /// The currency of a cart that has none yet; without it, the first item's own.
        currency: Option<Currency>,
        /// Replaces the cart's metadata.
        metadata: Option<Metadata>,
    },
    /// Sets quantities and attributes of lines.
    Update {
        /// What is set; each price once.
        lines: Vec<LineUpdate>,
        /// The currency of a cart that has none yet; without it, the first item's own.
        currency: Option<Currency>,
        /// Replaces the cart's metadata.
        metadata: Option<Metadata>,
    },
    /// Removes all lines and all metadata.
    Clear,
}

/// Units of a price to be added, with what the rules need to know of that price.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Item {
    /// The price.
    pub price: PriceId,
    /// How many units.
    pub quantity: Quantity,
    /// Replaces the line's, where given.
    pub adjustable_quantity: Option<AdjustableQuantity>,
    /// Replaces the line's, where given; a blank one removes it.
    pub description: Option<Description>,
    /// The currencies in which the price can be paid, its own first.
    pub currencies: Vec<Currency>,
    /// How often the price recurs.
    pub recurrence: Option<Recurrence>,
}

/// What an update asks of one line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LineUpdate {
    /// Sets the quantity, adding the line where it is absent; attributes are replaced where given.
    Set(Item),
    /// Replaces attributes of a line, where given, and keeps its quantity; nothing where the line is absent.
    Describe {
        /// The line's price.
        price: PriceId,
        /// Replaces the line's, where given.
        adjustable_quantity: Option<AdjustableQuantity>,
        /// Replaces the line's, where given; a blank one removes it.
        description: Option<Description>,
    },
    /// Removes a line; nothing where it is absent.
    Remove(PriceId),
}

impl Change {
    /// Adds `items`, those of the same price as one.
    ///
    /// # Errors
    ///
    /// [`Rejection::QuantityTooLarge`] where the same price adds up to more than [`Quantity::MAX`].
    pub fn add(items: Vec<Item>) -> Result<Self, Rejection> {
        let mut merged: Vec<Item> = Vec::with_capacity(items.len());
        for item in items {
            match merged.iter_mut().find(|earlier| earlier.price == item.price) {
                None => merged.push(item),
                Some(earlier) => {
                    earlier.quantity = earlier.quantity.plus(item.quantity)?;
                    earlier.adjustable_quantity = item.adjustable_quantity.or(earlier.adjustable_quantity.take());
                    earlier.description = item.description.or(earlier.description.take());
                }
            }
        }
        Ok(Self::Add { items: merged, currency: None, metadata: None })
    }

    /// Whether the change leaves something in a cart that did not exist before.
    #[must_use]
    pub fn opens_a_cart(&self) -> bool {
        match self {
            Self::Add { .. } => true,
            Self::Update { lines, metadata, .. } => {
                lines.iter().any(|line| matches!(line, LineUpdate::Set(_)))
                    || metadata.as_ref().is_some_and(|metadata| !metadata.is_empty())
            }
            Self::Clear => false,
        }
    }

    /// Sets lines as `lines` say.
    #[must_use]
    pub fn update(lines: Vec<LineUpdate>) -> Self {
        Self::Update { lines, currency: None, metadata: None }
    }

    /// The same change in a cart whose currency, if it has none yet, becomes `preferred`.
    #[must_use]
    pub fn in_currency(mut self, preferred: Option<Currency>) -> Self {
        if let Self::Add { currency, .. } | Self::Update { currency, .. } = &mut self {
            *currency = preferred;
        }
        self
    }

    /// The same change, replacing the cart's metadata too.
    #[must_use]
    pub fn with_metadata(mut self, replacement: Option<Metadata>) -> Self {
        if let Self::Add { metadata, .. } | Self::Update { metadata, .. } = &mut self {
            *metadata = replacement;
        }
        self
    }
}

impl Item {
    /// `quantity` units of `price`.
    #[must_use]
    pub fn new(price: &Price, quantity: Quantity) -> Self {
        Self {
            price: price.id.clone(),
            quantity,
            adjustable_quantity: None,
            description: None,
            currencies: price.currencies().collect(),
            recurrence: price.recurrence(),
        }
    }
}
