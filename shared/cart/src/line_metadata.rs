//! What a line of a Checkout Session says of the cart's line that it was made from.

use std::collections::BTreeMap;

use crate::{CheckoutMetadata, Line, LineId};

/// A cart's line as a session's line bears it in its metadata, so that Stripe gives it back with what was sold: also once
/// the cart is gone.
///
/// The only code that writes or reads Cartwright's own keys of a line's metadata.
///
/// Source: <https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-line_items-metadata>
///
/// ```
/// use cart::{LineId, LineMetadata};
///
/// let mug = LineMetadata {
///     line: LineId::kept("price_mug~ggJRZYuNkz8"),
///     description: Some("blue".to_owned()),
///     attributes: [("engraving".to_owned(), "Ann".to_owned())].into(),
/// };
/// let sent = mug.clone().entries();
///
/// assert_eq!(LineMetadata::read(&sent), Some(mug));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LineMetadata {
    /// The cart's line.
    pub line: LineId,
    /// The line's own text.
    pub description: Option<String>,
    /// What it is besides its price, under the keys that the client gave.
    pub attributes: BTreeMap<String, String>,
}

const LINE: &str = "stripe_payments_line";
const DESCRIPTION: &str = "stripe_payments_description";

impl LineMetadata {
    /// Reads the metadata of a session's line; `None` for one that was made of no cart's line.
    #[must_use]
    pub fn read(metadata: &BTreeMap<String, String>) -> Option<Self> {
        let others = metadata.iter().filter(|(key, _)| !CheckoutMetadata::is_reserved(key));
        Some(Self {
            line: LineId::kept(metadata.get(LINE)?),
            description: metadata.get(DESCRIPTION).cloned(),
            attributes: others.map(|(key, value)| (key.clone(), value.clone())).collect(),
        })
    }

    /// The keys and values to write.
    #[must_use]
    pub fn entries(self) -> BTreeMap<String, String> {
        let Self { line, description, mut attributes } = self;
        attributes.insert(LINE.to_owned(), line.into());
        attributes.extend(description.map(|description| (DESCRIPTION.to_owned(), description)));
        attributes
    }
}

impl From<&Line> for LineMetadata {
    fn from(line: &Line) -> Self {
        Self {
            line: line.id.clone(),
            description: line.description.as_ref().map(|text| text.as_str().to_owned()),
            attributes: line.attributes.clone().into(),
        }
    }
}
