//! The kinds of fields that requests have.

use std::fmt;
use std::marker::PhantomData;

use cart::{AdjustableQuantity, Description, PriceId, Quantity, Rejection};
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Unexpected, Visitor};
use serde_json::Number;

use crate::wire::deserializer::QUANTITY;

/// A value that a rule of the cart's refused.
const OUT_OF_BOUNDS: &str = "is out of bounds";

/// The id of a price.
#[derive(PartialEq, Debug)]
pub(crate) struct Price(pub(crate) PriceId);

impl<'de> Deserialize<'de> for Price {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PriceVisitor;

        impl Visitor<'_> for PriceVisitor {
            type Value = Price;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Price, E> {
                text.parse().map(Price).map_err(|_| E::custom("must be the id of a price"))
            }
        }

        deserializer.deserialize_str(PriceVisitor)
    }
}

/// Text; numbers and booleans as they are written.
#[derive(PartialEq, Debug)]
pub(crate) struct Scalar(pub(crate) String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ScalarVisitor;

        impl Visitor<'_> for ScalarVisitor {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar(text.to_owned()))
            }

            fn visit_bool<E>(self, flag: bool) -> Result<Scalar, E> {
                Ok(Scalar(flag.to_string()))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
                Ok(Scalar(number.to_string()))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
                Ok(Scalar(number.to_string()))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Scalar, E> {
                let written = Number::from_f64(number).map(|number| Scalar(number.to_string()));
                written.ok_or_else(|| E::invalid_value(Unexpected::Float(number), &self))
            }
        }

        deserializer.deserialize_any(ScalarVisitor)
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
        text.len() <= Self::MAX
            && !text.contains(char::is_whitespace)
            && matches!(text.rsplit_once('@'), Some((name, host)) if !name.is_empty() && host.contains('.'))
    }
}

impl<'de> Deserialize<'de> for Email {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Trimmed(email) = Trimmed::deserialize(deserializer)?;
        match email {
            Some(text) if !Self::is_plausible(&text) => Err(D::Error::custom("must be an e-mail address")),
            email => Ok(Self(email)),
        }
    }
}

/// A boolean: as such, or `true`, `1`, `on`, or `false`, `0`, `off`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Flag(pub(crate) bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FlagVisitor;

        impl Visitor<'_> for FlagVisitor {
            type Value = Flag;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true or false")
            }

            fn visit_bool<E>(self, flag: bool) -> Result<Flag, E> {
                Ok(Flag(flag))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Flag, E> {
                match number {
                    1 => Ok(Flag(true)),
                    0 => Ok(Flag(false)),
                    _ => Err(E::invalid_value(Unexpected::Unsigned(number), &self)),
                }
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Flag, E> {
                match text {
                    "true" | "1" | "on" => Ok(Flag(true)),
                    "false" | "0" | "off" => Ok(Flag(false)),
                    _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
                }
            }
        }

        deserializer.deserialize_any(FlagVisitor)
    }
}

/// A whole number that is not negative, or its digits. One above [`u64::MAX`] reads as that: no rule takes either.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Whole(pub(crate) u64);

/// 2⁶⁴, the first number above [`u64::MAX`].
const BEYOND_U64: f64 = 18_446_744_073_709_551_616.0;

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WholeVisitor;

        impl Visitor<'_> for WholeVisitor {
            type Value = Whole;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number")
            }

            fn visit_u64<E>(self, number: u64) -> Result<Whole, E> {
                Ok(Whole(number))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Whole, E> {
                number.try_into().map(Whole).map_err(|_| negative())
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Whole, E> {
                match number {
                    _ if number < 0.0 && number.fract() == 0.0 => Err(negative()),
                    _ if number >= BEYOND_U64 => Ok(Whole(u64::MAX)),
                    _ => Err(E::invalid_value(Unexpected::Float(number), &self)),
                }
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Whole, E> {
                let digits = text.strip_prefix('-').unwrap_or(text);
                if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
                    return Err(E::invalid_value(Unexpected::Str(text), &self));
                }
                if digits.len() < text.len() {
                    return Err(negative());
                }
                // Only a number above `u64::MAX` does not parse.
                Ok(Whole(digits.parse().unwrap_or(u64::MAX)))
            }
        }

        fn negative<E: Error>() -> E {
            E::custom("must not be negative")
        }

        deserializer.deserialize_any(WholeVisitor)
    }
}

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
        f.write_str("a whole number")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        let Whole(units) = Whole::deserialize(deserializer)?;
        (self.0)(units).map_err(|rejection| match rejection {
            Rejection::QuantityTooSmall => D::Error::custom(format_args!("must be at least {}", Quantity::ONE)),
            _ => D::Error::custom(format_args!("must be at most {}", Quantity::MAX)),
        })
    }
}

/// Whether the shopper may change a line's quantity at Stripe.
#[derive(PartialEq, Debug, Deserialize)]
#[serde(try_from = "Bounds")]
pub(crate) struct Adjustable(pub(crate) AdjustableQuantity);

#[derive(Deserialize)]
struct Bounds {
    enabled: Flag,
    minimum: Option<Whole>,
    maximum: Option<Whole>,
}

impl TryFrom<Bounds> for Adjustable {
    type Error = String;

    fn try_from(Bounds { enabled, minimum, maximum }: Bounds) -> Result<Self, String> {
        let bound = |bound: Option<Whole>| bound.map(|Whole(units)| units);
        AdjustableQuantity::new(enabled.0, bound(minimum), bound(maximum)).map(Self).map_err(|rejection| {
            let member = if rejection == Rejection::Minimum { "minimum" } else { "maximum" };
            format!(".{member} {OUT_OF_BOUNDS}")
        })
    }
}

/// A line's own text for the shopper.
#[derive(PartialEq, Debug, Deserialize)]
#[serde(try_from = "Scalar")]
pub(crate) struct Note(pub(crate) Description);

impl TryFrom<Scalar> for Note {
    type Error = &'static str;

    fn try_from(Scalar(text): Scalar) -> Result<Self, &'static str> {
        Description::new(text).map(Self).map_err(|_| OUT_OF_BOUNDS)
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

/// A list that has elements.
pub(crate) fn not_empty<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let list = Vec::deserialize(deserializer)?;
    if list.is_empty() { Err(D::Error::custom("must not be empty")) } else { Ok(list) }
}
