//! Keeps servers on a laptop from pages of other sites.
//!
//! A browser on the laptop reaches them, and a page of any site can have it send requests there. What it sends says where it
//! comes from: in `Origin`, or, where the site's name was made to lead to this machine (DNS rebinding), in `Host`.

use std::net::Ipv4Addr;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

/// Answers 403 to a request that is not addressed to this machine, or that comes from a page of another one. A middleware.
pub async fn guard(request: Request, next: Next) -> Response {
    if is_local(request.headers()) {
        return next.run(request).await;
    }
    let reason = "Host, and Origin where there is one, must be localhost, 127.0.0.1 or [::1].\n";
    (StatusCode::FORBIDDEN, reason).into_response()
}

/// Whether a request is addressed to this machine, and does not come from a page of another one.
#[must_use]
pub fn is_local(headers: &HeaderMap) -> bool {
    let all = |name: HeaderName, is_ours: fn(&str) -> bool| {
        headers.get_all(name).iter().all(|value| value.to_str().is_ok_and(is_ours))
    };
    headers.contains_key(header::HOST) && all(header::HOST, is_this_machine) && all(header::ORIGIN, is_page_of_ours)
}

fn is_page_of_ours(origin: &str) -> bool {
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    authority.is_some_and(is_this_machine)
}

/// Whether a host, with or without a port, is this machine under a name that no other site can have.
fn is_this_machine(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    host.eq_ignore_ascii_case("localhost")
        || host == "[::1]"
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const OUR_HOSTS: [&str; 7] =
        ["127.0.0.1", "127.0.0.1:8000", "localhost", "localhost:8000", "LocalHost:8000", "[::1]", "[::1]:8000"];
    const OTHER_HOSTS: [&str; 14] = [
        "",
        "evil.example",
        "evil.example:8000",
        "localhost.evil.example",
        "localhost.evil.example:8000",
        "127.0.0.1.evil.example",
        "evil-localhost",
        "localhost@evil.example",
        "evil.example@localhost",
        "127.0.0.1:8000@evil.example",
        "192.168.0.1:8000",
        "0.0.0.0:8000",
        "[::2]:8000",
        "[::ffff:192.168.0.1]",
    ];

    fn headers(host: Option<&str>, origin: Option<&str>) -> HeaderMap {
        let headers = [(header::HOST, host), (header::ORIGIN, origin)].into_iter();
        headers.filter_map(|(name, value)| Some((name, HeaderValue::try_from(value?).unwrap()))).collect()
    }

    #[test]
    fn only_this_machines_own_hosts_and_origins_pass() {
        let origins = |hosts: &[&str]| -> Vec<String> {
            hosts.iter().flat_map(|host| [format!("http://{host}"), format!("https://{host}")]).collect()
        };
        let foreign =
            [origins(&OTHER_HOSTS), ["null", "", "file://", "localhost", "ftp://localhost"].map(Into::into).into()];

        for host in OUR_HOSTS {
            assert!(is_local(&headers(Some(host), None)), "{host}");
            for origin in origins(&OUR_HOSTS) {
                assert!(is_local(&headers(Some(host), Some(&origin))), "{host} {origin}");
            }
            for origin in foreign.concat() {
                assert!(!is_local(&headers(Some(host), Some(&origin))), "{host} {origin}");
            }
        }
        for host in OTHER_HOSTS {
            assert!(!is_local(&headers(Some(host), None)), "{host}");
            assert!(!is_local(&headers(Some(host), Some("http://localhost"))), "{host}");
        }
        assert!(!is_local(&headers(None, None)));
    }

    #[test]
    fn one_foreign_value_among_several_is_enough() {
        for name in [header::HOST, header::ORIGIN] {
            let mut headers = headers(Some("localhost"), Some("http://localhost"));
            headers.append(name.clone(), HeaderValue::from_static("http://evil.example"));

            assert!(!is_local(&headers), "{name}");
        }
    }
}
