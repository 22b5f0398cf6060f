//! How many units a line may have.

use crate::{AdjustableQuantity, Price, Quantity};

/// The bounds of a line's quantity: the line's own, where the shopper may change the quantity on Stripe's page, and the
/// merchant's, `minimum_quantity` and `maximum_quantity` in the metadata of the price. Of two that differ the narrower counts.
///
/// ```
/// use cart::{AdjustableQuantity, Bounds, Quantity};
///
/// let own = AdjustableQuantity::new(true, Some(2), Some(10))?;
/// let bounds = Bounds::new(Some(&own), None);
///
/// assert!(bounds.admit(Quantity::new(10)?) && !bounds.admit(Quantity::ONE));
/// # Ok::<(), cart::Rejection>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Bounds {
    /// The least units, where a least is named.
    pub minimum: Option<u32>,
    /// The most units, where a most is named.
    pub maximum: Option<u32>,
}

impl Bounds {
    /// The bounds of a line with these of its own, of this price, where that is known.
    #[must_use]
    pub fn new(own: Option<&AdjustableQuantity>, price: Option<&Price>) -> Self {
        let own = own.filter(|own| own.enabled());
        let merchants = |key: &str| price.and_then(|price| price.metadata.get(key)?.trim().parse::<u32>().ok());
        let minimum = own.and_then(AdjustableQuantity::minimum);
        let maximum = own.and_then(AdjustableQuantity::maximum);
        Self {
            minimum: minimum.into_iter().chain(merchants("minimum_quantity")).max(),
            maximum: maximum.into_iter().chain(merchants("maximum_quantity")).min(),
        }
    }

    /// Whether a line may have this quantity.
    #[must_use]
    pub fn admit(self, quantity: Quantity) -> bool {
        let Self { minimum, maximum } = self;
        minimum.is_none_or(|least| least <= quantity.get()) && maximum.is_none_or(|most| quantity.get() <= most)
    }

    /// The bounds as Stripe takes them, which refuses a line outside of its own: widened to hold `quantity`.
    #[must_use]
    pub fn holding(self, quantity: Quantity) -> (u32, u32) {
        let minimum = self.minimum.unwrap_or(0).min(quantity.get());
        (minimum, self.maximum.unwrap_or(Quantity::MAX).max(quantity.get()).min(Quantity::MAX))
    }
}
