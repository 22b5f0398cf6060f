//! Forms in parts, as `new FormData(form)` sends them.
//!
//! Written here rather than taken from a crate, which would read a stream: a body of 64 KB is in memory when a function starts.
//!
//! Source: <https://www.rfc-editor.org/rfc/rfc7578>, <https://www.rfc-editor.org/rfc/rfc2046#section-5.1>

use std::borrow::Cow;

use crate::Error;
use crate::wire::form::Field;

/// The longest boundary, in bytes.
const LONGEST_BOUNDARY: usize = 70;

/// Reads the fields of a `multipart/form-data` whose content type has these parameters: names and values. A file that was left
/// empty is no field.
///
/// # Errors
///
/// - [`Error::InvalidForm`] if it is not in parts, or not to its end.
/// - [`Error::UnsupportedMediaType`] for a file, or for content that is encoded.
pub(crate) fn fields<'a>(body: &'a [u8], parameters: &str) -> Result<Vec<Field<'a>>, Error> {
    let boundary = parameter(parameters.as_bytes(), b"boundary").unwrap_or_default();
    if boundary.is_empty() || boundary.len() > LONGEST_BOUNDARY {
        return Err(invalid("its content type has no boundary"));
    }
    let first = [b"--", &*boundary].concat();
    let delimiter = [b"\r\n", &*first].concat();
    let unfinished = || invalid("it ends before its last boundary");
    // Before the first boundary may stand what is not part of the form.
    let mut rest = match body.strip_prefix(&*first) {
        Some(rest) => rest,
        None => cut(body, &delimiter).ok_or_else(unfinished)?.1,
    };
    let mut fields = Vec::new();
    while !rest.starts_with(b"--") {
        let (padding, part) = cut(rest, b"\r\n").ok_or_else(unfinished)?;
        if !padding.iter().all(|byte| matches!(byte, b' ' | b'\t')) {
            return Err(invalid("a boundary goes on"));
        }
        let (part, behind) = cut(part, &delimiter).ok_or_else(unfinished)?;
        fields.extend(field(part)?);
        rest = behind;
    }
    Ok(fields)
}

/// A part's name and content; `None` for a file that was left empty.
fn field(part: &[u8]) -> Result<Option<Field<'_>>, Error> {
    let (headers, content) = match part.strip_prefix(b"\r\n") {
        Some(content) => (&[][..], content),
        None => cut(part, b"\r\n\r\n").ok_or_else(|| invalid("a part has no content"))?,
    };
    let mut disposition = None;
    let mut rest = Some(headers);
    while let Some(headers) = rest {
        let (line, behind) = cut(headers, b"\r\n").map_or((headers, None), |(line, behind)| (line, Some(behind)));
        rest = behind;
        let Some((name, value)) = cut(line, b":") else { continue };
        let (name, value) = (name.trim_ascii().to_ascii_lowercase(), value.trim_ascii());
        match &*name {
            b"content-disposition" => disposition = Some(value),
            b"content-transfer-encoding" => {
                let plain: [&[u8]; 3] = [b"7bit", b"8bit", b"binary"];
                if !plain.iter().any(|plain| value.eq_ignore_ascii_case(plain)) {
                    return Err(Error::UnsupportedMediaType("Content-Transfer-Encoding must be binary"));
                }
            }
            _ => {}
        }
    }
    let parameters =
        disposition.and_then(|value| cut(value, b";")).map(|(_, parameters)| parameters).unwrap_or_default();
    let is_file = parameter(parameters, b"filename").is_some() || parameter(parameters, b"filename*").is_some();
    match parameter(parameters, b"name") {
        _ if is_file && content.is_empty() => Ok(None),
        _ if is_file => Err(Error::UnsupportedMediaType("A form must not have files")),
        None => Err(invalid("a part has no name")),
        Some(name) => Ok(Some((name, content.into()))),
    }
}

/// The value of a header's parameter. Browsers write a quote in one as `%22`, other clients as `\"`.
///
/// Source: <https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data>
fn parameter<'a>(mut parameters: &'a [u8], wanted: &[u8]) -> Option<Cow<'a, [u8]>> {
    loop {
        let (name, rest) = cut(parameters, b"=")?;
        // What stands before a semicolon without a value is no parameter.
        let name = name.rsplit(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        let rest = rest.trim_ascii_start();
        let (value, behind) = if let Some(quoted) = rest.strip_prefix(b"\"") {
            unquoted(quoted)
        } else {
            let end = rest.iter().position(|byte| *byte == b';').unwrap_or(rest.len());
            (rest[..end].trim_ascii().into(), &rest[end..])
        };
        if name.eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        parameters = behind;
    }
}

/// The text before the closing quote, and what stands behind that.
fn unquoted(text: &[u8]) -> (Cow<'_, [u8]>, &[u8]) {
    let mut value = Vec::new();
    let mut rest = text;
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        match (*byte, behind) {
            (b'"', _) => break,
            (b'\\', [escaped @ (b'"' | b'\\'), behind @ ..]) => {
                value.push(*escaped);
                rest = behind;
            }
            (b'%', [b'2', b'2', behind @ ..]) => {
                value.push(b'"');
                rest = behind;
            }
            (byte, _) => value.push(byte),
        }
    }
    (value.into(), rest)
}

/// What stands before and behind the first `mark`.
fn cut<'a>(text: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let place = text.windows(mark.len()).position(|window| window == mark)?;
    Some((&text[..place], &text[place + mark.len()..]))
}

fn invalid(problem: &str) -> Error {
    Error::InvalidForm(problem.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(body: &str, parameters: &str) -> Result<Vec<(String, String)>, String> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let fields = fields(body.as_bytes(), parameters).map_err(|error| error.to_string())?;
        Ok(fields.iter().map(|(name, value)| (text(name), text(value))).collect())
    }

    /// A body of one part, between boundaries `x`.
    fn part(headers: &str, content: &str) -> String {
        format!("--x\r\n{headers}\r\n\r\n{content}\r\n--x--\r\n")
    }

    #[test]
    fn parts_are_fields() {
        for (body, expected) in [
            ("--x--", vec![]),
            ("--x--\r\nepilogue", vec![]),
            ("preamble\r\n--x--", vec![]),
            (&part("Content-Disposition: form-data; name=\"a[b]\"", "1"), vec![("a[b]", "1")]),
            (&part("content-disposition:form-data;NAME=a", ""), vec![("a", "")]),
            (
                &part("Content-Type: text/plain\r\nContent-Disposition: form-data; name=\"a\"", "1\r\n--y\r\n"),
                vec![("a", "1\r\n--y\r\n")],
            ),
            (&part("Content-Disposition: form-data; name=\"a%22b\\\"c\\\\d;e=f\"", "1"), vec![("a\"b\"c\\d;e=f", "1")]),
            (&part("Content-Disposition: form-data; other; x=1; name=a", "1"), vec![("a", "1")]),
            (
                &part(
                    "Content-Disposition: form-data; name=\"a\"; filename=\"\"\r\nContent-Type: application/octet-stream",
                    "",
                ),
                vec![],
            ),
            (&part("Content-Disposition: form-data; name=\"filename=\"", "1"), vec![("filename=", "1")]),
            (
                "--x \t\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x\r\nContent-Disposition: form-data; name=b\r\n\r\n2\r\n--x--",
                vec![("a", "1"), ("b", "2")],
            ),
        ] {
            let expected = expected.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            assert_eq!(shown(body, " charset=utf-8; boundary=x"), Ok(expected), "{body}");
        }
        assert_eq!(shown("--a b--", "boundary=\"a b\""), Ok(vec![]));
    }

    #[test]
    fn what_is_no_form_is_told() {
        let files = "A form must not have files";
        let file = |headers: &str| part(&format!("Content-Disposition: form-data; name=a; {headers}"), "GIF89a");
        for (body, problem) in [
            ("", "it ends before its last boundary"),
            ("--x", "it ends before its last boundary"),
            ("--x\r\n", "it ends before its last boundary"),
            ("--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1", "it ends before its last boundary"),
            ("--xy\r\n--x--", "a boundary goes on"),
            (&part("Content-Disposition: form-data", "1"), "a part has no name"),
            (&part("", "1"), "a part has no name"),
            ("--x\r\nname=a\r\n--x--", "a part has no content"),
            (&file("filename=\"a.gif\""), files),
            (&file("filename=blob\r\nContent-Type: application/json"), files),
            (&file("filename*=UTF-8''a.gif"), files),
            (&file("more=1\r\nContent-Transfer-Encoding: base64"), "Content-Transfer-Encoding must be binary"),
        ] {
            let told = shown(body, "boundary=x").unwrap_err();
            assert!(told.ends_with(problem), "{body}: {told}");
        }
        for parameters in ["", "boundary=", "boundary", &format!("boundary={}", "x".repeat(71))] {
            assert!(shown("--x--", parameters).unwrap_err().ends_with("no boundary"), "{parameters}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_body_panics(body in r#"(--x|--|\r\n|Content-Disposition:|; ?name=|; ?filename=|["\\;=:%]|\PC){0,24}"#) {
            let _ = shown(&body, "boundary=x");
        }
    }
}
