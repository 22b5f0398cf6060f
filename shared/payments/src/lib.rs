//! Stripe: Checkout Sessions out, events in.
//!
//! The one crate that knows Stripe's API. Requests are the typed ones of async-stripe, which `api` alone knows; the
//! parameters of a session are a struct of our own, which a test holds to async-stripe's. Answers are read leniently into
//! the few fields that matter here, because an account's webhooks may speak an older or newer version of the API than
//! the one compiled in; and they travel over a connection that is kept open between requests.

mod api;
mod checkout_settings;
mod client;
mod error;
mod events;
mod named;
mod parameters;
mod products;
mod promotion_codes;
mod refusal;
mod session;
mod session_parameters;
mod webhook_endpoints;

pub use checkout_settings::{CheckoutSettings, Draft, Hook, shop_ids};
pub use client::Stripe;
pub use error::Error;
pub use events::{Event, ExpiredSession, VerifyError, Webhook, WebhookSecrets};
pub use named::NamedObjects;
pub use parameters::{LeftOut, Parameters};
pub use products::{CatalogPage, Page};
pub use promotion_codes::{PromotionCode, PromotionCodeFault};
pub use refusal::Refusal;
pub use session::{
    Charge, Expandable, LineItem, LinePrice, Mode, PaymentIntent, PaymentStatus, SaleReader, Session, SessionAmounts,
    SessionInvoice, SessionStatus,
};
pub use session_parameters::Buyer;
pub use webhook_endpoints::WebhookEndpoint;
