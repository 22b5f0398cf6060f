//! Changes to a cart, as values.

use crate::{AdjustableQuantity, Cart, Currency, Description, Metadata, PriceId, Quantity, Rejection};

/// A change that a shopper asks for. [`crate::Cart::apply`] says what it does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// Adds units to lines, and lines to the cart.
    Add {
        /// What is added; each price once.
        items: Vec<Addition>,
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

/// Units of a price that are to be added or set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Addition {
    /// The price.
    pub price: PriceId,
    /// How many units.
    pub quantity: Quantity,
    /// Replaces the line's, where given.
    pub adjustable_quantity: Option<AdjustableQuantity>,
    /// Replaces the line's, where given; a blank one removes it.
    pub description: Option<Description>,
}

/// What an update asks of one line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LineUpdate {
    /// Sets the quantity, adding the line where it is absent; attributes are replaced where given.
    Set(Addition),
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
    pub fn add(items: Vec<Addition>) -> Result<Self, Rejection> {
        let mut merged: Vec<Addition> = Vec::with_capacity(items.len());
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

    /// The prices that must be for sale for this change, each once, in ascending order.
    ///
    /// # Errors
    ///
    /// [`Rejection::TooManyItems`] if they are more than a cart can hold.
    pub fn prices(&self) -> Result<Vec<PriceId>, Rejection> {
        let mut prices: Vec<PriceId> = match self {
            Self::Add { items, .. } => items.iter().map(|item| item.price.clone()).collect(),
            Self::Update { lines, .. } => {
                lines.iter().filter_map(LineUpdate::addition).map(|item| item.price.clone()).collect()
            }
            Self::Clear => Vec::new(),
        };
        prices.sort();
        prices.dedup();
        if prices.len() > Cart::MAX_LINES { Err(Rejection::TooManyItems) } else { Ok(prices) }
    }

    /// Whether the change puts units into lines, whatever they held before.
    pub(crate) fn puts_units(&self) -> bool {
        match self {
            Self::Add { .. } => true,
            Self::Update { lines, .. } => lines.iter().any(|line| line.addition().is_some()),
            Self::Clear => false,
        }
    }

    /// Whether the change leaves something in a cart that did not exist before.
    #[must_use]
    pub fn opens_a_cart(&self) -> bool {
        match self {
            Self::Add { .. } | Self::Clear => self.puts_units(),
            Self::Update { metadata, .. } => {
                self.puts_units() || metadata.as_ref().is_some_and(|metadata| !metadata.is_empty())
            }
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

impl LineUpdate {
    /// The units that the line is set to; `None` where its quantity is kept or it is removed.
    #[must_use]
    pub fn addition(&self) -> Option<&Addition> {
        match self {
            Self::Set(item) => Some(item),
            Self::Describe { .. } | Self::Remove(_) => None,
        }
    }

    /// The price whose line is removed, if it is.
    #[must_use]
    pub fn removed(&self) -> Option<&PriceId> {
        match self {
            Self::Remove(price) => Some(price),
            Self::Set(_) | Self::Describe { .. } => None,
        }
    }
}

impl Addition {
    /// `quantity` units of `price`.
    #[must_use]
    pub fn new(price: PriceId, quantity: Quantity) -> Self {
        Self { price, quantity, adjustable_quantity: None, description: None }
    }
}
