//! From nodes to the structs of requests.

use std::slice;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use crate::wire::fault::Fault;
use crate::wire::node::{Map, Node};
use crate::wire::numbers::WholeNumber;

/// The name by which a newtype says that it is a quantity: what is wrong with it has a code of its own.
pub(crate) const QUANTITY: &str = "cart::Quantity";

/// The name by which a newtype says that it is a text: a number is one as it was written.
pub(crate) const SCALAR: &str = "web::Scalar";

/// Reads JSON and forms alike: in a form numbers and booleans arrive as text and lists as objects with indices for keys,
/// so what reads as one is taken for one in JSON as well.
///
/// - A member that is null is absent, of a list too. One that a struct does not have is not looked at.
/// - A field of a form that was left empty is absent where it is an [`Option`], and in a map. Where it is read as text, it is
///   an empty one. In a map an empty text of JSON's is absent, too: Stripe keeps none.
/// - An object whose keys are indices is a list, in their order, whatever is missing between them.
/// - An empty list is an empty object, as PHP writes it; so is an empty text where keys are the client's own.
/// - A number of JSON's is whole where it has no fraction, however it is written: `1`, `1.0`, `1e0`.
impl<'de> Deserializer<'de> for &'de Node {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            Node::Null => visitor.visit_unit(),
            Node::Flag(flag) => visitor.visit_bool(*flag),
            Node::Number(text) => number(text, visitor),
            Node::Text(text) => visitor.visit_borrowed_str(text),
            Node::Blank => visitor.visit_borrowed_str(""),
            Node::Garbled => Err(Fault::new(NOT_UTF8)),
            Node::List(_) => self.deserialize_seq(visitor),
            Node::Map(_) => self.deserialize_map(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if matches!(self, Node::Null | Node::Blank) { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Fault> {
        match (name, self) {
            (QUANTITY, _) => visitor.visit_newtype_struct(self).map_err(Fault::of_quantity),
            (SCALAR, Node::Number(text)) => visitor.visit_newtype_struct(BorrowedStrDeserializer::new(text)),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            Node::List(list) => visitor.visit_seq(ElementAccess((0..).zip(list))),
            Node::Map(map) => visitor.visit_seq(ElementAccess(by_index(map)?.into_iter())),
            other => Err(other.is_no("a list")),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            Node::Map(map) => visitor.visit_map(MemberAccess::new(map, Absent::Blank)),
            Node::List(list) if list.is_empty() => visitor.visit_map(MemberAccess::new(&[], Absent::Blank)),
            Node::Text(text) if text.is_empty() => visitor.visit_map(MemberAccess::new(&[], Absent::Blank)),
            other => Err(other.is_no("an object")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self {
            Node::Map(map) => visitor.visit_map(MemberAccess::new(map, Absent::Null)),
            Node::List(list) if list.is_empty() => visitor.visit_map(MemberAccess::new(&[], Absent::Null)),
            other => Err(other.is_no("an object")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct tuple
        tuple_struct enum identifier
    }
}

/// What is wrong with a text whose bytes are no UTF-8.
const NOT_UTF8: &str = "must be UTF-8";

impl Node {
    /// The fault of a node that is to be `expected`.
    fn is_no(&self, expected: &str) -> Fault {
        match self {
            Self::Blank => Fault::new("is required"),
            Self::Garbled => Fault::new(NOT_UTF8),
            _ => Fault::new(format!("must be {expected}")),
        }
    }
}

/// Hands on a number of JSON's: as a whole one where it has no fraction, whatever else it is written with. One below 0 reads as -1,
/// and one above [`u64::MAX`] as that: no field takes either.
fn number<'de, V: Visitor<'de>>(text: &str, visitor: V) -> Result<V::Value, Fault> {
    if let Ok(number) = text.parse() {
        return visitor.visit_u64(number);
    }
    match WholeNumber::of(text) {
        Some(WholeNumber::Natural(number)) => visitor.visit_u64(number),
        Some(WholeNumber::Negative) => visitor.visit_i64(-1),
        // No field takes one, whichever it is.
        None => visitor.visit_f64(f64::NAN),
    }
}

/// The elements of what reads as a list, with their indices; `None` where it is none.
pub(crate) fn elements(node: &Node) -> Option<Vec<(u64, &Node)>> {
    let mut elements = match node {
        Node::List(list) => (0..).zip(list).collect(),
        Node::Map(map) => by_index(map).ok()?,
        _ => return None,
    };
    elements.retain(|(_, node)| is_element(node));
    Some(elements)
}

/// Whether an element of a list counts.
fn is_element(node: &Node) -> bool {
    !matches!(node, Node::Null | Node::Blank)
}

/// The members of an object whose keys are indices, in their order.
fn by_index(map: &Map) -> Result<Vec<(u64, &Node)>, Fault> {
    let elements = map.iter().map(|(key, node)| Some((index(key)?, node)));
    let mut elements: Vec<_> = elements.collect::<Option<_>>().ok_or_else(|| Fault::new("must be a list"))?;
    elements.sort_by_key(|(index, _)| *index);
    Ok(elements)
}

/// The index that a key is.
fn index(key: &str) -> Option<u64> {
    key.bytes().all(|digit| digit.is_ascii_digit()).then(|| key.parse().ok()).flatten()
}

/// A list's elements, with the indices that errors name.
struct ElementAccess<I>(I);

impl<'de, I: Iterator<Item = (u64, &'de Node)>> SeqAccess<'de> for ElementAccess<I> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some((index, node)) = self.0.find(|(_, node)| is_element(node)) else {
            return Ok(None);
        };
        seed.deserialize(node).map(Some).map_err(|fault| fault.in_element(index))
    }
}

/// Which members of an object do not count.
#[derive(Clone, Copy)]
enum Absent {
    /// Those that are null: a struct knows which of its fields may be blank.
    Null,
    /// Those that are null or blank.
    Blank,
}

impl Absent {
    fn holds(self, node: &Node) -> bool {
        match node {
            Node::Null => true,
            Node::Blank => matches!(self, Self::Blank),
            Node::Text(text) => matches!(self, Self::Blank) && text.is_empty(),
            _ => false,
        }
    }
}

/// An object's members, with the keys that errors name.
struct MemberAccess<'de> {
    rest: slice::Iter<'de, (String, Node)>,
    /// The member whose key was read last.
    member: Option<&'de (String, Node)>,
    absent: Absent,
}

impl<'de> MemberAccess<'de> {
    fn new(members: &'de [(String, Node)], absent: Absent) -> Self {
        Self { rest: members.iter(), member: None, absent }
    }
}

impl<'de> MapAccess<'de> for MemberAccess<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let absent = self.absent;
        self.member = self.rest.find(|(_, node)| !absent.holds(node));
        let Some((key, _)) = self.member else { return Ok(None) };
        let key_of = seed.deserialize(BorrowedStrDeserializer::new(key));
        key_of.map(Some).map_err(|fault: Fault| fault.in_member(key))
    }

    /// The value of the key that was read last; null if none was.
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let Some((key, node)) = self.member else { return seed.deserialize(&Node::Null) };
        seed.deserialize(node).map_err(|fault| fault.in_member(key))
    }
}
