//! Forms with PHP's brackets.
//!
//! Source: <https://www.php.net/manual/en/language.variables.external.php>

use std::borrow::Cow;

use percent_encoding::percent_decode;

use crate::Error;
use crate::wire::node::{Map, Node};

/// The most brackets that a name may have; more of them mean nothing. The deepest field that is read,
/// `items[0][adjustable_quantity][enabled]`, has three.
const MAX_DEPTH: usize = 8;
/// PHP's own limit, `max_input_vars`.
const MAX_PAIRS: usize = 1000;

/// A field's name and value, as they were sent.
pub(crate) type Field<'a> = (Cow<'a, [u8]>, Cow<'a, [u8]>);

/// Reads the fields of a form: `a[b]` is the member `b` of `a`, and `a[]` the next one. A name that is sent twice counts with
/// its last value.
///
/// A list arrives as a map from its indices. A name whose brackets do not match has none. `a[]` without a value makes
/// `a` empty, for which a form has no other way.
///
/// # Errors
///
/// [`Error::InvalidForm`] for more than 1000 fields.
pub(crate) fn read<'a>(fields: impl IntoIterator<Item = Field<'a>>) -> Result<Map, Error> {
    let mut form = Map::new();
    for (index, (name, value)) in fields.into_iter().enumerate() {
        if index == MAX_PAIRS {
            return Err(Error::InvalidForm(format!("more than {MAX_PAIRS} fields")));
        }
        let value = match (std::str::from_utf8(&name), std::str::from_utf8(&value)) {
            (Ok(_), Ok("")) => Node::Blank,
            (Ok(_), Ok(value)) => Node::Text(value.to_owned()),
            (Err(_), _) | (_, Err(_)) => Node::Garbled,
        };
        let name = String::from_utf8_lossy(&name);
        match keys(&name) {
            Some((root, keys)) => put(&mut form, root, &keys, value),
            None => put(&mut form, &name, &[], value),
        }
    }
    Ok(form)
}

/// The fields of `application/x-www-form-urlencoded`: names and values, each as the bytes that it stands for.
///
/// Source: <https://url.spec.whatwg.org/#urlencoded-parsing>
pub(crate) fn url_encoded(bytes: &[u8]) -> impl Iterator<Item = Field<'_>> {
    let pairs = bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| {
        let mut parts = pair.splitn(2, |byte| *byte == b'=');
        let mut next = || decoded(parts.next().unwrap_or_default());
        (next(), next())
    })
}

fn decoded(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'+') {
        return percent_decode(text).into();
    }
    let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_decode(&spaced).collect::<Vec<u8>>().into()
}

/// The parts of `root[key][key]`.
fn keys(name: &str) -> Option<(&str, Vec<&str>)> {
    let (root, mut rest) = name.split_at(name.find('[')?);
    let mut keys = Vec::new();
    while !rest.is_empty() {
        let (key, behind) = rest.strip_prefix('[')?.split_once(']')?;
        if key.contains('[') || keys.len() == MAX_DEPTH {
            return None;
        }
        keys.push(key);
        rest = behind;
    }
    (!root.is_empty() && !root.contains(']')).then_some((root, keys))
}

fn put(map: &mut Map, key: &str, keys: &[&str], value: Node) {
    let node = place(map, key);
    let Some((key, keys)) = keys.split_first() else {
        *node = value;
        return;
    };
    if !matches!(node, Node::Map(_)) {
        *node = Node::Map(Map::new());
    }
    let Node::Map(map) = node else { return };
    match *key {
        "" if keys.is_empty() && value == Node::Blank => {}
        "" => put(map, &next_index(map).to_string(), keys, value),
        key => put(map, key, keys, value),
    }
}

fn place<'a>(map: &'a mut Map, key: &str) -> &'a mut Node {
    let place = map.iter().position(|(name, _)| name == key).unwrap_or_else(|| {
        map.push((key.to_owned(), Node::Null));
        map.len() - 1
    });
    &mut map[place].1
}

fn next_index(map: &Map) -> u64 {
    map.iter().filter_map(|(key, _)| key.parse::<u64>().ok()).max().map_or(0, |last| last.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The form as JSON writes it, in its own order.
    fn shown(form: &str) -> String {
        fn written(node: &Node) -> String {
            match node {
                Node::Text(text) => format!("{text:?}"),
                Node::Blank => "blank".to_owned(),
                Node::Garbled => "garbled".to_owned(),
                Node::Map(map) => braced(map),
                other => format!("{other:?}"),
            }
        }
        fn braced(map: &Map) -> String {
            let members: Vec<_> = map.iter().map(|(key, node)| format!("{key}: {}", written(node))).collect();
            format!("{{{}}}", members.join(", "))
        }
        braced(&read(url_encoded(form.as_bytes())).unwrap())
    }

    #[test]
    fn brackets_nest_as_in_php() {
        for (form, expected) in [
            ("", "{}"),
            ("&&", "{}"),
            ("a", "{a: blank}"),
            ("a=&b", "{a: blank, b: blank}"),
            ("=1", r#"{: "1"}"#),
            ("b=1&a=2", r#"{b: "1", a: "2"}"#),
            ("a=1&a=2", r#"{a: "2"}"#),
            ("a[b][c]=1&a[d]=2", r#"{a: {b: {c: "1"}, d: "2"}}"#),
            ("a%5Bb%5D=x+y%2B%C3%A9", r#"{a: {b: "x y+é"}}"#),
            ("a[]=1&a[]=2", r#"{a: {0: "1", 1: "2"}}"#),
            ("a[7]=1&a[]=2", r#"{a: {7: "1", 8: "2"}}"#),
            ("a[][b]=1", r#"{a: {0: {b: "1"}}}"#),
            ("a[]=", "{a: {}}"),
            ("a[%ff]=1&b=%C3&c=%C3%BC", "{a: {\u{fffd}: garbled}, b: garbled, c: \"ü\"}"),
            ("a=1&a[b]=2", r#"{a: {b: "2"}}"#),
            ("a[b]=2&a=1", r#"{a: "1"}"#),
        ] {
            assert_eq!(shown(form), expected, "{form}");
        }
    }

    #[test]
    fn unmatched_brackets_are_part_of_the_name() {
        for name in ["a[b", "a]", "a[b]c", "a[[b]]", "[a]", "a[b][", "a[b]]", "["] {
            assert_eq!(shown(&format!("{name}=1")), format!("{{{name}: \"1\"}}"));
        }
        let deep = format!("a{}", "[b]".repeat(9));
        assert_eq!(shown(&format!("{deep}=1")), format!("{{{deep}: \"1\"}}"));
    }

    #[test]
    fn a_form_has_at_most_a_thousand_fields() {
        let fields = |count| vec!["a[]=1"; count].join("&");

        read(url_encoded(fields(1000).as_bytes())).unwrap();
        let error = read(url_encoded(fields(1001).as_bytes())).unwrap_err();

        assert_eq!(error.to_string(), "The body is not a valid form: more than 1000 fields");
    }

    proptest::proptest! {
        #[test]
        fn no_form_panics(form in r"([a\[\]=&%+0-9]|\PC){0,64}") {
            let _ = read(url_encoded(form.as_bytes()));
        }

        /// An independent reading: the one of the crate `form_urlencoded`, which replaces what is no UTF-8.
        #[test]
        fn names_and_values_are_decoded_as_browsers_encode_them(form in r"([ab=&%+]|%[0-9a-fA-F]{2}|\PC){0,32}") {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let ours: Vec<_> = url_encoded(form.as_bytes()).map(|(name, value)| (text(&name), text(&value))).collect();

            let theirs: Vec<_> = form_urlencoded::parse(form.as_bytes()).into_owned().collect();

            proptest::prop_assert_eq!(ours, theirs);
        }
    }
}
