//! Why a cart cannot be checked out.

use cart::{Cart, PriceId, Rejection};

use crate::Error;

/// What is in the way of a checkout.
#[derive(Debug, thiserror::Error)]
pub enum CheckoutError {
    /// There is no cart, or nothing in it.
    #[error("the cart is empty")]
    CartEmpty,
    /// These prices cannot be bought any more.
    #[error("lines of the cart cannot be bought any more")]
    CartChanged(Vec<PriceId>),
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
    /// Stripe knows no such promotion code, or it is used up.
    #[error("the promotion code cannot be used")]
    PromotionCodeInvalid,
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
    /// DynamoDB, Stripe or the catalogue failed.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl CheckoutError {
    /// What Stripe's refusal of a session's parameters means to the shopper.
    pub(super) fn of_refusal(error: payments::Error, cart: &Cart) -> Self {
        let payments::Error::Refused { code, param, .. } = &error else { return error.into() };
        match code.as_deref() {
            Some("amount_too_large") => return Self::AmountTooLarge,
            Some("amount_too_small") => return Self::AmountTooSmall,
            _ => {}
        }
        let Some(param) = param else { return error.into() };
        if param.starts_with("discounts") {
            return Self::PromotionCodeInvalid;
        }
        if param == "customer_email" {
            return Self::EmailInvalid;
        }
        // A price or product that was archived just now: `line_items[0][price]`.
        let index = param.strip_prefix("line_items[").and_then(|rest| rest.split(']').next()?.parse::<usize>().ok());
        match index.and_then(|index| cart.lines().get(index)) {
            Some(line) => Self::CartChanged(vec![line.price.clone()]),
            None => error.into(),
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
