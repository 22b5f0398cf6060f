//! What the landing page reads: a little of an order, and of a cart.

use cart::{OrderStatus, SessionId};

use super::row::{NUMBER, STATUS, read_status};
use crate::carts::row as cart_row;
use crate::item::Item;
use crate::{Count, Error, Hourly};

/// What is known of a session, and of the cart that it is said to be of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Landed {
    /// The status of the session's order; `None` where there is no order.
    pub order: Option<OrderStatus>,
    /// `None` where the cart has no row.
    pub cart: Option<LandedCart>,
}

/// A cart's row, as far as it says which session is the cart's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LandedCart {
    /// The id of its current session.
    pub current_session: Option<SessionId>,
    /// How many landings named other sessions.
    pub guesses: Count,
}

/// The attributes that are read of an order.
pub(super) const OF_ORDER: [&str; 2] = [NUMBER, STATUS];
/// The attributes that are read of a cart.
pub(super) const OF_CART: [&str; 4] =
    [cart_row::NUMBER, cart_row::CURRENT_SESSION_ID, cart_row::GUESSES_HOUR, cart_row::GUESSES];

impl Landed {
    pub(super) fn read(order: Option<&Item>, cart: Option<&Item>) -> Result<Self, Error> {
        let of_cart = |row| {
            Ok::<_, Error>(LandedCart {
                current_session: cart_row::current_session_id(row)?,
                guesses: Hourly::Guesses.read(row)?,
            })
        };
        Ok(Self { order: order.map(read_status).transpose()?, cart: cart.map(of_cart).transpose()? })
    }
}
