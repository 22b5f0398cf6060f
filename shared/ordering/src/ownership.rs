//! Whose a session is.

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
    /// What has an order here is ours, whatever its shop says. A session that names no shop was made before shops had ids:
    /// it is ours where there is a cart of its number. No request for a session that names this shop, else one or two reads.
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

    /// Whose a session is, by the shop that it names.
    pub(crate) fn claim(&self, made_from: &CheckoutMetadata) -> Claim {
        self.shop.claim(made_from.shop.as_ref())
    }
}
