//! The endpoint that gets the webhooks (<https://docs.stripe.com/api/webhook_endpoints>).

use serde_json::json;

use crate::endpoint::{Answer, Request, Route, retrieve};
use crate::protocol::ids;
use crate::protocol::parameters::Definitions;
use crate::protocol::template::Template;
use crate::state::{State, list};

static PARAMETERS: Definitions = Definitions::new(include_str!("../data/parameters/webhook_endpoints.json"));
static TEMPLATE: Template = Template::new(include_str!("../data/objects/webhook_endpoint.json"));

pub(crate) static ROUTES: [Route; 2] = [
    Route::get("webhook_endpoints", (&PARAMETERS, "list"), list),
    Route::retrieve("webhook_endpoints/{id}", |state, request| retrieve(&state.webhook_endpoints, request)),
];

/// Has the list show the one endpoint, with what the dashboard says that it gets; none where there is no URL.
pub(crate) fn register(state: &mut State, url: Option<&str>) {
    let Some(url) = url else { return };
    let known = state.webhook_endpoints.newest().next();
    let (id, created) = match known {
        Some((id, endpoint)) => (id.to_owned(), endpoint["created"].clone()),
        None => (ids::object("we"), state.now().into()),
    };
    let settings = &state.dashboard.webhook;
    let endpoint = TEMPLATE.with(json!({
        "id": id,
        "created": created,
        "enabled_events": settings.enabled_events,
        "status": if settings.is_enabled { "enabled" } else { "disabled" },
        "url": url,
    }));
    if state.webhook_endpoints.get(&id) != Some(&endpoint) {
        state.webhook_endpoints.put(&id, endpoint);
    }
}

fn list(state: &mut State, request: &Request) -> Answer {
    list::page(&state.webhook_endpoints, "/v1/webhook_endpoints", &request.params, |_| true)
}
