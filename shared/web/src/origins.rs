//! The pages that may change a cart with its cookie.

use settings::Environment;

/// The origins beside the API's own whose pages may change a cart with its cookie: `ALLOWED_ORIGINS`.
#[derive(Debug)]
pub struct AllowedOrigins(Vec<String>);

impl AllowedOrigins {
    /// The setting in `environment`.
    ///
    /// # Errors
    ///
    /// One of them is not an origin.
    pub fn new(environment: &Environment) -> Result<Self, settings::Error> {
        let origins: Vec<_> = environment.list("ALLOWED_ORIGINS").map(str::to_owned).collect();
        if origins.iter().all(|origin| is_origin(origin)) {
            return Ok(Self(origins));
        }
        Err(settings::Error::malformed(
            "ALLOWED_ORIGINS",
            "exact origins such as https://shop.example, comma-separated",
        ))
    }

    pub(crate) fn contains(&self, origin: &str) -> bool {
        self.0.iter().any(|allowed| allowed == origin)
    }
}

/// A scheme and a host with maybe a port, and nothing behind: what a browser sends as `Origin`.
fn is_origin(text: &str) -> bool {
    let rest = text.split_once("://").map(|(scheme, rest)| (scheme.is_empty(), rest));
    matches!(rest, Some((false, rest)) if !rest.is_empty() && !rest.contains(['/', '*', '?', '#', '@', ' ']))
}
