//! `GET /finish-order?session_id=cs_…`: where Stripe sends the shopper after paying.
//!
//! Runs the same fulfilment as the webhook, before or after it, and redirects the shopper to the shop.

use cart::{OrderStatus, SessionId};
use ordering::{Fulfilment, Outcome};
use payments::Stripe;
use services::Services;
use web::{Answer, Endpoint, Error, Request};

/// The endpoint.
#[derive(Debug)]
pub struct FinishOrder {
    fulfilment: Fulfilment,
    success_url: String,
    cancel_url: String,
}

impl Endpoint for FinishOrder {
    const NAME: &str = env!("CARGO_PKG_NAME");
    const SECRETS: &[&str] = &[Stripe::SECRET_KEY];

    fn prepare(services: &Services) {
        Stripe::open(&services.environment, &services.https);
    }

    fn new(services: &Services) -> Result<Self, settings::Error> {
        let environment = &services.environment;
        Ok(Self {
            fulfilment: Fulfilment::new(services)?,
            success_url: environment.required_url("SUCCESS_URL")?.to_owned(),
            cancel_url: environment.required_url("CANCEL_URL")?.to_owned(),
        })
    }

    async fn handle(&self, request: &Request) -> Result<Answer, Error> {
        let session = request.query("session_id").and_then(|text| SessionId::from_visitor(&text));
        let Some(session) = session else { return Answer::redirect(&self.cancel_url) };

        let fulfilled = self.fulfilment.fulfil(&session, None, request.received_at()).await;

        match fulfilled.map_err(|error| web::upstream(error.retry_after(), error))? {
            Outcome::Ordered { number, status } => {
                let url = self.success_url.replace("{number}", &number.to_string());
                Answer::redirect(&if status == OrderStatus::AwaitingPayment { marked_pending(&url) } else { url })
            }
            Outcome::Unfinished | Outcome::Foreign | Outcome::Unknown => Answer::redirect(&self.cancel_url),
        }
    }
}

/// Tells the thank-you page that the payment is pending.
fn marked_pending(url: &str) -> String {
    let (page, fragment) = url.split_once('#').map_or((url, None), |(page, fragment)| (page, Some(fragment)));
    let joint = if page.contains('?') { '&' } else { '?' };
    let fragment = fragment.map(|fragment| format!("#{fragment}")).unwrap_or_default();
    format!("{page}{joint}payment=pending{fragment}")
}
