//! The parameters that endpoints take, read from `data/parameters`.

use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

use serde::Deserialize;

/// Shapes that several endpoints share.
static SHARED: LazyLock<BTreeMap<String, Shape>> =
    LazyLock::new(|| read(include_str!("../../data/parameters/shared.json")));

/// Parameters by name.
pub(crate) type Fields = BTreeMap<String, Shape>;

/// What a parameter may hold.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Shape {
    /// A string that is not empty.
    Text,
    Boolean,
    Integer,
    /// A number that may have decimals, kept as a string so that nothing is lost.
    Decimal,
    /// One of a list of words.
    Choice(Vec<String>),
    /// A map of strings, within Stripe's limits.
    Metadata,
    List(Box<Shape>),
    Object(Fields),
    /// An object whose keys are the client's.
    Map(Box<Shape>),
    /// The empty string, which unsets, or something else.
    Emptyable(Box<Shape>),
    /// A tier's end: an integer or `inf`.
    TierEnd,
    /// A moment, or an object of bounds `gt`, `gte`, `lt`, `lte`.
    Range,
    /// One of some words, and the words that Stripe knows and the sandbox does not play.
    Partly {
        played: Vec<String>,
        not_played: Vec<String>,
        why: String,
    },
    /// Why the value has no effect in a sandbox, although it is checked and shown, and its shape.
    WithoutEffect(String, Box<Shape>),
    /// Why the sandbox refuses a parameter of Stripe's.
    NotPlayed(String),
    /// The shape of this name in `shared.json`.
    Shared(String),
    /// A parameter without which the request is refused.
    Required(Box<Shape>),
}

impl Shape {
    pub(crate) fn is_required(&self) -> bool {
        matches!(self, Self::Required(_))
    }
}

/// The shape of this name in `shared.json`.
#[expect(clippy::expect_used, reason = "the files are part of the program, and a test follows every name in them")]
pub(crate) fn shared(name: &str) -> &'static Shape {
    SHARED.get(name).expect("shared.json has every shape that the other files name")
}

/// A file of `data/parameters`: the parameters of a resource's endpoints, by the endpoint's name.
#[derive(Debug)]
pub(crate) struct Definitions {
    text: &'static str,
    endpoints: OnceLock<BTreeMap<String, Fields>>,
}

impl Definitions {
    pub(crate) const fn new(text: &'static str) -> Self {
        Self { text, endpoints: OnceLock::new() }
    }

    /// The parameters of one endpoint.
    #[expect(clippy::expect_used, reason = "the files are part of the program, and a test asks for every endpoint's")]
    pub(crate) fn of(&self, endpoint: &str) -> &Fields {
        let endpoints = self.endpoints.get_or_init(|| read(self.text));
        endpoints.get(endpoint).expect("the resource's file has the parameters of each of its endpoints")
    }
}

#[expect(clippy::expect_used, reason = "the files are part of the program, and a test reads them all")]
fn read<T: for<'a> Deserialize<'a>>(text: &str) -> T {
    serde_json::from_str(text).expect("the files of parameters are JSON of known shapes")
}
