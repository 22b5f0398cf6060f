//! Products as Stripe has them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{PriceId, ProductId};

/// The fields of a Stripe Product that a front-end gets to see.
///
/// Source: <https://docs.stripe.com/api/products/object>
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Product {
    /// The product's id.
    pub id: ProductId,
    /// Always `product`.
    #[serde(default = "object")]
    pub object: String,
    /// Whether the product can be bought.
    #[serde(default = "crate::price::yes")]
    pub active: bool,
    /// Stripe's legacy list of attributes.
    #[serde(default)]
    pub attributes: Vec<String>,
    /// When it was created, in seconds since 1970.
    #[serde(default)]
    pub created: i64,
    /// What it is.
    #[serde(default)]
    pub description: Option<String>,
    /// Up to eight URLs of images.
    #[serde(default)]
    pub images: Vec<String>,
    /// Whether it exists in live mode.
    #[serde(default)]
    pub livemode: bool,
    /// The merchant's own keys and values.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// The name that the shopper sees.
    #[serde(default)]
    pub name: String,
    /// The size of the parcel.
    #[serde(default)]
    pub package_dimensions: Option<PackageDimensions>,
    /// Whether it is shipped.
    #[serde(default)]
    pub shippable: Option<bool>,
    /// What stands on the shopper's card statement.
    #[serde(default)]
    pub statement_descriptor: Option<String>,
    /// Stripe's tax code.
    #[serde(default)]
    pub tax_code: Option<String>,
    /// Stripe's legacy type, `good` or `service`.
    #[serde(rename = "type", default = "service")]
    pub kind: String,
    /// What one unit is called.
    #[serde(default)]
    pub unit_label: Option<String>,
    /// When it was last changed, in seconds since 1970.
    #[serde(default)]
    pub updated: i64,
    /// The product's page in the shop.
    #[serde(default)]
    pub url: Option<String>,
    /// The price that is offered first.
    #[serde(default)]
    pub default_price: Option<PriceId>,
    /// Up to fifteen features to advertise.
    #[serde(default)]
    pub marketing_features: Vec<MarketingFeature>,
}

/// A feature of a product.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MarketingFeature {
    /// What is advertised.
    #[serde(default)]
    pub name: Option<String>,
}

/// The size of a parcel, in inches and ounces.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct PackageDimensions {
    /// Height in inches.
    pub height: f64,
    /// Length in inches.
    pub length: f64,
    /// Weight in ounces.
    pub weight: f64,
    /// Width in inches.
    pub width: f64,
}

fn object() -> String {
    "product".to_owned()
}

fn service() -> String {
    "service".to_owned()
}
