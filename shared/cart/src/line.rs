//! One line of a cart.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{Attributes, PriceId, Recurrence, Rejection, Timestamp};

/// How many units of a price: 1 to [`Quantity::MAX`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Quantity(u32);

impl Quantity {
    /// The largest quantity Stripe Checkout takes for one line.
    ///
    /// Source: <https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-line_items-adjustable_quantity-maximum>
    pub const MAX: u32 = 999_999;

    /// One unit.
    pub const ONE: Self = Self(1);

    /// A quantity of `units`.
    ///
    /// # Errors
    ///
    /// - [`Rejection::QuantityTooSmall`] for 0.
    /// - [`Rejection::QuantityTooLarge`] above [`Quantity::MAX`].
    pub fn new(units: u64) -> Result<Self, Rejection> {
        match u32::try_from(units) {
            Ok(0) => Err(Rejection::QuantityTooSmall),
            Ok(units) if units <= Self::MAX => Ok(Self(units)),
            _ => Err(Rejection::QuantityTooLarge),
        }
    }

    /// The number of units.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }

    /// This quantity and `more`.
    ///
    /// # Errors
    ///
    /// [`Rejection::QuantityTooLarge`] above [`Quantity::MAX`].
    pub fn plus(self, more: Self) -> Result<Self, Rejection> {
        Self::new(u64::from(self.0) + u64::from(more.0))
    }
}

impl TryFrom<u64> for Quantity {
    type Error = Rejection;

    fn try_from(units: u64) -> Result<Self, Rejection> {
        Self::new(units)
    }
}

impl From<Quantity> for u64 {
    fn from(quantity: Quantity) -> Self {
        quantity.0.into()
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether the shopper may change the quantity on Stripe's page, and within which bounds.
///
/// Source: <https://docs.stripe.com/payments/checkout/adjustable-quantity>
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct AdjustableQuantity {
    enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    minimum: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum: Option<u32>,
}

impl AdjustableQuantity {
    /// Bounds for the shopper's changes.
    ///
    /// # Errors
    ///
    /// [`Rejection::Minimum`] or [`Rejection::Maximum`] unless minimum ≤ maximum, 1 ≤ maximum, and both are at most [`Quantity::MAX`].
    pub fn new(enabled: bool, minimum: Option<u64>, maximum: Option<u64>) -> Result<Self, Rejection> {
        let bound = |value: Option<u64>, rejection| match value.map(u32::try_from).transpose() {
            Ok(value) if value.is_none_or(|value| value <= Quantity::MAX) => Ok(value),
            _ => Err(rejection),
        };
        let minimum = bound(minimum, Rejection::Minimum)?;
        let least = minimum.unwrap_or(0).max(1);
        let maximum = bound(maximum, Rejection::Maximum { least })?;
        if maximum.is_some_and(|maximum| maximum < least) {
            return Err(Rejection::Maximum { least });
        }
        Ok(Self { enabled, minimum, maximum })
    }

    /// Whether the shopper may change the quantity.
    #[must_use]
    pub fn enabled(&self) -> bool {
        self.enabled
    }

    /// The smallest quantity, where one was named.
    #[must_use]
    pub fn minimum(&self) -> Option<u32> {
        self.minimum
    }

    /// The largest quantity, where one was named.
    #[must_use]
    pub fn maximum(&self) -> Option<u32> {
        self.maximum
    }
}

/// A line's own text for the shopper: at most 500 characters and 1,000 bytes, without control characters but line breaks and
/// tabs. A blank one stands for none.
///
/// The bytes are bounded so that an order of 100 lines stays within an item of DynamoDB's, 400 KB.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Description(String);

impl Description {
    /// The longest description, in characters.
    pub const MAX: usize = 500;
    /// The longest description, in bytes of UTF-8.
    pub const MAX_BYTES: usize = 1000;

    /// A description.
    ///
    /// # Errors
    ///
    /// [`Rejection::Description`] if it is too long or contains control characters.
    pub fn new(text: impl Into<String>) -> Result<Self, Rejection> {
        let text = text.into();
        if text.chars().count() > Self::MAX || text.len() > Self::MAX_BYTES || text.contains(is_unprintable) {
            return Err(Rejection::Description);
        }
        Ok(Self(text))
    }

    /// A description as it was stored, perhaps under wider bounds than today's.
    #[must_use]
    pub fn stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it stands for none.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }
}

/// Control characters but for what structures a text.
pub(crate) fn is_unprintable(character: char) -> bool {
    character.is_control() && !matches!(character, '\n' | '\r' | '\t')
}

/// The id of a line within its cart: the price's, where the line has no attributes. Otherwise the price's, `~`, and 64 bits
/// of a digest of the attributes. No price's id has a `~`.
///
/// ```
/// use cart::{Attributes, LineId};
///
/// let texts = [("engraving", "Ann"), ("gift", "yes")].map(|(key, value)| (key.to_owned(), value.to_owned()));
/// let id = LineId::new(&"price_A".parse()?, &Attributes::new(texts)?);
///
/// assert_eq!(id.as_str(), "price_A~ggJRZYuNkz8");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub struct LineId(String);

/// The text cannot be the id of a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a line")]
pub struct MalformedLineId;

/// What stands between the id of a line's price and the digest of its attributes.
const BEFORE_DIGEST: char = '~';
/// The longest text behind it that is read: a digest has 11 characters.
const LONGEST_DIGEST: usize = 64;

impl LineId {
    /// The id of a line of this price with these attributes.
    ///
    /// The digest is over the attributes in the byte order of their keys: each key and each value, with its length in bytes
    /// before it as four bytes, the most significant first.
    #[must_use]
    pub fn new(price: &PriceId, attributes: &Attributes) -> Self {
        if attributes.is_empty() {
            return Self::from(price);
        }
        let mut hash = Sha256::new();
        for text in attributes.iter().flat_map(|(key, value)| [key, value]) {
            // A request's body is at most 64 KB.
            hash.update(u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
            hash.update(text);
        }
        let digest = URL_SAFE_NO_PAD.encode(&hash.finalize()[..8]);
        Self(format!("{}{BEFORE_DIGEST}{digest}", price.as_str()))
    }

    /// The id that stands in `text`, and the price of its line.
    ///
    /// # Errors
    ///
    /// It is no id of a line.
    pub fn with_price(text: &str) -> Result<(Self, PriceId), MalformedLineId> {
        let (price, digest) = text.split_once(BEFORE_DIGEST).unwrap_or((text, "-"));
        let is_plain = digest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        if !is_plain || !(1..=LONGEST_DIGEST).contains(&digest.len()) {
            return Err(MalformedLineId);
        }
        Ok((Self(text.to_owned()), price.parse().map_err(|_| MalformedLineId)?))
    }

    /// An id that a cart gave to one of its lines, as it was kept elsewhere.
    #[must_use]
    pub fn kept(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The id as a cart writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The line's price; `None` where the id was kept elsewhere, and cannot be one that a cart gives.
    #[must_use]
    pub fn price(&self) -> Option<PriceId> {
        self.0.split(BEFORE_DIGEST).next()?.parse().ok()
    }

    /// Whether the line has attributes.
    #[must_use]
    pub fn has_attributes(&self) -> bool {
        self.0.contains(BEFORE_DIGEST)
    }

    /// The id of a line of the same price that has no attributes. Behind `~` stands a digest of what a shopper wrote.
    #[must_use]
    pub fn without_attributes(self) -> Self {
        self.0.split_once(BEFORE_DIGEST).map_or_else(|| self.clone(), |(price, _)| Self(price.to_owned()))
    }
}

impl TryFrom<Cow<'_, str>> for LineId {
    type Error = MalformedLineId;

    fn try_from(text: Cow<'_, str>) -> Result<Self, MalformedLineId> {
        text.parse()
    }
}

impl FromStr for LineId {
    type Err = MalformedLineId;

    fn from_str(text: &str) -> Result<Self, MalformedLineId> {
        Self::with_price(text).map(|(id, _)| id)
    }
}

impl fmt::Display for LineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<LineId> for String {
    fn from(id: LineId) -> Self {
        id.0
    }
}

impl From<&PriceId> for LineId {
    fn from(price: &PriceId) -> Self {
        Self(price.as_str().to_owned())
    }
}

/// One line of a cart: units of one price, with the same attributes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// What the line is called within its cart: [`LineId::new`] of its price and attributes. A cart has each at most once.
    pub id: LineId,
    /// The price.
    pub price: PriceId,
    /// What it is besides its price.
    pub attributes: Attributes,
    /// How many units.
    pub quantity: Quantity,
    /// Whether the shopper may change the quantity on Stripe's page.
    pub adjustable_quantity: Option<AdjustableQuantity>,
    /// The line's own text.
    pub description: Option<Description>,
    /// How often the line is paid; `None` for once.
    pub recurrence: Option<Recurrence>,
    /// Lines are shown in ascending position: the order in which they were first added.
    pub position: i64,
    /// What the line was called before its price was succeeded by another, the latest last. It is still meant by these.
    pub former: Vec<LineId>,
}

impl Line {
    /// Whether the line is called so, or was.
    #[must_use]
    pub fn answers_to(&self, id: &LineId) -> bool {
        self.id == *id || self.former.contains(id)
    }

    /// Whether this is one unit, paid once, and the only one of `lines` lines, as Stripe asks of a price whose amount the
    /// shopper chooses.
    ///
    /// Source: <https://docs.stripe.com/payments/checkout/pay-what-you-want>
    pub(crate) fn stands_alone(&self, lines: usize) -> bool {
        lines == 1 && self.quantity == Quantity::ONE && self.recurrence.is_none()
    }

    /// Where the line at `index` of a change at `now` stands: after all lines that were added before.
    #[must_use]
    pub fn position_at(now: Timestamp, index: usize) -> i64 {
        now.as_millisecond() * 1000 + i64::try_from(index).unwrap_or_default()
    }
}
