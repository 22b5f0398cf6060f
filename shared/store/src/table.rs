//! One table: reads by key, and writes that happen only where their guard holds.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{BuildError, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::error::TransactionCanceledException;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, KeysAndAttributes, Put, ReturnValue, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem, Update as UpdateItem,
};

use crate::expression::{Expression, Update};
use crate::item::Item;
use crate::{Connection, Error};

/// A table. Rows with a key of one attribute are read and updated by it.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    connection: Connection,
    name: String,
    key: &'static str,
}

/// One row to read.
pub(crate) struct Read<'a> {
    pub(crate) table: &'a Table,
    pub(crate) key: AttributeValue,
    /// The paths of the attributes that are wanted, such as `a` or `a.b`.
    pub(crate) wanted: &'a [&'static str],
}

/// How often DynamoDB, when it is busy, may leave rows over that it was asked for.
const ROUNDS: usize = 5;
/// The same, of many rows.
const BATCH_ROUNDS: usize = 10;

/// The most keys one `BatchGetItem` takes.
///
/// Source: <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html>
const BATCH: usize = 100;

/// What became of a write that has a guard.
#[derive(Debug)]
pub(crate) enum Guarded<T> {
    /// It took effect.
    Done(T),
    /// Its guard did not hold. This is the row as it is; `None` if there is none, or if it was not asked for.
    Refused(Option<Item>),
}

/// What a refused write answers with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum OnRefusal {
    /// The row as it is.
    Row,
    /// Nothing, which spares the transfer.
    Nothing,
}

/// What became of a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Transacted {
    /// All writes took effect.
    Done,
    /// No write took effect: the guard of this one, counted from 0, did not hold.
    Refused(usize),
    /// No write took effect: another transaction was writing one of the rows.
    Conflict,
}

impl Table {
    pub(crate) fn new(connection: &Connection, name: &str, key: &'static str) -> Self {
        Self { connection: connection.clone(), name: name.to_owned(), key }
    }

    pub(crate) fn client(&self) -> &Client {
        self.connection.client()
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The condition that there is no row with the key that is written.
    pub(crate) fn absent(&self) -> Update {
        let mut guard = Update::default();
        let key = guard.name(self.key);
        guard.guard(format!("attribute_not_exists({key})"));
        guard
    }

    /// Reads the row with this key. One strongly consistent read.
    pub(crate) async fn get(&self, key: AttributeValue) -> Result<Option<Item>, Error> {
        let request = self.client().get_item().table_name(&self.name).key(self.key, key).consistent_read(true);
        let output = request.send().await.map_err(|error| Error::from_sdk("GetItem", error))?;
        Ok(output.item)
    }

    /// Reads the rows with these keys, in no particular order, in as few requests as there can be. Rows that do not exist are
    /// left out.
    pub(crate) async fn get_many(
        &self,
        keys: impl IntoIterator<Item = AttributeValue>,
        consistent: bool,
    ) -> Result<Vec<Item>, Error> {
        let mut keys: Vec<Item> = keys.into_iter().map(|key| Item::from([(self.key.to_owned(), key)])).collect();
        let mut rows = Vec::with_capacity(keys.len());
        // The SDK's own retries bound how often the call fails outright.
        let mut rounds = 0;
        while !keys.is_empty() {
            let rest = keys.split_off(keys.len().min(BATCH));
            let asked = KeysAndAttributes::builder()
                .set_keys(Some(keys))
                .consistent_read(consistent)
                .build()
                .map_err(|error| Error::Refused { operation: "BatchGetItem", reason: error.to_string() })?;
            let request = self.client().batch_get_item().request_items(&self.name, asked);
            let output = request.send().await.map_err(|error| Error::from_sdk("BatchGetItem", error))?;
            rows.extend(output.responses.into_iter().flatten().flat_map(|(_, rows)| rows));
            keys = output.unprocessed_keys.into_iter().flatten().flat_map(|(_, left)| left.keys).collect();
            rounds += usize::from(!keys.is_empty());
            if rounds > BATCH_ROUNDS {
                return Err(Error::Unavailable { operation: "BatchGetItem", reason: "keys left over".to_owned() });
            }
            keys.extend(rest);
        }
        Ok(rows)
    }

    /// Reads rows of different tables with one request, each strongly consistent for itself. The rows come in the order
    /// of `reads`.
    pub(crate) async fn get_together<const N: usize>(reads: [Read<'_>; N]) -> Result<[Option<Item>; N], Error> {
        let Some(client) = reads.first().map(|read| read.table.client()) else { return Ok([const { None }; N]) };
        let asked = reads.iter().map(|read| Ok((read.table.name.clone(), read.asked()?)));
        let mut asked = asked.collect::<Result<HashMap<_, _>, Error>>()?;
        let mut rows = HashMap::new();
        for _ in 0..ROUNDS {
            let request = client.batch_get_item().set_request_items(Some(asked));
            let output = request.send().await.map_err(|error| Error::from_sdk("BatchGetItem", error))?;
            let found = output.responses.into_iter().flatten();
            rows.extend(found.flat_map(|(table, rows)| rows.into_iter().map(move |row| (table.clone(), row))));
            asked = output.unprocessed_keys.unwrap_or_default();
            if asked.is_empty() {
                return Ok(reads.map(|read| rows.remove(&read.table.name)));
            }
        }
        Err(Error::Unavailable { operation: "BatchGetItem", reason: "keys left over".to_owned() })
    }

    /// Puts a row in place of the one with the same key, if there is one.
    pub(crate) async fn put(&self, row: Item, guard: Update, on_refusal: OnRefusal) -> Result<Guarded<()>, Error> {
        let Expression { condition, names, values, .. } = guard.into_expression();
        let result = self
            .client()
            .put_item()
            .table_name(&self.name)
            .set_item(Some(row))
            .set_condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .set_return_values_on_condition_check_failure(on_refusal.returned())
            .send()
            .await;
        match result {
            Ok(_) => Ok(Guarded::Done(())),
            Err(SdkError::ServiceError(context)) => {
                let status = context.raw().status();
                match context.into_err() {
                    PutItemError::ConditionalCheckFailedException(failed) => Ok(Guarded::Refused(failed.item)),
                    error => Err(Error::from_service("PutItem", status, &error)),
                }
            }
            Err(error) => Err(Error::from_sdk("PutItem", error)),
        }
    }

    /// Updates the row with this key and returns it as it is afterwards.
    pub(crate) async fn update(
        &self,
        key: AttributeValue,
        update: Update,
        on_refusal: OnRefusal,
    ) -> Result<Guarded<Item>, Error> {
        let Expression { update, condition, names, values } = update.into_expression();
        let result = self
            .client()
            .update_item()
            .table_name(&self.name)
            .key(self.key, key)
            .set_update_expression(update)
            .set_condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values(ReturnValue::AllNew)
            .set_return_values_on_condition_check_failure(on_refusal.returned())
            .send()
            .await;
        match result {
            Ok(output) => Ok(Guarded::Done(output.attributes.unwrap_or_default())),
            Err(SdkError::ServiceError(context)) => {
                let status = context.raw().status();
                match context.into_err() {
                    UpdateItemError::ConditionalCheckFailedException(failed) => Ok(Guarded::Refused(failed.item)),
                    error => Err(Error::from_service("UpdateItem", status, &error)),
                }
            }
            Err(error) => Err(Error::from_sdk("UpdateItem", error)),
        }
    }

    /// [`Self::put`] as a part of a transaction.
    pub(crate) fn put_in_transaction(&self, row: Item, guard: Update) -> Result<TransactWriteItem, Error> {
        let Expression { condition, names, values, .. } = guard.into_expression();
        let put = Put::builder()
            .table_name(&self.name)
            .set_item(Some(row))
            .set_condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .build()
            .map_err(|error| incomplete(&error))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// [`Self::update`] as a part of a transaction.
    pub(crate) fn update_in_transaction(
        &self,
        key: AttributeValue,
        update: Update,
    ) -> Result<TransactWriteItem, Error> {
        let Expression { update, condition, names, values } = update.into_expression();
        let update = UpdateItem::builder()
            .table_name(&self.name)
            .key(self.key, key)
            .set_update_expression(update)
            .set_condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .build()
            .map_err(|error| incomplete(&error))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// Deletes the row with this key, if there is one, as a part of a transaction.
    pub(crate) fn delete_in_transaction(&self, key: Item) -> Result<TransactWriteItem, Error> {
        let delete = Delete::builder().table_name(&self.name).set_key(Some(key)).build();
        Ok(TransactWriteItem::builder().delete(delete.map_err(|error| incomplete(&error))?).build())
    }

    /// The condition that a guard holds, as a part of a transaction that does not write the row.
    pub(crate) fn check_in_transaction(&self, key: AttributeValue, guard: Update) -> Result<TransactWriteItem, Error> {
        let Expression { condition, names, values, .. } = guard.into_expression();
        let check = ConditionCheck::builder()
            .table_name(&self.name)
            .key(self.key, key)
            .set_condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .build();
        Ok(TransactWriteItem::builder().condition_check(check.map_err(|error| incomplete(&error))?).build())
    }

    /// Makes all of these writes, to whatever tables, or none.
    pub(crate) async fn transact(&self, writes: Vec<TransactWriteItem>) -> Result<Transacted, Error> {
        let result = self.client().transact_write_items().set_transact_items(Some(writes)).send().await;
        match result {
            Ok(_) => Ok(Transacted::Done),
            Err(SdkError::ServiceError(context)) => {
                let status = context.raw().status();
                match context.into_err() {
                    TransactWriteItemsError::TransactionCanceledException(cancelled) => why_cancelled(&cancelled),
                    error => Err(Error::from_service("TransactWriteItems", status, &error)),
                }
            }
            Err(error) => Err(Error::from_sdk("TransactWriteItems", error)),
        }
    }
}

impl Read<'_> {
    fn asked(&self) -> Result<KeysAndAttributes, Error> {
        let mut paths = Update::default();
        let path = |path: &&str| path.split('.').map(|name| paths.name(name)).collect::<Vec<_>>().join(".");
        let projection = self.wanted.iter().map(path).collect::<Vec<_>>().join(", ");
        KeysAndAttributes::builder()
            .keys(Item::from([(self.table.key.to_owned(), self.key.clone())]))
            .consistent_read(true)
            .projection_expression(projection)
            .set_expression_attribute_names(paths.into_expression().names)
            .build()
            .map_err(|error| Error::Refused { operation: "BatchGetItem", reason: error.to_string() })
    }
}

impl Guarded<Item> {
    /// The row as it is now, written or not.
    pub(crate) fn into_row(self) -> Item {
        match self {
            Self::Done(row) => row,
            Self::Refused(row) => row.unwrap_or_default(),
        }
    }
}

impl OnRefusal {
    fn returned(self) -> Option<ReturnValuesOnConditionCheckFailure> {
        (self == Self::Row).then_some(ReturnValuesOnConditionCheckFailure::AllOld)
    }
}

/// DynamoDB gives one reason for each write, in their order; `None` stands for a write that was fine.
///
/// Source: <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>
fn why_cancelled(cancelled: &TransactionCanceledException) -> Result<Transacted, Error> {
    let codes: Vec<_> = cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or("None")).collect();
    if let Some(index) = codes.iter().position(|code| *code == "ConditionalCheckFailed") {
        return Ok(Transacted::Refused(index));
    }
    if codes.contains(&"TransactionConflict") {
        return Ok(Transacted::Conflict);
    }
    Err(Error::Unavailable { operation: "TransactWriteItems", reason: format!("cancelled: {}", codes.join(", ")) })
}

fn incomplete(error: &BuildError) -> Error {
    Error::Refused { operation: "TransactWriteItems", reason: error.to_string() }
}
