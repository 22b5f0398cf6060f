//! `POST /cart/clear`: empties the cart, which keeps its number.

use services::Services;
use shopping::Shopping;
use web::{Answer, ClearBody, Endpoint, Error, Request, Shop};

/// The endpoint.
#[derive(Debug)]
pub struct Clear {
    shop: Shop,
    shopping: Shopping,
}

impl Endpoint for Clear {
    const NAME: &str = env!("CARGO_PKG_NAME");

    fn new(services: &Services) -> Result<Self, settings::Error> {
        Ok(Self { shop: Shop::new(&services.environment)?, shopping: Shopping::new(services)? })
    }

    async fn handle(&self, request: &Request) -> Result<Answer, Error> {
        let shopper = request.shopper(&self.shop.origins)?;
        let currency = request.currency()?;
        let wanted: ClearBody = request.body()?;

        let changed = self.shopping.clear(&shopper, request.received_at()).await?;

        let answer = Answer::changed(changed, currency, &self.shop, request.received_at());
        Ok(if wanted.forgets() { answer.forgetting(&self.shop) } else { answer })
    }
}
