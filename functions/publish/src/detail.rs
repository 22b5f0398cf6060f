//! What events say: the details that docs/schemas/events describes.

mod order;
mod parts;

use cart::{CartNumber, SessionId};
use serde::Serialize;
use store::Abandoned;

pub(crate) use order::OrderDetail;

/// The version of the schemas. A field that comes to them leaves it as it is.
const SCHEMA: u32 = 1;

/// What all details begin with.
#[derive(Serialize)]
pub(crate) struct Head<'a> {
    schema: u32,
    /// The same at each delivery of the event.
    id: &'a str,
}

impl<'a> Head<'a> {
    pub(crate) fn new(id: &'a str) -> Self {
        Self { schema: SCHEMA, id }
    }
}

/// The detail of `cart.abandoned`.
#[derive(Serialize)]
pub(crate) struct CartDetail<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    livemode: bool,
    cart: CartNumber,
    session: &'a SessionId,
    /// Blank where there is none.
    recovery_url: &'a str,
}

impl<'a> CartDetail<'a> {
    pub(crate) fn new(head: Head<'a>, abandoned: &'a Abandoned) -> Self {
        Self {
            head,
            livemode: abandoned.session.is_live(),
            cart: abandoned.cart,
            session: &abandoned.session,
            recovery_url: abandoned.recovery_url.as_deref().unwrap_or_default(),
        }
    }
}

/// A detail as JSON.
#[expect(clippy::expect_used, reason = "an event without its detail would be worse")]
pub(crate) fn text(detail: &impl Serialize) -> String {
    serde_json::to_string(detail).expect("details are plain data with text keys, which JSON can hold")
}
