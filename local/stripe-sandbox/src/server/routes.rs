//! Which request goes where.

use http::Method;
use serde_json::{Map, Value};

use crate::catalog::endpoints;
use crate::checkout::{self, Session, json_text};
use crate::payments;
use crate::protocol::check::check;
use crate::protocol::expand;
use crate::protocol::parameters::Fields;
use crate::protocol::refusal::Refusal;
use crate::protocol::shapes;
use crate::state::list::{self, Paging, within};
use crate::state::{State, Table};

type Params = Map<String, Value>;
type Answer = Result<Value, Refusal>;

/// Carries out one request and gives its answer.
pub(crate) fn dispatch(state: &mut State, method: &Method, path: &str, params: &Params) -> Answer {
    let segments: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
    let answer = match *method {
        Method::GET => get(state, &segments, params),
        Method::POST => post(state, &segments, params),
        Method::DELETE => delete(state, &segments, params),
        _ => None,
    };
    let answer =
        answer.unwrap_or_else(|| Err(Refusal::NoSuchRoute { method: method.to_string(), path: path.to_owned() }))?;
    let paths: Vec<String> = params
        .get("expand")
        .and_then(Value::as_object)
        .map(|paths| paths.values().filter_map(Value::as_str).map(str::to_owned).collect())
        .unwrap_or_default();
    expand::present(state, answer, &paths)
}

fn get(state: &State, segments: &[&str], params: &Params) -> Option<Answer> {
    Some(match *segments {
        ["products"] => endpoints::list_products(state, params),
        ["products", id] => retrieve(&state.products, id, params),
        ["prices"] => endpoints::list_prices(state, params),
        ["prices", id] => retrieve(&state.prices, id, params),
        ["coupons"] => endpoints::list_coupons(state, params),
        ["coupons", id] => retrieve(&state.coupons, id, params),
        ["promotion_codes"] => endpoints::list_promotion_codes(state, params),
        ["promotion_codes", id] => retrieve(&state.promotion_codes, id, params),
        ["shipping_rates"] => endpoints::list_shipping_rates(state, params),
        ["shipping_rates", id] => retrieve(&state.shipping_rates, id, params),
        ["tax_rates"] => endpoints::list_tax_rates(state, params),
        ["tax_rates", id] => retrieve(&state.tax_rates, id, params),
        ["checkout", "sessions"] => list_sessions(state, params),
        ["checkout", "sessions", id] => retrieve_session(state, id, params),
        ["checkout", "sessions", id, "line_items"] => list_line_items(state, id, params),
        ["payment_intents"] => {
            list_payments(&state.payment_intents, "/v1/payment_intents", params, shapes::PAYMENT_INTENTS.of("list"))
        }
        ["payment_intents", id] => retrieve(&state.payment_intents, id, params),
        ["charges"] => list_payments(&state.charges, "/v1/charges", params, shapes::CHARGES.of("list")),
        ["charges", id] => retrieve(&state.charges, id, params),
        ["refunds"] => list_payments(&state.refunds, "/v1/refunds", params, shapes::REFUNDS.of("list")),
        ["refunds", id] => retrieve(&state.refunds, id, params),
        ["customers", id] => retrieve(&state.customers, id, params),
        ["subscriptions", id] => retrieve(&state.subscriptions, id, params),
        ["invoices", id] => retrieve(&state.invoices, id, params),
        ["invoice_payments"] => list_invoice_payments(state, params),
        ["invoice_payments", id] => retrieve(&state.invoice_payments, id, params),
        ["events"] => list_events(state, params),
        ["events", id] => retrieve(&state.events, id, params),
        _ => return None,
    })
}

fn post(state: &mut State, segments: &[&str], params: &Params) -> Option<Answer> {
    Some(match *segments {
        ["products"] => endpoints::create_product(state, params),
        ["products", id] => endpoints::update_product(state, id, params),
        ["prices"] => endpoints::create_price(state, params),
        ["prices", id] => endpoints::update_price(state, id, params),
        ["coupons"] => endpoints::create_coupon(state, params),
        ["promotion_codes"] => endpoints::create_promotion_code(state, params),
        ["promotion_codes", id] => endpoints::update_promotion_code(state, id, params),
        ["checkout", "sessions"] => create_session(state, params),
        ["checkout", "sessions", id] => update_session(state, id, params),
        ["checkout", "sessions", id, "expire"] => expire_session(state, id, params),
        ["payment_intents", id, "capture"] => capture(state, id, params),
        ["payment_intents", id, "cancel"] => cancel(state, id, params),
        ["refunds"] => check(params, shapes::REFUNDS.of("create"))
            .and_then(|params| payments::refund(state, &Value::Object(params))),
        _ => return None,
    })
}

fn delete(state: &mut State, segments: &[&str], params: &Params) -> Option<Answer> {
    match *segments {
        ["products", id] => Some(endpoints::delete_product(state, id, params)),
        _ => None,
    }
}

fn retrieve(table: &Table<Value>, id: &str, params: &Params) -> Answer {
    check(params, shapes::COMMON.of("retrieve"))?;
    table.found(id).cloned()
}

fn create_session(state: &mut State, form: &Params) -> Answer {
    let session = checkout::create(state, check(form, shapes::SESSIONS.of("create"))?)?;
    state.put_session(session.clone());
    Ok(session.render(state))
}

fn retrieve_session(state: &State, id: &str, query: &Params) -> Answer {
    check(query, shapes::COMMON.of("retrieve"))?;
    Ok(state.sessions.found(id)?.render(state))
}

fn update_session(state: &mut State, id: &str, form: &Params) -> Answer {
    let params = check(form, shapes::SESSIONS.of("update"))?;
    for name in ["collected_information", "shipping_options"] {
        if params.contains_key(name) {
            let message = "This property can only be updated in sessions with a `ui_mode` other than `hosted_page`.";
            return Err(Refusal::invalid(name, message));
        }
    }
    let mut session = state.sessions.found(id)?.clone();
    if let Some(metadata) = params.get("metadata") {
        session.metadata = endpoints::merge_metadata(&session.metadata, metadata)?;
    }
    state.put_session(session.clone());
    Ok(session.render(state))
}

fn expire_session(state: &mut State, id: &str, form: &Params) -> Answer {
    check(form, shapes::COMMON.of("retrieve"))?;
    let session = state.sessions.found(id)?.clone();
    if !session.is_open() {
        let message = format!(
            "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of \
             `{}`.",
            session.status.name()
        );
        return Err(Refusal::Invalid { param: None, code: None, message });
    }
    checkout::expire(state, session);
    Ok(state.sessions.found(id)?.render(state))
}

fn list_sessions(state: &State, query: &Params) -> Answer {
    let params = Value::Object(check(query, shapes::SESSIONS.of("list"))?);
    let paging = Paging::of(params.as_object().unwrap_or(&Map::new()))?;
    let is = |wanted: &Value, own: Option<&str>| wanted.is_null() || wanted.as_str() == own;
    let keep = |session: &Session| {
        is(&params["payment_intent"], session.payment_intent.as_deref())
            && is(&params["subscription"], session.subscription.as_deref())
            && is(&params["customer"], session.customer.as_deref())
            && is(&params["status"], Some(session.status.name()))
            && is(&params["customer_details"]["email"], session.customer_details["email"].as_str())
            && is(&params["payment_link"], None)
            && within(params.get("created"), session.created)
    };
    let (rows, more) = paging.cut(state.sessions.noun(), state.sessions.newest(), keep)?;
    let data = rows.into_iter().map(|session| session.render(state)).collect();
    Ok(list::list("/v1/checkout/sessions", data, more))
}

fn list_line_items(state: &State, id: &str, query: &Params) -> Answer {
    let params = check(query, shapes::SESSIONS.of("line_items"))?;
    let session = state.sessions.found(id)?;
    let rows = session.lines.iter().map(|line| (line.id.as_str(), line));
    let (lines, more) = Paging::of(&params)?.cut("line item", rows, |_| true)?;
    let data = lines.into_iter().map(|line| line.render(session, state)).collect();
    Ok(list::list(&format!("/v1/checkout/sessions/{id}/line_items"), data, more))
}

fn capture(state: &mut State, id: &str, form: &Params) -> Answer {
    let params = check(form, shapes::PAYMENT_INTENTS.of("capture"))?;
    payments::capture(state, id, params.get("amount_to_capture").and_then(Value::as_i64))
}

fn cancel(state: &mut State, id: &str, form: &Params) -> Answer {
    let params = check(form, shapes::PAYMENT_INTENTS.of("cancel"))?;
    payments::cancel(state, id, params.get("cancellation_reason").unwrap_or(&Value::Null))
}

fn list_payments(table: &Table<Value>, url: &str, query: &Params, fields: &Fields) -> Answer {
    let params = check(query, fields)?;
    list::page(table, url, &params, |object| {
        within(params.get("created"), object["created"].as_i64().unwrap_or(0))
            && ["customer", "payment_intent", "charge"]
                .iter()
                .all(|name| params.get(*name).is_none_or(|wanted| object[*name] == *wanted))
    })
}

fn list_invoice_payments(state: &State, query: &Params) -> Answer {
    let params = check(query, shapes::INVOICE_PAYMENTS.of("list"))?;
    let intent = params.get("payment").map(|payment| payment["payment_intent"].clone()).unwrap_or_default();
    list::page(&state.invoice_payments, "/v1/invoice_payments", &params, |payment| {
        ["invoice", "status"].iter().all(|name| params.get(*name).is_none_or(|wanted| payment[*name] == *wanted))
            && (intent.is_null() || payment["payment"]["payment_intent"] == intent)
            && within(params.get("created"), payment["created"].as_i64().unwrap_or(0))
    })
}

fn list_events(state: &State, query: &Params) -> Answer {
    let params = check(query, shapes::EVENTS.of("list"))?;
    let kinds: Option<Vec<&str>> = match (params.get("type"), params.get("types").and_then(Value::as_array)) {
        (Some(kind), _) => Some(vec![json_text(kind)]),
        (None, Some(kinds)) => Some(kinds.iter().map(json_text).collect()),
        (None, None) => None,
    };
    let is_kind = |event: &Value, kind: &str| match kind.strip_suffix('*') {
        Some(prefix) => json_text(&event["type"]).starts_with(prefix),
        None => event["type"] == kind,
    };
    list::page(&state.events, "/v1/events", &params, |event| {
        kinds.as_ref().is_none_or(|kinds| kinds.iter().any(|kind| is_kind(event, kind)))
            && within(params.get("created"), event["created"].as_i64().unwrap_or(0))
    })
}
