//! The kinds of fields that requests have.

use std::fmt;
use std::marker::PhantomData;

use cart::{AdjustableQuantity, Attributes, Description, LineId, PriceId, Quantity, Rejection};
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Unexpected, Visitor};

use crate::wire::deserializer::{QUANTITY, SCALAR};
use crate::wire::fault::MemberProblem;

/// What a rule of the cart's says is wrong with a field, without the name in front: errors have the field's whole path there.
fn problem(rejection: &Rejection) -> String {
    let told = rejection.to_string();
    told.split_once(' ').map_or_else(|| told.clone(), |(_, problem)| problem.to_owned())
}

/// A text, a number or a boolean as it was sent, in serde's own enum of such values. Anything else is not `expected`.
fn plain<'de, D: Deserializer<'de>>(deserializer: D, expected: &'static str) -> Result<Unexpected<'de>, D::Error> {
    struct PlainVisitor(&'static str);

    impl<'de> Visitor<'de> for PlainVisitor {
        type Value = Unexpected<'de>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }

        fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Unexpected<'de>, E> {
            Ok(Unexpected::Str(text))
        }

        fn visit_bool<E>(self, flag: bool) -> Result<Unexpected<'de>, E> {
            Ok(Unexpected::Bool(flag))
        }

        fn visit_u64<E>(self, number: u64) -> Result<Unexpected<'de>, E> {
            Ok(Unexpected::Unsigned(number))
        }

        fn visit_i64<E>(self, number: i64) -> Result<Unexpected<'de>, E> {
            Ok(Unexpected::Signed(number))
        }

        fn visit_f64<E>(self, number: f64) -> Result<Unexpected<'de>, E> {
            Ok(Unexpected::Float(number))
        }
    }

    deserializer.deserialize_any(PlainVisitor(expected))
}

/// The id of a price.
#[derive(PartialEq, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Price(pub(crate) PriceId);

impl TryFrom<String> for Price {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        text.parse().map(Self).map_err(|_| "must be the id of a price")
    }
}

/// The id of a line of the cart, or of a price that has none yet.
#[derive(PartialEq, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct LineKey(pub(crate) LineId);

impl TryFrom<String> for LineKey {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        text.parse().map(Self).map_err(|_| "must be the id of a line")
    }
}

/// Text; numbers and booleans as they are written.
#[derive(PartialEq, Debug)]
pub(crate) struct Scalar(pub(crate) String);

impl Scalar {
    const EXPECTED: &str = "a string";
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ScalarVisitor;

        impl<'de> Visitor<'de> for ScalarVisitor {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(Scalar::EXPECTED)
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Scalar, D::Error> {
                match plain(deserializer, Scalar::EXPECTED)? {
                    Unexpected::Str(text) => Ok(Scalar(text.to_owned())),
                    Unexpected::Bool(flag) => Ok(Scalar(flag.to_string())),
                    other => Err(D::Error::invalid_value(other, &self)),
                }
            }
        }

        deserializer.deserialize_newtype_struct(SCALAR, ScalarVisitor)
    }
}

/// Text without the white space around it; nothing if that is all there is.
#[derive(PartialEq, Debug, Default)]
pub(crate) struct Trimmed(pub(crate) Option<String>);

impl<'de> Deserialize<'de> for Trimmed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let text = text.trim();
        Ok(Self((!text.is_empty()).then(|| text.to_owned())))
    }
}

/// A promotion code as shoppers write it; nothing if it is blank.
#[derive(PartialEq, Debug, Default)]
pub(crate) struct Code(pub(crate) Option<String>);

impl Code {
    /// The longest code, in characters. Stripe fails on a longer one, and shoppers choose what they send.
    ///
    /// Source: <https://docs.stripe.com/api/promotion_codes/create#create_promotion_code-code>
    const MAX: usize = 500;
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Trimmed(code) = Trimmed::deserialize(deserializer)?;
        match code {
            Some(text) if text.chars().count() > Self::MAX => {
                Err(D::Error::custom(format_args!("must have at most {} characters", Self::MAX)))
            }
            code => Ok(Self(code)),
        }
    }
}

/// What may be an e-mail address; nothing if it is blank.
#[derive(PartialEq, Debug, Default)]
pub(crate) struct Email(pub(crate) Option<String>);

impl Email {
    /// The longest address, in bytes.
    ///
    /// Source: <https://www.rfc-editor.org/errata/eid1690>
    const MAX: usize = 254;

    /// Refuses only what cannot be an address at all: Stripe has the last word.
    fn is_plausible(text: &str) -> bool {
        !text.contains(char::is_whitespace)
            && matches!(text.rsplit_once('@'), Some((name, host)) if !name.is_empty() && host.contains('.'))
    }
}

impl<'de> Deserialize<'de> for Email {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Trimmed(email) = Trimmed::deserialize(deserializer)?;
        match email {
            Some(text) if text.len() > Self::MAX => {
                Err(D::Error::custom(format_args!("must have at most {} bytes", Self::MAX)))
            }
            Some(text) if !Self::is_plausible(&text) => Err(D::Error::custom("must be an e-mail address")),
            email => Ok(Self(email)),
        }
    }
}

/// The e-mail address of orders that are looked for, without white space around it: whatever Stripe once took for one.
#[derive(PartialEq, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Address(pub(crate) String);

impl TryFrom<String> for Address {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        crate::request::address(&text).map(|address| Self(address.to_owned())).ok_or(crate::request::NO_ADDRESS)
    }
}

/// A boolean: as such, or `true`, `1`, `on`, or `false`, `0`, `off`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Flag(pub(crate) bool);

impl Flag {
    const EXPECTED: &str = "true or false";
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match plain(deserializer, Self::EXPECTED)? {
            Unexpected::Bool(flag) => Ok(Self(flag)),
            Unexpected::Unsigned(1) | Unexpected::Str("true" | "1" | "on") => Ok(Self(true)),
            Unexpected::Unsigned(0) | Unexpected::Str("false" | "0" | "off") => Ok(Self(false)),
            other => Err(D::Error::invalid_value(other, &Self::EXPECTED)),
        }
    }
}

/// A whole number that is not negative, or its digits. One above [`u64::MAX`] reads as that: no rule takes either.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Whole(pub(crate) u64);

impl Whole {
    const EXPECTED: &str = "a whole number";

    /// The number that these digits are, with a sign or without; `None` if they are none.
    fn from_digits(text: &str) -> Option<Result<Self, Negative>> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        // Only a number above `u64::MAX` does not parse.
        let number = Self(digits.parse().unwrap_or(u64::MAX));
        Some(if digits.len() < text.len() { Err(Negative) } else { Ok(number) })
    }
}

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = plain(deserializer, Self::EXPECTED)?;
        let number = match value {
            Unexpected::Unsigned(number) => Some(Ok(Self(number))),
            Unexpected::Signed(number) => Some(number.try_into().map(Self).map_err(|_| Negative)),
            Unexpected::Str(text) => Self::from_digits(text),
            _ => None,
        };
        let number = number.ok_or_else(|| D::Error::invalid_value(value, &Self::EXPECTED))?;
        number.map_err(|Negative| D::Error::custom("must not be negative"))
    }
}

/// A number is below 0.
struct Negative;

/// How many units to add: at least one.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct AddedUnits(pub(crate) Quantity);

/// How many units a line is to have; `None` for 0, which removes it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct WantedUnits(pub(crate) Option<Quantity>);

impl<'de> Deserialize<'de> for AddedUnits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |units| Quantity::new(units).map(Self);
        deserializer.deserialize_newtype_struct(QUANTITY, QuantityVisitor(read))
    }
}

impl<'de> Deserialize<'de> for WantedUnits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read =
            |units| if units == 0 { Ok(Self(None)) } else { Quantity::new(units).map(|units| Self(Some(units))) };
        deserializer.deserialize_newtype_struct(QUANTITY, QuantityVisitor(read))
    }
}

struct QuantityVisitor<F>(F);

impl<'de, T, F: FnOnce(u64) -> Result<T, Rejection>> Visitor<'de> for QuantityVisitor<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Whole::EXPECTED)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        let Whole(units) = Whole::deserialize(deserializer)?;
        (self.0)(units).map_err(|rejection| D::Error::custom(problem(&rejection)))
    }
}

/// Whether the shopper may change a line's quantity at Stripe.
///
/// An object without members says nothing.
#[derive(PartialEq, Debug, Deserialize)]
#[serde(try_from = "Bounds")]
pub(crate) struct Adjustable(pub(crate) Option<AdjustableQuantity>);

#[derive(Deserialize)]
struct Bounds {
    enabled: Option<Flag>,
    minimum: Option<Whole>,
    maximum: Option<Whole>,
}

impl TryFrom<Bounds> for Adjustable {
    type Error = MemberProblem;

    fn try_from(Bounds { enabled, minimum, maximum }: Bounds) -> Result<Self, MemberProblem> {
        let bound = |bound: Option<Whole>| bound.map(|Whole(units)| units);
        let Some(Flag(enabled)) = enabled else {
            let nothing = minimum.is_none() && maximum.is_none();
            return if nothing {
                Ok(Self(None))
            } else {
                Err(MemberProblem { member: "enabled", problem: "is required".to_owned() })
            };
        };
        let bounds = AdjustableQuantity::new(enabled, bound(minimum), bound(maximum));
        bounds.map(|bounds| Self(Some(bounds))).map_err(|rejection| {
            let member = if rejection == Rejection::Minimum { "minimum" } else { "maximum" };
            MemberProblem { member, problem: problem(&rejection) }
        })
    }
}

/// A line's own text for the shopper.
#[derive(PartialEq, Debug, Deserialize)]
#[serde(try_from = "Scalar")]
pub(crate) struct Note(pub(crate) Description);

impl TryFrom<Scalar> for Note {
    type Error = String;

    fn try_from(Scalar(text): Scalar) -> Result<Self, String> {
        Description::new(text).map(Self).map_err(|rejection| problem(&rejection))
    }
}

/// What tells a line from others of the same price.
#[derive(PartialEq, Debug, Deserialize)]
#[serde(try_from = "Members<String, String>")]
pub(crate) struct Distinction(pub(crate) Attributes);

impl TryFrom<Members<String, String>> for Distinction {
    type Error = String;

    fn try_from(Members(entries): Members<String, String>) -> Result<Self, String> {
        Attributes::new(entries).map(Self).map_err(|rejection| match rejection {
            Rejection::Attribute { key, reason } => format!("have the key {key:?}, which {reason}"),
            _ => format!("have more than {} keys", Attributes::MAX_KEYS),
        })
    }
}

/// What cannot be changed, whatever is said of it.
#[derive(PartialEq, Debug)]
pub(crate) struct Unchangeable;

impl<'de> Deserialize<'de> for Unchangeable {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(D::Error::custom("cannot be changed: they are given when the line is added"))
    }
}

/// An object's members in the order in which they were sent.
#[derive(PartialEq, Debug)]
pub(crate) struct Members<K, V>(pub(crate) Vec<(K, V)>);

impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for Members<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor<K, V>(PhantomData<(K, V)>);

        impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Visitor<'de> for MembersVisitor<K, V> {
            type Value = Members<K, V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Members<K, V>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = entries.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor(PhantomData))
    }
}

/// A text for which blank is a value of its own: in an update it takes the text away.
pub(crate) fn maybe_blank<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// A line's own text where a blank one is absent: an addition has no way to take a text away.
pub(crate) fn unless_blank<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Note>, D::Error> {
    let note = Option::<Note>::deserialize(deserializer)?;
    Ok(note.filter(|Note(text)| !text.is_blank()))
}

/// A list that has elements.
pub(crate) fn not_empty<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let list = Vec::deserialize(deserializer)?;
    if list.is_empty() { Err(D::Error::custom("must not be empty")) } else { Ok(list) }
}
