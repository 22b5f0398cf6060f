//! The merchant's orders: `GET /admin/orders`, `GET /admin/orders/{number}`, `POST /admin/orders/{number}/anonymise` and
//! `POST /admin/anonymise`.
//!
//! Shows all that is stored, the buyer too. So API Gateway asks for a signature of IAM's; here nothing does.

mod csv;
mod fields;
mod format;
mod query;
mod view;

use std::time::Duration;

use cart::{Order, OrderNumber, Reference};
use serde::Serialize;
use services::Services;
use store::{Carts, OrderIndex, Orders};
use web::{AnonymiseBody, Answer, EmptyBody, Endpoint, Error, Request, Shop};

use crate::format::{Format, Page};
use crate::query::Query;

/// The endpoint.
#[derive(Debug)]
pub struct AdminOrders {
    shop: Shop,
    orders: Orders,
    index: OrderIndex,
    carts: Carts,
}

/// What became of the orders of an e-mail address.
#[derive(Serialize)]
struct AnonymisedView {
    anonymised: usize,
    more: bool,
}

/// The path of the list, behind the API's address.
const PATH: &str = "/admin/orders";

impl Endpoint for AdminOrders {
    const NAME: &str = env!("CARGO_PKG_NAME");

    /// No shopper waits: it works for as long as API Gateway waits, or nearly.
    const PATIENCE: Duration = Duration::from_secs(27);

    fn new(services: &Services) -> Result<Self, settings::Error> {
        let Services { environment, database, .. } = services;
        Ok(Self {
            shop: Shop::new(environment)?,
            orders: Orders::new(database, environment)?,
            index: OrderIndex::new(database, environment)?,
            carts: Carts::new(database, environment)?,
        })
    }

    async fn handle(&self, request: &Request) -> Result<Answer, Error> {
        let mut segments = request.segments_from_the_last();
        let mut segment = || segments.next().unwrap_or_default();
        match (request.method(), segment(), segment(), segment()) {
            ("POST", "anonymise", number, "orders") => self.anonymise(request, number).await,
            ("POST", "anonymise", ..) => self.anonymise_orders_of(request).await,
            (_, "orders", "admin", _) => self.list(request).await,
            (_, named, ..) => self.show(request, named).await,
        }
    }
}

impl AdminOrders {
    async fn list(&self, request: &Request) -> Result<Answer, Error> {
        let format = Format::asked_for(request)?;
        let query = Query::read(request)?;
        let Query { wanted, after, limit } = &query;

        let listed = self.orders.list(&self.index, wanted, after.as_ref(), *limit).await.map_err(failed)?;

        let page = Page::new(format, &listed, &self.shop);
        let cursor = page.next.as_ref().map(|next| wanted.cursor(next));
        let answer = page.answer(cursor.as_deref());
        match cursor {
            None => Ok(answer),
            Some(cursor) => {
                let base = request.base_url(PATH).unwrap_or_default();
                answer.followed_by(&format!("{base}{PATH}?{}", query.text(request, &cursor)))
            }
        }
    }

    async fn show(&self, request: &Request, named: &str) -> Result<Answer, Error> {
        let format = Format::asked_for(request)?;

        let found = match (named.parse::<OrderNumber>(), named.parse::<Reference>()) {
            (Ok(number), _) => self.orders.find(number).await.map_err(failed)?.into_iter().collect(),
            (_, Ok(reference)) => self.orders.of_reference(&self.index, reference).await.map_err(failed)?,
            _ => return Err(Error::field("number", "must be an order's number or its reference")),
        };

        self.found(format, found)
    }

    async fn anonymise(&self, request: &Request, number: &str) -> Result<Answer, Error> {
        let EmptyBody {} = request.body()?;
        let format = Format::asked_for(request)?;
        let number = number.parse().map_err(|_| Error::field("number", "must be an order's number"))?;

        let now = request.received_at();
        let anonymised = self.orders.anonymise(number, &self.index, &self.carts, now).await.map_err(failed)?;

        self.found(format, anonymised.into_iter().map(|(order, _)| order).collect())
    }

    async fn anonymise_orders_of(&self, request: &Request) -> Result<Answer, Error> {
        let body: AnonymiseBody = request.body()?;

        let now = request.received_at();
        let done =
            self.orders.anonymise_orders_of(body.email(), &self.index, &self.carts, now).await.map_err(failed)?;

        Ok(Answer::json(&AnonymisedView { anonymised: done.orders, more: done.more }))
    }

    /// Orders that were asked for by name: none is an error.
    fn found(&self, format: Format, orders: Vec<Order>) -> Result<Answer, Error> {
        if orders.is_empty() {
            return Err(Error::OrderNotFound);
        }
        let listed = store::Listed { orders, next: None };
        Ok(Page::new(format, &listed, &self.shop).answer(None))
    }
}

fn failed(error: store::Error) -> Error {
    web::upstream(error.retry_after(), error)
}
