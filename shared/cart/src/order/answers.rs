//! What the buyer answered on Stripe's page, and what Stripe made of it.

use serde::{Deserialize, Serialize};

/// A question of the shop's own, with its answer.
///
/// Source: <https://docs.stripe.com/payments/checkout/custom-fields>
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CustomField {
    /// The shop's name of it.
    pub key: String,
    /// The question as the page put it.
    #[serde(default)]
    pub label: Option<String>,
    /// Stripe's word for its kind: `dropdown`, `numeric` or `text`.
    pub r#type: String,
    /// The answer; of a list the value of the option. `None` where an optional question was not answered.
    #[serde(default)]
    pub value: Option<String>,
}

/// What the buyer agreed to, in Stripe's words.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Consent {
    /// To mails of the shop: `opt_in` or `opt_out`; `None` where it was not asked.
    #[serde(default)]
    pub promotions: Option<String>,
    /// To the shop's terms: `accepted`; `None` where it was not asked.
    #[serde(default)]
    pub terms_of_service: Option<String>,
}

/// The number under which a buyer pays taxes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TaxId {
    /// Stripe's word for its kind, such as `eu_vat`.
    pub r#type: String,
    /// The number; Stripe may have none yet.
    #[serde(default)]
    pub value: Option<String>,
}

/// The invoice that Stripe made.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Invoice {
    /// Its number, as it stands on it.
    #[serde(default)]
    pub number: Option<String>,
    /// Where the buyer sees it.
    #[serde(default)]
    pub hosted_url: Option<String>,
    /// Where it can be downloaded.
    #[serde(default)]
    pub pdf: Option<String>,
}
