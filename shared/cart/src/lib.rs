//! The rules of a cart.
//!
//! Everything here is a pure function of its arguments: no AWS, no HTTP, no clock, no environment. Time arrives as a
//! value, prices arrive as values, and what comes out is a [`Cart`], an [`Order`] or a [`Rejection`].
//!
//! ```
//! use cart::{Addition, Cart, Change, Offer, Offers, Quantity, Token};
//!
//! let offer = Offer {
//!     price: serde_json::from_str(r#"{"id":"price_mug","currency":"usd","product":"prod_mug","unit_amount":1200}"#)?,
//!     product: serde_json::from_str(r#"{"id":"prod_mug","name":"Mug"}"#)?,
//! };
//! let offers = Offers::from_iter([offer]);
//! let token = Token::from_bytes([7; 16]);
//! let now = "2026-01-01T00:00:00Z".parse()?;
//! let mut cart = Cart::new(token.number(), now, cart::Lifetime::default());
//!
//! let mugs = Addition::new("price_mug".parse()?, Quantity::new(2)?);
//! cart.apply(&Change::add(vec![mugs])?, &offers, now)?;
//!
//! assert_eq!(cart.item_count(), 2);
//! assert_eq!(cart::Totals::new(&cart, &offers, cart::Currency::USD).total.minor(), 2400);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod attributes;
mod bounds;
mod cart;
mod change;
mod checkout_metadata;
mod currency;
mod current_session;
mod decimal;
mod expected;
mod ids;
mod lifetime;
mod line;
mod line_metadata;
mod metadata;
mod money;
mod offer;
mod order;
mod price;
mod pricing;
mod product;
mod recurrence;
mod reference;
mod rejection;
mod standing;
mod succession;
mod texts;
mod token;
mod totals;

pub use crate::cart::{Cart, Snapshot, Status};
pub use attributes::Attributes;
pub use bounds::Bounds;
pub use change::{Addition, Change, Details, LineUpdate, Setting};
pub use checkout_metadata::{CheckoutMetadata, Claim, MalformedShopId, ShopId, ShopIds};
pub use currency::{Currency, UnknownCurrency};
pub use current_session::CurrentSession;
pub use decimal::{Decimal, MalformedDecimal};
pub use expected::{Expected, ExpectedLine};
pub use ids::{
    CartNumber, CustomerId, InvoiceId, MalformedId, MalformedNumber, OrderNumber, PaymentIntentId, PriceId, ProductId,
    SessionId, SubscriptionId,
};
pub use lifetime::{Lifetime, whole_millisecond, whole_second};
pub use line::{AdjustableQuantity, Description, Line, LineId, MalformedLineId, Quantity};
pub use line_metadata::LineMetadata;
pub use metadata::Metadata;
pub use money::Money;
pub use offer::{Offer, Offers};
pub use order::{
    Address, Consent, CustomField, Customer, DeliveryEstimate, DeliveryTime, Discount, Invoice, Mark, Order, OrderLine,
    Payment, ShippingOption, Tax, TaxId,
};
pub use price::{
    BillingScheme, CurrencyOption, CustomUnitAmount, Interval, Price, PriceKind, Recurring, RoundUnits, Tier,
    TiersMode, TransformQuantity, UsageType,
};
pub use product::{MarketingFeature, PackageDimensions, Product};
pub use recurrence::{MalformedRecurrence, Recurrence};
pub use reference::{MalformedReference, Reference};
pub use rejection::{RefusedItem, Rejection};
pub use standing::{Dispute, DisputeReading, News, OrderStatus, Progress, Reading, Standing, Step};
pub use succession::{Agreement, PriceChange, Succession, successor};
pub use token::{MalformedToken, Token};
pub use totals::{PricedLine, Renewal, Totals, Unavailable};

/// A point in time, in UTC.
pub type Timestamp = jiff::Timestamp;
