//! `GET /cart`: the cart. Writes nothing: whoever only looks has no cart.

use cart::Timestamp;
use store::{Carts, CatalogTable};
use web::{Caller, Endpoint, Error, Request, Response, Setup, Shop};

/// The endpoint.
#[derive(Debug)]
pub struct Get {
    shop: Shop,
    carts: Carts,
    catalog: CatalogTable,
}

impl Endpoint for Get {
    const NAME: &str = env!("CARGO_PKG_NAME");

    fn new(setup: &Setup) -> Result<Self, settings::Error> {
        let Setup { environment, database, .. } = setup;
        Ok(Self {
            shop: Shop::new(environment)?,
            carts: Carts::new(database, environment)?,
            catalog: CatalogTable::new(database, environment)?,
        })
    }

    async fn handle(&self, request: Request) -> Result<Response, Error> {
        let caller = Caller::of(&request, &self.shop)?;
        let Some(token) = caller.token() else { return Ok(web::no_cart(&self.shop)) };

        let found = self.carts.find(token.number(), Timestamp::now()).await?;
        let Some(cart) = found else { return Ok(web::no_cart(&self.shop)) };
        let offers = self.catalog.offers(cart.lines().iter().map(|line| &line.price)).await?;

        Ok(web::cart_answer(&cart, None, &offers, &self.shop))
    }
}
