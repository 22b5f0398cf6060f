//! What a shop sells: the objects, their endpoints, and the file that a sandbox starts with.

pub(crate) mod endpoints;
pub(crate) mod file;
pub(crate) mod objects;
