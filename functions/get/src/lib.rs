//! `GET /cart`: the cart. Writes nothing: a visitor who only looks has no cart.

use services::Services;
use shopping::Shopping;
use web::{Answer, Endpoint, Error, Request, Shop};

/// The endpoint.
#[derive(Debug)]
pub struct Get {
    shop: Shop,
    shopping: Shopping,
}

impl Endpoint for Get {
    const NAME: &str = env!("CARGO_PKG_NAME");

    fn new(services: &Services) -> Result<Self, settings::Error> {
        Ok(Self { shop: Shop::new(&services.environment)?, shopping: Shopping::new(services)? })
    }

    async fn handle(&self, request: &Request) -> Result<Answer, Error> {
        let shopper = request.shopper(&self.shop.origins)?;
        let currency = request.currency()?;

        let found = self.shopping.find(&shopper, request.received_at()).await?;

        Ok(match found {
            None => Answer::no_cart_in(currency, &self.shop),
            Some(cart) => Answer::cart(&cart, &self.shop, request.received_at()),
        })
    }
}
