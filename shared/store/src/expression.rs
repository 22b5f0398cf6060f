//! DynamoDB's expressions, put together clause by clause.

use std::collections::HashMap;
use std::fmt::{Display, Write as _};

use aws_sdk_dynamodb::types::AttributeValue;

/// An update expression with its guard, its names and its values, as it grows.
///
/// Attributes of carts stand in it by their own names. Only the key, `number`, is a reserved word.
///
/// Source: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html>
#[derive(Default)]
pub(crate) struct Update {
    set: String,
    remove: String,
    add: String,
    delete: String,
    guard: String,
    names: Vec<String>,
    values: Vec<AttributeValue>,
}

/// The same in DynamoDB's words. It takes nothing that is empty.
pub(crate) struct Expression {
    pub(crate) update: Option<String>,
    pub(crate) condition: Option<String>,
    pub(crate) names: Option<HashMap<String, String>>,
    pub(crate) values: Option<HashMap<String, AttributeValue>>,
}

impl Update {
    /// A placeholder for an attribute's name that comes from outside: it may be a reserved word, or hold a sign.
    ///
    /// Source: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ExpressionAttributeNames.html>
    pub(crate) fn name(&mut self, name: &str) -> String {
        if let Some(index) = self.names.iter().position(|known| known == name) {
            return placeholder('#', index);
        }
        self.names.push(name.to_owned());
        placeholder('#', self.names.len() - 1)
    }

    /// A placeholder for a value.
    pub(crate) fn value(&mut self, value: AttributeValue) -> String {
        if let Some(index) = self.values.iter().position(|known| *known == value) {
            return placeholder(':', index);
        }
        self.values.push(value);
        placeholder(':', self.values.len() - 1)
    }

    pub(crate) fn set(&mut self, clause: impl Display) {
        clause_of(&mut self.set, "SET ", clause);
    }

    pub(crate) fn remove(&mut self, path: impl Display) {
        clause_of(&mut self.remove, "REMOVE ", path);
    }

    pub(crate) fn add(&mut self, clause: impl Display) {
        clause_of(&mut self.add, "ADD ", clause);
    }

    pub(crate) fn delete(&mut self, clause: impl Display) {
        clause_of(&mut self.delete, "DELETE ", clause);
    }

    /// One more condition that must hold. It may have alternatives.
    pub(crate) fn guard(&mut self, condition: impl Display) {
        if !self.guard.is_empty() {
            self.guard.push_str(" AND ");
        }
        let start = self.guard.len();
        // Nothing that is put here fails to be written.
        let _ = write!(self.guard, "{condition}");
        // Redundant parentheses are refused, and whatever is sent is signed, byte by byte.
        if self.guard[start..].contains(" OR ") {
            self.guard.insert(start, '(');
            self.guard.push(')');
        }
    }

    /// The lengths of the update's and the condition's text, in bytes.
    pub(crate) fn lengths(&self) -> [usize; 2] {
        [self.clauses().map(|clauses| clauses.len() + 1).sum(), self.guard.len()]
    }

    pub(crate) fn into_expression(self) -> Expression {
        let update = self.clauses().filter(|clauses| !clauses.is_empty()).collect::<Vec<_>>().join(" ");
        let names: HashMap<_, _> = (0..).map(|index| placeholder('#', index)).zip(self.names).collect();
        let values: HashMap<_, _> = (0..).map(|index| placeholder(':', index)).zip(self.values).collect();
        Expression {
            update: Some(update).filter(|update| !update.is_empty()),
            condition: Some(self.guard).filter(|condition| !condition.is_empty()),
            names: Some(names).filter(|names| !names.is_empty()),
            values: Some(values).filter(|values| !values.is_empty()),
        }
    }

    fn clauses(&self) -> impl Iterator<Item = &str> {
        [&self.set, &self.remove, &self.add, &self.delete].into_iter().map(String::as_str)
    }
}

fn clause_of(clauses: &mut String, keyword: &str, clause: impl Display) {
    clauses.push_str(if clauses.is_empty() { keyword } else { ", " });
    let _ = write!(clauses, "{clause}");
}

/// Without the formatter: a change has dozens of them.
fn placeholder(sign: char, index: usize) -> String {
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(index);
    let mut placeholder = String::with_capacity(1 + digits.len());
    placeholder.push(sign);
    placeholder.push_str(digits);
    placeholder
}

/// Alternatives: one of them must hold.
pub(crate) fn any(conditions: impl IntoIterator<Item = String>) -> String {
    conditions.into_iter().collect::<Vec<_>>().join(" OR ")
}

/// Conditions without `OR`: all of them must hold. Binds tighter than [`any`], so that neither needs parentheses. DynamoDB
/// refuses redundant ones.
pub(crate) fn all(conditions: impl IntoIterator<Item = String>) -> String {
    conditions.into_iter().collect::<Vec<_>>().join(" AND ")
}
