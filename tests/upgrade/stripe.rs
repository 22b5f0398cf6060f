//! The Stripe sandbox's answers to 0.1.0, given again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use fixtures::proxy::{Bytes, Parts, Proxy, Response};
use serde_json::{Map, Value, json};

/// A server that knows what was recorded, and the sessions that are made of it meanwhile.
pub(crate) struct Stripe {
    url: String,
    state: Arc<Mutex<Known>>,
    _server: Proxy,
}

/// What Stripe is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// Method, path, and the parameters of the query that select.
    pub(crate) request: String,
    /// The parameters of the body, by their names as a form has them.
    pub(crate) form: BTreeMap<String, String>,
}

#[derive(Default)]
struct Known {
    /// Status and body, by method, path, and the parameters that select.
    answers: Map<String, Value>,
    calls: Vec<Call>,
    unrecorded: Vec<String>,
    /// The session that was made under an idempotency key.
    made: BTreeMap<String, Value>,
}

/// The parameters that only say how much of an answer is wanted, or of which days: the recorded ones are all recent.
const NOT_SELECTING: [&str; 3] = ["created", "expand", "limit"];
/// The lists that are put together from the objects that were recorded.
const LISTS: [&str; 3] = ["/v1/checkout/sessions", "/v1/prices", "/v1/products"];

impl Stripe {
    /// Starts to serve; nothing is known yet.
    pub(crate) async fn start() -> Self {
        let state = Arc::<Mutex<Known>>::default();
        let known = Arc::clone(&state);
        let answer = move |parts, body| std::future::ready(Ok(answer(&known, &parts, &body)));
        let server = Proxy::start(None, answer).await.unwrap();
        Self { url: format!("http://127.0.0.1:{}", server.port()), state, _server: server }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// From now on these are among the answers.
    pub(crate) fn learn(&self, answers: Map<String, Value>) {
        self.state().answers.extend(answers.into_iter().map(|(request, answer)| (selecting(&request), answer)));
    }

    /// The object at this path.
    pub(crate) fn object(&self, path: &str) -> Option<Value> {
        Some(self.state().answers.get(&format!("GET {path}"))?["body"].clone())
    }

    /// What was asked for so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// What was asked for so far and is not among the recorded answers.
    pub(crate) fn unrecorded(&self) -> Vec<String> {
        self.state().unrecorded.clone()
    }

    fn state(&self) -> MutexGuard<'_, Known> {
        self.state.lock().unwrap()
    }
}

fn answer(known: &Mutex<Known>, parts: &Parts, body: &Bytes) -> Response {
    let form = form_urlencoded::parse(body).into_owned().collect();
    let key = parts.headers.get("idempotency-key").map(|key| key.to_str().unwrap().to_owned());
    let target = parts.uri.path_and_query().unwrap().as_str();
    let call = Call { request: selecting(&format!("{} {target}", parts.method)), form };
    let expands_product = query(target).any(|(name, value)| name.starts_with("expand") && value == "product");

    let (status, body) = known.lock().unwrap().answer(call, key, expands_product);

    fixtures::proxy::json(status, body.to_string())
}

impl Known {
    fn answer(&mut self, call: Call, key: Option<String>, expands_product: bool) -> (u16, Value) {
        let Call { request, form } = call.clone();
        self.calls.push(call);
        if request == "POST /v1/checkout/sessions" {
            return self.make_session(&form, key);
        }
        if request == "GET /v1/shipping_rates/shr_standard" {
            return (200, standard_shipping());
        }
        if request == "GET /v1/webhook_endpoints" {
            return (403, right_of_later());
        }
        // 0.1.0 asked for none, so none were recorded.
        if request.starts_with("GET /v1/events?") {
            return (200, json!({ "object": "list", "data": [], "has_more": false, "url": "/v1/events" }));
        }
        if let Some(listed) = self.listed(&request) {
            let list = json!({ "object": "list", "data": listed, "has_more": false, "url": request });
            return (200, list);
        }
        let Some(answer) = self.answers.get(&request) else {
            self.unrecorded.push(request);
            return (400, refusal("not recorded", None));
        };
        let (status, mut body) = (answer["status"].as_u64().unwrap(), answer["body"].clone());
        if let Some(session) = request.strip_prefix("POST ").and_then(|path| path.strip_suffix("/expire"))
            && status == 200
        {
            // From now on whoever asks for it finds it expired.
            self.answers.insert(format!("GET {session}"), json!({ "status": 200, "body": body }));
        }
        if expands_product && let Some(product) = body["product"].as_str() {
            body["product"] = self.answers[&format!("GET /v1/products/{product}")]["body"].clone();
        }
        (u16::try_from(status).unwrap(), body)
    }

    /// What a list holds, the newest first; `None` where the request is for anything else.
    fn listed(&self, request: &str) -> Option<Vec<Value>> {
        let path = request.strip_prefix("GET ")?;
        let (path, _) = path.split_once('?').unwrap_or((path, ""));
        if !LISTS.contains(&path) {
            return None;
        }
        let of_list = |known: &str| {
            let id = known.strip_prefix("GET ").and_then(|known| known.strip_prefix(path)?.strip_prefix('/'));
            id.is_some_and(|id| !id.contains('/'))
        };
        let selected = |object: &Value| {
            query(request).all(|(name, value)| match &object[&*name] {
                Value::Bool(own) => own.to_string() == value,
                own => own == value.as_ref() || own["id"] == value.as_ref(),
            })
        };
        let known = self.answers.iter().filter(|(known, _)| of_list(known)).map(|(_, answer)| &answer["body"]);
        let mut objects: Vec<_> = known.filter(|object| selected(object)).cloned().collect();
        objects.sort_by_key(|object| std::cmp::Reverse(object["created"].as_i64()));
        Some(objects)
    }

    /// Makes a session as Stripe does, except that it comes to what its metadata say of the cart.
    fn make_session(&mut self, form: &BTreeMap<String, String>, key: Option<String>) -> (u16, Value) {
        if let Some(made) = key.as_ref().and_then(|key| self.made.get(key)) {
            return (200, made.clone());
        }
        let metadata: BTreeMap<_, _> = form
            .iter()
            .filter_map(|(name, value)| Some((name.strip_prefix("metadata[")?.strip_suffix(']')?, value)))
            .collect();
        // Source: <https://docs.stripe.com/metadata#data>
        if metadata.len() > 50 {
            return (400, refusal("metadata can have up to 50 keys", Some("metadata")));
        }
        let total: i64 = form["metadata[stripe_payments_cart_total]"].parse().unwrap();
        let id = format!("cs_test_made{}", self.made.len());
        let now = jiff::Timestamp::now().as_second();
        let session = json!({
            "id": id,
            "object": "checkout.session",
            "amount_subtotal": total,
            "amount_total": total,
            "cancel_url": form["cancel_url"],
            "created": now,
            "currency": form.get("currency").map_or("usd", String::as_str),
            "expires_at": now + 24 * 60 * 60,
            "livemode": false,
            "metadata": metadata,
            "mode": form["mode"],
            "payment_intent": null,
            "payment_status": "unpaid",
            "status": "open",
            "success_url": form["success_url"],
            "url": format!("https://stripe.example/pay/{id}"),
        });
        self.made.insert(key.unwrap_or_else(|| id.clone()), session.clone());
        let path = format!("/v1/checkout/sessions/{id}");
        self.answers.insert(format!("GET {path}"), json!({ "status": 200, "body": session }));
        let mut expired = session.clone();
        expired["status"] = json!("expired");
        self.answers.insert(format!("POST {path}/expire"), json!({ "status": 200, "body": expired }));
        (200, session)
    }
}

/// The shop's only shipping rate, as the sandbox of 0.1.0 had it. 0.1.0 asked for no rate, so none was recorded.
fn standard_shipping() -> Value {
    let others = json!({ "eur": { "amount": 450 }, "gbp": { "amount": 400 }, "jpy": { "amount": 600 }, "usd": { "amount": 500 } });
    json!({
        "id": "shr_standard",
        "object": "shipping_rate",
        "active": true,
        "display_name": "Standard",
        "fixed_amount": { "amount": 500, "currency": "usd", "currency_options": others },
        "type": "fixed_amount",
    })
}

/// The refusal of a key that has the rights that 0.1.0 asked for, which read no endpoints.
///
/// Source of the kind of message: <https://docs.stripe.com/keys/restricted-api-keys>
fn right_of_later() -> Value {
    let message = "The provided key does not have the required permissions for this endpoint. Having the 'rak_webhook_read' \
                   permission would allow this request to continue.";
    refusal(message, None)
}

/// A request without the parameters that select nothing, so that it is known whatever else it asks for.
fn selecting(request: &str) -> String {
    let parameters: BTreeMap<_, _> = query(request)
        .filter(|(name, _)| {
            let outer = name.split('[').next().unwrap();
            !NOT_SELECTING.contains(&outer) && name != "payment[type]"
        })
        .collect();
    let path = request.split('?').next().unwrap();
    let parameters: Vec<_> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if parameters.is_empty() { path.to_owned() } else { format!("{path}?{}", parameters.join("&")) }
}

fn query(request: &str) -> impl Iterator<Item = (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)> {
    let query = request.split_once('?').map_or("", |(_, query)| query);
    form_urlencoded::parse(query.as_bytes())
}

fn refusal(message: &str, param: Option<&str>) -> Value {
    json!({ "error": { "type": "invalid_request_error", "message": message, "param": param } })
}
