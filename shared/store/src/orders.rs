//! The table of orders.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{Put, ReturnValue, TransactWriteItem, Update as UpdateItem};
use cart::{Cart, CartNumber, Order, OrderNumber, OrderStatus};
use settings::Environment;

use crate::cart_item;
use crate::expression::{Expression, Update};
use crate::item::{Item, Reader, number, text};
use crate::{Carts, Connection, Error};

const NUMBER: &str = "number";
const FORMAT: &str = "f";
const STATUS: &str = "status";
const REFUNDED: &str = "refunded";
const DOCUMENT: &str = "order";
/// The type of the event that tells of the order as it is; absent while there is only the order to tell of.
const EVENT: &str = "event";
const TABLE: &str = "orders";

/// The orders.
#[derive(Clone, Debug)]
pub struct Orders {
    connection: Connection,
    table: String,
}

/// What became of an order that was to be placed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Placed {
    /// The order is stored, and the cart with it.
    New,
    /// The order had been stored before.
    Existing,
    /// The cart changed in between: nothing is written, and the caller decides again.
    CartChanged,
}

impl Orders {
    /// The orders in `ORDERS_TABLE`.
    ///
    /// # Errors
    ///
    /// The setting is missing.
    pub fn new(connection: &Connection, environment: &Environment) -> Result<Self, settings::Error> {
        Ok(Self { connection: connection.clone(), table: environment.required("ORDERS_TABLE")?.to_owned() })
    }

    /// The order with this number. One strongly consistent read.
    ///
    /// # Errors
    ///
    /// DynamoDB fails, or the item is corrupt.
    pub async fn find(&self, number: OrderNumber) -> Result<Option<Order>, Error> {
        let output = self
            .connection
            .client()
            .get_item()
            .table_name(&self.table)
            .key(NUMBER, text(number))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| Error::from_sdk("GetItem", error))?;
        output.item.as_ref().map(read).transpose()
    }

    /// Stores a new order, and the cart that it came from as it is afterwards, in one transaction.
    ///
    /// `cart` holds the cart as it was read, and as it shall be; `None` where it does not exist any more.
    ///
    /// # Errors
    ///
    /// DynamoDB fails; nothing is written, or all is, in which case the next call finds the order.
    pub async fn place(&self, order: &Order, carts: &Carts, cart: Option<(&Cart, &Cart)>) -> Result<Placed, Error> {
        let mut absent = Update::default();
        let key = absent.name(NUMBER);
        absent.guard(format!("attribute_not_exists({key})"));
        let mut writes = vec![put(&self.table, write(order), absent)?];
        if let Some((before, after)) = cart {
            writes.push(update(carts.table(), before.number(), cart_item::replace(before, after))?);
        }

        let result = self.connection.client().transact_write_items().set_transact_items(Some(writes)).send().await;
        match result {
            Ok(_) => Ok(Placed::New),
            Err(SdkError::ServiceError(context)) => match context.into_err() {
                TransactWriteItemsError::TransactionCanceledException(cancelled) => {
                    let reasons = cancelled.cancellation_reasons();
                    let reason = |index: usize| reasons.get(index).and_then(|reason| reason.code()).unwrap_or("None");
                    match (reason(0), reason(1)) {
                        ("ConditionalCheckFailed", _) => Ok(Placed::Existing),
                        // A conflict means that another transaction is writing the same order or cart right now.
                        (_, "ConditionalCheckFailed" | "TransactionConflict") | ("TransactionConflict", _) => {
                            Ok(Placed::CartChanged)
                        }
                        (first, second) => Err(Error::Unavailable {
                            operation: "TransactWriteItems",
                            reason: format!("cancelled: {first}, {second}"),
                        }),
                    }
                }
                error => Err(Error::from_service("TransactWriteItems", &error)),
            },
            Err(error) => Err(Error::from_sdk("TransactWriteItems", error)),
        }
    }

    /// Moves an order's status and refunded amount forward, never back; `None` where there is no such order, or it is
    /// there or further already.
    ///
    /// # Errors
    ///
    /// DynamoDB fails, or the item is corrupt.
    pub async fn advance(
        &self,
        order: OrderNumber,
        status: OrderStatus,
        refunded: i64,
    ) -> Result<Option<Order>, Error> {
        let mut update = Update::default();
        let [status_name, refunded_name] = [STATUS, REFUNDED].map(|name| update.name(name));
        let earlier: Vec<_> = OrderStatus::ALL
            .into_iter()
            .filter(|earlier| *earlier < status)
            .map(|earlier| update.value(text(earlier.as_str())))
            .collect();
        let [new_status, amount] = [text(status.as_str()), number(refunded)].map(|value| update.value(value));
        let same = format!("{status_name} = {new_status} AND {refunded_name} < {amount}");
        update.guard(if earlier.is_empty() {
            same
        } else {
            format!("{status_name} IN ({}) OR {same}", earlier.join(", "))
        });
        update.set(format!("{status_name} = {new_status}"));
        update.set(format!("{refunded_name} = {amount}"));
        if let Some(event) = event(status) {
            let [name, event] = [update.name(EVENT), update.value(text(event))];
            update.set(format!("{name} = {event}"));
        }
        let Expression { update, condition, names, values } = update.into_expression();
        let result = self
            .connection
            .client()
            .update_item()
            .table_name(&self.table)
            .key(NUMBER, text(order))
            .set_update_expression(update)
            .set_condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        match result {
            Ok(output) => output.attributes.as_ref().map(read).transpose(),
            Err(SdkError::ServiceError(context)) => match context.into_err() {
                UpdateItemError::ConditionalCheckFailedException(_) => Ok(None),
                error => Err(Error::from_service("UpdateItem", &error)),
            },
            Err(error) => Err(Error::from_sdk("UpdateItem", error)),
        }
    }
}

fn put(table: &str, item: Item, guard: Update) -> Result<TransactWriteItem, Error> {
    let Expression { condition, names, values, .. } = guard.into_expression();
    let put = Put::builder()
        .table_name(table)
        .set_item(Some(item))
        .set_condition_expression(condition)
        .set_expression_attribute_names(names)
        .set_expression_attribute_values(values)
        .build()
        .map_err(|error| Error::Refused { operation: "TransactWriteItems", reason: error.to_string() })?;
    Ok(TransactWriteItem::builder().put(put).build())
}

fn update(table: &str, cart: CartNumber, update: Update) -> Result<TransactWriteItem, Error> {
    let Expression { update, condition, names, values } = update.into_expression();
    let update = UpdateItem::builder()
        .table_name(table)
        .key(cart_item::NUMBER, text(cart))
        .set_update_expression(update)
        .set_condition_expression(condition)
        .set_expression_attribute_names(names)
        .set_expression_attribute_values(values)
        .build()
        .map_err(|error| Error::Refused { operation: "TransactWriteItems", reason: error.to_string() })?;
    Ok(TransactWriteItem::builder().update(update).build())
}

/// The document holds what never changes; status and refunds stand beside it, where they can be moved forward.
fn write(order: &Order) -> Item {
    let mut item = Item::from([
        (NUMBER.to_owned(), text(order.number)),
        (FORMAT.to_owned(), number(1)),
        (STATUS.to_owned(), text(order.status.as_str())),
        (REFUNDED.to_owned(), number(order.refunded)),
        ("cart".to_owned(), text(order.cart)),
        ("session".to_owned(), text(&order.payment.session)),
        ("currency".to_owned(), text(order.currency)),
        ("total".to_owned(), number(order.total)),
        ("created".to_owned(), number(order.created_at.as_second())),
        // An order is plain data: it always serialises.
        (DOCUMENT.to_owned(), text(serde_json::to_string(order).unwrap_or_default())),
    ]);
    if let Some(event) = event(order.status) {
        item.insert(EVENT.to_owned(), text(event));
    }
    item
}

/// What there is to tell once an order comes to have this status, beside that there is one.
fn event(status: OrderStatus) -> Option<&'static str> {
    match status {
        OrderStatus::AwaitingPayment => None,
        OrderStatus::PaymentFailed => Some("payment.failed"),
        OrderStatus::Paid => Some("order.paid"),
        OrderStatus::PartiallyRefunded | OrderStatus::Refunded => Some("order.refunded"),
    }
}

fn read(item: &Item) -> Result<Order, Error> {
    let reader = Reader { table: TABLE, item };
    let json = reader.text(DOCUMENT).ok_or_else(|| reader.corrupt(DOCUMENT))?;
    let mut order: Order = serde_json::from_str(json).map_err(|_| reader.corrupt(DOCUMENT))?;
    let status = reader.text(STATUS).unwrap_or_default();
    order.status =
        OrderStatus::ALL.into_iter().find(|known| known.as_str() == status).ok_or_else(|| reader.corrupt(STATUS))?;
    order.refunded = reader.parsed(REFUNDED)?;
    Ok(order)
}
