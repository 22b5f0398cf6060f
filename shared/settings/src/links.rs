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

#[cfg(test)]
mod tests {
    use super::*;

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
