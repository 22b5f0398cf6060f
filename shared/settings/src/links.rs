//! Links to pages that a setting names.

/// The URL with one more parameter at the end of its query, which stands before a fragment.
///
/// ```
/// assert_eq!(settings::with_parameter("https://shop.example/#/thanks", "payment=pending"),
///            "https://shop.example/?payment=pending#/thanks");
/// ```
#[must_use]
pub fn with_parameter(url: &str, parameter: &str) -> String {
    let (page, fragment) = url.find('#').map_or((url, ""), |start| url.split_at(start));
    let joint = match page.find('?') {
        None => "?",
        // The query is empty, or has its separator already.
        Some(_) if page.ends_with(['?', '&']) => "",
        Some(_) => "&",
    };
    format!("{page}{joint}{parameter}{fragment}")
}

/// The URL as it can stand in a header and go to Stripe: its host in Punycode, and other characters than ASCII percent-encoded in
/// the rest. `None` where its host cannot be one.
///
/// ```
/// assert_eq!(settings::ascii("https://Käse.example:8080/größe?q=ü").as_deref(),
///            Some("https://xn--kse-qla.example:8080/gr%C3%B6%C3%9Fe?q=%C3%BC"));
/// ```
///
/// Source: <https://url.spec.whatwg.org/#concept-host-parser>
#[must_use]
pub fn ascii(url: &str) -> Option<String> {
    if url.is_ascii() {
        return Some(url.to_owned());
    }
    let start = url.find("://")? + "://".len();
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |length| start + length);
    let (host, port) = match url[start..end].rsplit_once(':') {
        Some((host, port)) => (host, format!(":{port}")),
        None => (&url[start..end], String::new()),
    };
    let host = if host.is_ascii() { host.to_owned() } else { idna::domain_to_ascii(host).ok()? };
    let mut text = format!("{}{host}{port}", &url[..start]);
    for letter in url[end..].chars() {
        if letter.is_ascii() {
            text.push(letter);
        } else {
            text.extend(letter.encode_utf8(&mut [0; 4]).bytes().map(|byte| format!("%{byte:02X}")));
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hosts are Unicode's own samples and those of RFC 3492.
    ///
    /// Source: <https://www.unicode.org/reports/tr46/#Table_IDNA_Processing>, <https://www.rfc-editor.org/rfc/rfc3492#section-7.1>
    #[test]
    fn hosts_become_punycode_and_the_rest_is_percent_encoded() {
        for (url, expected) in [
            ("https://shop.example/Ä", Some("https://shop.example/%C3%84")),
            ("https://Bücher.de", Some("https://xn--bcher-kva.de")),
            ("https://faß.de?ß#ß", Some("https://xn--fa-hia.de?%C3%9F#%C3%9F")),
            ("http://日本語.JP:8080/日/{number}", Some("http://xn--wgv71a119e.jp:8080/%E6%97%A5/{number}")),
            ("https://shop.example/%C3%A4?a=b c", Some("https://shop.example/%C3%A4?a=b c")),
            ("https://a\u{ad}\u{200d}.example", None),
        ] {
            assert_eq!(ascii(url).as_deref(), expected, "{url}");
        }
    }

    /// Source: <https://datatracker.ietf.org/doc/html/rfc3986#section-3>
    #[test]
    fn a_parameter_joins_the_query() {
        for (url, expected) in [
            ("https://a", "https://a?x=1"),
            ("https://a/", "https://a/?x=1"),
            ("https://a/b?", "https://a/b?x=1"),
            ("https://a/b?c=d", "https://a/b?c=d&x=1"),
            ("https://a/b?c=d&", "https://a/b?c=d&x=1"),
            ("https://a/b?c=d#e", "https://a/b?c=d&x=1#e"),
            ("https://a/b#e?f", "https://a/b?x=1#e?f"),
            ("https://a/b#e#f", "https://a/b?x=1#e#f"),
            ("https://a/b#", "https://a/b?x=1#"),
        ] {
            assert_eq!(with_parameter(url, "x=1"), expected);
        }
    }
}
