//! The sample shop's files.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

macro_rules! files {
    ($($path:literal $file:literal $media_type:literal),* $(,)?) => {
        /// Path, media type and content.
        const FILES: &[(&str, &str, &[u8])] =
            &[$(($path, $media_type, include_bytes!(concat!("../storefront/", $file)))),*];
    };
}

files! {
    "/" "index.html" "text/html; charset=utf-8",
    "/index.html" "index.html" "text/html; charset=utf-8",
    "/thank-you.html" "thank-you.html" "text/html; charset=utf-8",
    "/cart.js" "cart.js" "text/javascript; charset=utf-8",
    "/catalogue.js" "catalogue.js" "text/javascript; charset=utf-8",
    "/shop.js" "shop.js" "text/javascript; charset=utf-8",
    "/thank-you.js" "thank-you.js" "text/javascript; charset=utf-8",
    "/shop.css" "shop.css" "text/css; charset=utf-8",
}

/// The file at `path`, if the sample shop has one.
pub(crate) fn file(path: &str) -> Option<Response> {
    let (_, media_type, content) = FILES.iter().find(|(known, _, _)| *known == path)?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    Some((StatusCode::OK, headers, *content).into_response())
}
