//! Objects of one kind.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use crate::protocol::refusal::Refusal;

/// An object that a table shares with the snapshots of it.
#[derive(Debug)]
pub(crate) struct Row<T>(Arc<Written<T>>);

/// An object, and its JSON once it was written, so that the next snapshot costs no more than what changed.
#[derive(Clone, Debug)]
struct Written<T> {
    object: T,
    text: OnceLock<Box<RawValue>>,
}

impl<T> Row<T> {
    fn new(object: T) -> Self {
        Self(Arc::new(Written { object, text: OnceLock::new() }))
    }
}

impl<T: Clone> Row<T> {
    fn into_object(self) -> T {
        Arc::unwrap_or_clone(self.0).object
    }
}

/// Objects with their ids, the oldest first.
pub(crate) type Rows<T> = Vec<(String, Row<T>)>;

impl<T> Clone for Row<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Serialize> Serialize for Row<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(text) = self.0.text.get() {
            return text.serialize(serializer);
        }
        let text = to_raw_value(&self.0.object).map_err(S::Error::custom)?;
        self.0.text.get_or_init(|| text).serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Row<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::new(T::deserialize(deserializer)?))
    }
}

/// Objects of one kind, in the order in which they were made.
#[derive(Debug)]
pub(crate) struct Table<T> {
    noun: &'static str,
    rows: BTreeMap<u64, (String, Row<T>)>,
    places: HashMap<String, u64>,
    next: u64,
    /// How often something was put in or taken out.
    changes: u64,
}

impl<T: Clone> Table<T> {
    pub(super) fn new(noun: &'static str) -> Self {
        Self { noun, rows: BTreeMap::new(), places: HashMap::new(), next: 0, changes: 0 }
    }

    /// A number that is another one after every change.
    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    /// All objects as they are now.
    pub(super) fn rows(&self) -> Rows<T> {
        self.rows.values().cloned().collect()
    }

    /// Puts in objects, the oldest first.
    pub(super) fn restore(&mut self, rows: Rows<T>) {
        for (id, row) in rows {
            self.put(&id, row.into_object());
        }
    }

    /// Takes out the objects that are not to be kept.
    pub(super) fn retain(&mut self, keep: impl Fn(&T) -> bool) {
        self.changes += 1;
        self.rows.retain(|_, (_, object)| keep(&object.0.object));
        self.places.retain(|_, place| self.rows.contains_key(place));
    }

    /// What Stripe calls these objects.
    pub(crate) fn noun(&self) -> &'static str {
        self.noun
    }

    /// Puts in a new object, or another one with the same id in its place.
    pub(crate) fn put(&mut self, id: &str, object: T) {
        let place = *self.places.entry(id.to_owned()).or_insert(self.next);
        self.next = self.next.max(place + 1);
        self.rows.insert(place, (id.to_owned(), Row::new(object)));
        self.changes += 1;
    }

    /// Where the next new object comes.
    pub(super) fn mark(&self) -> u64 {
        self.next
    }

    /// Takes out the objects that were made since the mark.
    pub(super) fn forget_since(&mut self, mark: u64) {
        self.changes += 1;
        for (id, _) in self.rows.split_off(&mark).into_values() {
            self.places.remove(&id);
        }
    }

    pub(crate) fn get(&self, id: &str) -> Option<&T> {
        self.rows.get(self.places.get(id)?).map(|(_, row)| &row.0.object)
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<T> {
        self.changes += 1;
        self.rows.remove(&self.places.remove(id)?).map(|(_, row)| row.into_object())
    }

    /// The object that a URL names.
    pub(crate) fn found(&self, id: &str) -> Result<&T, Refusal> {
        self.get(id).ok_or_else(|| Refusal::NoSuchObject { noun: self.noun, id: id.to_owned() })
    }

    /// The object that a parameter names.
    pub(crate) fn referred(&self, id: &str, param: &str) -> Result<&T, Refusal> {
        self.get(id).ok_or_else(|| Refusal::UnknownReference {
            noun: self.noun,
            id: id.to_owned(),
            param: param.to_owned(),
        })
    }

    /// All objects with their ids, the newest first: the order of Stripe's lists.
    pub(crate) fn newest(&self) -> impl Iterator<Item = (&str, &T)> {
        self.rows.values().rev().map(|(id, row)| (id.as_str(), &row.0.object))
    }
}
