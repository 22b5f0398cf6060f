//! From nodes to the structs of requests.

use std::slice;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use crate::wire::fault::Fault;
use crate::wire::node::{Map, Node};

/// The name by which a newtype says that it is a quantity: what is wrong with it has a code of its own.
pub(crate) const QUANTITY: &str = "cart::Quantity";

/// Reads JSON and forms alike: in a form numbers and booleans arrive as text and lists as objects with indices for keys,
/// so what reads as one is taken for one in JSON as well.
///
/// - A struct's field that is null is absent. One that the struct does not have is not looked at.
/// - An object whose keys are indices is a list, in their order, whatever is missing between them.
/// - An empty list or text is an empty map, as PHP writes it. For a struct it is not.
impl<'de> Deserializer<'de> for &'de Node {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            Node::Null => visitor.visit_unit(),
            Node::Flag(flag) => visitor.visit_bool(*flag),
            Node::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => visitor.visit_u64(number),
                (None, Some(number)) => visitor.visit_i64(number),
                // Every number that is no integer is an `f64`.
                (None, None) => visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN)),
            },
            Node::Text(text) => visitor.visit_borrowed_str(text),
            Node::List(_) => self.deserialize_seq(visitor),
            Node::Map(_) => self.deserialize_map(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if matches!(self, Node::Null) { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Fault> {
        let read = visitor.visit_newtype_struct(self);
        if name == QUANTITY { read.map_err(Fault::of_quantity) } else { read }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            Node::List(list) => visitor.visit_seq(ElementAccess((0..).zip(list))),
            Node::Map(map) => visitor.visit_seq(ElementAccess(by_index(map)?.into_iter())),
            _ => Err(Fault::new("must be a list")),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            Node::Map(map) => visitor.visit_map(MemberAccess::new(map, Nulls::Kept)),
            Node::List(list) if list.is_empty() => visitor.visit_map(MemberAccess::new(&[], Nulls::Kept)),
            Node::Text(text) if text.is_empty() => visitor.visit_map(MemberAccess::new(&[], Nulls::Kept)),
            _ => Err(Fault::new("must be an object")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self {
            Node::Map(map) => visitor.visit_map(MemberAccess::new(map, Nulls::Absent)),
            _ => Err(Fault::new("must be an object")),
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
        let Some((index, node)) = self.0.next() else { return Ok(None) };
        seed.deserialize(node).map(Some).map_err(|fault| fault.in_element(index))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint().1
    }
}

/// Whether a member that is null counts.
#[derive(Clone, Copy, PartialEq)]
enum Nulls {
    Absent,
    Kept,
}

/// An object's members, with the keys that errors name.
struct MemberAccess<'de> {
    rest: slice::Iter<'de, (String, Node)>,
    /// The member whose key was read last.
    member: Option<&'de (String, Node)>,
    nulls: Nulls,
}

impl<'de> MemberAccess<'de> {
    fn new(members: &'de [(String, Node)], nulls: Nulls) -> Self {
        Self { rest: members.iter(), member: None, nulls }
    }
}

impl<'de> MapAccess<'de> for MemberAccess<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let nulls = self.nulls;
        self.member = self.rest.find(|(_, node)| nulls == Nulls::Kept || !matches!(node, Node::Null));
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
