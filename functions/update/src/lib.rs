//! `POST /cart/update`: sets quantities, line attributes and metadata, all or none of them.

use cart::Timestamp;
use catalog::Catalogue;
use payments::Stripe;
use store::Carts;
use web::{Caller, Endpoint, Error, Request, Response, Setup, Shop, Terms, UpdateBody};

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

    fn new(setup: &Setup) -> Result<Self, settings::Error> {
        let Setup { environment, https, database } = setup;
        let stripe = Stripe::new(environment, https)?;
        Ok(Self {
            shop: Shop::new(environment)?,
            carts: Carts::new(database, environment)?,
            catalogue: Catalogue::new(database, &stripe, environment)?,
        })
    }

    async fn handle(&self, request: Request) -> Result<Response, Error> {
        let now = Timestamp::now();
        let caller = Caller::of(&request, &self.shop)?;
        let terms = Terms::of(&request)?;
        let currency = web::preferred_currency(&request)?;
        let change = web::read::<UpdateBody>(&request)?.into_change(currency)?;

        let wanted = change.prices()?;
        // A function that starts cold asks for all that it has to show in one batch.
        let known = self.catalogue.remembers(&wanted);
        let held = if known { Vec::new() } else { caller.prices(&self.carts, now).await? };
        let mut offers = self.catalogue.for_sale(&wanted, &held, now).await.map_err(failed)?;
        let changed = caller.change(&self.carts, &change, &offers, &terms, now).await?;

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
