//! `POST /cart/update`: sets lines and metadata, all or none of them. `POST /cart/items/{id}` and `DELETE /cart/items/{id}`: the same
//! for one line.

use cart::{Change, LineId, LineUpdate, Rejection};
use catalog::Catalog;
use payments::Stripe;
use services::Services;
use web::{Answer, Endpoint, Error, Request, Shop, UpdateBody, UpdateLine};

/// The endpoint.
#[derive(Debug)]
pub struct Update {
    shop: Shop,
    catalog: Catalog,
}

impl Endpoint for Update {
    const NAME: &str = env!("CARGO_PKG_NAME");
    const SECRETS: &[&str] = &[Stripe::SECRET_KEY];

    fn new(services: &Services) -> Result<Self, settings::Error> {
        Ok(Self { shop: Shop::new(&services.environment)?, catalog: Catalog::new(services)? })
    }

    async fn handle(&self, request: &Request) -> Result<Answer, Error> {
        let shopper = request.shopper(&self.shop.origins)?;
        let currency = request.currency()?;
        let change = match request.path_parameter("id") {
            None => request.body::<UpdateBody>()?.into_change(currency)?,
            // What cannot be the id of a line is absent.
            Some(line) if request.method() == "DELETE" => {
                Change::update(line.parse().map(LineUpdate::Remove).into_iter().collect())
            }
            Some(line) => {
                let line = line.parse().map_err(|_| Rejection::LineNotFound(LineId::kept(line)))?;
                Change::Line(request.body::<UpdateLine>()?.into_update(line))
            }
        };

        let changed = self.catalog.change(&shopper, &change, request.received_at()).await?;

        Ok(Answer::changed(changed, currency, &self.shop, request.received_at()))
    }
}
