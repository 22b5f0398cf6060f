//! Objects put together from JSON that is written already.
//!
//! A cart of a hundred lines is mostly prices and products, whose JSON is at hand. Copying it is ten times faster than a
//! serialiser that writes it again.

use crate::json;

/// An object or a list, as it grows.
pub(crate) struct Spliced(String);

impl Spliced {
    /// Nothing yet, with room for `capacity` bytes.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self(String::with_capacity(capacity))
    }

    /// Opens an object or a list.
    pub(crate) fn open(&mut self, bracket: char) {
        self.separate();
        self.0.push(bracket);
    }

    /// Opens the object or the list that is the member `key`.
    pub(crate) fn open_member(&mut self, key: &str, bracket: char) {
        self.key(key);
        self.0.push(bracket);
    }

    /// Closes an object or a list.
    pub(crate) fn close(&mut self, bracket: char) {
        self.0.push(bracket);
    }

    /// Copies all members of `object`, the text of a JSON object.
    pub(crate) fn members_of(&mut self, object: &str) {
        let members = object.strip_prefix('{').and_then(|object| object.strip_suffix('}'));
        debug_assert!(members.is_some(), "not an object: {object}");
        if let Some(members) = members.filter(|members| !members.is_empty()) {
            self.separate();
            self.0.push_str(members);
        }
    }

    /// Copies `value`, the text of a JSON value, as the member `key`.
    pub(crate) fn member(&mut self, key: &str, value: &str) {
        self.key(key);
        self.0.push_str(value);
    }

    pub(crate) fn finish(self) -> String {
        self.0
    }

    fn key(&mut self, key: &str) {
        self.separate();
        self.0.push_str(&json::text(&key));
        self.0.push(':');
    }

    /// A comma, unless this is the first in its object or list.
    fn separate(&mut self) {
        if !self.0.is_empty() && !self.0.ends_with(['{', '[']) {
            self.0.push(',');
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn pieces_become_one_object() {
        let mut spliced = Spliced::with_capacity(0);
        spliced.open('{');
        spliced.members_of(r#"{"a":1,"b":"{"}"#);
        spliced.members_of("{}");
        spliced.open_member("list", '[');
        for _ in 0..2 {
            spliced.open('{');
            spliced.members_of(r#"{"c":[]}"#);
            spliced.members_of(r#"{"d":null}"#);
            spliced.close('}');
        }
        spliced.close(']');
        spliced.open_member("empty", '{');
        spliced.close('}');
        spliced.member("e \"\\", "[1]");
        spliced.close('}');

        let read: Value = serde_json::from_str(&spliced.finish()).unwrap();

        let line = json!({ "c": [], "d": null });
        assert_eq!(read, json!({ "a": 1, "b": "{", "list": [line, line], "empty": {}, "e \"\\": [1] }));
    }
}
