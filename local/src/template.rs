//! What template.yaml says.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::Error;

/// The parts of template.yaml that the local stack plays.
#[derive(Debug)]
pub struct Template {
    /// Every route, with the binary of its function.
    pub routes: Vec<Route>,
    /// For how long each function may run, in seconds, by its binary.
    pub timeouts: BTreeMap<String, u64>,
    /// Every table, by its logical name.
    pub tables: BTreeMap<String, Table>,
    /// The methods that other origins may use.
    pub cors_allow_methods: Vec<String>,
    /// The headers that other origins may send.
    pub cors_allow_headers: Vec<String>,
    /// The headers that other origins may read.
    pub cors_expose_headers: Vec<String>,
}

/// One route of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The method.
    pub method: String,
    /// The path, with parameters in braces.
    pub path: String,
    /// The function's binary.
    pub function: String,
}

/// One table's definition, as CloudFormation has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Table {
    /// The types of the key attributes.
    pub attribute_definitions: Vec<AttributeDefinition>,
    /// The key.
    pub key_schema: Vec<KeyElement>,
    /// Other ways to query.
    #[serde(default)]
    pub global_secondary_indexes: Vec<Index>,
    /// The attribute that says when an item may go.
    #[serde(default)]
    pub time_to_live_specification: Option<TimeToLive>,
    /// What its stream holds of an item, where it has one.
    #[serde(default)]
    pub stream_specification: Option<Stream>,
}

/// The stream of what is written to a table.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Stream {
    pub(crate) stream_view_type: String,
}

/// The type of a key attribute.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AttributeDefinition {
    pub(crate) attribute_name: String,
    pub(crate) attribute_type: String,
}

/// One part of a key.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct KeyElement {
    pub(crate) attribute_name: String,
    pub(crate) key_type: String,
}

/// A global secondary index that holds whole items.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Index {
    pub(crate) index_name: String,
    pub(crate) key_schema: Vec<KeyElement>,
}

/// The attribute that says when an item may go.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TimeToLive {
    pub(crate) attribute_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    #[serde(default)]
    globals: Value,
    resources: BTreeMap<String, Resource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Resource {
    r#type: String,
    #[serde(default)]
    metadata: Value,
    #[serde(default)]
    properties: Value,
}

impl Template {
    /// The template of this build.
    ///
    /// # Errors
    ///
    /// It lacks something that the local stack needs.
    pub fn embedded() -> Result<Self, Error> {
        Self::parse(include_str!("../../template.yaml"))
    }

    fn parse(yaml: &str) -> Result<Self, Error> {
        let document: Document = serde_saphyr::from_str(yaml).map_err(|error| Error::Template(error.to_string()))?;
        let mut template = Self {
            routes: Vec::new(),
            timeouts: BTreeMap::new(),
            tables: BTreeMap::new(),
            cors_allow_methods: Vec::new(),
            cors_allow_headers: Vec::new(),
            cors_expose_headers: Vec::new(),
        };
        for (name, resource) in document.resources {
            match resource.r#type.as_str() {
                "AWS::Serverless::Function" => {
                    let own = resource.properties["Timeout"].as_u64();
                    // Lambda's own default is three seconds.
                    let timeout = own.or(document.globals["Function"]["Timeout"].as_u64()).unwrap_or(3);
                    template.timeouts.insert(binary(&name, &resource)?.to_owned(), timeout);
                    template.routes.extend(routes(&name, &resource)?);
                }
                "AWS::Serverless::HttpApi" => {
                    let cors = chosen(&resource.properties["CorsConfiguration"]);
                    template.cors_allow_methods = texts(&cors["AllowMethods"]);
                    template.cors_allow_headers = texts(&cors["AllowHeaders"]);
                    template.cors_expose_headers = texts(&cors["ExposeHeaders"]);
                }
                "AWS::DynamoDB::Table" => {
                    let table = serde_json::from_value(resource.properties)
                        .map_err(|error| Error::Template(format!("{name}: {error}")))?;
                    template.tables.insert(name, table);
                }
                _ => {}
            }
        }
        Ok(template)
    }
}

fn binary<'a>(name: &str, resource: &'a Resource) -> Result<&'a str, Error> {
    let binary = resource.metadata["BuildProperties"]["Binary"].as_str();
    binary.ok_or_else(|| Error::Template(format!("{name} has no Metadata.BuildProperties.Binary")))
}

fn routes(name: &str, resource: &Resource) -> Result<Vec<Route>, Error> {
    let missing = |what: &str| Error::Template(format!("{name} has no {what}"));
    let function = binary(name, resource)?;
    let events = resource.properties["Events"].as_object().into_iter().flatten();
    events
        .filter(|(_, event)| event["Type"] == "HttpApi")
        .map(|(_, event)| {
            let property = |property: &str| {
                event["Properties"][property].as_str().map(str::to_owned).ok_or_else(|| missing(property))
            };
            Ok(Route { method: property("Method")?, path: property("Path")?, function: function.to_owned() })
        })
        .collect()
}

/// What an `!If` chooses while its condition holds, which reads as the list of its arguments; other values as they are.
fn chosen(value: &Value) -> &Value {
    value.as_array().and_then(|arguments| arguments.get(1)).unwrap_or(value)
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

/// The setting that names a table: `ORDER_INDEX_TABLE` for the resource `OrderIndex`.
pub(crate) fn setting_of_table(resource: &str) -> String {
    let mut setting = String::new();
    for letter in resource.chars() {
        if letter.is_uppercase() && !setting.is_empty() {
            setting.push('_');
        }
        setting.push(letter.to_ascii_uppercase());
    }
    setting + "_TABLE"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_of_this_build_has_every_route_and_table() {
        let template = Template::embedded().unwrap();

        let mut paths: Vec<_> =
            template.routes.iter().map(|route| format!("{} {} {}", route.method, route.path, route.function)).collect();
        paths.sort();
        assert_eq!(
            paths,
            [
                "DELETE /cart/items/{id} update",
                "DELETE /{language}/{prefix}/cart/items/{id} update",
                "DELETE /{prefix}/cart/items/{id} update",
                "GET /admin/orders admin-orders",
                "GET /admin/orders/{number} admin-orders",
                "GET /cart get",
                "GET /finish-order finish-order",
                "GET /orders/{number} order",
                "GET /products products",
                "GET /products/{id} products",
                "GET /{language}/{prefix}/cart get",
                "GET /{prefix}/cart get",
                "HEAD /admin/orders admin-orders",
                "HEAD /admin/orders/{number} admin-orders",
                "HEAD /cart get",
                "HEAD /finish-order finish-order",
                "HEAD /orders/{number} order",
                "HEAD /products products",
                "HEAD /products/{id} products",
                "HEAD /{language}/{prefix}/cart get",
                "HEAD /{prefix}/cart get",
                "POST /admin/anonymise admin-orders",
                "POST /admin/orders/{number}/anonymise admin-orders",
                "POST /cart/add add",
                "POST /cart/checkout checkout",
                "POST /cart/clear clear",
                "POST /cart/items/{id} update",
                "POST /cart/update update",
                "POST /stripe/webhook stripe-webhook",
                "POST /{language}/{prefix}/cart/add add",
                "POST /{language}/{prefix}/cart/checkout checkout",
                "POST /{language}/{prefix}/cart/clear clear",
                "POST /{language}/{prefix}/cart/items/{id} update",
                "POST /{language}/{prefix}/cart/update update",
                "POST /{prefix}/cart/add add",
                "POST /{prefix}/cart/checkout checkout",
                "POST /{prefix}/cart/clear clear",
                "POST /{prefix}/cart/items/{id} update",
                "POST /{prefix}/cart/update update",
            ]
        );
        assert_eq!((template.timeouts["get"], template.timeouts["checkout"]), (5, 28));
        assert_eq!(template.tables.keys().collect::<Vec<_>>(), ["Carts", "Catalog", "OrderIndex", "Orders"]);
        assert_eq!(setting_of_table("OrderIndex"), "ORDER_INDEX_TABLE");
        assert_eq!(template.tables["Carts"].time_to_live_specification.as_ref().unwrap().attribute_name, "exp");
        let with_stream: Vec<_> = template
            .tables
            .iter()
            .filter(|(_, table)| table.stream_specification.is_some())
            .map(|(name, _)| name)
            .collect();
        assert_eq!(with_stream, ["Carts", "Orders"]);
        assert!(template.cors_expose_headers.contains(&"Cart-Token".to_owned()), "{:?}", template.cors_expose_headers);
    }

    #[test]
    fn cargo_lambda_watch_serves_the_same_routes() {
        let manifest = include_str!("../../Cargo.toml");

        for Route { method, path, function } in Template::embedded().unwrap().routes {
            let line = manifest.lines().find(|line| line.starts_with(&format!("{path:?} = [")));
            let route = format!("{{ method = {method:?}, function = {function:?} }}");
            assert!(line.is_some_and(|line| line.contains(&route)), "Cargo.toml lacks {path} {route}");
        }
    }
}
