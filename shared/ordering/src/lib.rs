//! From a cart to an order.
//!
//! [`Checkout`] makes one Checkout Session per state of a cart. [`Fulfilment`] makes one order per paid session. [`Events`]
//! handles Stripe's events about both, and about the catalogue. [`Endpoints`] compares them with what Stripe sends.
//! [`Landing`] says where a shopper goes who comes back from Stripe's page.
//!
//! The webhook and the landing page run the same [`Fulfilment`], as often and as concurrently as they like: the order's
//! number follows from the session, and the order is stored together with the completed cart or not at all.

mod checkout;
mod endpoints;
mod error;
mod events;
mod fulfilment;
mod landing;
mod missed;
mod order;
mod ownership;
mod reading;
mod troubles;

pub use checkout::{Checkout, CheckoutError, CheckoutRequest};
pub use endpoints::Endpoints;
pub use error::Error;
pub use events::Events;
pub use fulfilment::{Fulfilment, Outcome};
pub use landing::{Landing, Visit};
pub use reading::PaymentFailed;
