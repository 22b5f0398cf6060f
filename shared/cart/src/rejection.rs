//! Why a rule refused.

use crate::{Bounds, Currency, LineId, PriceId, Recurrence};

/// A rule's refusal; whatever it refused is unchanged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// No active price of an active product has this id.
    #[error("cannot find price: {0}")]
    PriceNotFound(PriceId),
    /// More units of a line are asked for, and its price is not for sale.
    #[error("cannot find price: {price}")]
    LineNotForSale {
        /// The line.
        line: LineId,
        /// The price at which it would be sold.
        price: PriceId,
    },
    /// A quantity of 0 where at least 1 is needed.
    #[error("quantity must be at least 1")]
    QuantityTooSmall,
    /// A quantity of more than [`crate::Quantity::MAX`].
    #[error("quantity must be at most {}", crate::Quantity::MAX)]
    QuantityTooLarge,
    /// An addition would make a line hold more than [`crate::Quantity::MAX`] units.
    #[error("line {line} can hold at most {} units", crate::Quantity::MAX)]
    LineTooLarge {
        /// The line.
        line: LineId,
        /// How many units it holds.
        held: u32,
    },
    /// A line would have more or fewer units than its bounds say.
    #[error("quantity of {line} must be {}", within(*.bounds))]
    QuantityOutOfRange {
        /// The line.
        line: LineId,
        /// How many units it may have.
        bounds: Bounds,
    },
    /// The cart would hold more lines than Stripe Checkout takes.
    #[error("too many items: at most {}, or {kind} recurring and {kind} one-time", crate::Cart::MAX_LINES, kind = crate::Cart::MAX_LINES_PER_KIND)]
    TooManyItems,
    /// The cart's texts would come to more than a cart may hold.
    #[error("the texts of the cart come to {bytes} bytes: at most {}", crate::Cart::MAX_TEXT)]
    TextTooLong {
        /// What they would come to.
        bytes: usize,
    },
    /// A price cannot be paid in the cart's currency.
    #[error("price {price} cannot be paid in {currency}, the currency of the cart")]
    MixedCurrency {
        /// The price that does not fit.
        price: PriceId,
        /// The cart's currency.
        currency: Currency,
    },
    /// A price has another own currency than those in the cart, whatever else each can be paid in.
    ///
    /// "The default currency must be the same across all prices, shipping rates, and discounts."
    ///
    /// Source: <https://docs.stripe.com/payments/checkout/localize-prices/manual-currency-prices>
    #[error("price {price} has the own currency {offered}, those in the cart {held}: they cannot be paid together")]
    MixedOwnCurrency {
        /// The price that does not fit.
        price: PriceId,
        /// Its own currency.
        offered: Currency,
        /// The own currency of the prices in the cart.
        held: Currency,
        /// The currency that the cart is paid in.
        currency: Currency,
    },
    /// Two recurring lines would be paid at different intervals.
    #[error("price {price} is paid every {offered}, what is in the cart every {held}")]
    MixedInterval {
        /// The price that does not fit.
        price: PriceId,
        /// How often it recurs.
        offered: Recurrence,
        /// How often the cart's recurring lines recur.
        held: Recurrence,
    },
    /// The shopper chooses the amount of a price, and the cart would hold it beside other lines, or more than one unit of it.
    ///
    /// Source: <https://docs.stripe.com/payments/checkout/pay-what-you-want>
    #[error("the shopper chooses the amount of price {0}, so it is bought alone, one unit of it, and once")]
    CustomAmountAlone(PriceId),
    /// Metadata have more keys than Stripe takes.
    #[error("metadata has more than {} keys", crate::Metadata::MAX_KEYS)]
    TooMuchMetadata,
    /// A key or a value of metadata exceeds one of Stripe's limits.
    #[error("metadata key {key:?} {reason}")]
    Metadata {
        /// The key at fault.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A line has more attributes than Stripe's metadata have room for.
    #[error("attributes have more than {} keys", crate::Attributes::MAX_KEYS)]
    TooManyAttributes,
    /// A key or a value of a line's attributes exceeds one of Stripe's limits.
    #[error("attributes key {key:?} {reason}")]
    Attribute {
        /// The key at fault.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The cart has no such line.
    #[error("cannot find line: {0}")]
    LineNotFound(LineId),
    /// A recurring price would stand on two lines, which Stripe refuses.
    #[error("price {0} is paid again and again, so that it stands on one line only")]
    RecurringLineExists(PriceId),
    /// A line's own text is too long, or has control characters.
    #[error(
        "description must have at most {} characters and {} bytes, and no control characters",
        crate::Description::MAX,
        crate::Description::MAX_BYTES
    )]
    Description,
    /// The smallest quantity of a line is too large.
    #[error("minimum must be at most {}", crate::Quantity::MAX)]
    Minimum,
    /// The largest quantity of a line is 0, too large, or smaller than the smallest.
    #[error("maximum must be {least} to {}", crate::Quantity::MAX)]
    Maximum {
        /// What it must be at least.
        least: u32,
    },
    /// The cart is expired or completed: no change reaches it any more.
    #[error("the cart is closed")]
    Closed,
}

/// An item that was not added, though others of the same change may have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedItem {
    /// Its place among the items, from 0.
    pub index: usize,
    /// Its price.
    pub price: PriceId,
    /// Why.
    pub rejection: Rejection,
}

fn within(Bounds { minimum, maximum }: Bounds) -> String {
    match (minimum, maximum) {
        (Some(least), Some(most)) => format!("from {least} to {most}"),
        (Some(least), None) => format!("at least {least}"),
        (None, Some(most)) => format!("at most {most}"),
        (None, None) => "any".to_owned(),
    }
}
