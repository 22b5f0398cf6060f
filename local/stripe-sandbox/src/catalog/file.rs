//! What a shop sells, read from a JSON file of Stripe objects.

use std::collections::HashSet;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::reader::Problem;
use super::{coupons, price, product, promotion_codes, shipping_rates, tax_rates};
use crate::protocol::json_text;
use crate::state::State;
use crate::state::table::Table;

/// The sandbox's own address in a catalogue; see [`Catalog`].
const SANDBOX: &str = "{SANDBOX}";

/// What a shop sells: products, prices, coupons, promotion codes, shipping rates and tax rates.
///
/// Read from `{"products":[…],"prices":[…],"coupons":[…],"promotion_codes":[…],"shipping_rates":[…],"tax_rates":[…]}`,
/// each a list of objects as Stripe's API returns them. Missing lists are empty, missing fields take Stripe's
/// defaults, fields the sandbox does not know are left out. The first object of a list is the first of the API's list
/// too. `{SANDBOX}` in a product's image URL becomes the sandbox's own address, which serves a few images under
/// `/images/`.
///
/// ```
/// let catalog = stripe_sandbox::Catalog::from_json(
///     r#"{"products":[{"id":"prod_mug","name":"Mug"}],
///         "prices":[{"id":"price_mug","product":"prod_mug","currency":"usd","unit_amount":1200}]}"#,
/// )?;
/// # Ok::<_, stripe_sandbox::CatalogError>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(try_from = "Value")]
pub struct Catalog {
    pub(super) objects: Vec<(Kind, Value)>,
}

/// The lists of a catalogue.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Hash, Serialize)]
pub(super) enum Kind {
    Products,
    Prices,
    Coupons,
    PromotionCodes,
    ShippingRates,
    TaxRates,
}

impl Kind {
    /// In this order an object comes after those it refers to.
    const ALL: [Self; 6] =
        [Self::Products, Self::Prices, Self::Coupons, Self::PromotionCodes, Self::ShippingRates, Self::TaxRates];

    fn name(self) -> &'static str {
        match self {
            Self::Products => "products",
            Self::Prices => "prices",
            Self::Coupons => "coupons",
            Self::PromotionCodes => "promotion_codes",
            Self::ShippingRates => "shipping_rates",
            Self::TaxRates => "tax_rates",
        }
    }

    pub(super) fn table(self, state: &mut State) -> &mut Table<Value> {
        match self {
            Self::Products => &mut state.products,
            Self::Prices => &mut state.prices,
            Self::Coupons => &mut state.coupons,
            Self::PromotionCodes => &mut state.promotion_codes,
            Self::ShippingRates => &mut state.shipping_rates,
            Self::TaxRates => &mut state.tax_rates,
        }
    }

    fn complete(self, object: &Map<String, Value>, now: i64) -> Result<Value, Problem> {
        match self {
            Self::Products => product::product(object, now),
            Self::Prices => price::price(object, now),
            Self::Coupons => coupons::coupon(object, now),
            Self::PromotionCodes => promotion_codes::promotion_code(object, now),
            Self::ShippingRates => shipping_rates::shipping_rate(object, now),
            Self::TaxRates => tax_rates::tax_rate(object, now),
        }
    }

    /// The object that must be in the catalogue for this one to make sense, and the field that names it.
    fn refers_to(self, object: &Value) -> Option<(Self, &'static str, &Value)> {
        match self {
            Self::Prices => Some((Self::Products, "product", &object["product"])),
            Self::PromotionCodes => Some((Self::Coupons, "promotion.coupon", &object["promotion"]["coupon"])),
            Self::Products | Self::Coupons | Self::ShippingRates | Self::TaxRates => None,
        }
    }

    /// An object that stands in the place of an id, as expanded answers of the API have it.
    fn inlined(self, object: &Map<String, Value>) -> Option<(Self, &Map<String, Value>)> {
        let (kind, inner) = match self {
            Self::Prices => (Self::Products, object.get("product")?),
            Self::PromotionCodes => {
                let promotion = object.get("promotion").and_then(|promotion| promotion.get("coupon"));
                (Self::Coupons, promotion.or_else(|| object.get("coupon"))?)
            }
            Self::Products | Self::Coupons | Self::ShippingRates | Self::TaxRates => return None,
        };
        Some((kind, inner.as_object()?))
    }
}

/// What is wrong with a catalogue.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The text is no JSON.
    #[error("the catalogue is not JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    /// The JSON is not an object of lists, or has a list that is not known.
    #[error(
        "the catalogue's {0} must be a list; known are products, prices, coupons, promotion_codes, shipping_rates and tax_rates"
    )]
    NotAList(String),
    /// An object has a field that cannot be used.
    #[error("{list}[{index}].{field} {text}", field = .problem.0, text = .problem.1)]
    Object {
        /// The list.
        list: &'static str,
        /// The object's place in the list, from 0.
        index: usize,
        /// The field, and what is wrong with it.
        problem: (String, String),
    },
}

impl Catalog {
    /// Reads a catalogue.
    ///
    /// # Errors
    ///
    /// [`CatalogError`] names the list, the object's place in it and the field that is missing, malformed or refers
    /// to nothing.
    pub fn from_json(text: &str) -> Result<Self, CatalogError> {
        Self::try_from(serde_json::from_str::<Value>(text)?)
    }

    /// A shop with every kind of price.
    #[must_use]
    #[expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        reason = "a test reads the file, which is part of the program"
    )]
    pub fn sample() -> Self {
        Self::from_json(include_str!("../../data/sample.json")).expect("the sample is a catalogue")
    }

    /// Puts the objects into a sandbox at `url`: the last one first, so that the first one leads its list.
    pub(crate) fn fill(self, state: &mut State, url: &str) {
        for (kind, mut object) in self.objects.into_iter().rev() {
            if let Some(Value::Array(images)) = object.get_mut("images") {
                for image in images {
                    *image = json_text(image).replace(SANDBOX, url).into();
                }
            }
            let id = json_text(&object["id"]).to_owned();
            kind.table(state).put(&id, object);
        }
    }

    fn read(
        &mut self,
        seen: &mut HashSet<(Kind, String)>,
        kind: Kind,
        (index, given): (usize, &Value),
        now: i64,
    ) -> Result<(), CatalogError> {
        let wrong = |field: &str, text: &str| CatalogError::Object {
            list: kind.name(),
            index,
            problem: (field.to_owned(), text.to_owned()),
        };
        let Value::Object(given) = given else {
            return Err(wrong("id", "is missing: not an object"));
        };
        if given.get("id").and_then(Value::as_str).unwrap_or_default().is_empty() {
            return Err(wrong("id", "is missing"));
        }
        if let Some((kind, inner)) = kind.inlined(given) {
            let inner =
                kind.complete(inner, now).map_err(|problem| wrong(&problem.field, &problem.fault.to_string()))?;
            if seen.insert((kind, inner["id"].to_string())) {
                self.objects.push((kind, inner));
            }
        }
        let object = kind.complete(given, now).map_err(|problem| wrong(&problem.field, &problem.fault.to_string()))?;
        if !seen.insert((kind, object["id"].to_string())) {
            return Err(wrong("id", &format!("{} is there twice", object["id"])));
        }
        if let Some((other, field, id)) = kind.refers_to(&object)
            && !seen.contains(&(other, id.to_string()))
        {
            return Err(wrong(field, &format!("{id} is not among the catalogue's {}", other.name())));
        }
        self.objects.push((kind, object));
        Ok(())
    }
}

impl TryFrom<Value> for Catalog {
    type Error = CatalogError;

    fn try_from(value: Value) -> Result<Self, CatalogError> {
        let Value::Object(lists) = value else {
            return Err(CatalogError::NotAList("content".to_owned()));
        };
        let known: HashSet<&str> = Kind::ALL.into_iter().map(Kind::name).collect();
        if let Some(unknown) = lists.keys().find(|name| !known.contains(name.as_str())) {
            return Err(CatalogError::NotAList(unknown.clone()));
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        let mut catalog = Self::default();
        let mut seen = HashSet::new();
        for kind in Kind::ALL {
            let objects = match lists.get(kind.name()) {
                None | Some(Value::Null) => continue,
                Some(Value::Array(objects)) => objects,
                Some(_) => return Err(CatalogError::NotAList(kind.name().to_owned())),
            };
            for (index, object) in objects.iter().enumerate() {
                catalog.read(&mut seen, kind, (index, object), now)?;
            }
        }
        Ok(catalog)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Catalog::from_json(text).unwrap_err().to_string()
    }

    #[test]
    fn the_sample_is_a_catalogue() {
        let sample = Catalog::from_json(include_str!("../../data/sample.json")).unwrap();

        assert_eq!(Catalog::sample().objects, sample.objects);
    }

    fn find<'a>(catalog: &'a Catalog, kind: Kind, id: &str) -> &'a Value {
        &catalog.objects.iter().find(|(other, object)| *other == kind && object["id"] == id).unwrap().1
    }

    #[test]
    fn missing_fields_take_stripes_defaults() {
        let catalog = Catalog::from_json(
            r#"{"products":[{"id":"prod_a","name":"A"}],
                "prices":[{"id":"price_a","product":"prod_a","currency":"USD","unit_amount_decimal":"12.50"},
                          {"id":"price_b","product":{"id":"prod_b","name":"B"},"currency":"eur","unit_amount":3}]}"#,
        )
        .unwrap();

        let price = find(&catalog, Kind::Prices, "price_a");
        assert_eq!(price["currency"], "usd");
        assert_eq!(price["type"], "one_time");
        assert_eq!(price["unit_amount"], Value::Null);
        assert_eq!(price["unit_amount_decimal"], "12.5");
        assert_eq!(find(&catalog, Kind::Prices, "price_b")["unit_amount_decimal"], "3");
        assert_eq!(find(&catalog, Kind::Products, "prod_b")["active"], true);
    }

    #[test]
    fn errors_name_the_list_the_place_and_the_field() {
        let product = r#""products":[{"id":"prod_a","name":"A"}]"#;
        let price = |fields: &str| {
            error(&format!(
                r#"{{{product},"prices":[{{"id":"price_a","product":"prod_a","currency":"usd",{fields}}}]}}"#
            ))
        };

        assert_eq!(
            price(r#""unit_amount":"12""#),
            r#"prices[0].unit_amount expected an integer that is not negative, found "12""#
        );
        assert_eq!(price(r#""nickname":"x""#), "prices[0].unit_amount is missing");
        assert_eq!(
            price(r#""tiers_mode":"volume","tiers":[{"up_to":1,"unit_amount":1}]"#),
            "prices[0].tiers[0].up_to the last tier has no end: null or inf"
        );
        assert_eq!(
            price(r#""unit_amount":1,"currency_options":{"eur":{}}"#),
            "prices[0].currency_options.eur.unit_amount is missing"
        );
        assert_eq!(
            error(r#"{"prices":[{"id":"p","product":"prod_z","currency":"usd","unit_amount":1}]}"#),
            "prices[0].product \"prod_z\" is not among the catalogue's products"
        );
        assert_eq!(error(r#"{"products":[{"name":"A"}]}"#), "products[0].id is missing");
        assert!(error(r#"{"plans":[]}"#).starts_with("the catalogue's plans must be a list"));
        assert!(error("{").starts_with("the catalogue is not JSON"));
    }
}
