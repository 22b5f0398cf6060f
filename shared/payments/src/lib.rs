//! Stripe: Checkout Sessions out, events in.
//!
//! The one crate that knows Stripe's API. Requests are the typed ones of async-stripe. Answers are read leniently into
//! the few fields that matter here, because an account's webhooks may speak an older or newer version of the API than
//! the one compiled in; and they travel over a connection that is kept open between requests.

mod api;
mod checkout;
mod client;
mod error;
mod events;
mod products;
mod session;

pub use checkout::{Buyer, CheckoutSettings, Hook, Parameters, shop_ids};
pub use client::Stripe;
pub use error::Error;
pub use events::{Event, ExpiredSession, Rejected, WebhookSecrets};
pub use products::{CatalogPage, Page};
pub use session::{Expandable, LineItem, Mode, PaymentIntent, PaymentStatus, Session, SessionStatus};
