//! A catalogue that is read again at every start, beside what was kept of it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::file::{Catalog, Kind};
use crate::state::State;

/// The objects of a catalogue as its file had them at a start. The next start sees by it what changed in the file.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Given(Vec<(Kind, Value)>);

impl Given {
    pub(crate) fn of(catalog: &Catalog) -> Self {
        Self(catalog.objects.clone())
    }

    fn find(&self, kind: Kind, id: &Value) -> Option<&Value> {
        self.0.iter().find(|(other, object)| *other == kind && object["id"] == *id).map(|(_, object)| object)
    }
}

/// Whether two objects of a file say the same; one without a time has that of the start.
fn is_same(one: &Value, other: &Value) -> bool {
    let timeless = |object: &Value| {
        let mut object = object.clone();
        object["created"] = Value::Null;
        object["updated"] = Value::Null;
        object
    };
    timeless(one) == timeless(other)
}

impl Catalog {
    /// Puts what the file changed since `before` into a state that has what was kept: what the file says anew counts, and
    /// else what was changed, made or deleted at the sandbox.
    pub(crate) fn refill(mut self, state: &mut State, url: &str, before: &Given) {
        for (kind, object) in before.0.iter().filter(|(kind, object)| self.find(*kind, &object["id"]).is_none()) {
            withdraw(state, *kind, object);
        }
        self.objects
            .retain(|(kind, object)| before.find(*kind, &object["id"]).is_none_or(|before| !is_same(before, object)));
        self.fill(state, url);
    }

    fn find(&self, kind: Kind, id: &Value) -> Option<&Value> {
        self.objects.iter().find(|(other, object)| *other == kind && object["id"] == *id).map(|(_, object)| object)
    }
}

/// Takes off sale what the file has no longer. Sessions may name it, so it stays.
fn withdraw(state: &mut State, kind: Kind, object: &Value) {
    let id = object["id"].as_str().unwrap_or_default();
    let table = kind.table(state);
    if let Some(mut kept) = table.get(id).cloned() {
        let field = if kind == Kind::Coupons { "valid" } else { "active" };
        kept[field] = json!(false);
        table.put(id, kept);
    }
}
