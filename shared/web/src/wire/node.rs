//! What a body is made of, in the order in which it was sent.

use std::collections::HashMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::wire::numbers::{self, Numbers};

/// A value of JSON's whose objects keep their order: it decides the order of a cart's lines.
///
/// `serde_json::Value` sorts keys, which other crates of the workspace rely on.
#[derive(PartialEq, Debug)]
pub(crate) enum Node {
    Null,
    Flag(bool),
    /// A number of JSON's, as it was written.
    Number(String),
    Text(String),
    /// A field of a form that was left empty.
    Blank,
    /// A field of a form that is not UTF-8. Only who reads it minds.
    Garbled,
    List(Vec<Node>),
    Map(Map),
}

/// An object's members; each key is there once.
pub(crate) type Map = Vec<(String, Node)>;

impl Node {
    /// Reads JSON.
    ///
    /// # Errors
    ///
    /// It is not JSON, or nested too deeply.
    pub(crate) fn of_json(text: &[u8]) -> Result<Self, serde_json::Error> {
        // The first fails where a number is beyond any `f64`, too.
        Self::parsed(text, text).or_else(|_| Self::parsed(&numbers::without_amounts(text), text))
    }

    /// Reads JSON whose numbers stand in a text of the same shape.
    fn parsed(json: &[u8], written: &[u8]) -> Result<Self, serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let node = NodeSeed(&mut Numbers::of(written)).deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(node)
    }
}

/// Reads a node; numbers are told how they were written.
struct NodeSeed<'a, 'de>(&'a mut Numbers<'de>);

impl<'de> DeserializeSeed<'de> for NodeSeed<'_, '_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for NodeSeed<'_, '_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Node, E> {
        Ok(Node::Flag(flag))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Node, E> {
        Ok(Node::Number(self.0.next()))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Node, E> {
        Ok(Node::Number(self.0.next()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Number(self.0.next()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Node, E> {
        Ok(Node::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element_seed(NodeSeed(self.0))? {
            list.push(element);
        }
        Ok(Node::List(list))
    }

    /// A key that is sent twice counts once, with its last value in its first place, as in JavaScript and PHP.
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut map = Map::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        while let Some(key) = entries.next_key::<String>()? {
            let node = entries.next_value_seed(NodeSeed(self.0))?;
            if let Some(place) = places.get(&key) {
                map[*place].1 = node;
            } else {
                places.insert(key.clone(), map.len());
                map.push((key, node));
            }
        }
        Ok(Node::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_the_order_in_which_they_were_sent() {
        let node = Node::of_json(br#"{"b": 1, "a": [true, null, -1, 1.5], "b": "x"}"#).unwrap();

        let list = vec![Node::Flag(true), Node::Null, Node::Number("-1".to_owned()), Node::Number("1.5".to_owned())];
        let expected = vec![("b".to_owned(), Node::Text("x".to_owned())), ("a".to_owned(), Node::List(list))];
        assert_eq!(node, Node::Map(expected));
    }
}
