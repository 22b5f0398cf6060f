//! The numbers of a JSON text, as they are written.

/// Hands out the numbers of a text that is read as JSON meanwhile, in their order.
///
/// `serde_json` passes a number on as a `u64`, `i64` or `f64`, so that `1.50` and `1.5` are the same. Its feature
/// `arbitrary_precision` keeps the text, but for all crates that are built together, and at a cost for each number that
/// DynamoDB or Stripe sends. Reading a body's numbers a second time costs one look at each of its bytes.
pub(crate) struct Numbers<'a> {
    rest: &'a [u8],
}

impl<'a> Numbers<'a> {
    pub(crate) fn of(text: &'a [u8]) -> Self {
        Self { rest: text }
    }

    /// The next number. What stands before it is JSON already, so that only strings can look like one.
    pub(crate) fn next(&mut self) -> String {
        let mut is_string = false;
        let mut bytes = self.rest.iter().enumerate();
        let start = loop {
            match bytes.next() {
                None => break self.rest.len(),
                Some((_, b'"')) => is_string = !is_string,
                Some((_, b'\\')) if is_string => drop(bytes.next()),
                Some((place, b'-' | b'0'..=b'9')) if !is_string => break place,
                Some(_) => {}
            }
        };
        let rest = &self.rest[start..];
        let is_of_number = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
        let (number, rest) = rest.split_at(rest.iter().position(|byte| !is_of_number(byte)).unwrap_or(rest.len()));
        self.rest = rest;
        String::from_utf8_lossy(number).into_owned()
    }
}

/// The text with a 0 in the place of each number, for a parser that refuses numbers beyond any `f64`, such as `1e400`.
pub(crate) fn without_amounts(text: &[u8]) -> Vec<u8> {
    let mut tamed = text.to_vec();
    let mut numbers = Numbers::of(text);
    loop {
        let number = numbers.next();
        if number.is_empty() {
            return tamed;
        }
        let end = text.len() - numbers.rest.len();
        if is_number(&number) {
            let place = &mut tamed[end - number.len()..end];
            place.fill(b' ');
            place[0] = b'0';
        }
    }
}

/// Source: <https://www.rfc-editor.org/rfc/rfc8259#section-6>
fn is_number(text: &str) -> bool {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let Parts { whole, decimals, exponent, .. } = Parts::of(text);
    is_digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && decimals.is_none_or(is_digits)
        && exponent.is_none_or(|exponent| is_digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

/// What a number is written of.
struct Parts<'a> {
    is_negative: bool,
    whole: &'a str,
    decimals: Option<&'a str>,
    exponent: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Self {
        let (text, exponent) = text.split_once(['e', 'E']).map_or((text, None), |(text, rest)| (text, Some(rest)));
        let (text, decimals) = text.split_once('.').map_or((text, None), |(text, rest)| (text, Some(rest)));
        let whole = text.strip_prefix('-').unwrap_or(text);
        Self { is_negative: whole.len() < text.len(), whole, decimals, exponent }
    }
}

/// A whole number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum WholeNumber {
    /// 0 or more; what is above [`u64::MAX`] reads as that.
    Natural(u64),
    /// Below 0.
    Negative,
}

impl WholeNumber {
    /// The whole number that a number of JSON's is, however it is written; `None` where it has a fraction. Decided by its digits:
    /// to an `f64`, 1.0000000000000000001 is 1.
    #[cold]
    pub(crate) fn of(number: &str) -> Option<Self> {
        let Parts { is_negative, whole, decimals, exponent } = Parts::of(number);
        let decimals = decimals.unwrap_or_default();
        let digits = [whole, decimals].concat();
        let significant = digits.trim_end_matches('0');
        let zeros_behind = digits.len() - significant.len();
        let significant = significant.trim_start_matches('0');
        if significant.is_empty() {
            return Some(Self::Natural(0));
        }
        // One that is no `i64` is beyond the length of any text.
        let beyond = |exponent: &str| if exponent.starts_with('-') { i64::MIN } else { i64::MAX };
        let exponent = exponent.map_or(0, |exponent| exponent.parse().unwrap_or_else(|_| beyond(exponent)));
        let length = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
        let zeros = exponent.saturating_add(length(zeros_behind)).saturating_sub(length(decimals.len()));
        if zeros < 0 {
            return None;
        }
        if is_negative {
            return Some(Self::Negative);
        }
        let amount = || {
            let power = 10u64.checked_pow(u32::try_from(zeros).ok()?)?;
            significant.parse::<u64>().ok()?.checked_mul(power)
        };
        Some(Self::Natural(amount().unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::wire::node::Node;

    #[test]
    fn numbers_are_told_from_what_looks_like_one() {
        let text = br#"{"1": "2\"3", "a\\": [-0, 1.50, {"4": 1E+2}], "\"5": 18446744073709551616,"b":[7]}"#;

        let mut numbers = Numbers::of(text);

        for expected in ["-0", "1.50", "1E+2", "18446744073709551616", "7", ""] {
            assert_eq!(numbers.next(), expected);
        }
    }

    /// The node, as JSON that has just one form: numbers as text, marked.
    fn marked(node: &Node) -> Value {
        match node {
            Node::Null | Node::Blank | Node::Garbled => Value::Null,
            Node::Flag(flag) => Value::Bool(*flag),
            Node::Number(text) => format!("number {}", text.parse::<f64>().unwrap()).into(),
            Node::Text(text) => text.clone().into(),
            Node::List(list) => list.iter().map(marked).collect(),
            Node::Map(map) => Value::Object(map.iter().map(|(key, node)| (key.clone(), marked(node))).collect()),
        }
    }

    fn marked_by_serde(value: &Value) -> Value {
        match value {
            Value::Number(number) => format!("number {}", number.as_f64().unwrap()).into(),
            Value::Array(list) => list.iter().map(marked_by_serde).collect(),
            Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), marked_by_serde(value))).collect(),
            other => other.clone(),
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            r#"[0-9"\\e.-]{0,6}"#.prop_map(Value::from),
            Just(Value::Null),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::btree_map(r#"[0-9"\\-]{0,4}"#, inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    #[test]
    fn a_number_is_whole_or_not_by_its_digits() {
        let whole = |number: u64| Some(WholeNumber::Natural(number));
        for (number, expected) in [
            ("0", whole(0)),
            ("-0", whole(0)),
            ("-0.0", whole(0)),
            ("0e99999999999999999999", whole(0)),
            ("0.000e-7", whole(0)),
            ("1.0", whole(1)),
            ("1E+1", whole(10)),
            ("0.1e1", whole(1)),
            ("10e-1", whole(1)),
            ("100e-1", whole(10)),
            ("0.00120e5", whole(120)),
            ("1.0000000000000000000", whole(1)),
            ("1.0000000000000000001", None),
            ("0.99999999999999999999", None),
            ("10e-2", None),
            ("1e-400", None),
            ("1e-99999999999999999999", None),
            ("9007199254740993", whole(9_007_199_254_740_993)),
            ("900719925474099.3e1", whole(9_007_199_254_740_993)),
            ("18446744073709551615.0", whole(u64::MAX)),
            ("18446744073709551616", whole(u64::MAX)),
            ("1e400", whole(u64::MAX)),
            ("1e99999999999999999999", whole(u64::MAX)),
            ("-1.0", Some(WholeNumber::Negative)),
            ("-1e400", Some(WholeNumber::Negative)),
            ("-1.5", None),
        ] {
            assert_eq!(WholeNumber::of(number), expected, "{number}");
        }
    }

    #[test]
    fn what_is_no_number_stays_in_its_place() {
        for (text, tamed) in [
            (r#"[1e400,{"3":-7}]1"#, r#"[0    ,{"3":0 }]0"#),
            ("[-0.5E-9,10]", "[0      ,0 ]"),
            (r#"["1e9\"2",true1]"#, r#"["1e9\"2",true0]"#),
        ] {
            assert_eq!(without_amounts(text.as_bytes()), tamed.as_bytes(), "{text}");
        }
        for text in ["01", "1.", "-", "1e", "1e+", "1-2", "1.5.5", "1e5e5", "--1", "1e5.5", "1+"] {
            assert_eq!(without_amounts(text.as_bytes()), text.as_bytes());
        }
    }

    proptest! {
        /// Against integers: `units` ten-to-the-`exponent`ths, written with some of its digits behind a point.
        #[test]
        fn a_number_is_as_whole_as_integers_say(
            units in 0u64..=99_999_999_999_999_999,
            exponent in -25i32..25,
            decimals in 0usize..25,
            zeros in 0usize..5,
            is_negative in any::<bool>(),
            sign in prop_oneof![Just("e"), Just("E"), Just("e+")],
        ) {
            let digits = format!("{units:0width$}", width = decimals + 1);
            let (whole, behind) = digits.split_at(digits.len() - decimals);
            let point = if decimals + zeros > 0 { "." } else { "" };
            let written = exponent + i32::try_from(decimals).unwrap();
            let power = if written < 0 { format!("e{written}") } else { format!("{sign}{written}") };
            let minus = if is_negative { "-" } else { "" };
            let number = format!("{minus}{whole}{point}{behind}{}{power}", "0".repeat(zeros));
            prop_assert!(serde_json::from_str::<f64>(&number).is_ok(), "{}", number);

            let power = 10u128.pow(exponent.unsigned_abs());
            let expected = if exponent >= 0 {
                Some(u128::from(units).saturating_mul(power))
            } else {
                Some(u128::from(units)).filter(|units| units % power == 0).map(|units| units / power)
            };
            let expected = expected.map(|amount| match u64::try_from(amount) {
                Ok(amount) if amount == 0 || !is_negative => WholeNumber::Natural(amount),
                _ if is_negative => WholeNumber::Negative,
                _ => WholeNumber::Natural(u64::MAX),
            });
            prop_assert_eq!(WholeNumber::of(&number), expected, "{}", number);
        }

        #[test]
        fn each_number_gets_its_own_text(value in value()) {
            let text = serde_json::to_string_pretty(&value).unwrap();

            let node = Node::of_json(text.as_bytes()).unwrap();

            prop_assert_eq!(marked(&node), marked_by_serde(&value), "{}", text);
        }
    }
}
