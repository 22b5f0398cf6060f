//! The data of 0.1.0, as if it had been made just now.

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// The names under which Stripe's objects and our answers keep times: seconds since 1970, or RFC 3339.
const TIMES: [&str; 8] =
    ["canceled_at", "created", "created_at", "exp", "expires_at", "paid_at", "updated", "updated_at"];
/// The attributes of rows that hold milliseconds since 1970.
const MILLISECONDS: [&str; 2] = ["price_ms", "product_ms"];

/// Everything that was written down of a shop when its version was replaced.
pub(crate) struct Snapshot {
    shift: SignedDuration,
}

/// A cart as 0.1.0 showed it.
#[derive(Deserialize)]
pub(crate) struct ShownCart {
    /// What its shopper holds.
    pub(crate) token: String,
    /// The answer of `GET /cart`.
    pub(crate) cart: Value,
}

/// An order as 0.1.0 showed it.
#[derive(Deserialize)]
pub(crate) struct ShownOrder {
    /// The Checkout Session that made it.
    pub(crate) session: String,
    /// The answer of `GET /orders/{number}`.
    pub(crate) order: Value,
}

/// A request that a client named with `Idempotency-Key`.
#[derive(Deserialize)]
pub(crate) struct NamedRequest {
    /// The name of the cart among those that were shown.
    pub(crate) cart: String,
    /// The token that the request was sent with; `None` where it opened the cart.
    pub(crate) token: Option<String>,
    pub(crate) path: String,
    pub(crate) key: String,
    pub(crate) body: String,
}

/// What happened at Stripe after the snapshot was made.
#[derive(Deserialize)]
pub(crate) struct Happening {
    /// The event that tells of it.
    pub(crate) event: Value,
    /// The answers of Stripe's that are others from then on.
    pub(crate) answers: Map<String, Value>,
}

impl Snapshot {
    /// The snapshot, moved in time so that it was made now.
    pub(crate) fn now() -> Self {
        let made_at = read::<Value>("snapshot.json")["made_at"].as_i64().unwrap();
        Self { shift: SignedDuration::from_secs(Timestamp::now().as_second() - made_at) }
    }

    pub(crate) fn carts(&self) -> Vec<(String, ShownCart)> {
        self.named("shown/carts.json")
    }

    pub(crate) fn cart(&self, name: &str) -> ShownCart {
        let found = self.carts().into_iter().find(|(known, _)| known == name);
        found.unwrap_or_else(|| panic!("the snapshot has no cart {name}")).1
    }

    pub(crate) fn orders(&self) -> Vec<(String, ShownOrder)> {
        self.named("shown/orders.json")
    }

    pub(crate) fn order(&self, name: &str) -> ShownOrder {
        let found = self.orders().into_iter().find(|(known, _)| known == name);
        found.unwrap_or_else(|| panic!("the snapshot has no order {name}")).1
    }

    /// The Checkout Session that a cart was checked out with.
    pub(crate) fn session_of(&self, name: &str) -> String {
        let number = &self.cart(name).cart["number"];
        let row = self.rows("carts").into_iter().find(|row| row["number"]["S"] == *number).unwrap();
        row["pc"]["M"]["s"]["S"].as_str().unwrap().to_owned()
    }

    /// The answer of `GET /products`.
    pub(crate) fn products(&self) -> Value {
        self.moved("shown/products.json")
    }

    pub(crate) fn named_requests(&self) -> Vec<NamedRequest> {
        self.moved("requests.json")
    }

    /// What Stripe answered when the snapshot was made, by method, path and query.
    pub(crate) fn answers(&self) -> Map<String, Value> {
        #[derive(Deserialize)]
        struct Before {
            answers: Map<String, Value>,
        }
        self.moved::<Before>("stripe/before.json").answers
    }

    pub(crate) fn happening(&self, name: &str) -> Happening {
        self.moved(&format!("stripe/after/{name}.json"))
    }

    /// The items of a table, in DynamoDB's JSON.
    pub(crate) fn rows(&self, table: &str) -> Vec<Value> {
        let rows: Vec<Map<String, Value>> = read(&format!("tables/{table}.json"));
        rows.into_iter().map(|row| Value::Object(self.moved_row(row))).collect()
    }

    fn named<T: DeserializeOwned>(&self, name: &str) -> Vec<(String, T)> {
        let named: Map<String, Value> = self.moved(name);
        named.into_iter().map(|(name, value)| (name, serde_json::from_value(value).unwrap())).collect()
    }

    fn moved<T: DeserializeOwned>(&self, name: &str) -> T {
        let mut value = read(name);
        self.move_times(&mut value);
        serde_json::from_value(value).unwrap()
    }

    /// Moves the times of answers and events. Prices and products keep theirs: they are text in rows.
    fn move_times(&self, value: &mut Value) {
        match value {
            Value::Array(values) => values.iter_mut().for_each(|value| self.move_times(value)),
            Value::Object(members) if !is_offered(members) => {
                for (name, value) in members {
                    match value {
                        Value::Number(_) | Value::String(_) if is_time(name) => *value = self.later(value),
                        value => self.move_times(value),
                    }
                }
            }
            _ => {}
        }
    }

    fn later(&self, time: &Value) -> Value {
        match time {
            Value::String(text) => json!(text.parse::<Timestamp>().unwrap() + self.shift),
            time => json!(time.as_i64().unwrap() + self.shift.as_secs()),
        }
    }

    /// Moves the times of a row: attributes, the end of the session that a cart was checked out with (`pc.x`), the
    /// requests that it remembers (`k`), and an order's document. The marks `w0` to `w3` hold none.
    fn moved_row(&self, mut row: Map<String, Value>) -> Map<String, Value> {
        for (name, value) in &mut row {
            let shift = match name.as_str() {
                name if is_time(name) => i128::from(self.shift.as_secs()),
                name if MILLISECONDS.contains(&name) => self.shift.as_millis(),
                _ => continue,
            };
            shift_number(value, shift);
        }
        if let Some(ends) = row.get_mut("pc").and_then(|checkout| checkout["M"].get_mut("x")) {
            shift_number(ends, self.shift.as_secs().into());
        }
        for (_, entry) in row.get_mut("k").and_then(|requests| requests["M"].as_object_mut()).into_iter().flatten() {
            let (seconds, rest) = entry["S"].as_str().unwrap().split_once(':').unwrap();
            let seconds = seconds.parse::<i64>().unwrap() + self.shift.as_secs();
            *entry = json!({ "S": format!("{seconds}:{rest}") });
        }
        if let Some(document) = row.get_mut("order") {
            let text = document["S"].as_str().unwrap();
            let created_at = serde_json::from_str::<Value>(text).unwrap()["created_at"].clone();
            *document = json!({ "S": text.replace(&created_at.to_string(), &self.later(&created_at).to_string()) });
        }
        row
    }
}

fn read<T: DeserializeOwned>(name: &str) -> T {
    let text = std::fs::read_to_string(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("upgrade/0.1.0")
}

/// Whether this is a price or a product.
fn is_offered(object: &Map<String, Value>) -> bool {
    object.get("object").is_some_and(|kind| kind == "price" || kind == "product")
}

fn is_time(name: &str) -> bool {
    TIMES.contains(&name)
}

fn shift_number(value: &mut Value, by: i128) {
    let number: i128 = value["N"].as_str().unwrap().parse().unwrap();
    *value = json!({ "N": (number + by).to_string() });
}

/// What looks like a time of the days around `made_at`, but for the ages of prices and products.
fn unmoved(value: &Value, name: &str, made_at: i64) -> Vec<String> {
    const DAYS: i64 = 60 * 24 * 60 * 60;
    let is_near = |number: i64| [1, 1000].iter().any(|scale| (number / scale - made_at).abs() < DAYS);
    let near = |time: Option<i64>| time.filter(|time| is_near(*time)).map(|time| format!("{name}: {time}"));
    match value {
        Value::Array(values) => values.iter().flat_map(|value| unmoved(value, name, made_at)).collect(),
        Value::Object(members) if is_offered(members) => Vec::new(),
        Value::Object(members) => members.iter().flat_map(|(name, value)| unmoved(value, name, made_at)).collect(),
        Value::Number(number) => near(number.as_i64()).into_iter().collect(),
        Value::String(text) => match serde_json::from_str(text) {
            Ok(Value::String(_)) | Err(_) => {
                let time = text.split(':').next().and_then(|number| number.parse().ok());
                near(time.or(text.parse().ok().map(Timestamp::as_second))).into_iter().collect()
            }
            // A number of DynamoDB's, or a document.
            Ok(document) => unmoved(&document, name, made_at),
        },
        _ => Vec::new(),
    }
}

#[test]
fn no_time_of_the_snapshot_stays_behind() {
    let made_at = read::<Value>("snapshot.json")["made_at"].as_i64().unwrap();
    let unmoved_after = |days: i64| {
        let snapshot = Snapshot { shift: SignedDuration::from_hours(days * 24) };
        let mut moved = vec![json!(snapshot.answers())];
        moved.extend(["carts", "catalog", "orders"].map(|table| json!(snapshot.rows(table))));
        moved.extend(["carts", "orders"].map(|shown| snapshot.moved(&format!("shown/{shown}.json"))));
        for file in std::fs::read_dir(folder().join("stripe/after")).unwrap() {
            let name = file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned();
            let Happening { event, answers } = snapshot.happening(&name);
            moved.extend([event, json!(answers)]);
        }
        moved.iter().flat_map(|value| unmoved(value, "", made_at)).collect::<Vec<_>>()
    };

    assert_ne!(unmoved_after(0), [] as [&str; 0]);
    assert_eq!(unmoved_after(400), [] as [&str; 0]);
}
