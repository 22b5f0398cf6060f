//! Prices, products and promotion codes.

use cart::{Price, PriceId, Product, ProductId};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use stripe_client_core::StripeRequest as _;
use stripe_product::price::{ListPrice, RetrievePrice};
use stripe_product::product::{ListProduct, RetrieveProduct};
use stripe_product::promotion_code::ListPromotionCode;

use crate::{Error, Stripe};

/// One page of a list.
#[derive(Debug, Deserialize)]
pub struct Page<T> {
    /// What is on it.
    pub data: Vec<T>,
    /// Whether another page follows.
    #[serde(default)]
    pub has_more: bool,
}

/// The most objects Stripe puts on one page.
const PER_PAGE: i64 = 100;

impl Stripe {
    /// A price, active or not, with its tiers and its other currencies.
    ///
    /// # Errors
    ///
    /// Stripe fails, or there is none: [`Error::is_missing`].
    pub async fn price(&self, id: &PriceId) -> Result<Price, Error> {
        let request = RetrievePrice::new(id.as_str()).expand(expanded(""));
        existing(self.call(request.build(), None).await?)
    }

    /// A product, active or not.
    ///
    /// # Errors
    ///
    /// Stripe fails, or there is none: [`Error::is_missing`].
    pub async fn product(&self, id: &ProductId) -> Result<Product, Error> {
        existing(self.call(RetrieveProduct::new(id.as_str()).build(), None).await?)
    }

    /// A page of all prices, active or not.
    ///
    /// # Errors
    ///
    /// Stripe fails.
    pub async fn prices(&self, after: Option<&PriceId>) -> Result<Page<Price>, Error> {
        let mut request = ListPrice::new().limit(PER_PAGE).expand(expanded("data."));
        if let Some(after) = after {
            request = request.starting_after(after.as_str());
        }
        self.call(request.build(), None).await
    }

    /// A page of all products, active or not.
    ///
    /// # Errors
    ///
    /// Stripe fails.
    pub async fn products(&self, after: Option<&ProductId>) -> Result<Page<Product>, Error> {
        let mut request = ListProduct::new().limit(PER_PAGE);
        if let Some(after) = after {
            request = request.starting_after(after.as_str());
        }
        self.call(request.build(), None).await
    }

    /// The id of the active promotion code that a shopper writes as `code`.
    ///
    /// # Errors
    ///
    /// Stripe fails.
    pub async fn promotion_code(&self, code: &str) -> Result<Option<String>, Error> {
        #[derive(Deserialize)]
        struct PromotionCode {
            id: String,
        }

        let request = ListPromotionCode::new().code(code).active(true).limit(1);
        let page: Page<PromotionCode> = self.call(request.build(), None).await?;
        Ok(page.data.into_iter().next().map(|code| code.id))
    }
}

/// Stripe answers for a deleted object with a stub that says so.
fn existing<T: DeserializeOwned>(object: Value) -> Result<T, Error> {
    if object["deleted"] == true {
        return Err(Error::Refused {
            status: 404,
            code: Some("resource_missing".to_owned()),
            param: None,
            message: "deleted".to_owned(),
        });
    }
    serde_json::from_value(object).map_err(|error| Error::Unreadable { reason: error.to_string() })
}

/// Stripe leaves tiers and other currencies out unless asked.
fn expanded(prefix: &str) -> [String; 3] {
    ["tiers", "currency_options", "currency_options.tiers"].map(|field| format!("{prefix}{field}"))
}
