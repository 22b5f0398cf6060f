//! How answers look.

mod amounts;
pub(crate) mod cart;
mod renderings;
mod spliced;

pub(crate) use amounts::Amounts;
pub(crate) use renderings::Renderings;
