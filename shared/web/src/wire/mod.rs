//! What a request's body is made of.

pub(crate) mod form;
pub(crate) mod node;
