//! How much a cart's texts may come to.

use crate::{Attributes, Cart, Change, Description, Details, Line, LineId, LineUpdate, Metadata, Rejection};

/// What of a line's id is no text: a price's id as Stripe makes them today (30 characters), and a digest of attributes.
const PLAIN_ID: usize = 42;
/// How often a line's id is stored at most: with its quantity and its position, with its bounds, its text and its attributes
/// where it has some, and where it recurs.
const MOST_COPIES: usize = 6;

impl Cart {
    /// The most that its texts come to, in bytes of UTF-8, so that what a change of the cart costs has a bound.
    pub const MAX_TEXT: usize = 16 * 1024;

    /// What its texts come to, in bytes of UTF-8: keys and values of metadata and attributes, the lines' own texts, and what
    /// is long about the lines' ids, as often as it is stored.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        self.lines().iter().map(Line::text_bytes).sum::<usize>() + metadata(self.metadata())
    }

    /// Checks that the texts stay within [`Cart::MAX_TEXT`], or are no longer than they were `before`: a cart that was stored
    /// under wider bounds can be changed.
    pub(crate) fn check_texts(&self, before: &Self) -> Result<(), Rejection> {
        let bytes = self.text_bytes();
        if bytes <= Self::MAX_TEXT || bytes <= before.text_bytes() {
            return Ok(());
        }
        Err(Rejection::TextTooLong { bytes })
    }
}

impl Change {
    /// The most by which the change lengthens a cart's texts, in bytes, whatever it replaces.
    #[must_use]
    pub fn most_text(&self) -> usize {
        match self {
            Self::Add { items, metadata, .. } => {
                let text = |item: &crate::Addition| {
                    most_copies(&item.line()) + attributes(&item.attributes) + details(&item.details)
                };
                items.iter().map(text).sum::<usize>() + metadata.as_ref().map_or(0, self::metadata)
            }
            Self::Update { lines, metadata, .. } => {
                lines.iter().map(LineUpdate::most_text).sum::<usize>() + metadata.as_ref().map_or(0, self::metadata)
            }
            Self::Line(line) => line.most_text(),
            Self::Clear => 0,
        }
    }
}

impl LineUpdate {
    fn most_text(&self) -> usize {
        match self {
            Self::Set(setting) => most_copies(&setting.line) + details(&setting.details),
            Self::Describe { line, details: given } => most_copies(line) + details(given),
            Self::Remove(_) => 0,
        }
    }
}

impl Line {
    fn text_bytes(&self) -> usize {
        let copies = [
            true,
            true,
            self.adjustable_quantity.is_some(),
            self.description.is_some(),
            self.id.has_attributes(),
            self.recurrence.is_some(),
        ];
        let copies = copies.into_iter().filter(|stored| *stored).count();
        let former: usize = self.former.iter().map(|former| self.id.former_text_bytes(former)).sum();
        former
            + long_part(&self.id) * copies
            + attributes(&self.attributes)
            + self.description.as_ref().map_or(0, description)
    }
}

impl LineId {
    /// What it counts among the texts that the line of this id was once called `former`.
    pub(crate) fn former_text_bytes(&self, former: &Self) -> usize {
        long_part(former) + long_part(self)
    }
}

fn long_part(id: &LineId) -> usize {
    id.as_str().len().saturating_sub(PLAIN_ID)
}

fn most_copies(id: &LineId) -> usize {
    long_part(id) * MOST_COPIES
}

fn details(details: &Details) -> usize {
    details.description.as_ref().map_or(0, description)
}

fn description(description: &Description) -> usize {
    description.as_str().len()
}

fn attributes(attributes: &Attributes) -> usize {
    entries(attributes.iter())
}

fn metadata(metadata: &Metadata) -> usize {
    entries(metadata.iter())
}

fn entries<'a>(entries: impl Iterator<Item = (&'a str, &'a str)>) -> usize {
    entries.map(|(key, value)| key.len() + value.len()).sum()
}
