//! Events about prices and products.

use cart::{Price, Product, Timestamp};
use payments::Event;
use store::{AsOf, Saved};

use crate::{Catalog, Error, found};

impl Catalog {
    /// Applies an event about a price or a product; `false` if it is about something else.
    ///
    /// An event that is older than the stored data changes nothing. If both are of the same second, asks Stripe.
    ///
    /// # Errors
    ///
    /// DynamoDB or Stripe fails: Stripe will deliver the event again.
    pub async fn apply_event(&self, event: &Event, now: Timestamp) -> Result<bool, Error> {
        let Some((subject, change)) = event.kind.split_once('.') else { return Ok(false) };
        if !matches!(change, "created" | "updated" | "deleted") {
            return Ok(false);
        }
        let deleted = change == "deleted";
        let stamp = if deleted { AsOf::deleted(event.created) } else { AsOf::event(event.created) };
        match subject {
            "price" => {
                let Some(mut price) = event.object::<Price>() else { return Ok(false) };
                price.active &= !deleted;
                self.apply_price(&price, deleted, stamp, now).await?;
            }
            "product" => {
                let Some(mut product) = event.object::<Product>() else { return Ok(false) };
                product.active &= !deleted;
                let saved = self.save_product(&product, stamp).await?;
                if saved == Saved::Older {
                    tally::count(tally::Metric::StaleEvents);
                }
                if saved == Saved::SameSecond
                    && !deleted
                    && let Some(current) = found(self.stripe.product(&product.id).await)?
                {
                    self.save_product(&current, AsOf::fetched(now)).await?;
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    async fn apply_price(&self, price: &Price, deleted: bool, stamp: AsOf, now: Timestamp) -> Result<(), Error> {
        if self.table.knows_newer(&price.id, stamp).await? {
            return Ok(());
        }
        // An event leaves out tiers and other currencies: only a request brings them.
        let current = if deleted { None } else { found(self.stripe.price(&price.id).await)? };
        let knows_product = match current {
            Some(current) => self.table.save_prices(&current.product, &[&current], AsOf::fetched(now)).await?,
            None => self.table.save_prices(&price.product, &[price], stamp).await?,
        };
        // The event of a price may arrive before that of its product.
        if !knows_product && let Some(product) = found(self.stripe.product(&price.product).await)? {
            self.save_product(&product, AsOf::fetched(now)).await?;
        }
        Ok(())
    }
}
