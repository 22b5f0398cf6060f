//! How Stripe's API speaks, whatever the resource.

pub(crate) mod check;
pub(crate) mod expand;
pub(crate) mod form;
pub(crate) mod ids;
pub(crate) mod parameters;
pub(crate) mod refusal;
pub(crate) mod shapes;
