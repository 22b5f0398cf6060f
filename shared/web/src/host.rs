//! What may stand in `Host`.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Whether a host can be one: a name, an address, or an IPv6 address in brackets, and maybe a port. A blank one is none, and may
/// be sent.
///
/// Source: <https://www.rfc-editor.org/rfc/rfc9110#name-host-and-authority>,
/// <https://www.rfc-editor.org/rfc/rfc3986#section-3.2.2>
pub(crate) fn is_possible(host: &[u8]) -> bool {
    let Ok(host) = std::str::from_utf8(host) else { return false };
    let (name, port) = match host.strip_prefix('[').map(|rest| rest.split_once(']')) {
        Some(None) => return false,
        Some(Some((address, port))) => {
            if address.parse::<Ipv6Addr>().is_err() {
                return false;
            }
            ("", port)
        }
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let is_port = match port.strip_prefix(':') {
        None => port.is_empty(),
        Some(digits) => {
            digits.bytes().all(|digit| digit.is_ascii_digit()) && (digits.is_empty() || digits.parse::<u16>().is_ok())
        }
    };
    is_port && is_name(name)
}

/// Whether a host is the client's own machine, which browsers trust as they do https.
///
/// Source: <https://www.w3.org/TR/secure-contexts/#is-origin-trustworthy>
pub(crate) fn is_loopback(host: &[u8]) -> bool {
    let Ok(host) = std::str::from_utf8(host) else { return false };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => name,
        _ => host,
    };
    let name = name.to_ascii_lowercase();
    let is_address = name.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    is_address || name == "[::1]" || name == "localhost" || name.ends_with(".localhost")
}

/// Letters, digits and marks, or bytes in percent-encoding.
fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte);
    let mut parts = name.split('%');
    let plain = parts.next().is_none_or(|part| part.bytes().all(is_plain));
    plain
        && parts.all(|part| {
            let (hex, rest) = part.as_bytes().split_at(part.len().min(2));
            hex.len() == 2 && hex.iter().all(u8::is_ascii_hexdigit) && rest.iter().copied().all(is_plain)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_and_maybe_a_port() {
        for host in [
            "",
            "shop.example",
            "SHOP.example:443",
            "xn--a",
            "a..b",
            "999.1.1.1",
            "127.0.0.1:3000",
            "[::1]",
            "[::1]:80",
            "shop.example:",
            "a_b",
            "a%20b",
            "localhost:65535",
        ] {
            assert!(is_possible(host.as_bytes()), "{host}");
        }
        for host in [
            "a b",
            "[::1",
            "::1",
            "[::1]x",
            "[::g]",
            "[v1.a]",
            "127.0.0.1:99999",
            "a:b",
            "a:1:2",
            "<script>",
            "a/b",
            "a?b",
            "a#b",
            "user@host",
            "é",
            "a%2",
            "a%zz",
            "a\\b",
            "a\"b",
            "\u{fffd}",
        ] {
            assert!(!is_possible(host.as_bytes()), "{host}");
        }
        assert!(!is_possible(b"\xff"));
    }

    #[test]
    fn loopback_has_names_and_addresses() {
        for host in
            ["localhost", "Localhost:3000", "shop.localhost:80", "127.0.0.1:3000", "127.1.2.3", "[::1]", "[::1]:3000"]
        {
            assert!(is_loopback(host.as_bytes()), "{host}");
        }
        for host in
            ["", "192.168.0.2:3000", "shop.example", "localhost.example", "127.0.0.1.example", "[::2]:1", "128.0.0.1"]
        {
            assert!(!is_loopback(host.as_bytes()), "{host}");
        }
    }
}
