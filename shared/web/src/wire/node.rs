//! What a body is made of, in the order in which it was sent.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

/// A value of JSON's whose objects keep their order: it decides the order of a cart's lines.
///
/// `serde_json::Value` sorts keys, which other crates of the workspace rely on.
#[derive(PartialEq, Debug)]
pub(crate) enum Node {
    Null,
    Flag(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Map),
}

/// An object's members; each key is there once.
pub(crate) type Map = Vec<(String, Node)>;

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
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

    fn visit_u64<E>(self, number: u64) -> Result<Node, E> {
        Ok(Node::Number(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Node, E> {
        Ok(Node::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Node, E> {
        Ok(Number::from_f64(number).map_or(Node::Null, Node::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Node, E> {
        Ok(Node::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element()? {
            list.push(element);
        }
        Ok(Node::List(list))
    }

    /// A key that is sent twice counts once, with its last value in its first place, as in JavaScript and PHP.
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut map = Map::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        while let Some((key, node)) = entries.next_entry::<String, Node>()? {
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
        let node: Node = serde_json::from_str(r#"{"b": 1, "a": [true, null, -1, 1.5], "b": "x"}"#).unwrap();

        let list =
            vec![Node::Flag(true), Node::Null, Node::Number((-1).into()), Node::Number(Number::from_f64(1.5).unwrap())];
        let expected = vec![("b".to_owned(), Node::Text("x".to_owned())), ("a".to_owned(), Node::List(list))];
        assert_eq!(node, Node::Map(expected));
    }
}
