//! Which shop a session belongs to.

use cart::{CheckoutMetadata, Claim, OrderNumber, SessionId, ShopIds};
use store::{Carts, Orders};

use crate::Error;

/// Tells this shop's sessions from those of other shops on the same Stripe account, and of other integrations.
#[derive(Clone, Debug)]
pub(crate) struct Ownership {
    pub(crate) shop: ShopIds,
    pub(crate) carts: Carts,
    pub(crate) orders: Orders,
}

impl Ownership {
    /// Whether a session is this shop's, by what it says of the cart that it was made from.
    ///
    /// A session that has an order here is ours, whichever shop it names. A session that names no shop was made before shops
    /// had ids: it is ours if its cart exists. Costs nothing for a session that names this shop, else one or two reads.
    ///
    /// # Errors
    ///
    /// DynamoDB fails.
    pub(crate) async fn is_ours(&self, session: &SessionId, made_from: &CheckoutMetadata) -> Result<bool, Error> {
        let by_cart = match self.claim(made_from) {
            Claim::Ours => true,
            Claim::Unmarked => self.carts.find_any(made_from.number).await?.is_some(),
            Claim::Foreign => false,
        };
        Ok(by_cart || self.orders.find(OrderNumber::of_session(session)).await?.is_some())
    }

    /// What the shop that a session names says about whose it is.
    pub(crate) fn claim(&self, made_from: &CheckoutMetadata) -> Claim {
        self.shop.claim(made_from.shop.as_ref())
    }
}
