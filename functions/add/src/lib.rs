//! `POST /cart/add`: adds one or many items, all or none of them.

use cart::{Change, Timestamp};
use catalog::Catalogue;
use settings::Environment;
use store::{Carts, Connection};
use web::{Body, Caller, Endpoint, Error, Request, Response, Shop, Terms, WantedItem};

/// The endpoint.
#[derive(Debug)]
pub struct Add {
    shop: Shop,
    carts: Carts,
    catalogue: Catalogue,
}

impl Endpoint for Add {
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
        let lines = WantedItem::all(&body)?;
        let metadata = web::wanted_metadata(&body)?;

        let mut offers = self.catalogue.for_sale(&WantedItem::prices(&lines)?, now).await.map_err(failed)?;
        let items = lines.into_iter().map(|line| line.into_item(&offers)).collect::<Result<_, _>>()?;
        let change = Change::add(items)?.in_currency(currency).with_metadata(metadata);
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
