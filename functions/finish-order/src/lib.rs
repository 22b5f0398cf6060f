//! `GET /finish-order?session_id=cs_…&cart=…`: where Stripe sends the shopper after paying.
//!
//! Always redirects to a page of the shop, whatever fails. [`ordering::Landing`] decides to which.

use ordering::{Landing, Visit};
use payments::Stripe;
use services::Services;
use web::{Answer, Endpoint, Error, Request};

/// The endpoint.
#[derive(Debug)]
pub struct FinishOrder {
    landing: Landing,
}

impl Endpoint for FinishOrder {
    const NAME: &str = env!("CARGO_PKG_NAME");
    const SECRETS: &[&str] = &[Stripe::SECRET_KEY];

    fn prepare(services: &Services) {
        Stripe::open(&services.environment, &services.https);
    }

    fn new(services: &Services) -> Result<Self, settings::Error> {
        Ok(Self { landing: Landing::new(services)? })
    }

    async fn handle(&self, request: &Request) -> Result<Answer, Error> {
        let page = self.landing.page(&visit(request), request.received_at()).await;

        Answer::redirect(&page)
    }

    fn overdue(&self, request: &Request) -> Result<Answer, Error> {
        Answer::redirect(&self.landing.overdue_page(&visit(request)))
    }
}

fn visit(request: &Request) -> Visit {
    Visit::new(request.query("session_id").as_deref(), request.query("cart").as_deref())
}
