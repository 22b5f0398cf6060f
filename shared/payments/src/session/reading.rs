//! How answers of other versions of Stripe's API are read.

use cart::{Address, LineMetadata, TaxId};
use serde::{Deserialize, Deserializer};

use super::asked::{Breakdown, readable, readable_ones};
use super::{Charge, PaymentIntent};

/// An object of Stripe's, or only its id.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Expandable<T> {
    /// Only the id.
    Id(String),
    /// The whole object.
    Object(T),
}

/// An object of which only the id matters.
#[derive(Debug, Clone, Deserialize)]
pub struct IdOnly {
    id: String,
}

/// Has an id.
pub trait HasId {
    /// The id.
    fn id(&self) -> &str;
}

macro_rules! has_id {
    ($($type:ty),*) => {
        $(impl $crate::session::reading::HasId for $type {
            fn id(&self) -> &str {
                &self.id
            }
        })*
    };
}
pub(super) use has_id;

has_id!(IdOnly, PaymentIntent, Charge);

impl<T: HasId> Expandable<T> {
    /// The object's id.
    pub fn id(&self) -> &str {
        match self {
            Self::Id(id) => id,
            Self::Object(object) => object.id(),
        }
    }

    /// The object, where Stripe sent all of it.
    pub fn object(&self) -> Option<&T> {
        match self {
            Self::Id(_) => None,
            Self::Object(object) => Some(object),
        }
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct CustomerDetails {
    #[serde(default)]
    pub(super) email: Option<String>,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) phone: Option<String>,
    #[serde(default)]
    pub(super) address: Option<Address>,
    #[serde(default, deserialize_with = "readable")]
    pub(super) business_name: Option<String>,
    #[serde(default, deserialize_with = "readable_ones")]
    pub(super) tax_ids: Vec<TaxId>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct TotalDetails {
    #[serde(default, deserialize_with = "lenient", rename = "amount_discount")]
    pub(super) discount: i64,
    #[serde(default, rename = "amount_shipping")]
    pub(super) shipping: Option<i64>,
    #[serde(default, deserialize_with = "lenient", rename = "amount_tax")]
    pub(super) tax: i64,
    #[serde(default, deserialize_with = "readable")]
    pub(super) breakdown: Option<Breakdown>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct CollectedInformation {
    #[serde(default, deserialize_with = "readable")]
    pub(super) business_name: Option<String>,
    #[serde(default)]
    pub(super) shipping_details: Option<Shipping>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Shipping {
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) address: Option<Address>,
}

/// A value, or its default where Stripe sends null.
pub(super) fn lenient<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A text that means something to this version, or nothing.
pub(super) fn parsed<'de, D: Deserializer<'de>, T: std::str::FromStr>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.and_then(|text| text.parse().ok()))
}

/// What a line's metadata say of the cart's line that it was made from.
pub(super) fn line_metadata<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<LineMetadata>, D::Error> {
    Ok(LineMetadata::read(&lenient(deserializer)?))
}
