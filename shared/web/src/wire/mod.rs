//! What bodies say: from JSON and forms of both encodings to the structs of requests.
//!
//! All become one [`Node`], which the structs are deserialized from, so that the shape of a request is read in one place
//! ([`requests`]) and an error names the field at fault.

mod deserializer;
mod fault;
mod fields;
mod form;
mod multipart;
mod node;
mod numbers;
mod requests;
#[cfg(test)]
mod tests;

pub use requests::{AddBody, AnonymiseBody, CheckoutBody, ClearBody, EmptyBody, UpdateBody, UpdateLine};

use cart::Rejection;
use lambda_http::http::header;
use serde::de::DeserializeOwned;

use crate::wire::node::{Map, Node};
use crate::{Error, Request};

/// The largest body, in bytes: 64 KB.
pub(crate) const MAX_BYTES: usize = 65_536;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
const IDENTITY: &[u8] = b"identity";
const MEDIA_TYPES: &str =
    "Content-Type must be application/json, application/x-www-form-urlencoded or multipart/form-data";

impl Request {
    /// The body, read as one of this API's requests. No body is an empty object.
    ///
    /// # Errors
    ///
    /// - [`Error::BodyTooLarge`] above 64 KB.
    /// - [`Error::UnsupportedMediaType`] unless it says it is JSON or a form, and as it is.
    /// - [`Error::InvalidJson`], [`Error::InvalidForm`] if it is not what it says.
    /// - [`Error::Field`], [`Error::Quantity`] naming the field at fault.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, Error> {
        Ok(T::deserialize(&node(self)?)?)
    }

    /// The error; of an addition that is more than a line can hold, with the field that is too much. Only then the body is read
    /// again: no addition remembers where in a body it was.
    #[must_use]
    pub fn naming_item(&self, error: Error) -> Error {
        let Error::Rejected(Rejection::LineTooLarge { line, held }) = &error else { return error };
        match node(self).ok().and_then(|body| requests::field_beyond(&body, line, *held)) {
            Some(field) => Error::LineTooLarge { field, line: line.clone() },
            None => error,
        }
    }
}

fn node(request: &Request) -> Result<Node, Error> {
    let bytes = request.bytes();
    if bytes.len() > MAX_BYTES {
        return Err(Error::BodyTooLarge);
    }
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    if bytes.is_empty() {
        return Ok(Node::Map(Map::new()));
    }
    let encoding = request.header(header::CONTENT_ENCODING).unwrap_or(IDENTITY);
    if !encoding.eq_ignore_ascii_case(IDENTITY) {
        return Err(Error::UnsupportedMediaType("Content-Encoding must be identity"));
    }
    let content_type = request.text_header(header::CONTENT_TYPE.as_str()).unwrap_or_default();
    let (media_type, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    let node = match media_type.trim().to_ascii_lowercase().as_str() {
        "application/json" => Node::of_json(bytes).map_err(|error| Error::InvalidJson(error.to_string()))?,
        "application/x-www-form-urlencoded" => Node::Map(form::read(form::url_encoded(bytes))?),
        "multipart/form-data" => Node::Map(form::read(multipart::fields(bytes, parameters)?)?),
        _ => return Err(Error::UnsupportedMediaType(MEDIA_TYPES)),
    };
    Ok(if node == Node::Null { Node::Map(Map::new()) } else { node })
}
