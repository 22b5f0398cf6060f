//! `GET /products` and `GET /products/{id}`: what is for sale, for shops that list products straight from Stripe.

use cart::{Currency, Price, PriceId, Product, ProductId};
use serde::Serialize;
use services::Services;
use store::{CatalogTable, ListedProduct, Listing};
use web::{Answer, Endpoint, Error, Request, Shop};

/// The endpoint.
#[derive(Debug)]
pub struct Products {
    shop: Shop,
    catalog: CatalogTable,
}

/// How many products stand on a page, unless the client asks for fewer or more.
const DEFAULT_LIMIT: usize = 20;
const MAX_LIMIT: usize = 100;

impl Endpoint for Products {
    const NAME: &str = env!("CARGO_PKG_NAME");

    fn new(services: &Services) -> Result<Self, settings::Error> {
        let Services { environment, database, .. } = services;
        Ok(Self { shop: Shop::new(environment)?, catalog: CatalogTable::new(database, environment)? })
    }

    async fn handle(&self, request: &Request) -> Result<Answer, Error> {
        match request.path_parameter("id") {
            Some(id) => self.product(request, &id).await,
            None => self.page(request).await,
        }
    }
}

impl Products {
    async fn page(&self, request: &Request) -> Result<Answer, Error> {
        let limit = match request.query("limit").map(|limit| limit.parse()) {
            None => DEFAULT_LIMIT,
            Some(Ok(limit)) if (1..=MAX_LIMIT).contains(&limit) => limit,
            Some(_) => return Err(Error::field("limit", format!("must be 1 to {MAX_LIMIT}"))),
        };
        let after: Option<ProductId> = request.parsed_query("starting_after", "must be the id of a product")?;
        let currency = currency(request)?;

        let listed = self.catalog.list(after.as_ref(), limit).await;

        let listing = listed.map_err(|error| web::upstream(error.retry_after(), error))?;
        Ok(Answer::cacheable(request, &PageView::new(&listing, currency, &self.shop)))
    }

    async fn product(&self, request: &Request, id: &str) -> Result<Answer, Error> {
        let currency = currency(request)?;
        let not_found = || Error::ProductNotFound(id.to_owned());
        let id: ProductId = id.parse().map_err(|_| not_found())?;

        let listed = self.catalog.listed_product(&id).await;

        let listed = listed.map_err(|error| web::upstream(error.retry_after(), error))?.ok_or_else(not_found)?;
        Ok(Answer::cacheable(request, &ProductView::new(&listed, currency, &self.shop)))
    }
}

fn currency(request: &Request) -> Result<Option<Currency>, Error> {
    request.parsed_query("currency", "must be a three-letter currency code")
}

/// A page of products, in the shape of Stripe's lists.
#[derive(Serialize)]
struct PageView<'a> {
    object: &'static str,
    has_more: bool,
    data: Vec<ProductView<'a>>,
}

#[derive(Serialize)]
struct ProductView<'a> {
    #[serde(flatten)]
    product: &'a Product,
    prices: Vec<PriceView<'a>>,
    /// Whether there are more active prices than are listed.
    has_more_prices: bool,
}

#[derive(Serialize)]
struct PriceView<'a> {
    id: &'a PriceId,
    #[serde(flatten)]
    price: &'a Price,
    /// What one unit (with `transform_quantity`, one package) costs, with all its digits: in the currency that was
    /// asked for, else in the price's own. `null` where no single amount says it, or not in that currency.
    unit_price_with_currency: Option<String>,
}

impl<'a> PageView<'a> {
    fn new(listing: &'a Listing, currency: Option<Currency>, shop: &Shop) -> Self {
        let products = listing.products.iter();
        Self {
            object: "list",
            has_more: listing.has_more,
            data: products.map(|listed| ProductView::new(listed, currency, shop)).collect(),
        }
    }
}

impl<'a> ProductView<'a> {
    fn new(listed: &'a ListedProduct, currency: Option<Currency>, shop: &Shop) -> Self {
        let ListedProduct { product, prices, has_more_prices, .. } = listed;
        let price = |price: &'a Price| {
            let currency = currency.unwrap_or(price.currency);
            let unit = price.unit(currency);
            let unit_price_with_currency = unit.map(|unit| shop.written_unit(unit, currency));
            PriceView { id: &price.id, price, unit_price_with_currency }
        };
        Self { product, prices: prices.iter().map(price).collect(), has_more_prices: *has_more_prices }
    }
}
