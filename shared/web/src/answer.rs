//! What a function answers.

use std::hash::{DefaultHasher, Hasher as _};

use cart::CartNumber;
use lambda_http::Body;
use lambda_http::http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::cookies::Handed;
use crate::{Error, Request, Shop, entity_tags, json};

/// A response as API Gateway takes it from a function.
pub type Response = lambda_http::Response<Body>;

/// Adds what every answer says: it is of no other type than it names, and depends on the origin that asks, whose headers API
/// Gateway adds.
///
/// Source: <https://fetch.spec.whatwg.org/#x-content-type-options-header>, <https://fetch.spec.whatwg.org/#cors-protocol-and-http-caches>
pub(crate) fn finish(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let vary = match headers.get(header::VARY) {
        None => HeaderValue::from_static("Origin"),
        Some(_) => HeaderValue::from_static("Accept, Origin"),
    };
    headers.insert(header::VARY, vary);
}

/// A response, and what the log says about it.
#[derive(Debug)]
pub struct Answer {
    pub(crate) response: Response,
    /// The cart that it shows.
    pub(crate) cart: Option<CartNumber>,
    /// What becomes of the client's token. Its cookie is written where the request is known.
    pub(crate) handed: Option<Handed>,
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        Self { response, cart: None, handed: None }
    }
}

impl Answer {
    /// JSON that no cache keeps.
    #[must_use]
    pub fn json(body: &impl Serialize) -> Self {
        Self::json_text(StatusCode::OK, json::text(body))
    }

    /// JSON that is written already, which no cache keeps.
    pub(crate) fn json_text(status: StatusCode, json: String) -> Self {
        let mut response = Response::new(Body::Text(json));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response.into()
    }

    /// A text of this media type, which no cache keeps; it depends on what the client accepts.
    #[must_use]
    pub fn text(media_type: &'static str, text: String) -> Self {
        let mut answer = Self::json_text(StatusCode::OK, text);
        let headers = answer.response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        headers.insert(header::VARY, HeaderValue::from_static("Accept"));
        answer
    }

    /// Has the client's browser forget its token.
    #[must_use]
    pub fn forgetting(self, shop: &Shop) -> Self {
        Self { handed: Some(Handed::Back(shop.cookies)), ..self }
    }

    /// Names the page that follows.
    ///
    /// # Errors
    ///
    /// [`Error::Redirect`] if the URL cannot stand in a header.
    ///
    /// Source: <https://www.rfc-editor.org/rfc/rfc8288>
    pub fn followed_by(mut self, url: &str) -> Result<Self, Error> {
        let link = HeaderValue::try_from(format!("<{url}>; rel=\"next\"")).map_err(Error::Redirect)?;
        self.response.headers_mut().insert(header::LINK, link);
        Ok(self)
    }

    /// Sends a browser on to `url` with a GET.
    ///
    /// # Errors
    ///
    /// [`Error::Redirect`] if the URL cannot stand in a header.
    pub fn redirect(url: &str) -> Result<Self, Error> {
        let location = HeaderValue::try_from(url).map_err(Error::Redirect)?;
        let mut response = Response::new(Body::Empty);
        *response.status_mut() = StatusCode::SEE_OTHER;
        response.headers_mut().insert(header::LOCATION, location);
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        // The address of this page names a session, which no other site need know.
        response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        Ok(response.into())
    }

    /// JSON that caches may keep for a minute, or 304 where the client has it already.
    #[must_use]
    pub fn cacheable(request: &Request, body: &impl Serialize) -> Self {
        let Self { mut response, .. } = Self::json(body);
        let mut hash = DefaultHasher::new();
        hash.write(response.body().as_ref());
        let tag = format!("\"{:016x}\"", hash.finish());
        if entity_tags::is_known(request.headers(), &tag) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            *response.body_mut() = Body::Empty;
        }
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
        // Hex digits in quotes: always a valid header.
        if let Ok(tag) = HeaderValue::try_from(tag) {
            headers.insert(header::ETAG, tag);
        }
        response.into()
    }
}
