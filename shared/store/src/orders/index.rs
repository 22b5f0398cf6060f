//! Ways to an order other than its number.
//!
//! A way is a partition: all orders by time, the open ones, those of an e-mail address, that of a payment, those that people
//! call the same. Its rows are sorted by when the order was made, and hold nothing but their key. They are written in the
//! order's own transaction, so that there is no order without them and none is found twice. A row without its order leads
//! nowhere and is passed over.

use aws_sdk_dynamodb::types::TransactWriteItem;
use cart::{Order, OrderNumber, Reference, Timestamp};
use settings::Environment;

use crate::expression::{Expression, Update};
use crate::item::{Item, text};
use crate::table::{OnRefusal, Table};
use crate::{Connection, Error};

const WAY: &str = "way";
/// When the order was made, in text of one width, and its number.
const ORDER: &str = "order";
/// The order after which the scan for earlier ones goes on; absent at its end.
const AFTER: &str = "after";

/// How many orders of a reference are looked for.
const MOST_OF_A_REFERENCE: i32 = 10;

/// The ways to the orders.
#[derive(Clone, Debug)]
pub struct OrderIndex {
    table: Table,
}

/// A page of the orders on a way.
#[derive(Debug)]
pub struct Found {
    /// Their numbers, oldest first.
    pub numbers: Vec<OrderNumber>,
    /// Where the next page starts.
    pub next: Option<Place>,
}

/// A page of a way.
#[derive(Debug)]
pub(super) struct Page {
    /// The orders' places, in their order.
    pub(super) places: Vec<Place>,
    /// Where the next page starts.
    pub(super) next: Option<Place>,
}

/// A place on a way, after which a page starts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place(String);

impl Place {
    /// Where this order stands on its ways.
    #[must_use]
    pub fn of(order: &Order) -> Self {
        Self(place(order))
    }

    /// The place that this text names, as [`Self::as_str`] writes it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (time, number) = text.split_once('#')?;
        let time: Timestamp = time.parse().ok()?;
        let number: OrderNumber = number.parse().ok()?;
        Some(Self(format!("{}#{number}", text_of(time)))).filter(|place| place.0 == text)
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The number of the order.
    pub(super) fn number(&self) -> Option<OrderNumber> {
        self.0.split_once('#')?.1.parse().ok()
    }
}

impl From<Page> for Found {
    fn from(Page { places, next }: Page) -> Self {
        Self { numbers: places.iter().filter_map(Place::number).collect(), next }
    }
}

/// A way to an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way<'a> {
    /// All orders.
    Time,
    /// Those whose money is not where it stays.
    Open,
    /// Those of an e-mail address.
    Email(&'a str),
    /// That of a payment.
    PaymentIntent(&'a str),
    /// Those that people call so.
    Reference(Reference),
}

/// A part of a way.
#[derive(Clone, Debug)]
pub(super) struct Stretch<'a> {
    way: Way<'a>,
    /// Whether it is gone from its end.
    newest_first: bool,
    /// The first place and the last that it may have.
    between: Option<(String, String)>,
}

impl<'a> Stretch<'a> {
    /// All of a way, oldest first.
    fn all(way: Way<'a>) -> Self {
        Self { way, newest_first: false, between: None }
    }

    /// The orders of an address, or all of them, that were made in this time, newest first.
    pub(super) fn newest(email: Option<&'a str>, from: Option<Timestamp>, to: Option<Timestamp>) -> Self {
        let way = email.map_or(Way::Time, Way::Email);
        // A time alone sorts before all orders of its second. Orders are made at whole seconds.
        let first = from.map_or_else(|| FIRST.to_owned(), |from| text_of(from) + after_fraction(from));
        let last = to.map_or_else(|| LAST.to_owned(), |to| text_of(to) + after_fraction(to));
        let between = (from.is_some() || to.is_some()).then_some((first, last));
        Self { way, newest_first: true, between }
    }

    /// Whether a page can start after this place.
    pub(super) fn has(&self, Place(place): &Place) -> bool {
        self.between.as_ref().is_none_or(|(first, last)| first <= place && place <= last)
    }
}

/// Sorts before all orders. DynamoDB takes no blank text for a key.
const FIRST: &str = "!";
/// Sorts behind all orders.
const LAST: &str = "~";

/// What stands behind the whole second of a time within it, so that the text sorts behind all orders of that second.
fn after_fraction(time: Timestamp) -> &'static str {
    if time.subsec_nanosecond() == 0 { "" } else { LAST }
}

impl Way<'_> {
    fn key(self) -> String {
        match self {
            Self::Time => "time".to_owned(),
            Self::Open => "open".to_owned(),
            Self::Email(address) => format!("email#{}", same_address(address)),
            Self::PaymentIntent(id) => format!("payment_intent#{id}"),
            Self::Reference(reference) => format!("reference#{reference}"),
        }
    }

    /// Whether its key says who bought.
    fn tells_of_buyer(self) -> bool {
        match self {
            Self::Time | Self::Open | Self::PaymentIntent(_) | Self::Reference(_) => false,
            Self::Email(_) => true,
        }
    }
}

impl OrderIndex {
    /// The index in `ORDER_INDEX_TABLE`.
    ///
    /// # Errors
    ///
    /// The setting is missing.
    pub fn new(connection: &Connection, environment: &Environment) -> Result<Self, settings::Error> {
        Ok(Self { table: Table::new(connection, environment.required("ORDER_INDEX_TABLE")?, WAY) })
    }

    /// The order of a payment, if the index knows it. One strongly consistent query.
    ///
    /// # Errors
    ///
    /// DynamoDB fails.
    pub async fn of_payment(&self, payment_intent: &str) -> Result<Option<OrderNumber>, Error> {
        let found = self.page(&Stretch::all(Way::PaymentIntent(payment_intent)), None, 1).await?;
        Ok(found.places.iter().find_map(Place::number))
    }

    /// A page of the orders whose money is not where it stays, oldest first.
    ///
    /// # Errors
    ///
    /// DynamoDB fails.
    pub async fn open(&self, after: Option<&Place>) -> Result<Found, Error> {
        Ok(self.page(&Stretch::all(Way::Open), after, 100).await?.into())
    }

    /// The places of the orders that people call so. There is hardly ever a second one.
    pub(super) async fn of_reference(&self, reference: Reference) -> Result<Vec<Place>, Error> {
        Ok(self.page(&Stretch::all(Way::Reference(reference)), None, MOST_OF_A_REFERENCE).await?.places)
    }

    /// The places of the orders of an address: the first of them, as many as `limit`.
    pub(super) async fn of_email(&self, email: &str, limit: usize) -> Result<Vec<Place>, Error> {
        let limit = i32::try_from(limit).unwrap_or(i32::MAX);
        Ok(self.page(&Stretch::all(Way::Email(email)), None, limit).await?.places)
    }

    /// Where the scan for orders of version 0.1.0 goes on: after this order, or from the start. `None` if it is over.
    pub(super) async fn scanned(&self) -> Result<Option<Option<OrderNumber>>, Error> {
        let request = self.table.client().get_item().table_name(self.table.name()).set_key(Some(progress()));
        let output = request.consistent_read(true).send().await.map_err(|error| Error::from_sdk("GetItem", error))?;
        let Some(row) = output.item else { return Ok(Some(None)) };
        let after = row.get(AFTER).and_then(|after| after.as_s().ok()?.parse().ok());
        Ok(after.map(Some))
    }

    /// Writes down how far the scan is; `None` stands for its end.
    pub(super) async fn set_scanned(&self, after: Option<OrderNumber>) -> Result<(), Error> {
        let mut row = progress();
        row.extend(after.map(|number| (AFTER.to_owned(), text(number))));
        self.table.put(row, Update::default(), OnRefusal::Nothing).await.map(drop)
    }

    /// Has the scan begin again.
    ///
    /// # Errors
    ///
    /// DynamoDB fails.
    pub async fn scan_again(&self) -> Result<(), Error> {
        let request = self.table.client().delete_item().table_name(self.table.name()).set_key(Some(progress()));
        request.send().await.map(drop).map_err(|error| Error::from_sdk("DeleteItem", error))
    }

    /// A page of this stretch, after this place.
    pub(super) async fn page(&self, stretch: &Stretch<'_>, after: Option<&Place>, limit: i32) -> Result<Page, Error> {
        let mut query = Update::default();
        let [name, value] = [query.name(WAY), query.value(text(stretch.way.key()))];
        let mut condition = format!("{name} = {value}");
        if let Some((first, last)) = &stretch.between {
            let [order, first, last] = [query.name(ORDER), query.value(text(first)), query.value(text(last))];
            condition = format!("{condition} AND {order} BETWEEN {first} AND {last}");
        }
        let Expression { names, values, .. } = query.into_expression();
        let output = self
            .table
            .client()
            .query()
            .table_name(self.table.name())
            .consistent_read(true)
            .key_condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .set_exclusive_start_key(after.map(|place| row(stretch.way, &place.0)))
            .scan_index_forward(!stretch.newest_first)
            .limit(limit)
            .send()
            .await
            .map_err(|error| Error::from_sdk("Query", error))?;
        let place = |item: &Item| Some(Place(item.get(ORDER)?.as_s().ok()?.clone()));
        let places = output.items().iter().filter_map(place).collect();
        let next = output.last_evaluated_key.as_ref().and_then(place);
        Ok(Page { places, next })
    }

    /// Takes an order off the way of an address, by its place.
    pub(super) async fn leave_email(&self, email: &str, Place(place): &Place) -> Result<(), Error> {
        let key = row(Way::Email(email), place);
        let request = self.table.client().delete_item().table_name(self.table.name()).set_key(Some(key));
        request.send().await.map(drop).map_err(|error| Error::from_sdk("DeleteItem", error))
    }

    /// The writes after which no way leads from what tells of the buyer to the order.
    pub(super) fn leave_buyer(&self, order: &Order) -> Result<Vec<TransactWriteItem>, Error> {
        let place = place(order);
        let of_buyer = ways(order, &[]).into_iter().filter(|way| way.tells_of_buyer());
        of_buyer.map(|way| self.table.delete_in_transaction(row(way, &place))).collect()
    }

    /// The writes that enter an order which these payments were made for.
    pub(super) fn enter(&self, order: &Order, payments: &[String]) -> Result<Vec<TransactWriteItem>, Error> {
        let place = place(order);
        ways(order, payments).into_iter().map(|way| self.put(way, &place)).collect()
    }

    /// The write after which the order is on the way of the open ones, or is not.
    pub(super) fn set_open(&self, order: &Order, is_open: bool) -> Result<TransactWriteItem, Error> {
        let place = place(order);
        if is_open { self.put(Way::Open, &place) } else { self.table.delete_in_transaction(row(Way::Open, &place)) }
    }

    fn put(&self, way: Way<'_>, place: &str) -> Result<TransactWriteItem, Error> {
        self.table.put_in_transaction(row(way, place), Update::default())
    }
}

/// The row that says how far the scan for earlier orders is.
fn progress() -> Item {
    Item::from([(WAY.to_owned(), text("progress")), (ORDER.to_owned(), text("scan"))])
}

/// The ways that lead to an order.
fn ways<'a>(order: &'a Order, payments: &'a [String]) -> Vec<Way<'a>> {
    let own = order.payment.payment_intent.as_ref().map(cart::PaymentIntentId::as_str);
    let mut payments: Vec<&str> = payments.iter().map(String::as_str).chain(own).collect();
    payments.sort_unstable();
    payments.dedup();
    let email = order.customer.email.as_deref().filter(|address| !address.trim().is_empty());
    let open = order.standing.is_open().then_some(Way::Open);
    let payments = payments.into_iter().map(Way::PaymentIntent);
    let reference = [Way::Reference(order.reference)];
    [Way::Time].into_iter().chain(open).chain(email.map(Way::Email)).chain(payments).chain(reference).collect()
}

fn row(way: Way<'_>, place: &str) -> Item {
    Item::from([(WAY.to_owned(), text(way.key())), (ORDER.to_owned(), text(place))])
}

/// Where an order stands on its ways: whole seconds, as text that sorts as they do.
fn place(order: &Order) -> String {
    format!("{}#{}", text_of(order.created_at), order.number)
}

/// The second of a time, in text of one width that sorts as times do.
fn text_of(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// An e-mail address as all write it who mean the same: people write it in their own way.
pub(super) fn same_address(address: &str) -> String {
    address.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::row::tests::order;

    fn keys(order: &Order, payments: &[&str]) -> Vec<String> {
        let payments: Vec<_> = payments.iter().map(|&id| id.to_owned()).collect();
        ways(order, &payments).into_iter().map(Way::key).collect()
    }

    #[test]
    fn an_order_is_found_by_what_people_and_stripe_know_of_it() {
        let mut order = order();
        assert_eq!(keys(&order, &[]), ["time", "reference#APGGKKFVMP"]);

        order.customer.email = Some(" Ann@Example.COM ".to_owned());
        order.payment.payment_intent = Some("pi_1".parse().unwrap());
        order.standing.status = cart::OrderStatus::Authorized;

        order.reference = "6JQNSVNNDX".parse().unwrap();

        let all = ["time", "open", "email#ann@example.com", "payment_intent#pi_1", "reference#6JQNSVNNDX"];
        assert_eq!(keys(&order, &[]), all);
        // The payment of a session is among those that were read.
        assert_eq!(keys(&order, &["pi_1"]), all);
        assert_eq!(keys(&order, &["pi_2", "pi_1"])[3..5], ["payment_intent#pi_1", "payment_intent#pi_2"]);
    }

    #[test]
    fn places_sort_by_time_and_name_the_order() {
        let mut order = order();
        let mut before = String::new();
        for second in [0, 1, 59, 86_399, 86_400, 1_795_348_800, 4_102_444_800] {
            order.created_at = Timestamp::from_second(second).unwrap();
            let place = place(&order);

            assert!(before < place, "{before} {place}");
            assert_eq!(place.len(), "1970-01-01T00:00:00Z#".len() + 32);
            assert_eq!(Place::parse(&place).unwrap().number(), Some(order.number));
            before = place;
        }
    }
}
