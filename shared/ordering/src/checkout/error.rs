//! Why a cart cannot be checked out.

use std::time::Duration;

use cart::{Line, PriceChange, Rejection, Timestamp};
use payments::{Buyer, PromotionCodeFault, Refusal};
use store::Count;

use crate::Error;

/// What is in the way of a checkout.
#[derive(Debug, thiserror::Error)]
pub enum CheckoutError {
    /// There is no cart, or nothing in it.
    #[error("the cart is empty")]
    CartEmpty,
    /// Lines cannot be bought any more, or only at another price, to which the shopper has not agreed.
    #[error("lines of the cart cannot be bought any more, or only at another price")]
    CartChanged {
        /// The lines that cannot be bought.
        unavailable: Vec<Line>,
        /// The lines that go on at another price.
        successors: Vec<PriceChange>,
    },
    /// The cart is not at the version that the shopper insists on.
    #[error("the cart is at version {current}")]
    VersionMismatch {
        /// The cart's version.
        current: u64,
    },
    /// The shopper gave another request the same idempotency key.
    #[error("another request had the same idempotency key")]
    IdempotencyMismatch,
    /// A rule of the cart refused.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The promotion code that the shopper brought cannot be used for this cart.
    #[error("the promotion code cannot be used: {}", .0.reason())]
    PromotionCodeInvalid(PromotionCodeFault),
    /// Stripe does not take this e-mail address.
    #[error("the e-mail address is none")]
    EmailInvalid,
    /// The cart comes to more than Stripe takes in one payment: eight digits in minor units, for most currencies.
    ///
    /// Source: <https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts>
    #[error("the total is more than can be paid at once")]
    AmountTooLarge,
    /// The cart comes to less than Stripe takes: 50 cents, or what that is in other currencies.
    #[error("the total is less than can be paid")]
    AmountTooSmall,
    /// The cart had as many new sessions or wrong promotion codes in this clock hour as it may have.
    #[error("too many checkouts of one cart")]
    TooManyRequests {
        /// In how long there may be more.
        retry_after: Duration,
    },
    /// DynamoDB, Stripe or the catalogue failed.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl CheckoutError {
    /// The clock hour of `now` has as many as it may have, as `count` says.
    pub(super) fn too_many(count: Count, now: Timestamp) -> Self {
        Self::TooManyRequests { retry_after: count.rest_of_hour(now) }
    }

    /// What Stripe refuses of the shopper's own: the amount of the cart, or what was typed in. `None` where the refusal is
    /// about something else.
    pub(super) fn of_shopper(refusal: &Refusal, buyer: &Buyer) -> Option<Self> {
        match (refusal.code(), refusal.param()) {
            (Some("amount_too_large"), _) => Some(Self::AmountTooLarge),
            (Some("amount_too_small"), _) => Some(Self::AmountTooSmall),
            (_, Some(param)) if param.starts_with("discounts") && buyer.promotion_code.is_some() => {
                Some(Self::PromotionCodeInvalid(PromotionCodeFault::Unknown))
            }
            (_, Some("customer_email")) if buyer.email.is_some() => Some(Self::EmailInvalid),
            _ => None,
        }
    }
}

impl From<store::Error> for CheckoutError {
    fn from(error: store::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<catalog::Error> for CheckoutError {
    fn from(error: catalog::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<payments::Error> for CheckoutError {
    fn from(error: payments::Error) -> Self {
        Self::Failed(error.into())
    }
}
