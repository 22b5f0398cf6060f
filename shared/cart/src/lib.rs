//! The rules of a cart.
//!
//! Everything here is a pure function of its arguments: no AWS, no HTTP, no clock, no environment. Time arrives as a
//! value, prices arrive as values, and what comes out is a [`Cart`], an [`Order`] or a [`Rejection`].
//!
//! ```
//! use cart::{Cart, Change, Item, Price, Quantity, Token};
//!
//! let price: Price = serde_json::from_str(
//!     r#"{"id":"price_mug","currency":"usd","product":"prod_mug","unit_amount":1200}"#,
//! )?;
//! let token = Token::from_bytes([7; 16]);
//! let now = "2026-01-01T00:00:00Z".parse()?;
//! let mut cart = Cart::new(token.number(), now, cart::Lifetime::default());
//!
//! let item = Item::new(&price, Quantity::new(2)?);
//! cart.apply(&Change::add(vec![item])?, now)?;
//!
//! assert_eq!(cart.item_count(), 2);
//! assert_eq!(price.amount(2, cart.currency().unwrap()).unwrap().minor(), 2400);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cart;
mod change;
mod checkout_metadata;
mod currency;
mod decimal;
mod ids;
mod line;
mod metadata;
mod money;
mod order;
mod price;
mod product;
mod rejection;
mod token;
mod totals;

pub use crate::cart::{Cart, Lifetime, PendingCheckout, Snapshot, Status, whole_second};
pub use change::{Change, Item, LineUpdate};
pub use checkout_metadata::{CheckoutMetadata, Claim, MalformedShopId, ShopId, ShopIds};
pub use currency::{Currency, UnknownCurrency};
pub use decimal::{Decimal, MalformedDecimal};
pub use ids::{
    CartNumber, CustomerId, InvoiceId, MalformedId, MalformedNumber, OrderNumber, PaymentIntentId, PriceId, ProductId,
    SessionId, SubscriptionId,
};
pub use line::{AdjustableQuantity, Description, Line, Quantity};
pub use metadata::Metadata;
pub use money::Money;
pub use order::{Address, Customer, Mark, Order, OrderLine, OrderStatus, Payment};
pub use price::{
    BillingScheme, CurrencyOption, CustomUnitAmount, Interval, Price, PriceKind, Recurrence, Recurring, RoundUnits,
    Tier, TiersMode, TransformQuantity, UsageType,
};
pub use product::Product;
pub use rejection::Rejection;
pub use token::{MalformedToken, Token};
pub use totals::{Offer, Totals, Unavailable};

/// A point in time, in UTC.
pub type Timestamp = jiff::Timestamp;
