//! Everything the sandbox remembers.

pub(crate) mod list;
pub(crate) mod sessions;
pub(crate) mod snapshot;
pub(crate) mod table;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use self::sessions::Sessions;
use self::table::Table;
use crate::dashboard::Dashboard;
use crate::failure::Failure;
use crate::protocol::template::Template;
use crate::protocol::{API_VERSION, expand, ids};

static EVENT: Template = Template::new(include_str!("../../data/objects/event.json"));

/// How many requests are remembered for tests to look at.
const REMEMBERED_REQUESTS: usize = 10_000;

/// Events are listed for thirty days (<https://docs.stripe.com/api/events>).
pub(crate) const EVENT_LIFETIME: i64 = 30 * 24 * 60 * 60;

/// An idempotency key is forgotten after this time (<https://docs.stripe.com/api/idempotent_requests>).
const KEY_LIFETIME: i64 = 24 * 60 * 60;

/// A request to the API, as it came in.
#[derive(Clone, Debug, Serialize)]
pub struct RecordedRequest {
    /// The HTTP method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The parameters of the body (POST) or the query, with their nesting; the leaves are strings.
    pub params: Value,
    /// The body, as it came in.
    pub body: String,
    /// The header `Idempotency-Key`.
    pub idempotency_key: Option<String>,
}

/// What caused the events of a moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cause {
    pub(crate) request: Option<String>,
    pub(crate) idempotency_key: Option<String>,
}

/// The answer that belongs to an idempotency key.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Remembered {
    pub(crate) path: String,
    pub(crate) params: Map<String, Value>,
    /// The HTTP status.
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) at: i64,
}

/// How far the objects were that a new session can make besides itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    products: u64,
    prices: u64,
    shipping_rates: u64,
    events: u64,
    unsent: usize,
}

/// Everything the sandbox remembers; one lock around it makes every request one step.
#[derive(Debug)]
pub(crate) struct State {
    /// The sandbox's own address, without a slash at the end.
    pub(crate) url: String,
    pub(crate) dashboard: Dashboard,
    pub(crate) products: Table<Value>,
    pub(crate) prices: Table<Value>,
    pub(crate) coupons: Table<Value>,
    pub(crate) promotion_codes: Table<Value>,
    pub(crate) shipping_rates: Table<Value>,
    pub(crate) tax_rates: Table<Value>,
    pub(crate) sessions: Sessions,
    pub(crate) payment_intents: Table<Value>,
    pub(crate) charges: Table<Value>,
    pub(crate) refunds: Table<Value>,
    pub(crate) disputes: Table<Value>,
    pub(crate) customers: Table<Value>,
    pub(crate) subscriptions: Table<Value>,
    pub(crate) invoices: Table<Value>,
    pub(crate) invoice_payments: Table<Value>,
    pub(crate) events: Table<Value>,
    pub(crate) webhook_endpoints: Table<Value>,
    /// Payments that wait for their capture, by when they end.
    pub(crate) holds: BTreeSet<(i64, String)>,
    pub(crate) requests: VecDeque<RecordedRequest>,
    keys: HashMap<String, Remembered>,
    unsent: Vec<Value>,
    /// Method and path of requests that shall fail, each once, and how.
    pub(crate) failing: Vec<(String, String, Failure)>,
    /// The rights of restricted keys. A key that is not here has all rights.
    pub(crate) rights: HashMap<String, Vec<String>>,
    cause: Cause,
    ahead: Duration,
    /// How often something changed that is in no table.
    changes: u64,
}

impl State {
    pub(crate) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            dashboard: Dashboard::default(),
            products: Table::new("product"),
            prices: Table::new("price"),
            coupons: Table::new("coupon"),
            promotion_codes: Table::new("promotion code"),
            shipping_rates: Table::new("shipping rate"),
            tax_rates: Table::new("tax rate"),
            sessions: Sessions::new(),
            payment_intents: Table::new("payment_intent"),
            charges: Table::new("charge"),
            refunds: Table::new("refund"),
            disputes: Table::new("dispute"),
            customers: Table::new("customer"),
            subscriptions: Table::new("subscription"),
            invoices: Table::new("invoice"),
            invoice_payments: Table::new("invoice_payment"),
            events: Table::new("event"),
            webhook_endpoints: Table::new("webhook endpoint"),
            holds: BTreeSet::new(),
            requests: VecDeque::new(),
            keys: HashMap::new(),
            unsent: Vec::new(),
            failing: Vec::new(),
            rights: HashMap::new(),
            cause: Cause::default(),
            ahead: Duration::ZERO,
            changes: 0,
        }
    }

    /// The sandbox's clock, in seconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + self.ahead;
        i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
    }

    /// How this request shall fail, if it shall; each failure happens once.
    pub(crate) fn failure(&mut self, method: &str, path: &str) -> Option<Failure> {
        let found = self.failing.iter().position(|failing| failing.0 == method && failing.1 == path);
        found.map(|index| self.failing.remove(index).2)
    }

    /// Puts the sandbox's clock forward.
    pub(crate) fn advance(&mut self, by: Duration) {
        self.ahead += by;
        self.changes += 1;
    }

    /// Says what causes the events from here on.
    pub(crate) fn begin(&mut self, cause: Cause) {
        self.cause = cause;
    }

    /// Records an event, to be sent when the step is done.
    pub(crate) fn emit(&mut self, kind: &str, object: Value, previous: Option<Map<String, Value>>) {
        let mut data = json!({ "object": expand::plain(object) });
        if let Some(previous) = previous {
            data["previous_attributes"] = Value::Object(previous);
        }
        let id = ids::object("evt");
        let event = EVENT.with(json!({
            "id": id,
            "api_version": API_VERSION,
            "created": self.now(),
            "data": data,
            "pending_webhooks": self.listeners(kind),
            "request": { "id": self.cause.request, "idempotency_key": self.cause.idempotency_key },
            "type": kind,
        }));
        self.events.put(&id, event.clone());
        self.unsent.push(event);
    }

    /// How many endpoints get the events of a kind.
    pub(crate) fn listeners(&self, kind: &str) -> usize {
        let gets = |endpoint: &Value| {
            let mut events = endpoint["enabled_events"].as_array().into_iter().flatten();
            endpoint["status"] == "enabled" && events.any(|event| event == kind || event == "*")
        };
        self.webhook_endpoints.newest().filter(|(_, endpoint)| gets(endpoint)).count()
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark {
            products: self.products.mark(),
            prices: self.prices.mark(),
            shipping_rates: self.shipping_rates.mark(),
            events: self.events.mark(),
            unsent: self.unsent.len(),
        }
    }

    /// Takes back what was made since the mark, as Stripe does when it refuses what it was made for.
    pub(crate) fn forget_since(&mut self, mark: Mark) {
        self.products.forget_since(mark.products);
        self.prices.forget_since(mark.prices);
        self.shipping_rates.forget_since(mark.shipping_rates);
        self.events.forget_since(mark.events);
        self.unsent.truncate(mark.unsent);
    }

    /// The events of the steps since the last call.
    pub(crate) fn take_unsent(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.unsent)
    }

    pub(crate) fn record(&mut self, request: RecordedRequest) {
        if self.requests.len() == REMEMBERED_REQUESTS {
            self.requests.pop_front();
        }
        self.requests.push_back(request);
    }

    /// The answer that was given under an idempotency key within the last day.
    pub(crate) fn remembered(&self, key: &str) -> Option<&Remembered> {
        self.keys.get(key).filter(|remembered| remembered.at + KEY_LIFETIME > self.now())
    }

    pub(crate) fn remember(&mut self, key: String, answer: Remembered) {
        self.keys.insert(key, answer);
        self.changes += 1;
    }

    /// The object that a field of another object names by id.
    pub(crate) fn named(&self, field: &str, id: &str) -> Option<Value> {
        let table = match field {
            "product" => &self.products,
            "price" | "default_price" => &self.prices,
            "coupon" => &self.coupons,
            "promotion_code" => &self.promotion_codes,
            "shipping_rate" => &self.shipping_rates,
            "payment_intent" => &self.payment_intents,
            "charge" | "latest_charge" => &self.charges,
            "customer" => &self.customers,
            "subscription" => &self.subscriptions,
            "invoice" | "latest_invoice" => &self.invoices,
            _ => return None,
        };
        table.get(id).cloned()
    }
}
