//! What a line of a Checkout Session says of the cart's line that it was made from.

use std::collections::BTreeMap;

use crate::{Line, LineId};

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
/// let mug = LineMetadata { line: LineId::kept("price_mug"), description: Some("blue".to_owned()) };
/// let sent = mug.clone().entries().into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
///
/// assert_eq!(LineMetadata::read(&sent), Some(mug));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LineMetadata {
    /// The cart's line.
    pub line: LineId,
    /// The line's own text.
    pub description: Option<String>,
}

const LINE: &str = "stripe_payments_line";
const DESCRIPTION: &str = "stripe_payments_description";

impl LineMetadata {
    /// Reads the metadata of a session's line; `None` for one that was made of no cart's line.
    #[must_use]
    pub fn read(metadata: &BTreeMap<String, String>) -> Option<Self> {
        Some(Self { line: LineId::kept(metadata.get(LINE)?), description: metadata.get(DESCRIPTION).cloned() })
    }

    /// The keys and values to write.
    #[must_use]
    pub fn entries(self) -> BTreeMap<&'static str, String> {
        let description = self.description.map(|description| (DESCRIPTION, description));
        [(LINE, self.line.into())].into_iter().chain(description).collect()
    }
}

impl From<&Line> for LineMetadata {
    fn from(line: &Line) -> Self {
        Self { line: line.id(), description: line.description.as_ref().map(|text| text.as_str().to_owned()) }
    }
}
