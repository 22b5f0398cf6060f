//! Entity tags as clients and the servers between send them back.

use lambda_http::http::{HeaderMap, header};

/// The elements of a list. Those that are empty, as of a list that was put together, count for nothing.
///
/// Source: <https://www.rfc-editor.org/rfc/rfc9110#section-5.6.1.2>
pub(crate) fn elements(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(|element| element.trim_matches([' ', '\t'])).filter(|element| !element.is_empty())
}

/// What stands in the quotes of one of our tags, weak or not, without the suffix of a server that compressed the answer
/// (`"3-gzip"`, `"3--gzip"`). We put no `-` into a tag.
///
/// Source: <https://httpd.apache.org/docs/2.4/mod/mod_deflate.html#deflatealteretag>
pub(crate) fn opaque(tag: &str) -> Option<&str> {
    let tag = tag.strip_prefix("W/").unwrap_or(tag).strip_prefix('"')?.strip_suffix('"')?;
    let (own, suffix) = tag.split_once('-').unwrap_or((tag, ""));
    suffix.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-').then_some(own)
}

/// Whether the client of a GET has the answer with this tag already, or takes any (`*`).
///
/// Source: <https://www.rfc-editor.org/rfc/rfc9110#name-if-none-match>
pub(crate) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let is_met = |known: &str| known == "*" || opaque(known).is_some_and(|known| opaque(tag) == Some(known));
    let mut lists = headers.get_all(header::IF_NONE_MATCH).iter();
    lists.any(|list| elements(&String::from_utf8_lossy(list.as_bytes())).any(is_met))
}

#[cfg(test)]
mod tests {
    use lambda_http::http::HeaderValue;

    use super::*;

    /// The comparison is the weak one.
    ///
    /// Sources: <https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3.2>, and for the suffixes
    /// <https://httpd.apache.org/docs/2.4/mod/mod_deflate.html#deflatealteretag>.
    #[test]
    fn an_answer_is_known_by_its_tag_in_any_form_and_place() {
        let known = |lists: &[&str]| {
            let mut headers = HeaderMap::new();
            for list in lists {
                headers.append(header::IF_NONE_MATCH, HeaderValue::from_bytes(list.as_bytes()).unwrap());
            }
            is_known(&headers, "\"0123456789abcdef\"")
        };
        let tag = "\"0123456789abcdef\"";

        for list in [
            tag.to_owned(),
            format!("W/{tag}"),
            format!(" \t{tag} "),
            format!("\"other\",{tag}"),
            format!("\"o,ther\", W/\"\" ,, W/{tag},"),
            "\"0123456789abcdef-gzip\"".to_owned(),
            "W/\"0123456789abcdef--gzip\"".to_owned(),
            "\"x\", \"0123456789abcdef-br\"".to_owned(),
            "*".to_owned(),
            " * ".to_owned(),
        ] {
            assert!(known(&[&list]), "{list}");
        }
        assert!(known(&["\"x\"", tag]) && known(&["\u{e4}", tag]));
        for list in [
            "",
            ",",
            "\"\"",
            "W/",
            "0123456789abcdef",
            "\"0123456789abcde\"",
            "\"0123456789abcdef0\"",
            "\"0123456789ABCDEF\"",
            "w/\"0123456789abcdef\"",
            "W/W/\"0123456789abcdef\"",
            "\"0123456789abcdef;gzip\"",
            "\"*\"",
            "**",
        ] {
            assert!(!known(&[list]), "{list}");
        }
        assert!(!known(&[]));
    }
}
