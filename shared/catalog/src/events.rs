//! Events about prices and products.

use cart::{PriceId, ProductId, Timestamp};
use payments::Event;
use store::{AsOf, Reach};
use tally::Metric;

use crate::{Catalog, Error};

/// What an event is about.
enum Subject {
    Price(PriceId),
    Product(ProductId),
}

impl Subject {
    /// `None` where the event is not about a price or a product, or about one that no cart can hold.
    fn of(event: &Event) -> Option<Self> {
        let (subject, change) = event.kind.split_once('.')?;
        let id = event.field("id").filter(|_| matches!(change, "created" | "updated" | "deleted"))?;
        match subject {
            "price" => Some(Self::Price(id.parse().ok()?)),
            "product" => Some(Self::Product(id.parse().ok()?)),
            _ => None,
        }
    }
}

impl Catalog {
    /// Takes an event about a price or a product for a hint that it has changed: reads the object at Stripe, and saves what
    /// Stripe says. Returns `false` if the event is about something else.
    ///
    /// Of the event only the id is believed, and the time as a reason not to ask: where the object was read after it, nothing
    /// is asked. So several events about one object in a second may cost one request. Events are taken one after the other,
    /// so that a burst of them is no burst of requests.
    ///
    /// # Errors
    ///
    /// DynamoDB fails, or Stripe fails or has too many requests: Stripe will deliver the event again.
    pub async fn apply_event(&self, event: &Event, now: Timestamp) -> Result<bool, Error> {
        let Some(subject) = Subject::of(event) else { return Ok(false) };
        let told = AsOf::after_event(event.created, now);
        let _turn = self.turn.lock().await;
        let known = match &subject {
            Subject::Price(id) => self.table.knows_price(id, told).await?,
            Subject::Product(id) => self.table.knows_product(id, told).await?,
        };
        if known {
            tally::count(Metric::StaleEvents);
            return Ok(true);
        }
        let stripe = self.stripe.giving_way();
        let read = match &subject {
            Subject::Price(id) => self.read_price_again(&stripe, id, Reach::ActivePrices).await,
            Subject::Product(id) => self.read_product_again(&stripe, id, Reach::ActivePrices).await,
        };
        match read {
            // Another delivery would not help. A sync says the same.
            Err(Error::Stripe(payments::Error::Unknown { reason } | payments::Error::Unreadable { reason })) => {
                tracing::warn!(
                    event = event.id,
                    reason,
                    "Stripe has an object that this version cannot read: it is left as it is"
                );
                Ok(true)
            }
            read => read.map(|()| true),
        }
    }
}
