//! What API Gateway does for requests from other origins.

use axum::http::{HeaderMap, HeaderValue, Method, header};

use crate::Template;

/// The API's CORS configuration: exact origins, with credentials.
///
/// Source: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html>
pub(crate) struct Cors {
    origins: Vec<String>,
    allow_methods: String,
    allow_headers: String,
    expose_headers: String,
}

impl Cors {
    pub(crate) fn new(template: &Template, origins: Vec<String>) -> Self {
        Self {
            origins,
            allow_methods: template.cors_allow_methods.join(","),
            allow_headers: template.cors_allow_headers.join(","),
            expose_headers: template.cors_expose_headers.join(","),
        }
    }

    /// Whether the request only asks what another origin may do.
    pub(crate) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
        method == Method::OPTIONS && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
    }

    /// The headers that an answer to this request bears.
    pub(crate) fn headers(&self, request: &HeaderMap, preflight: bool) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let origin = request.get(header::ORIGIN);
        let Some(origin) = origin.filter(|origin| self.origins.iter().any(|allowed| *origin == allowed.as_str()))
        else {
            return headers;
        };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        let lists = if preflight {
            [
                (header::ACCESS_CONTROL_ALLOW_METHODS, self.allow_methods.as_str()),
                (header::ACCESS_CONTROL_ALLOW_HEADERS, self.allow_headers.as_str()),
            ]
            .to_vec()
        } else {
            [(header::ACCESS_CONTROL_EXPOSE_HEADERS, self.expose_headers.as_str())].to_vec()
        };
        for (name, list) in lists {
            if let Ok(list) = HeaderValue::try_from(list) {
                headers.insert(name, list);
            }
        }
        headers
    }
}
