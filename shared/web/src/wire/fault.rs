//! What is wrong with a body, and where.

use std::fmt::{self, Display};

use serde::de::{self, Expected, Unexpected};

use crate::Error;

/// The longest part of a path, in characters: keys are the client's own.
const MAX_KEY: usize = 64;

/// A problem of a field. The path grows while the error is returned, so valid bodies pay nothing for it.
#[derive(Debug)]
pub(crate) struct Fault(Box<Inner>);

#[derive(Debug)]
struct Inner {
    /// From the field at fault up to the body.
    path: Vec<Step>,
    problem: String,
    is_quantity: bool,
}

#[derive(Debug)]
enum Step {
    Key(String),
    Index(u64),
}

impl Fault {
    pub(crate) fn new(problem: impl Into<String>) -> Self {
        Self(Box::new(Inner { path: Vec::new(), problem: problem.into(), is_quantity: false }))
    }

    /// Says that the fault is in the member `key` of the object that is being read.
    pub(crate) fn in_member(mut self, key: &str) -> Self {
        self.0.path.push(Step::Key(key.chars().take(MAX_KEY).collect()));
        self
    }

    /// Says that the fault is in the element `index` of the list that is being read.
    pub(crate) fn in_element(mut self, index: u64) -> Self {
        self.0.path.push(Step::Index(index));
        self
    }

    /// Says that the field at fault is a quantity, for which programs have a code of its own.
    pub(crate) fn of_quantity(mut self) -> Self {
        self.0.is_quantity = true;
        self
    }

    /// The field's path, such as `items[0].quantity`.
    fn field(&self) -> String {
        let Some((first, rest)) = self.0.path.split_last() else { return "body".to_owned() };
        let mut field = match first {
            Step::Key(key) => key.clone(),
            Step::Index(index) => format!("[{index}]"),
        };
        for step in rest.iter().rev() {
            match step {
                Step::Key(key) => field.extend([".", key]),
                Step::Index(index) => field.extend(["[", &index.to_string(), "]"]),
            }
        }
        field
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let field = fault.field();
        let Inner { problem, is_quantity, .. } = *fault.0;
        if is_quantity { Self::Quantity { field, problem } } else { Self::Field { field, problem } }
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field(), self.0.problem)
    }
}

impl std::error::Error for Fault {}

/// A problem of one member of an object, found only when the whole object was read.
///
/// serde hands such a problem on as text, so it is written as `.maximum must be 1 to 9`. Only [`Fault`] reads that.
#[derive(Debug)]
pub(crate) struct MemberProblem {
    pub(crate) member: &'static str,
    pub(crate) problem: String,
}

impl MemberProblem {
    const MARK: char = '.';

    /// The member and its problem, where `text` is one of these.
    fn parts(text: &str) -> Option<(&str, &str)> {
        text.strip_prefix(Self::MARK)?.split_once(' ')
    }
}

impl Display for MemberProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{} {}", Self::MARK, self.member, self.problem)
    }
}

impl de::Error for Fault {
    /// A problem of the field, or, for a [`MemberProblem`], of one of its members.
    fn custom<T: Display>(problem: T) -> Self {
        let text = problem.to_string();
        match MemberProblem::parts(&text) {
            Some((member, problem)) => Self::new(problem).in_member(member),
            None => Self::new(text),
        }
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format!("must be {expected}"))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format!("must be {expected}"))
    }

    fn missing_field(name: &'static str) -> Self {
        Self::new("is required").in_member(name)
    }
}
