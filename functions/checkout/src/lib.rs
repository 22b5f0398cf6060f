//! `POST /cart/checkout`: a Stripe Checkout Session for the cart, to whose `url` the front-end sends the shopper.

mod session;

use cart::Timestamp;
use catalog::Catalogue;
use fulfilment::Fulfilment;
use payments::{CheckoutSettings, Hook, Stripe};
use store::Carts;
use web::{Caller, CheckoutBody, Endpoint, Error, Request, Response, Setup, Shop, Terms};

/// The endpoint.
#[derive(Debug)]
pub struct Checkout {
    shop: Shop,
    carts: Carts,
    catalogue: Catalogue,
    stripe: Stripe,
    fulfilment: Fulfilment,
    settings: CheckoutSettings,
    /// Where the deployment is reached, if the request's own host is not it.
    public_url: Option<String>,
}

impl Checkout {
    /// The same endpoint with a merchant's hook on the parameters of every session.
    #[must_use]
    pub fn with_hook(self, hook: Hook) -> Self {
        Self { settings: self.settings.with_hook(hook), ..self }
    }
}

impl Endpoint for Checkout {
    const NAME: &str = env!("CARGO_PKG_NAME");
    const SECRETS: &[&str] = &["STRIPE_SECRET_KEY"];

    fn prepare(setup: &Setup) {
        Stripe::open(&setup.environment, &setup.https);
    }

    fn new(setup: &Setup) -> Result<Self, settings::Error> {
        let Setup { environment, https, database } = setup;
        let stripe = Stripe::new(environment, https)?;
        Ok(Self {
            shop: Shop::new(environment)?,
            carts: Carts::new(database, environment)?,
            catalogue: Catalogue::new(database, &stripe, environment)?,
            fulfilment: Fulfilment::new(database, &stripe, environment)?,
            stripe,
            settings: CheckoutSettings::new(environment)?,
            public_url: environment.url("PUBLIC_URL")?.map(|url| url.trim_end_matches('/').to_owned()),
        })
    }

    async fn handle(&self, request: Request) -> Result<Response, Error> {
        let now = Timestamp::now();
        let caller = Caller::of(&request, &self.shop)?;
        let terms = Terms::of(&request)?;
        let wishes: CheckoutBody = web::read(&request)?;
        let base = self.public_url.clone().or_else(|| web::base_url(&request)).unwrap_or_default();
        let token = caller.token().ok_or(Error::CartEmpty)?;

        let session = match self.carts.find_for(token.number(), terms.once(), now).await? {
            (_, Some(answered)) => self.answered(&answered).await?,
            (None, None) => return Err(Error::CartEmpty),
            (Some(cart), None) => {
                if terms.expected().is_some_and(|expected| expected != cart.version()) {
                    return Err(Error::VersionMismatch { current: Some(cart.version()) });
                }
                self.session(cart, &wishes, &base, terms.once(), now).await?
            }
        };

        Ok(web::json(web::StatusCode::OK, &session))
    }
}
