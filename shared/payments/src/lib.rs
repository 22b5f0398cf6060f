//! Stripe: Checkout Sessions out, events in.
//!
//! The one crate that knows Stripe's API. Requests are the typed ones of async-stripe. Answers are read leniently into
//! the few fields that matter here, because an account's webhooks may speak an older or newer version of the API than
//! the one compiled in; and they travel over a connection that is kept open between requests.

mod catalogue;
mod checkout;
mod client;
mod error;
mod event;
mod expired;
mod session;

pub use catalogue::{CatalogPage, Page};
pub use checkout::{CheckoutSettings, Hook, Parameters, Shopper, shop_ids};
pub use client::Stripe;
pub use error::Error;
pub use event::{Event, Rejected, WebhookSecrets};
pub use expired::ExpiredSession;
pub use session::{Expandable, LineItem, Mode, PaymentIntent, PaymentStatus, Session, SessionStatus};
