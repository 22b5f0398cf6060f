//! Prices and products.

use cart::{Currency, Price, PriceId, Product, ProductId};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{Error, Stripe, api};

/// One page of a list.
#[derive(Clone, Debug, Deserialize)]
pub struct Page<T> {
    /// What is on it.
    pub data: Vec<T>,
    /// Whether another page follows.
    #[serde(default)]
    pub has_more: bool,
}

/// How many prices of a page are asked for their tiers in other currencies at a time.
const QUESTIONS_AT_A_TIME: usize = 4;

/// One page of the catalogue.
#[derive(Debug)]
pub struct CatalogPage<T> {
    /// What is on it.
    pub objects: Vec<T>,
    /// The ids of objects on it that this version cannot read: the shop does without them, not without the page.
    pub unreadable: Vec<String>,
    /// After which object the next page starts; `None` on the last page.
    pub next: Option<String>,
}

impl<T: DeserializeOwned> From<Page<Value>> for CatalogPage<T> {
    fn from(page: Page<Value>) -> Self {
        let id = |object: &Value| object["id"].as_str().unwrap_or_default().to_owned();
        let next = page.data.last().filter(|_| page.has_more).map(id);
        let (mut objects, mut unreadable) = (Vec::with_capacity(page.data.len()), Vec::new());
        for object in page.data {
            match T::deserialize(&object) {
                Ok(readable) => objects.push(readable),
                Err(_) => unreadable.push(id(&object)),
            }
        }
        Self { objects, unreadable, next }
    }
}

impl Stripe {
    /// A price, active or not, with its tiers and its other currencies.
    ///
    /// One request; for a price that has tiers in several currencies a second one.
    ///
    /// # Errors
    ///
    /// Stripe fails, or there is none: [`Error::is_missing`].
    pub async fn price(&self, id: &PriceId) -> Result<Price, Error> {
        let price = existing(self.call(api::price(id, &[]), None).await?)?;
        self.with_all_tiers(price).await
    }

    /// A product, active or not.
    ///
    /// # Errors
    ///
    /// Stripe fails, or there is none: [`Error::is_missing`].
    pub async fn product(&self, id: &ProductId) -> Result<Product, Error> {
        existing(self.call(api::product(id), None).await?)
    }

    /// A price with its product, active or not, in one request; for a price that has tiers in several currencies a
    /// second one.
    ///
    /// # Errors
    ///
    /// Stripe fails, or there is no such price, or no such product any more: [`Error::is_missing`].
    pub async fn price_with_product(&self, id: &PriceId) -> Result<(Price, Product), Error> {
        let mut price: Value = self.call(api::price_with_product(id), None).await?;
        let product: Product = existing(price["product"].take())?;
        price["product"] = product.id.as_str().into();
        Ok((self.with_all_tiers(existing(price)?).await?, product))
    }

    /// A page of 100 of all prices, active or not, with their tiers and their other currencies; the newest first.
    ///
    /// One request, and another for each price that has tiers in several currencies.
    ///
    /// # Errors
    ///
    /// Stripe fails.
    pub async fn prices(&self, after: Option<&str>) -> Result<CatalogPage<Price>, Error> {
        let mut page: CatalogPage<Price> = self.call::<Page<Value>>(api::prices(after), None).await?.into();
        let whole: Vec<_> = page.objects.drain(..).map(|price| self.with_tiers_if_there(price)).collect();
        page.objects = stream::iter(whole).buffered(QUESTIONS_AT_A_TIME).try_collect().await?;
        Ok(page)
    }

    /// The price with its tiers in every currency. Stripe wants to be asked for each currency by name, and which ones
    /// the price has is only known from its first answer.
    async fn with_all_tiers(&self, price: Price) -> Result<Price, Error> {
        if !price.lacks_tiers() {
            return Ok(price);
        }
        // The price's own currency among them, so that all options look alike.
        let currencies: Vec<Currency> = price.currency_options.iter().flatten().map(|(code, _)| *code).collect();
        existing(self.call(api::price(&price.id, &currencies), None).await?)
    }

    /// The same for a price of a list; a price that was deleted meanwhile stays as the list has it.
    async fn with_tiers_if_there(&self, price: Price) -> Result<Price, Error> {
        let listed = price.clone();
        match self.with_all_tiers(price).await {
            Err(error) if error.is_missing() => Ok(listed),
            whole => whole,
        }
    }

    /// A page of 100 of all products, active or not; the newest first.
    ///
    /// # Errors
    ///
    /// Stripe fails.
    pub async fn products(&self, after: Option<&str>) -> Result<CatalogPage<Product>, Error> {
        self.call::<Page<Value>>(api::products(after), None).await.map(CatalogPage::from)
    }
}

/// Stripe answers for a deleted object with a stub that says so.
fn existing<T: DeserializeOwned>(object: Value) -> Result<T, Error> {
    if object["deleted"] == true {
        return Err(Error::missing());
    }
    serde_json::from_value(object).map_err(|error| Error::unknown(&error))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_that_cannot_be_read_costs_only_itself() {
        let good = json!({ "id": "price_a", "product": "prod_a", "currency": "usd", "unit_amount": 1 });
        let strange = json!({ "id": "price_b", "product": "prod_a", "currency": "usd", "billing_scheme": "by_weight" });
        let page = Page { data: vec![good, strange], has_more: true };

        let page = CatalogPage::<Price>::from(page);

        assert_eq!(page.objects.len(), 1);
        assert_eq!(page.unreadable, ["price_b"]);
        assert_eq!(page.next.as_deref(), Some("price_b"));
    }

    #[test]
    fn the_last_page_has_no_next() {
        let page = Page { data: vec![json!({ "id": "prod_a" })], has_more: false };

        assert_eq!(CatalogPage::<Product>::from(page).next, None);
    }
}
