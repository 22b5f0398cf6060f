//! What bodies say: from JSON and forms to the structs of requests.
//!
//! Both become one [`Node`], which the structs are deserialized from, so that the shape of a request is read in one place
//! ([`requests`]) and an error names the field at fault.

mod deserializer;
mod fault;
mod fields;
mod form;
mod node;
mod requests;
#[cfg(test)]
mod tests;

pub use requests::{AddBody, AnonymiseBody, CheckoutBody, EmptyBody, UpdateBody, UpdateLine};

use lambda_http::http::header;
use serde::de::DeserializeOwned;

use crate::wire::node::{Map, Node};
use crate::{Error, Request};

/// The largest body, in bytes: 64 KB.
pub(crate) const MAX_BYTES: usize = 65_536;

impl Request {
    /// The body, read as one of this API's requests. No body is an empty object.
    ///
    /// # Errors
    ///
    /// - [`Error::BodyTooLarge`] above 64 KB.
    /// - [`Error::UnsupportedMediaType`] unless it says it is JSON or a form.
    /// - [`Error::InvalidJson`], [`Error::InvalidForm`] if it is not what it says.
    /// - [`Error::Field`], [`Error::Quantity`] naming the field at fault.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, Error> {
        Ok(T::deserialize(&node(self)?)?)
    }
}

fn node(request: &Request) -> Result<Node, Error> {
    let bytes = request.bytes();
    if bytes.len() > MAX_BYTES {
        return Err(Error::BodyTooLarge);
    }
    if bytes.is_empty() {
        return Ok(Node::Map(Map::new()));
    }
    let content_type = request.text_header(header::CONTENT_TYPE.as_str());
    let media_type = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    match media_type.to_ascii_lowercase().as_str() {
        "application/json" => serde_json::from_slice(bytes).map_err(|error| Error::InvalidJson(error.to_string())),
        "application/x-www-form-urlencoded" => form::parse(bytes).map(Node::Map),
        _ => Err(Error::UnsupportedMediaType),
    }
}
