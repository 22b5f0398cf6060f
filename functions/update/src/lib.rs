//! `POST /cart/update`: sets quantities, line attributes and metadata, all or none of them.

use cart::{Change, Timestamp};
use catalog::Catalogue;
use settings::Environment;
use store::{Carts, Connection};
use web::{Body, Caller, Endpoint, Error, Request, Response, Shop, Terms, WantedUpdate};

/// The endpoint.
#[derive(Debug)]
pub struct Update {
    shop: Shop,
    carts: Carts,
    catalogue: Catalogue,
}

impl Endpoint for Update {
    const NAME: &str = env!("CARGO_PKG_NAME");
    const SECRETS: &[&str] = &["STRIPE_SECRET_KEY"];

    fn new(environment: &Environment) -> Result<Self, settings::Error> {
        let connection = Connection::new(environment)?;
        Ok(Self {
            shop: Shop::new(environment)?,
            carts: Carts::new(&connection, environment)?,
            catalogue: Catalogue::new(&connection, environment)?,
        })
    }

    async fn handle(&self, request: Request) -> Result<Response, Error> {
        let now = Timestamp::now();
        let caller = Caller::of(&request, &self.shop)?;
        let terms = Terms::of(&request)?;
        let currency = web::preferred_currency(&request)?;
        let body = Body::of(&request)?;
        let lines = WantedUpdate::all(&body)?;
        let metadata = web::wanted_metadata(&body)?;
        if body.field("updates").is_none() && metadata.is_none() {
            return Err(Error::field("updates", "is required, or metadata"));
        }

        let mut offers = self.catalogue.for_sale(&WantedUpdate::prices(&lines)?, now).await.map_err(failed)?;
        let lines = lines.into_iter().map(|line| line.into_update(&offers)).collect::<Result<_, _>>()?;
        let change = Change::update(lines).in_currency(currency).with_metadata(metadata);
        let changed = caller.change(&self.carts, &change, &terms, now).await?;

        let Some((token, cart)) = changed else { return Ok(web::no_cart(&self.shop)) };
        let shown = cart.lines().iter().map(|line| &line.price);
        self.catalogue.complete(&mut offers, shown).await.map_err(failed)?;
        Ok(web::cart_answer(&cart, Some(&token), &offers, &self.shop))
    }
}

fn failed(error: catalog::Error) -> Error {
    match error {
        catalog::Error::Rejected(rejection) => rejection.into(),
        error => web::upstream(error.is_transient(), error),
    }
}
