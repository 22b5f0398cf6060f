//! The sync: the whole catalogue, compared with Stripe's and repaired.

use std::collections::{BTreeMap, HashMap};

use cart::{Price, Product, ProductId};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use store::{AsOf, Digest, Inventory, Reach};

use crate::{Catalog, Error, fetched_now};

/// How far a sync is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Progress {
    /// Products compared so far.
    pub products: usize,
    /// Prices compared so far.
    pub prices: usize,
    /// Products and prices that were new or different, and written.
    pub written: usize,
    /// Products and prices that Stripe no longer has, and that are no longer sold.
    pub retired: usize,
}

/// How many rows are written at a time.
const WRITES_AT_A_TIME: usize = 16;
/// How many products or prices that Stripe did not list are asked for at a time.
const QUESTIONS_AT_A_TIME: usize = 4;

impl Catalog {
    /// Makes the table hold what Stripe has; calls `progress` after each page.
    ///
    /// Asks Stripe for pages of 100 products and of 100 prices, and besides only for objects that it no longer
    /// lists. Reads the table once. Writes only rows that differ. Rides out a rate limit or an outage of some seconds.
    ///
    /// Can be stopped and run again at any time: nothing older overwrites anything newer. What claims to be of the future
    /// counts as older than this run.
    ///
    /// # Errors
    ///
    /// DynamoDB or Stripe fails, after retries.
    pub async fn sync(&self, mut progress: impl FnMut(Progress)) -> Result<Progress, Error> {
        let stripe = self.stripe.with_long_retries();
        let mut done = Progress::default();
        let mut inventory = self.table.inventory(fetched_now).await?;
        if inventory.misdated() > 0 {
            tracing::warn!(misdated = inventory.misdated(), "the catalogue is dated in the future: it is dated back");
            self.table.date_back(&inventory).await?;
        }
        let mut contents = HashMap::new();

        let mut after = None;
        loop {
            let stamp = fetched_now();
            let page = stripe.products(after.as_deref()).await?;
            skip(&page.unreadable, &mut inventory);
            done.products += page.objects.len();
            done.written += self.sync_products(&page.objects, &mut inventory, &mut contents, stamp).await?;
            progress(done);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        loop {
            let stamp = fetched_now();
            let page = stripe.prices(after.as_deref()).await?;
            skip(&page.unreadable, &mut inventory);
            done.prices += page.objects.len();
            done.written += self.sync_prices(&page.objects, &mut inventory, &contents, stamp).await?;
            progress(done);
            after = page.next;
            if after.is_none() {
                break;
            }
        }

        done.retired = self.retire(&inventory).await?;
        self.table.empty_earlier_rows(&inventory).await?;
        progress(done);
        Ok(done)
    }

    async fn sync_products(
        &self,
        products: &[Product],
        inventory: &mut Inventory,
        contents: &mut HashMap<ProductId, Digest>,
        stamp: AsOf,
    ) -> Result<usize, Error> {
        let mut changed = Vec::new();
        for product in products.iter().map(|product| self.as_sold(product)) {
            if !inventory.check_off_product(&product.id, Digest::of(&product)) {
                changed.push(product.clone());
            }
            contents.insert(product.id.clone(), Digest::of_copy(&product));
        }
        let writes: Vec<_> =
            changed.iter().map(|product| self.table.save_product(product, stamp, Reach::Row)).collect();
        stream::iter(writes).buffer_unordered(WRITES_AT_A_TIME).try_collect::<()>().await?;
        Ok(changed.len())
    }

    async fn sync_prices(
        &self,
        prices: &[Price],
        inventory: &mut Inventory,
        contents: &HashMap<ProductId, Digest>,
        stamp: AsOf,
    ) -> Result<usize, Error> {
        let mut changed: BTreeMap<&ProductId, Vec<&Price>> = BTreeMap::new();
        for price in prices {
            if !inventory.check_off_price(price, contents.get(&price.product).copied()) {
                changed.entry(&price.product).or_default().push(price);
            }
        }
        let writes: Vec<_> = changed.iter().map(|(id, prices)| self.table.save_prices(id, prices, stamp)).collect();
        stream::iter(writes).buffer_unordered(WRITES_AT_A_TIME).try_for_each(|_| async { Ok(()) }).await?;
        Ok(changed.values().map(Vec::len).sum())
    }

    /// Checks the objects that Stripe did not list. A list may miss an object that was made or changed just now, so asks
    /// Stripe for each one. The shop no longer sells those that Stripe no longer has.
    async fn retire(&self, inventory: &Inventory) -> Result<usize, Error> {
        let stripe = &self.stripe.with_long_retries();
        let (products, prices): (Vec<_>, Vec<_>) =
            (inventory.products_left().collect(), inventory.prices_left().collect());
        let retired = products.len() + prices.len();
        let products: Vec<_> = products.iter().map(|id| self.read_product_again(stripe, id, Reach::Row)).collect();
        stream::iter(products).buffer_unordered(QUESTIONS_AT_A_TIME).try_collect::<()>().await?;
        let prices: Vec<_> = prices.iter().map(|id| self.read_price_again(stripe, id, Reach::Row)).collect();
        stream::iter(prices).buffer_unordered(QUESTIONS_AT_A_TIME).try_collect::<()>().await?;
        Ok(retired)
    }
}

/// Leaves objects that cannot be read as they are.
fn skip(unreadable: &[String], inventory: &mut Inventory) {
    for id in unreadable {
        tracing::warn!(id, "Stripe has an object that this version cannot read: it is left as it is");
        inventory.skip(id);
    }
}
