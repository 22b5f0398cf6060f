//! Objects of one kind.

use std::collections::{BTreeMap, HashMap};

use crate::protocol::refusal::Refusal;

/// Objects of one kind, in the order in which they were made.
#[derive(Debug)]
pub(crate) struct Table<T> {
    noun: &'static str,
    rows: BTreeMap<u64, (String, T)>,
    places: HashMap<String, u64>,
    next: u64,
}

impl<T> Table<T> {
    pub(super) fn new(noun: &'static str) -> Self {
        Self { noun, rows: BTreeMap::new(), places: HashMap::new(), next: 0 }
    }

    /// What Stripe calls these objects.
    pub(crate) fn noun(&self) -> &'static str {
        self.noun
    }

    /// Puts in a new object, or another one with the same id in its place.
    pub(crate) fn put(&mut self, id: &str, object: T) {
        let place = *self.places.entry(id.to_owned()).or_insert(self.next);
        self.next = self.next.max(place + 1);
        self.rows.insert(place, (id.to_owned(), object));
    }

    /// Where the next new object comes.
    pub(super) fn mark(&self) -> u64 {
        self.next
    }

    /// Takes out the objects that were made since the mark.
    pub(super) fn forget_since(&mut self, mark: u64) {
        for (id, _) in self.rows.split_off(&mark).into_values() {
            self.places.remove(&id);
        }
    }

    pub(crate) fn get(&self, id: &str) -> Option<&T> {
        self.rows.get(self.places.get(id)?).map(|(_, object)| object)
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<T> {
        self.rows.remove(&self.places.remove(id)?).map(|(_, object)| object)
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
        self.rows.values().rev().map(|(id, object)| (id.as_str(), object))
    }
}
