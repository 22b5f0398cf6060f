//! How answers look.

pub(crate) mod cart;
mod renderings;
mod spliced;

pub(crate) use renderings::Renderings;
