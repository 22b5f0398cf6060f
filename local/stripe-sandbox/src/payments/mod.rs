//! What a completed session leaves behind: one file per resource.

pub(crate) mod charges;
pub(crate) mod customers;
pub(crate) mod disputes;
pub(crate) mod intents;
pub(crate) mod invoices;
pub(crate) mod refunds;
pub(crate) mod subscriptions;
