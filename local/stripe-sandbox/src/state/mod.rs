//! Everything the sandbox remembers.

pub(crate) mod list;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use crate::checkout::Session;
use crate::protocol::refusal::Refusal;
use crate::protocol::{expand, ids};
use crate::{API_VERSION, Catalog, RecordedRequest};

/// How many requests are remembered for tests to look at.
const REMEMBERED_REQUESTS: usize = 10_000;
/// An idempotency key is forgotten after this time (<https://docs.stripe.com/api/idempotent_requests>).
const KEY_LIFETIME: i64 = 24 * 60 * 60;

/// Objects of one kind, in the order in which they were made.
#[derive(Debug)]
pub(crate) struct Table<T> {
    noun: &'static str,
    rows: BTreeMap<u64, (String, T)>,
    places: HashMap<String, u64>,
    next: u64,
}

impl<T> Table<T> {
    fn new(noun: &'static str) -> Self {
        Self { noun, rows: BTreeMap::new(), places: HashMap::new(), next: 0 }
    }

    /// What Stripe calls these objects.
    pub(crate) fn noun(&self) -> &'static str {
        self.noun
    }

    /// Puts in a new object, or another one with the same id in its place.
    pub(crate) fn put(&mut self, id: &str, object: T) {
        let place = *self.places.entry(id.to_owned()).or_insert(self.next);
        self.next = self.next.max(place + 1);
        self.rows.insert(place, (id.to_owned(), object));
    }

    pub(crate) fn get(&self, id: &str) -> Option<&T> {
        self.rows.get(self.places.get(id)?).map(|(_, object)| object)
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<T> {
        self.rows.remove(&self.places.remove(id)?).map(|(_, object)| object)
    }

    /// The object that a URL names.
    pub(crate) fn found(&self, id: &str) -> Result<&T, Refusal> {
        self.get(id).ok_or_else(|| Refusal::NoSuchObject { noun: self.noun, id: id.to_owned() })
    }

    /// The object that a parameter names.
    pub(crate) fn referred(&self, id: &str, param: &str) -> Result<&T, Refusal> {
        self.get(id).ok_or_else(|| Refusal::UnknownReference {
            noun: self.noun,
            id: id.to_owned(),
            param: param.to_owned(),
        })
    }

    /// All objects with their ids, the newest first: the order of Stripe's lists.
    pub(crate) fn newest(&self) -> impl Iterator<Item = (&str, &T)> {
        self.rows.values().rev().map(|(id, object)| (id.as_str(), object))
    }
}

/// What caused the events of a moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cause {
    pub(crate) request: Option<String>,
    pub(crate) idempotency_key: Option<String>,
}

/// The answer that belongs to an idempotency key.
#[derive(Clone, Debug)]
pub(crate) struct Remembered {
    pub(crate) path: String,
    pub(crate) params: Map<String, Value>,
    pub(crate) status: http::StatusCode,
    pub(crate) body: Value,
    pub(crate) at: i64,
}

/// Everything the sandbox remembers; one lock around it makes every request one step.
#[derive(Debug)]
pub(crate) struct State {
    /// The sandbox's own address, without a slash at the end.
    pub(crate) url: String,
    pub(crate) products: Table<Value>,
    pub(crate) prices: Table<Value>,
    pub(crate) coupons: Table<Value>,
    pub(crate) promotion_codes: Table<Value>,
    pub(crate) shipping_rates: Table<Value>,
    pub(crate) tax_rates: Table<Value>,
    pub(crate) sessions: Table<Session>,
    pub(crate) payment_intents: Table<Value>,
    pub(crate) charges: Table<Value>,
    pub(crate) refunds: Table<Value>,
    pub(crate) customers: Table<Value>,
    pub(crate) subscriptions: Table<Value>,
    pub(crate) invoices: Table<Value>,
    pub(crate) invoice_payments: Table<Value>,
    pub(crate) events: Table<Value>,
    pub(crate) requests: VecDeque<RecordedRequest>,
    /// Whether anyone is told about events.
    pub(crate) has_listener: bool,
    keys: HashMap<String, Remembered>,
    open: BTreeSet<(i64, String)>,
    unsent: Vec<Value>,
    /// Method and path of requests that shall fail, each once.
    pub(crate) failing: Vec<(String, String)>,
    cause: Cause,
    ahead: Duration,
}

impl State {
    pub(crate) fn new(url: &str, catalog: Catalog) -> Self {
        let mut state = Self {
            url: url.to_owned(),
            products: Table::new("product"),
            prices: Table::new("price"),
            coupons: Table::new("coupon"),
            promotion_codes: Table::new("promotion code"),
            shipping_rates: Table::new("shipping rate"),
            tax_rates: Table::new("tax rate"),
            sessions: Table::new("checkout.session"),
            payment_intents: Table::new("payment_intent"),
            charges: Table::new("charge"),
            refunds: Table::new("refund"),
            customers: Table::new("customer"),
            subscriptions: Table::new("subscription"),
            invoices: Table::new("invoice"),
            invoice_payments: Table::new("invoice_payment"),
            events: Table::new("event"),
            requests: VecDeque::new(),
            has_listener: false,
            keys: HashMap::new(),
            open: BTreeSet::new(),
            unsent: Vec::new(),
            failing: Vec::new(),
            cause: Cause::default(),
            ahead: Duration::ZERO,
        };
        for (kind, object) in catalog.into_objects(url) {
            let id = object["id"].as_str().unwrap_or_default().to_owned();
            state.table_mut(kind).put(&id, object);
        }
        state
    }

    fn table_mut(&mut self, kind: crate::catalog::file::Kind) -> &mut Table<Value> {
        use crate::catalog::file::Kind;
        match kind {
            Kind::Products => &mut self.products,
            Kind::Prices => &mut self.prices,
            Kind::Coupons => &mut self.coupons,
            Kind::PromotionCodes => &mut self.promotion_codes,
            Kind::ShippingRates => &mut self.shipping_rates,
            Kind::TaxRates => &mut self.tax_rates,
        }
    }

    /// The sandbox's clock, in seconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + self.ahead;
        i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
    }

    /// Whether this request shall fail, which it does once.
    pub(crate) fn fails(&mut self, method: &str, path: &str) -> bool {
        let found = self.failing.iter().position(|failing| failing.0 == method && failing.1 == path);
        found.map(|index| self.failing.remove(index)).is_some()
    }

    /// Puts the sandbox's clock forward.
    pub(crate) fn advance(&mut self, by: Duration) {
        self.ahead += by;
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
        let event = json!({
            "id": id,
            "object": "event",
            "api_version": API_VERSION,
            "created": self.now(),
            "data": data,
            "livemode": false,
            "pending_webhooks": i32::from(self.has_listener),
            "request": { "id": self.cause.request, "idempotency_key": self.cause.idempotency_key },
            "type": kind,
        });
        self.events.put(&id, event.clone());
        self.unsent.push(event);
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
    }

    /// Puts in a session, and watches over its expiry while it is open.
    pub(crate) fn put_session(&mut self, session: Session) {
        let entry = (session.expires_at, session.id.clone());
        if session.is_open() {
            self.open.insert(entry);
        } else {
            self.open.remove(&entry);
        }
        self.sessions.put(&session.id.clone(), session);
    }

    /// Expires the sessions whose time is over.
    pub(crate) fn expire_due(&mut self) {
        let now = self.now();
        while let Some((_, id)) = self.open.first().filter(|(at, _)| *at <= now).cloned() {
            match self.sessions.get(&id).cloned() {
                Some(session) if session.is_open() => crate::checkout::expire(self, session),
                _ => {
                    self.open.pop_first();
                }
            }
        }
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
