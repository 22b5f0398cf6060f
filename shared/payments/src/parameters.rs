//! The parameters of a session, as they are sent.

use std::borrow::Cow;
use std::sync::OnceLock;

use cart::Reference;
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::checkout_settings::put_reference;

/// The parameters of one session, ready to be sent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(transparent)]
pub struct Parameters {
    tree: Map<String, Value>,
    #[serde(skip)]
    left_out: Vec<LeftOut>,
    #[serde(skip)]
    digest: OnceLock<String>,
}

/// What the shop's settings ask for and a session cannot have: Stripe would refuse it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeftOut {
    /// The parameter, by Stripe's name.
    pub parameter: &'static str,
    /// The object that the parameter names, where only that is left out.
    pub object: Option<String>,
    /// Why.
    pub reason: &'static str,
}

impl Parameters {
    pub(crate) fn new(tree: Map<String, Value>, left_out: Vec<LeftOut>) -> Self {
        Self { tree, left_out, digest: OnceLock::new() }
    }

    /// What the shop's settings ask for and this session cannot have.
    #[must_use]
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// The parameter with this name.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.tree.get(name)
    }

    /// A digest of the parameters.
    #[must_use]
    pub fn digest(&self) -> &str {
        self.digest.get_or_init(|| half_sha256(&[&self.text()]))
    }

    /// A digest of the parameters and of the session that they shall replace.
    #[must_use]
    pub fn digest_replacing(&self, replaces: Option<&str>) -> Cow<'_, str> {
        match replaces {
            None => Cow::Borrowed(self.digest()),
            Some(replaces) => Cow::Owned(half_sha256(&[&self.text(), replaces])),
        }
    }

    /// The customer whom the session is for, where it names one.
    pub(crate) fn customer(&self) -> Option<&str> {
        self.tree.get("customer")?.as_str()
    }

    /// Whether Stripe's page offers more than the lines.
    #[must_use]
    pub fn has_optional_items(&self) -> bool {
        self.tree.get("optional_items").and_then(Value::as_array).is_some_and(|items| !items.is_empty())
    }

    /// Whether paying makes a customer of a shopper whom Stripe does not know yet.
    ///
    /// Source: <https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-customer_creation>
    pub(crate) fn makes_customer(&self) -> bool {
        let is = |field: &str, word: &str| self.tree.get(field).is_some_and(|value| value == word);
        let invoice = self.tree.get("invoice_creation").and_then(|creation| creation.get("enabled"));
        // An override may say it as a text, as a form does.
        let has_invoice = invoice.is_some_and(|enabled| *enabled == true || enabled == "true");
        is("mode", "subscription") || is("customer_creation", "always") || has_invoice
    }

    /// The parameters as JSON. Keys of a tree are sorted, so that equal parameters have equal text.
    #[expect(clippy::expect_used, reason = "a tree of JSON can be written as JSON")]
    fn text(&self) -> String {
        serde_json::to_string(&self.tree).expect("a tree of JSON is JSON")
    }

    /// The same parameters with what people will call the order, which follows from the key under which they are sent.
    #[must_use]
    pub fn referenced(&self, reference: Reference) -> Self {
        let mut tree = self.tree.clone();
        put_reference(&mut tree, reference);
        Self::new(tree, self.left_out.clone())
    }

    /// The same parameters with the second at which the session shall expire, unless an override has set it.
    pub(crate) fn expiring_at(&self, second: i64) -> Self {
        let mut tree = self.tree.clone();
        tree.entry("expires_at").or_insert_with(|| second.into());
        Self::new(tree, self.left_out.clone())
    }
}

/// The first half of the SHA-256 of texts, one behind the other.
fn half_sha256(texts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update(text);
    }
    hex::encode(&hash.finalize()[..16])
}
