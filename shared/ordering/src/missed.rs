//! What befell orders and pages, and came to the shop by no webhook.

use std::collections::HashSet;

use cart::{Claim, Order, OrderNumber, Timestamp};
use payments::Event;
use tally::Metric;

use crate::events::payment_of;
use crate::fulfilment::TIME_TO_ARRIVE;
use crate::troubles::Troubles;
use crate::{Error, Events};

impl Events {
    /// Handles what has happened since `since` and was not heard of, as Stripe's list of events has it, as if each event were
    /// delivered. Returns how many orders changed and how many carts were abandoned.
    ///
    /// Neither finished sessions nor the catalogue are looked for: a sync finds these by themselves. What had time to arrive
    /// is judged by `at`; what is stored has the time `now`.
    ///
    /// Can be stopped and run again at any time. An event costs two reads; one that is news, what a delivery costs besides.
    ///
    /// # Errors
    ///
    /// DynamoDB or Stripe fails, or the key may not read events: the next run goes on.
    pub async fn repair(&self, since: Timestamp, at: Timestamp, now: Timestamp) -> Result<usize, Error> {
        let types: Vec<&str> = Self::HANDLED.into_iter().filter(|kind| !is_found_otherwise(kind)).collect();
        let (mut repaired, mut after, mut troubles) = (0, None, Troubles::default());
        let mut of_others = HashSet::new();
        loop {
            let page = self.stripe.events(&types, since, after.as_deref()).await?;
            for event in &page.data {
                let taken_up = Box::pin(self.take_up(event, &mut of_others, now)).await;
                if !troubles.note(&event.id, taken_up)? {
                    continue;
                }
                repaired += 1;
                if event.created < (at - TIME_TO_ARRIVE).as_second() {
                    tally::count(Metric::OrderMissed);
                }
            }
            after = page.data.last().map(|event| event.id.clone());
            if !page.has_more || after.is_none() {
                return troubles.end(repaired);
            }
        }
    }

    /// Handles an event unless what it tells is known; whether it changed anything.
    ///
    /// `of_others` are payments that turned out to be no business of this shop's: Stripe is asked about each once.
    async fn take_up(&self, event: &Event, of_others: &mut HashSet<String>, now: Timestamp) -> Result<bool, Error> {
        if event.kind == "checkout.session.expired" {
            return Ok(!self.knows_end(event).await? && self.handle(event, now).await?);
        }
        let payment = payment_of(event).filter(|_| !is_of_session(event));
        if payment.is_some_and(|payment| of_others.contains(payment)) {
            return Ok(false);
        }
        let before = self.order_of(event).await?;
        if before.as_ref().is_some_and(|order| was_read_after(order, event)) {
            return Ok(false);
        }
        if !self.handle(event, now).await? {
            of_others.extend(payment.map(str::to_owned));
            return Ok(false);
        }
        let after = self.order_of(event).await?;
        Ok(match (before, after) {
            (Some(before), Some(after)) => after.standing.differs(&before.standing),
            (before, after) => before.is_some() != after.is_some(),
        })
    }

    /// Whether nothing is left to write down of a page that has ended, so that Stripe need not be asked.
    async fn knows_end(&self, event: &Event) -> Result<bool, Error> {
        let Some((session, made_from)) = event.session() else { return Ok(true) };
        if self.fulfilment.ownership().claim(&made_from) == Claim::Foreign {
            return Ok(true);
        }
        let ran_out = event.number("expires_at").is_none_or(|expires_at| event.created >= expires_at);
        Ok(self.carts.knows_end(made_from.number, &session, ran_out).await?)
    }

    /// The order that an event is about, if there is one and the event itself leads there.
    async fn order_of(&self, event: &Event) -> Result<Option<Order>, Error> {
        if is_of_session(event) {
            let Some((session, _)) = event.session() else { return Ok(None) };
            return self.fulfilment.order(OrderNumber::of_session(&session)).await;
        }
        match payment_of(event) {
            Some(payment) => self.fulfilment.order_of_payment(payment).await,
            None => Ok(None),
        }
    }
}

/// Whether what an event of this type tells is found without it.
fn is_found_otherwise(kind: &str) -> bool {
    kind == "checkout.session.completed" || kind.starts_with("price.") || kind.starts_with("product.")
}

fn is_of_session(event: &Event) -> bool {
    event.kind.starts_with("checkout.session.")
}

/// Whether Stripe was asked about an order after the event, which bears whole seconds.
fn was_read_after(order: &Order, event: &Event) -> bool {
    order.standing.read_at.is_some_and(|read_at| read_at.as_second() > event.created)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: <https://docs.stripe.com/api/events/list>
    #[test]
    fn stripe_takes_as_many_types_at_once_as_are_looked_for() {
        let types: Vec<_> = Events::HANDLED.into_iter().filter(|kind| !is_found_otherwise(kind)).collect();

        assert!(types.len() <= 20, "{types:?}");
        let others = Events::HANDLED.len() - types.len();
        assert_eq!(others, 7, "finished sessions, three of products and three of prices");
    }
}
