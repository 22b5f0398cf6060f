//! `POST /cart/clear`: empties the cart, which keeps its number.

use cart::{Change, Offers, Timestamp};
use store::Carts;
use web::{Caller, Endpoint, Error, NoBody, Request, Response, Setup, Shop, Terms};

/// The endpoint.
#[derive(Debug)]
pub struct Clear {
    shop: Shop,
    carts: Carts,
}

impl Endpoint for Clear {
    const NAME: &str = env!("CARGO_PKG_NAME");

    fn new(setup: &Setup) -> Result<Self, settings::Error> {
        let Setup { environment, database, .. } = setup;
        Ok(Self { shop: Shop::new(environment)?, carts: Carts::new(database, environment)? })
    }

    async fn handle(&self, request: Request) -> Result<Response, Error> {
        let caller = Caller::of(&request, &self.shop)?;
        let terms = Terms::of(&request)?;
        let NoBody {} = web::read(&request)?;

        let none = Offers::default();
        let changed = caller.change(&self.carts, &Change::Clear, &none, &terms, Timestamp::now()).await?;

        Ok(match changed {
            None => web::no_cart(&self.shop),
            Some((token, cart)) => web::cart_answer(&cart, Some(&token), &none, &self.shop),
        })
    }
}
