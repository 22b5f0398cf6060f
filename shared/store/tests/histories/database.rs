//! A database for a test: embedded, or the one at `CARTWRIGHT_DYNAMODB_URL`.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TableStatus,
};
use https::Https;
use settings::Environment;
use store::{Carts, Connection};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// A table of carts; an embedded database ends with it.
pub(crate) struct Database {
    connection: Connection,
    environment: Environment,
    _stop: oneshot::Sender<()>,
}

impl Database {
    pub(crate) async fn open() -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let url = if let Some(url) = Environment::of_process().get("CARTWRIGHT_DYNAMODB_URL") {
            url.to_owned()
        } else {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let database = dynoxide::Database::memory().unwrap();
            tokio::spawn(dynoxide::server::serve_with_shutdown(listener, database, async { drop(stopped.await) }));
            url
        };
        let nanoseconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
        let table = format!("carts-{}-{nanoseconds}", std::process::id());
        let environment = Environment::from_iter([
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
            ("AWS_ENDPOINT_URL_DYNAMODB", &url),
            // The machine may be busy, and no test here is about time.
            ("DYNAMODB_TIMEOUT_MS", "10000"),
            ("CART_TTL_DAYS", "7"),
            ("CARTS_TABLE", &table),
        ]);
        let connection = Connection::new(&environment, &Https::new(&environment).unwrap()).unwrap();
        create(&connection, &table).await;
        Self { connection, environment, _stop: stop }
    }

    pub(crate) fn carts(&self) -> Carts {
        Carts::new(&self.connection, &self.environment).unwrap()
    }

    /// The item of a cart, as it is stored.
    pub(crate) async fn item(&self, number: cart::CartNumber) -> HashMap<String, AttributeValue> {
        let key = AttributeValue::S(number.to_string());
        let table = self.environment.required("CARTS_TABLE").unwrap();
        let output = self.connection.client().get_item().table_name(table).key("number", key).send().await;
        output.unwrap().item.unwrap()
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
