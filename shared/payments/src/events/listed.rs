//! Events that Stripe keeps, delivered or not.

use cart::Timestamp;

use super::Event;
use crate::{Error, Page, Stripe, api};

impl Stripe {
    /// A page of the events of these types, twenty at most, that happened at `since` or later, newest first. Stripe keeps
    /// events for thirty days.
    ///
    /// # Errors
    ///
    /// Stripe fails, or the key lacks the right `rak_event_read`: [`Error::is_forbidden`].
    ///
    /// Source: <https://docs.stripe.com/api/events/list>
    pub async fn events(&self, types: &[&str], since: Timestamp, after: Option<&str>) -> Result<Page<Event>, Error> {
        self.call(api::events(types, since, after)?, None).await
    }
}
