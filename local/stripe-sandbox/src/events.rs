//! The endpoints of events (<https://docs.stripe.com/api/events>).

use serde_json::Value;

use crate::endpoint::{Answer, Request, Route, matches, retrieve};
use crate::protocol::json_text;
use crate::protocol::parameters::Definitions;
use crate::protocol::refusal::Refusal;
use crate::state::{EVENT_LIFETIME, State, list};

static PARAMETERS: Definitions = Definitions::new(include_str!("../data/parameters/events.json"));

pub(crate) static ROUTES: [Route; 2] = [
    Route::get("events", (&PARAMETERS, "list"), list),
    Route::retrieve("events/{id}", |state, request| retrieve(&state.events, request)),
];

/// The most types that one request may name.
const MOST_KINDS: usize = 20;

fn list(state: &mut State, request: &Request) -> Answer {
    let params = &request.params;
    if params.get("types").and_then(Value::as_array).is_some_and(|kinds| kinds.len() > MOST_KINDS) {
        return Err(Refusal::invalid("types", format!("You cannot name more than {MOST_KINDS} types.")));
    }
    let oldest = state.now() - EVENT_LIFETIME;
    let kinds: Option<Vec<&str>> = match (params.get("type"), params.get("types").and_then(Value::as_array)) {
        (Some(kind), _) => Some(vec![json_text(kind)]),
        (None, Some(kinds)) => Some(kinds.iter().map(json_text).collect()),
        (None, None) => None,
    };
    list::page(&state.events, "/v1/events", params, |event| {
        event["created"].as_i64() >= Some(oldest)
            && kinds.as_ref().is_none_or(|kinds| kinds.iter().any(|kind| is_kind(event, kind)))
            && matches(event, params, &[])
    })
}

/// Whether an event is of a kind such as `charge.refunded` or `charge.*`.
fn is_kind(event: &Value, kind: &str) -> bool {
    match kind.strip_suffix('*') {
        Some(prefix) => json_text(&event["type"]).starts_with(prefix),
        None => event["type"] == kind,
    }
}
