//! Changes to a cart, as values.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::slice;

use crate::{
    AdjustableQuantity, Attributes, Cart, Currency, Description, LineId, Metadata, PriceId, Quantity, Rejection,
};

/// A change that a shopper asks for. [`crate::Cart::apply`] says what it does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// Adds units to lines, and lines to the cart.
    Add {
        /// What is added: each line once where it is all or nothing, else as it was sent.
        items: Vec<Addition>,
        /// The currency of a cart that has none yet; without it, the first item's own.
        currency: Option<Currency>,
        /// Replaces the cart's metadata, where something is added.
        metadata: Option<Metadata>,
        /// Whether an item that cannot be added refuses all of them. Otherwise those that can be are added.
        all_or_nothing: bool,
    },
    /// Sets quantities and attributes of lines.
    Update {
        /// What is set; each line once.
        lines: Vec<LineUpdate>,
        /// The currency of a cart that has none yet; without it, the first item's own.
        currency: Option<Currency>,
        /// Replaces the cart's metadata.
        metadata: Option<Metadata>,
    },
    /// Changes a line that is there.
    Line(LineUpdate),
    /// Removes all lines and all metadata.
    Clear,
}

/// What a line has beside its quantity, as far as a client gives it. It replaces the line's.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Details {
    /// Whether the shopper may change the quantity on Stripe's page.
    pub adjustable_quantity: Option<AdjustableQuantity>,
    /// The line's own text; a blank one removes it.
    pub description: Option<Description>,
}

/// Units of a price that are to be added.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Addition {
    /// The price.
    pub price: PriceId,
    /// What tells the line from others of the same price.
    pub attributes: Attributes,
    /// How many units.
    pub quantity: Quantity,
    /// What else the line gets.
    pub details: Details,
}

/// What a line is set to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Setting {
    /// The line.
    pub line: LineId,
    /// How many units.
    pub quantity: Quantity,
    /// What else the line gets.
    pub details: Details,
}

/// What an update asks of one line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LineUpdate {
    /// Sets the quantity, adding the line where it is absent and has no attributes. What a line has beside its quantity is
    /// replaced where given.
    Set(Setting),
    /// Replaces what a line has beside its quantity, where given, and keeps that; nothing where the line is absent.
    Describe {
        /// The line.
        line: LineId,
        /// What it gets.
        details: Details,
    },
    /// Removes a line; nothing where it is absent.
    Remove(LineId),
}

impl Change {
    /// Adds `items`, those of the same price and attributes as one.
    ///
    /// # Errors
    ///
    /// [`Rejection::LineTooLarge`] where the same line adds up to more than [`Quantity::MAX`].
    pub fn add(items: Vec<Addition>) -> Result<Self, Rejection> {
        let items = merged(items)?;
        Ok(Self::Add { items, currency: None, metadata: None, all_or_nothing: true })
    }

    /// Adds those of `items` that can be added.
    #[must_use]
    pub fn add_what_fits(items: Vec<Addition>) -> Self {
        Self::Add { items, currency: None, metadata: None, all_or_nothing: false }
    }

    /// The change where it is made as a whole: of an addition, all items, those of the same price and attributes as one.
    ///
    /// # Errors
    ///
    /// [`Rejection::LineTooLarge`] where the same line adds up to more than [`Quantity::MAX`].
    pub fn whole(&self) -> Result<Cow<'_, Self>, Rejection> {
        match self {
            Self::Add { items, currency, metadata, all_or_nothing: false } => {
                let change = Self::add(items.clone())?.in_currency(*currency).with_metadata(metadata.clone());
                Ok(Cow::Owned(change))
            }
            Self::Add { all_or_nothing: true, .. } | Self::Update { .. } | Self::Line(_) | Self::Clear => {
                Ok(Cow::Borrowed(self))
            }
        }
    }

    /// The prices that must be for sale for this change, each once, in ascending order. Where items that cannot be added are
    /// left out, these are the first that were sent, as many as a cart can hold.
    ///
    /// # Errors
    ///
    /// [`Rejection::TooManyItems`] if they are more than a cart can hold.
    pub fn prices(&self) -> Result<Vec<PriceId>, Rejection> {
        let mut prices: Vec<PriceId> = match self {
            Self::Add { items, all_or_nothing: true, .. } => items.iter().map(|item| item.price.clone()).collect(),
            Self::Add { items, all_or_nothing: false, .. } => first_prices(items).into_iter().cloned().collect(),
            Self::Update { lines, .. } => lines.iter().filter_map(LineUpdate::price).collect(),
            Self::Line(line) => line.price().into_iter().collect(),
            Self::Clear => Vec::new(),
        };
        prices.sort();
        prices.dedup();
        if prices.len() > Cart::MAX_LINES { Err(Rejection::TooManyItems) } else { Ok(prices) }
    }

    /// The lines that an update means by their ids.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &LineId> {
        let updates = match self {
            Self::Update { lines, .. } => lines.as_slice(),
            Self::Line(line) => slice::from_ref(line),
            Self::Add { .. } | Self::Clear => &[],
        };
        updates.iter().map(LineUpdate::line)
    }

    /// Whether a price that is not for sale refuses the change, whatever the cart holds. An update may leave a line as it is, or
    /// take units out of it.
    #[must_use]
    pub fn needs_all_for_sale(&self) -> bool {
        match self {
            Self::Add { all_or_nothing, .. } => *all_or_nothing,
            Self::Update { .. } | Self::Line(_) | Self::Clear => false,
        }
    }

    /// Whether the change puts units into lines, whatever they held before.
    pub(crate) fn puts_units(&self) -> bool {
        match self {
            Self::Add { .. } => true,
            Self::Update { lines, .. } => lines.iter().any(|line| line.setting().is_some()),
            Self::Line(line) => line.setting().is_some(),
            Self::Clear => false,
        }
    }

    /// Whether the change leaves something in a cart that did not exist before, if it is not refused.
    #[must_use]
    pub fn opens_a_cart(&self) -> bool {
        match self {
            Self::Add { .. } => true,
            Self::Line(_) | Self::Clear => false,
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

/// The items with those of the same price and attributes as one.
fn merged(items: Vec<Addition>) -> Result<Vec<Addition>, Rejection> {
    let mut merged: Vec<Addition> = Vec::with_capacity(items.len());
    for item in items {
        let same = |earlier: &&mut Addition| earlier.price == item.price && earlier.attributes == item.attributes;
        match merged.iter_mut().find(same) {
            None => merged.push(item),
            Some(earlier) => earlier.join(item)?,
        }
    }
    Ok(merged)
}

/// The first prices of the items, as many as a cart can hold.
pub(crate) fn first_prices(items: &[Addition]) -> BTreeSet<&PriceId> {
    let mut first = BTreeSet::new();
    for item in items {
        if first.len() < Cart::MAX_LINES {
            first.insert(&item.price);
        }
    }
    first
}

impl LineUpdate {
    /// The line that is meant.
    #[must_use]
    pub fn line(&self) -> &LineId {
        match self {
            Self::Set(Setting { line, .. }) | Self::Describe { line, .. } | Self::Remove(line) => line,
        }
    }

    /// What the line is set to; `None` where its quantity is kept or it is removed.
    #[must_use]
    pub fn setting(&self) -> Option<&Setting> {
        match self {
            Self::Set(setting) => Some(setting),
            Self::Describe { .. } | Self::Remove(_) => None,
        }
    }

    /// The line that is removed, if it is.
    #[must_use]
    pub fn removed(&self) -> Option<&LineId> {
        match self {
            Self::Remove(line) => Some(line),
            Self::Set(_) | Self::Describe { .. } => None,
        }
    }

    /// The price of a line that stays, as its id says it.
    fn price(&self) -> Option<PriceId> {
        if self.removed().is_some() { None } else { self.line().price() }
    }
}

impl Addition {
    /// `quantity` units of `price`.
    #[must_use]
    pub fn new(price: PriceId, quantity: Quantity) -> Self {
        Self { price, attributes: Attributes::default(), quantity, details: Details::default() }
    }

    /// The same with these attributes.
    #[must_use]
    pub fn with_attributes(self, attributes: Attributes) -> Self {
        Self { attributes, ..self }
    }

    /// The line that the units go into.
    #[must_use]
    pub fn line(&self) -> LineId {
        LineId::new(&self.price, &self.attributes)
    }

    /// Adds units of the same line. On error nothing is added.
    ///
    /// # Errors
    ///
    /// [`Rejection::LineTooLarge`] where that comes to more than [`Quantity::MAX`].
    pub(crate) fn join(&mut self, more: Self) -> Result<(), Rejection> {
        let sum = self.quantity.plus(more.quantity);
        self.quantity = sum.map_err(|_| Rejection::LineTooLarge { line: self.line(), held: 0 })?;
        self.details.replace(more.details);
        Ok(())
    }
}

impl Setting {
    /// `line` set to `quantity`.
    #[must_use]
    pub fn new(line: LineId, quantity: Quantity) -> Self {
        Self { line, quantity, details: Details::default() }
    }
}

impl Details {
    /// Takes over what `others` say.
    pub(crate) fn replace(&mut self, others: Self) {
        let Self { adjustable_quantity, description } = others;
        self.adjustable_quantity = adjustable_quantity.or(self.adjustable_quantity.take());
        self.description = description.or(self.description.take());
    }
}
