//! `POST /cart/add`: adds one or many items, all or none of them, or those that can be added.

use catalog::Catalog;
use payments::Stripe;
use services::Services;
use web::{AddBody, Answer, Endpoint, Error, Request, Shop};

/// The endpoint.
#[derive(Debug)]
pub struct Add {
    shop: Shop,
    catalog: Catalog,
}

impl Endpoint for Add {
    const NAME: &str = env!("CARGO_PKG_NAME");
    const SECRETS: &[&str] = &[Stripe::SECRET_KEY];

    fn new(services: &Services) -> Result<Self, settings::Error> {
        Ok(Self { shop: Shop::new(&services.environment)?, catalog: Catalog::new(services)? })
    }

    async fn handle(&self, request: &Request) -> Result<Answer, Error> {
        let shopper = request.shopper(&self.shop.origins)?;
        let currency = request.currency()?;
        let change = request.body::<AddBody>()?.into_change(currency).map_err(|error| request.naming_item(error))?;

        let changed = self.catalog.change(&shopper, &change, request.received_at()).await;
        let changed = changed.map_err(|error| request.naming_item(error.into()))?;

        Ok(Answer::changed(changed, currency, &self.shop, request.received_at()))
    }
}
