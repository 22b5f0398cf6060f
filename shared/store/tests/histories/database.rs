//! A table of carts for a test.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::ReturnConsumedCapacity::Total;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TableStatus,
};
use fixtures_dynamodb::{DynamoDb, unique};
use https::Https;
use settings::Environment;
use store::{Carts, CatalogTable, Connection};

/// A database with a table of carts.
pub(crate) struct Database {
    connection: Connection,
    environment: Environment,
    _dynamodb: DynamoDb,
}

impl Database {
    pub(crate) async fn open() -> Self {
        let dynamodb = DynamoDb::open().await;
        let table = unique("carts");
        let environment = Environment::from_iter([
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
            ("AWS_ENDPOINT_URL_DYNAMODB", dynamodb.url()),
            // The machine may be busy, and no test here is about time.
            ("DYNAMODB_TIMEOUT_MS", "10000"),
            ("CART_TTL_DAYS", "7"),
            ("CARTS_TABLE", &table),
            // There is no such table: tests hand over all offers that the rules need.
            ("CATALOG_TABLE", "catalog"),
        ]);
        let connection = Connection::new(&environment, &Https::new(&environment).unwrap()).unwrap();
        create(&connection, &table).await;
        Self { connection, environment, _dynamodb: dynamodb }
    }

    pub(crate) fn carts(&self) -> Carts {
        Carts::new(&self.connection, &self.environment).unwrap()
    }

    pub(crate) fn catalog(&self) -> CatalogTable {
        CatalogTable::new(&self.connection, &self.environment).unwrap()
    }

    /// The item of a cart, as it is stored.
    pub(crate) async fn item(&self, number: cart::CartNumber) -> HashMap<String, AttributeValue> {
        let key = AttributeValue::S(number.to_string());
        let table = self.environment.required("CARTS_TABLE").unwrap();
        let output = self.connection.client().get_item().table_name(table).key("number", key).send().await;
        output.unwrap().item.unwrap()
    }

    /// Makes the row of a cart one that 0.1.0 wrote, which knows no own currency.
    pub(crate) async fn forget_own_currency(&self, number: cart::CartNumber) {
        let update = self.update(number).update_expression("REMOVE own, ov");
        update.send().await.unwrap();
    }

    /// Adds a line with a text as 0.1.0 does: it neither reads nor writes the own currency, and counts no texts.
    pub(crate) async fn add_by_an_earlier_release(&self, number: cart::CartNumber, price: &str) {
        let added = "SET q.#price = :one, o.#price = :one, t.#price = :text, v = v + :one";
        let update = self.update(number).update_expression(added);
        let update = update.expression_attribute_names("#price", price);
        let update = update.expression_attribute_values(":text", AttributeValue::S("☂".repeat(300)));
        update.expression_attribute_values(":one", AttributeValue::N("1".to_owned())).send().await.unwrap();
    }

    /// Gives a line bounds as 0.1.0 does, which writes no numbers of them.
    pub(crate) async fn bound_by_an_earlier_release(
        &self,
        number: cart::CartNumber,
        line: &cart::LineId,
        bounds: &str,
    ) {
        let update = self.update(number).update_expression("SET a.#line = :bounds, v = v + :one");
        let update = update.expression_attribute_names("#line", line.as_str());
        let update = update.expression_attribute_values(":bounds", AttributeValue::S(bounds.to_owned()));
        update.expression_attribute_values(":one", AttributeValue::N("1".to_owned())).send().await.unwrap();
    }

    /// Replaces the metadata as 0.1.0 does, which counts no texts.
    pub(crate) async fn attach_by_an_earlier_release(&self, number: cart::CartNumber, text: &str) {
        let metadata = HashMap::from([("note".to_owned(), AttributeValue::S(text.to_owned()))]);
        let update = self.update(number).update_expression("SET meta = :metadata, v = v + :one");
        let update = update.expression_attribute_values(":metadata", AttributeValue::M(metadata));
        update.expression_attribute_values(":one", AttributeValue::N("1".to_owned())).send().await.unwrap();
    }

    /// How many units DynamoDB bills for a change of a cart's item.
    pub(crate) async fn write_units(&self, number: cart::CartNumber) -> f64 {
        let update = self.update(number).update_expression("SET so = v").return_consumed_capacity(Total);
        update.send().await.unwrap().consumed_capacity.unwrap().capacity_units.unwrap()
    }

    /// Sets an attribute of a cart's item.
    pub(crate) async fn set(&self, number: cart::CartNumber, attribute: &str, value: AttributeValue) {
        let update = self.update(number).update_expression(format!("SET {attribute} = :value"));
        update.expression_attribute_values(":value", value).send().await.unwrap();
    }

    /// Removes an attribute of a cart's item.
    pub(crate) async fn remove(&self, number: cart::CartNumber, attribute: &str) {
        self.update(number).update_expression(format!("REMOVE {attribute}")).send().await.unwrap();
    }

    fn update(&self, number: cart::CartNumber) -> UpdateItemFluentBuilder {
        let update = self.connection.client().update_item();
        let update = update.table_name(self.environment.required("CARTS_TABLE").unwrap());
        update.key("number", AttributeValue::S(number.to_string()))
    }
}

async fn create(connection: &Connection, table: &str) {
    let attribute =
        AttributeDefinition::builder().attribute_name("number").attribute_type(ScalarAttributeType::S).build().unwrap();
    let key = KeySchemaElement::builder().attribute_name("number").key_type(KeyType::Hash).build().unwrap();
    let request = connection.client().create_table().table_name(table).billing_mode(BillingMode::PayPerRequest);
    request.attribute_definitions(attribute).key_schema(key).send().await.unwrap();
    loop {
        let described = connection.client().describe_table().table_name(table).send().await.unwrap();
        if described.table.unwrap().table_status == Some(TableStatus::Active) {
            return;
        }
        tokio::task::yield_now().await;
    }
}
