//! DynamoDB's expressions, put together clause by clause.

use std::collections::HashMap;
use std::fmt::Write as _;

use aws_sdk_dynamodb::types::AttributeValue;

/// An update expression with its guard, its names and its values.
#[derive(Default)]
pub(crate) struct Update {
    set: Vec<String>,
    remove: Vec<String>,
    add: Vec<String>,
    delete: Vec<String>,
    guard: Vec<String>,
    pub(crate) names: HashMap<String, String>,
    pub(crate) values: HashMap<String, AttributeValue>,
}

impl Update {
    /// A placeholder for an attribute's name.
    pub(crate) fn name(&mut self, name: &str) -> String {
        if let Some((placeholder, _)) = self.names.iter().find(|(_, known)| *known == name) {
            return placeholder.clone();
        }
        let placeholder = format!("#{}", self.names.len());
        self.names.insert(placeholder.clone(), name.to_owned());
        placeholder
    }

    /// A placeholder for a value.
    pub(crate) fn value(&mut self, value: AttributeValue) -> String {
        let placeholder = format!(":{}", self.values.len());
        self.values.insert(placeholder.clone(), value);
        placeholder
    }

    pub(crate) fn set(&mut self, clause: String) {
        self.set.push(clause);
    }

    pub(crate) fn remove(&mut self, path: String) {
        self.remove.push(path);
    }

    pub(crate) fn add(&mut self, clause: String) {
        self.add.push(clause);
    }

    pub(crate) fn delete(&mut self, clause: String) {
        self.delete.push(clause);
    }

    /// One more condition that must hold.
    pub(crate) fn guard(&mut self, condition: String) {
        self.guard.push(condition);
    }

    pub(crate) fn expression(&self) -> String {
        let mut text = String::new();
        for (keyword, clauses) in
            [("SET", &self.set), ("REMOVE", &self.remove), ("ADD", &self.add), ("DELETE", &self.delete)]
        {
            if !clauses.is_empty() {
                let _ = write!(text, "{keyword} {} ", clauses.join(", "));
            }
        }
        text
    }

    pub(crate) fn condition(&self) -> String {
        self.guard.iter().map(|condition| format!("({condition})")).collect::<Vec<_>>().join(" AND ")
    }
}

/// Alternatives, of which one must hold.
pub(crate) fn any(conditions: impl IntoIterator<Item = String>) -> String {
    conditions.into_iter().collect::<Vec<_>>().join(" OR ")
}

/// Conditions without `OR`, all of which must hold. Binds tighter than [`any`], so that neither needs parentheses, of
/// which DynamoDB refuses redundant ones.
pub(crate) fn all(conditions: impl IntoIterator<Item = String>) -> String {
    conditions.into_iter().collect::<Vec<_>>().join(" AND ")
}
