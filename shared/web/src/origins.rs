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
        self.0.iter().any(|allowed| are_same(allowed, origin))
    }
}

/// Whether two origins are the same: hosts have no case, and a scheme's own port need not be written.
///
/// Source: <https://www.rfc-editor.org/rfc/rfc6454#section-4>
pub(crate) fn are_same(one: &str, other: &str) -> bool {
    one == other || without_default_port(one).eq_ignore_ascii_case(without_default_port(other))
}

fn without_default_port(origin: &str) -> &str {
    let has_scheme = |scheme: &str| origin.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    let port = if has_scheme("https:") {
        ":443"
    } else if has_scheme("http:") {
        ":80"
    } else {
        return origin;
    };
    origin.strip_suffix(port).unwrap_or(origin)
}

/// A scheme and a host with maybe a port, and nothing behind: what a browser sends as `Origin`.
fn is_origin(text: &str) -> bool {
    let rest = text.split_once("://").map(|(scheme, rest)| (scheme.is_empty(), rest));
    matches!(rest, Some((false, rest)) if !rest.is_empty() && !rest.contains(['/', '*', '?', '#', '@', ' ']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_default_ports_do_not_tell_origins_apart() {
        for (one, other) in [
            ("https://shop.example", "https://shop.example:443"),
            ("https://Shop.Example", "HTTPS://shop.example"),
            ("http://shop.example:80", "http://shop.example"),
            ("http://[::1]:80", "http://[::1]"),
        ] {
            assert!(are_same(one, other) && are_same(other, one), "{one} {other}");
        }
        for (one, other) in [
            ("https://shop.example", "http://shop.example"),
            ("https://shop.example:80", "https://shop.example"),
            ("http://shop.example:443", "http://shop.example"),
            ("https://shop.example", "https://shop.example.evil"),
            ("https://shop.example:8443", "https://shop.example"),
            ("null", "https://shop.example"),
        ] {
            assert!(!are_same(one, other) && !are_same(other, one), "{one} {other}");
        }
    }
}
