//! How answers look.

mod amounts;
pub(crate) mod cart;
mod price_change;
mod renderings;
mod spliced;

pub(crate) use amounts::Amounts;
pub use price_change::PriceChangeView;
pub(crate) use renderings::Renderings;
